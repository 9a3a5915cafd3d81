//! What happens to cables. Packets are dropped where they arrive, so that no sender is told.

use std::process::Command;

use super::{Cable, Namespace, must};

const TABLE: &str = "inet fieldlink_faults";

impl Cable {
    /// Loses `percent` in a hundred packets each way, until [`Cable::heal`].
    pub fn lose(&self, percent: u32) {
        self.at_arrival(&format!("numgen random mod 100 < {percent} drop"));
    }

    /// Loses everything, in silence.
    pub fn black_out(&self) {
        self.at_arrival("drop");
    }

    /// Loses IPv6 packets that are larger than some tunnel on the way takes, and tells no sender.
    pub fn lose_large_ipv6(&self) {
        self.at_arrival("meta nfproto ipv6 meta length > 1000 drop");
    }

    /// Loses large ClientHellos towards TCP `port`, as a box does that cannot put one together.
    pub fn lose_large_hellos(&self, port: u16) {
        // Behind a TCP header with timestamps, which Linux sends: a TLS record of a handshake.
        self.at_arrival(&format!("tcp dport {port} meta length > 1000 @th,256,8 0x16 drop"));
    }

    fn at_arrival(&self, verdict: &str) {
        self.heal();
        for (host, device) in &self.ends {
            let chain = "type filter hook prerouting priority -300; policy accept;";
            nft(host, &format!("add table {TABLE}"));
            nft(host, &format!("add chain {TABLE} arrival {{ {chain} }}"));
            nft(host, &format!("add rule {TABLE} arrival iifname {device} {verdict}"));
        }
    }

    /// Answers every TCP packet with a reset, at both ends, until [`Cable::heal`].
    pub fn reset_connections(&self) {
        self.heal();
        for (host, device) in &self.ends {
            let chain = "type filter hook input priority 0; policy accept;";
            nft(host, &format!("add table {TABLE}"));
            nft(host, &format!("add chain {TABLE} input {{ {chain} }}"));
            // The resets themselves must arrive.
            let verdict = "tcp flags & rst == 0 reject with tcp reset";
            nft(host, &format!("add rule {TABLE} input iifname {device} {verdict}"));
        }
    }

    /// The end of every fault, but not of [`Cable::shape`]. Also of those of other cables of both hosts.
    pub fn heal(&self) {
        for (host, _) in &self.ends {
            // To delete a table that is not there would be an error.
            nft(host, &format!("add table {TABLE}"));
            nft(host, &format!("delete table {TABLE}"));
        }
    }
}

fn nft(host: &Namespace, rule: &str) {
    must(Command::new("ip").args(["netns", "exec", host.name(), "nft", rule]));
}
