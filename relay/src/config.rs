//! `relay.toml`: parsed, completed and checked before any socket opens.

mod records;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldlink_protocol::settings::SettingsError;
use fieldlink_protocol::{limits, settings};
use serde::{Deserialize, Deserializer};

use crate::listen::Listen;

pub use records::Records;

/// Where the configuration is looked for unless it is named.
pub const DEFAULT_FILE: &str = "/etc/fieldlink/relay.toml";
/// Both sides give up by themselves; the relay does a little later, so that theirs is the reason.
const INTERRUPTION_GRACE: Duration = Duration::from_secs(10);

/// Addresses that may be listened on.
const MOST_ADDRESSES: usize = 16;

/// The relay's settings, with the defaults of those that the file leaves out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The addresses to listen on.
    #[serde(default)]
    pub listen: Listen,
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, PEM.
    pub private_key: PathBuf,
    /// The name by which clients dial the relay, to check the certificate against.
    #[serde(default)]
    pub public_name: Option<String>,
    /// Where the store lives.
    #[serde(default = "default_state_directory")]
    pub state_directory: PathBuf,
    /// This relay's name in its tickets.
    #[serde(default = "default_node")]
    pub node: String,
    /// The longest session, from the engineer's request.
    #[serde(default = "default_max_session", rename = "max_session_seconds", deserialize_with = "seconds")]
    pub max_session: Duration,
    /// What is added to `max_session` for pairing and consent.
    #[serde(default = "default_grace", rename = "session_grace_seconds", deserialize_with = "seconds")]
    pub session_grace: Duration,
    /// What is kept of sessions, and for how long.
    #[serde(default)]
    pub records: Records,
    /// What one peer, and all of them together, may take.
    #[serde(default)]
    pub limits: Limits,
}

/// Bounds on peers: connections, requests, and how long the relay waits for them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at the same time that show neither credential nor ticket: agents and measurements.
    pub connections: usize,
    /// Those of them that come from one network: an IPv4 address, or the /64 of an IPv6 address.
    pub connections_per_address: usize,
    /// Connections at the same time of engineers, and of both sides of pipes.
    pub session_connections: usize,
    /// Those of them that belong to one engineer.
    pub session_connections_per_engineer: usize,
    /// Requests for a device by one engineer in any minute.
    pub pairing_requests_per_minute: usize,
    /// Measurements of the way to the relay from one network in any minute.
    pub measurements_per_minute: usize,
    /// Handshake, registration, and the wait for the partner on a pipe.
    #[serde(rename = "handshake_seconds", deserialize_with = "seconds")]
    pub handshake: Duration,
    /// A peer that takes nothing for this long is dropped.
    #[serde(rename = "write_seconds", deserialize_with = "seconds")]
    pub write: Duration,
    /// An agent or engineer that is not heard for this long is gone.
    #[serde(rename = "silence_seconds", deserialize_with = "seconds")]
    pub silence: Duration,
    /// An admitted session, or a pipe of it, that is without one of its sides for this long is over.
    #[serde(rename = "interruption_seconds", deserialize_with = "seconds")]
    pub interruption: Duration,
    /// While a session is active, a side that is not heard for this long is gone.
    #[serde(rename = "session_silence_seconds", deserialize_with = "seconds")]
    pub session_silence: Duration,
    /// Time to close connections in when the relay stops.
    #[serde(rename = "drain_seconds", deserialize_with = "seconds")]
    pub drain: Duration,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("could not read the configuration {}: {problem} (name another file with --config)", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("could not use the configuration {}: {problem}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, the key and what is wrong there.
        problem: SettingsError,
    },
    /// A value that makes no sense.
    #[error("could not use the configuration {}: {key}: {problem}", .file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The key, with its table: `limits.connections`.
        key: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
}

impl Config {
    /// Reads, completes and checks `file`.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|problem| ConfigError::Unreadable { file: file.to_owned(), problem })?;
        Self::parse(&text, file)
    }

    /// Reads `text` as if it stood in `file`.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = settings::parse(text)
            .map_err(|problem| ConfigError::Malformed { file: file.to_owned(), problem })?;
        config.resolve_paths(file.parent().unwrap_or(Path::new("")));
        config.check().map_err(|(key, problem)| ConfigError::Value {
            file: file.to_owned(),
            key,
            problem,
        })?;
        Ok(config)
    }

    /// From the request to the relay's cut.
    pub fn session_limit(&self) -> Duration {
        self.max_session + self.session_grace
    }

    fn resolve_paths(&mut self, directory: &Path) {
        for path in [&mut self.certificate, &mut self.private_key, &mut self.state_directory] {
            *path = directory.join(&*path);
        }
        if let Some(path) = &mut self.records.anchor_tsa_ca {
            *path = directory.join(&*path);
        }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let limits = &self.limits;
        if self.listen.0.is_empty() || self.listen.0.len() > MOST_ADDRESSES {
            return Err(("listen", format!("must name 1 to {MOST_ADDRESSES} addresses")));
        }
        in_range("max_session_seconds", self.max_session.as_secs(), 1, limits::SESSION_MAX.as_secs())?;
        in_range("session_grace_seconds", self.session_grace.as_secs(), 0, 3_600)?;
        in_range("records.retention_days", self.records.retention_days.into(), 1, 36_500)?;
        self.records.check_authority()?;
        in_range("limits.connections", limits.connections as u64, 1, 1_000_000)?;
        in_range("limits.connections_per_address", limits.connections_per_address as u64, 1, 1_000_000)?;
        in_range("limits.session_connections", limits.session_connections as u64, 3, 1_000_000)?;
        let per_engineer = limits.session_connections_per_engineer as u64;
        in_range("limits.session_connections_per_engineer", per_engineer, 3, 1_000_000)?;
        let requests = limits.pairing_requests_per_minute as u64;
        in_range("limits.pairing_requests_per_minute", requests, 1, 10_000)?;
        in_range("limits.measurements_per_minute", limits.measurements_per_minute as u64, 0, 1_000)?;
        in_range("limits.handshake_seconds", limits.handshake.as_secs(), 1, 120)?;
        in_range("limits.write_seconds", limits.write.as_secs(), 1, 600)?;
        in_range("limits.silence_seconds", limits.silence.as_secs(), 1, 3_600)?;
        in_range("limits.interruption_seconds", limits.interruption.as_secs(), 1, 3_600)?;
        in_range("limits.session_silence_seconds", limits.session_silence.as_secs(), 1, 3_600)?;
        in_range("limits.drain_seconds", limits.drain.as_secs(), 1, 600)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if self.node.is_empty() || self.node.len() > 64 || !self.node.chars().all(fits) {
            return Err(("node", "must be 1 to 64 letters, digits, dots and dashes".into()));
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 5_000,
            session_connections: 4_000,
            session_connections_per_engineer: 400,
            pairing_requests_per_minute: 10,
            measurements_per_minute: 6,
            handshake: limits::HANDSHAKE,
            write: limits::WRITE,
            silence: limits::PING_INTERVAL * (limits::PINGS_MISSED + 1),
            interruption: limits::INTERRUPTION + INTERRUPTION_GRACE,
            session_silence: limits::HEARTBEAT_LOST,
            drain: Duration::from_secs(5),
        }
    }
}

fn in_range(key: &'static str, value: u64, least: u64, most: u64) -> Result<(), (&'static str, String)> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err((key, format!("must be from {least} to {most}, not {value}")))
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

fn default_state_directory() -> PathBuf {
    "/var/lib/fieldlink-relay".into()
}

fn default_node() -> String {
    "main".into()
}

fn default_max_session() -> Duration {
    limits::SESSION_MAX
}

fn default_grace() -> Duration {
    limits::SESSION_GRACE
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../relay.toml");
    const REQUIRED: &str = "certificate = \"a\"\nprivate_key = \"b\"\n";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/fieldlink/relay.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_shipped_file_parses_and_shows_every_default() {
        let shipped = parse(EXAMPLE).expect("the shipped file");
        let setting = |line: &str| line.starts_with('#') && line.contains(" = ");
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| if setting(line) { &line[1..] } else { line })
            .fold(String::new(), |text, line| text + line + "\n");
        let spelt_out = parse(&uncommented).expect("with every default spelt out");
        assert_eq!(format!("{shipped:?}"), format!("{spelt_out:?}"));
        // Nothing that can be set is missing from it.
        for key in format!("{shipped:?}").split([' ', '{', ',']).filter_map(|word| word.strip_suffix(':')) {
            assert!(EXAMPLE.contains(key), "{key} is not in relay.toml");
        }
    }

    /// Settings without a default stand in a sentence, as `key="value"`.
    #[test]
    fn what_the_shipped_file_gives_as_an_example_is_one() {
        let example = |key: &str| {
            let (_, rest) = EXAMPLE.split_once(&format!("{key}=\"")).expect(key);
            format!("{key} = \"{}\"\n", rest.split('"').next().expect("a value"))
        };
        let (name, records) = (example("public_name"), example("anchor_tsa") + &example("anchor_tsa_ca"));
        let config = parse(&format!("{REQUIRED}{name}[records]\n{records}")).expect("as in the file");
        assert!(config.public_name.is_some() && config.records.anchor_tsa_ca.is_some());
        assert!(config.records.anchor_tsa.expect("named").is_secure());
    }

    #[test]
    fn errors_name_the_file_and_the_key() {
        for (text, key) in [
            ("colour = 1\n", "colour"),
            ("max_session_seconds = 0\n", "max_session_seconds"),
            ("max_session_seconds = 7201\n", "max_session_seconds"),
            ("max_session_seconds = \"long\"\n", "max_session_seconds"),
            ("listen = \"nowhere\"\n", "listen"),
            ("listen = []\n", "listen"),
            ("node = \"a b\"\n", "node"),
            ("[records]\nretention_days = 0\n", "retention_days"),
            ("[records]\nretention = 90\n", "retention"),
            ("[records]\nanchor_tsa = \"ftp://tsa.example.com\"\n", "records.anchor_tsa: must be an address"),
            ("[records]\nanchor_tsa = 1\n", "anchor_tsa"),
            ("[records]\nanchor_tsa_ca = \"ca.pem\"\n", "records.anchor_tsa_ca: is for an authority"),
            (
                "[records]\nanchor_tsa = \"http://tsa.example.com\"\nanchor_tsa_ca = \"ca.pem\"\n",
                "records.anchor_tsa_ca: is for an authority",
            ),
            ("[limits]\nconnections = 0\n", "connections"),
            ("[limits]\nsession_connections = 2\n", "session_connections"),
            ("[limits]\nsession_connections_per_engineer = 0\n", "session_connections_per_engineer"),
            ("[limits]\npairing_requests_per_minute = 0\n", "pairing_requests_per_minute"),
            ("[limits]\nmeasurements_per_minute = 1001\n", "measurements_per_minute"),
            ("[limits]\nhandshake_seconds = 0\n", "handshake_seconds"),
            ("[limits]\nwrite_seconds = 100000\n", "write_seconds"),
            ("[limits]\ninterruption_seconds = 0\n", "interruption_seconds"),
            ("[limits]\nsession_silence_seconds = 0\n", "session_silence_seconds"),
            ("[limits]\nspeed = 1\n", "speed"),
        ] {
            let error = parse(&format!("{REQUIRED}{text}")).expect_err(text);
            assert!(error.contains(key) && error.contains("/etc/fieldlink/relay.toml"), "{error}");
        }
        assert!(parse("").expect_err("no certificate").contains("certificate"));
    }

    #[test]
    fn relative_paths_belong_to_the_file() {
        let records = "[records]\nanchor_tsa = \"https://tsa\"\nanchor_tsa_ca = \"ca.pem\"\n";
        let config = parse(&format!("{REQUIRED}state_directory = \"/s\"\n{records}")).expect("complete");
        assert_eq!(config.certificate, Path::new("/etc/fieldlink/a"));
        assert_eq!(config.records.anchor_tsa_ca.as_deref(), Some(Path::new("/etc/fieldlink/ca.pem")));
        assert_eq!(config.state_directory, Path::new("/s"));
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let error = Config::load(Path::new("/nonexistent/relay.toml")).expect_err("no file").to_string();
        assert!(error.contains("/nonexistent/relay.toml"), "{error}");
    }
}
