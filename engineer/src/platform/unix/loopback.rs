//! Whose connection over this computer's own network it is. The kernel has no `SO_PEERCRED` for TCP, but lists the
//! owner of every socket.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::unistd::geteuid;
use tokio::net::TcpStream;

/// Where Linux lists its sockets: a program may use an IPv6 one to reach an IPv4 address.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// Whether the other end of `stream` is a socket of this user, which it is only known to be while it is open.
pub(crate) fn is_from_this_user(stream: &TcpStream) -> io::Result<bool> {
    let (theirs, ours) = (stream.peer_addr()?, stream.local_addr()?);
    for table in TABLES {
        match fs::read_to_string(table) {
            Ok(table) => {
                if let Some(owner) = owner(&table, theirs, ours) {
                    return Ok(owner == geteuid().as_raw());
                }
            }
            // No IPv6 on this computer.
            Err(error) if error.kind() == io::ErrorKind::NotFound && table.ends_with('6') => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// The owner of the open socket at `local` that is connected to `remote`.
fn owner(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, from, to, _, _, _, _, uid, _, inode, ..] = fields[..] else { return None };
        // A socket that its program has closed has no inode, and belongs to root for the kernel.
        let is_it = address(from)? == local && address(to)? == remote && inode != "0";
        is_it.then(|| uid.parse().ok())?
    })
}

/// An address as the tables have it: words of 32 bits in this computer's own order of bytes.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(host.get(8 * at..8 * at + 8)?, 16).ok()?.to_ne_bytes());
    let host: IpAddr = match host.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(host, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn the_owner_of_a_connection_is_found() {
        const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0\n   \
            1: 0100007F:9C41 0100007F:1F90 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0\n   \
            2: 0000000000000000FFFF00000100007F:9C42 0000000000000000FFFF00000100007F:1F90 01 0:0 0:0 0  1001 0 4712 1\n   \
            3: short\n";
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        assert_eq!(owner(TABLE, at(40000), at(8080)), Some(1000));
        assert_eq!(owner(TABLE, at(40001), at(8080)), None, "no process has it open any more");
        assert_eq!(owner(TABLE, at(40002), at(8080)), Some(1001));
        assert_eq!(owner(TABLE, at(8080), at(40000)), None);
        assert_eq!(owner("", at(40000), at(8080)), None);
    }

    #[tokio::test]
    async fn a_connection_of_ours_is_ours() {
        for host in ["127.0.0.1", "::ffff:127.0.0.1"] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let client = std::net::TcpStream::connect((host, port)).expect("it listens");
            let (stream, _) = listener.accept().expect("a connection");
            stream.set_nonblocking(true).expect("it can be");
            let stream = TcpStream::from_std(stream).expect("a stream");
            assert!(is_from_this_user(&stream).expect("the kernel says"), "{host}");
            drop(client);
            assert!(!is_from_this_user(&stream).expect("the kernel says"), "it is closed");
        }
    }
}
