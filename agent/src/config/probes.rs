//! Probes of the scanner's maker, which know of its health what only the maker knows: `[[health.probe]]` of `agent.toml`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use fieldlink_protocol::messages::health::is_probe_name;
use fieldlink_protocol::{limits, text};
use serde::Deserialize;

/// Where the sockets of the units are.
const SOCKETS: &str = "/run/fieldlink/probes";

/// What is collected of the device's health, beside what every computer knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthSettings {
    /// The maker's probes.
    pub probe: Vec<ProbeSettings>,
}

/// A unit of the maker's that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSettings {
    /// What it is called where its readings are shown.
    pub name: String,
    /// Its socket; by default it has the probe's name.
    pub socket: Option<PathBuf>,
}

impl ProbeSettings {
    /// The socket of its unit.
    pub fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| Path::new(SOCKETS).join(format!("{}.sock", self.name)))
    }
}

impl HealthSettings {
    pub(super) fn stand_in(&mut self, directory: &Path) {
        for probe in &mut self.probe {
            probe.socket = probe.socket.take().map(|socket| directory.join(socket));
        }
    }

    /// An error if one of them cannot be used.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(self.probe.len() <= limits::PROBES, "there are more than {} health.probe", limits::PROBES);
        let mut names = HashSet::new();
        for ProbeSettings { name, .. } in &self.probe {
            let shown = text::name(name);
            ensure!(
                is_probe_name(name),
                "health.probe.name = {shown:?} is no name of a probe (lowercase letters, digits, - and _, a letter first, {} \
                 at most)",
                limits::PROBE_NAME
            );
            ensure!(names.insert(name), "there are two health.probe named {shown:?}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Config> {
        Config::parse(&format!("relay = \"wss://a\"\n{text}"), Path::new("/etc/fieldlink/agent.toml"))
    }

    #[test]
    fn a_probe_is_a_name_and_a_socket() {
        let text = "[[health.probe]]\nname = \"lidars\"\n[[health.probe]]\nname = \"leds\"\nsocket = \"leds.sock\"\n";
        let config = parse(text).expect("it parses");
        let sockets: Vec<_> = config.health.probe.iter().map(ProbeSettings::socket).collect();
        assert_eq!(sockets[0], Path::new("/run/fieldlink/probes/lidars.sock"));
        assert_eq!(sockets[1], Path::new("/etc/fieldlink/leds.sock"));
        assert_eq!(parse("").expect("it parses").health, HealthSettings::default());
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| format!("{:#}", parse(text).expect_err(text));
        assert!(error("[[health.probe]]\nname = \"../x\"").contains("health.probe.name"));
        let two = "[[health.probe]]\nname = \"x\"\n";
        assert!(error(&two.repeat(2)).contains("two health.probe"));
        let many: String = (0..17).map(|n| format!("[[health.probe]]\nname = \"x{n}\"\n")).collect();
        assert!(error(&many).contains("more than 16"));
        assert!(error("[[health.probe]]\nname = \"x\"\nprogram = \"/bin/x\"").contains("program"));
    }
}
