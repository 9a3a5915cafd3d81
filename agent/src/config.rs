//! `agent.toml`: read into types before any socket opens.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use fieldlink_protocol::limits;
use fieldlink_protocol::transport::{PipeLimits, RelayAddress};
use serde::Deserialize;

use crate::forward_policy::ForwardPolicy;

/// What the client is asked before an engineer is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Ask every time.
    #[default]
    Ask,
    /// Knowing the PIN is enough: for scanners that nobody sits at.
    Pin,
}

/// The whole file. Unknown keys are errors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the relay is.
    pub relay: RelayAddress,
    /// The only roots to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// See [`Consent`].
    #[serde(default)]
    pub consent: Consent,
    /// The session program; by default `fieldlink-session` beside the agent.
    pub session_program: Option<PathBuf>,
    /// See [`SessionConfig`].
    #[serde(default)]
    pub session: SessionConfig,
    /// Where forwards may lead.
    #[serde(default)]
    pub forward: ForwardPolicy,
}

/// Times and sizes of a session.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// Seconds from the client's yes to the end.
    pub length_seconds: u64,
    /// Seconds in which the client may answer.
    pub consent_seconds: u64,
    /// Seconds after which unused remote access switches itself off.
    pub idle_seconds: u64,
    /// Seconds that a session may be interrupted.
    pub interruption_seconds: u64,
    /// Unacknowledged bytes that a pipe keeps per direction.
    pub pipe_window_bytes: u32,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            length_seconds: limits::SESSION.as_secs(),
            consent_seconds: limits::CONSENT.as_secs(),
            idle_seconds: 30 * 60,
            interruption_seconds: limits::INTERRUPTION.as_secs(),
            pipe_window_bytes: limits::PIPE_WINDOW,
        }
    }
}

impl SessionConfig {
    /// The bounds of every pipe of a session.
    pub fn pipe_limits(&self) -> PipeLimits {
        let patience = Duration::from_secs(self.interruption_seconds);
        PipeLimits { window: self.pipe_window_bytes, patience }
    }
}

impl Config {
    /// Reads and checks `path`. Relative paths in it are relative to its directory.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("could not read the configuration {}", path.display()))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory)
            .with_context(|| format!("could not use the configuration {}", path.display()))
    }

    fn parse(text: &str, directory: &Path) -> anyhow::Result<Self> {
        let mut config: Self = toml::from_str(text)?;
        config.session.check()?;
        config.ca_file = config.ca_file.map(|file| directory.join(file));
        config.session_program = config.session_program.map(|file| directory.join(file));
        Ok(config)
    }

    /// The session program to start.
    pub fn session_program(&self) -> anyhow::Result<PathBuf> {
        match &self.session_program {
            Some(path) => Ok(path.clone()),
            None => {
                let own = std::env::current_exe().context("could not find this program's own path")?;
                Ok(own.with_file_name("fieldlink-session"))
            }
        }
    }
}

impl SessionConfig {
    fn check(&self) -> anyhow::Result<()> {
        let within = |name: &str, value: u64, most: Duration| {
            let most = most.as_secs();
            ensure!((1..=most).contains(&value), "session.{name} must be from 1 to {most}, not {value}");
            Ok(())
        };
        within("length_seconds", self.length_seconds, limits::SESSION_MAX)?;
        within("consent_seconds", self.consent_seconds, limits::CONSENT)?;
        within("idle_seconds", self.idle_seconds, Duration::from_secs(24 * 3600))?;
        within("interruption_seconds", self.interruption_seconds, limits::INTERRUPTION)?;
        let window = limits::PIPE_WINDOW_MIN..=limits::PIPE_WINDOW_MAX;
        ensure!(
            window.contains(&self.pipe_window_bytes),
            "session.pipe_window_bytes must be from {} to {}, not {}",
            window.start(),
            window.end(),
            self.pipe_window_bytes
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_the_defaults() {
        let shipped =
            Config::parse(include_str!("../agent.toml"), Path::new("/etc/fieldlink")).expect("it parses");
        assert_eq!(shipped.consent, Consent::Ask);
        assert_eq!(shipped.session.length_seconds, 3600);
        // Every commented default is what the program would do anyway.
        let uncommented = include_str!("../agent.toml")
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n");
        let spelled_out = Config::parse(&uncommented, Path::new("/etc/fieldlink")).expect("it parses");
        assert_eq!(format!("{:?}", spelled_out.session), format!("{:?}", SessionConfig::default()));
        assert_eq!(spelled_out.consent, Consent::default());
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| format!("{:#}", Config::parse(text, Path::new("")).expect_err(text));
        assert!(error("").contains("relay"));
        assert!(error("relay = \"wss://a\"\nrelya = 1").contains("relya"));
        assert!(error("relay = \"http://a\"").contains("wss://"));
        assert!(error("relay = \"wss://a\"\nconsent = \"never\"").contains("never"));
        assert!(
            error("relay = \"wss://a\"\n[session]\nlength_seconds = 7201").contains("session.length_seconds")
        );
        assert!(error("relay = \"wss://a\"\n[forward]\nallow = [\"nonsense\"]").contains("nonsense"));
    }
}
