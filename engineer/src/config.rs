//! `connect.toml`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use fieldlink_identity::{TrustedKey, TrustedKeyError};
use fieldlink_protocol::{limits, settings};
use fieldlink_transport::{Dialer, PipeLimits, ProxySection, RelayAddress, client_config};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

pub(crate) use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::private_file;
use crate::words::say;

/// `connect.toml`. `login` writes it; the section on the proxy is the engineer's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The relay.
    pub relay: RelayAddress,
    /// The only certificates to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The engineer's own certificate, which proves to a scanner who they are.
    pub certificate: Option<PathBuf>,
    /// Unacknowledged bytes that a pipe keeps per direction; the smaller of both sides' counts.
    pub pipe_window_bytes: Option<u32>,
    /// The keys with which the relay signs anchors: lines of `.pub` files. None: whoever checks a record knows them.
    #[serde(default)]
    pub anchor_keys: Vec<String>,
    /// Whether a session's report is fetched from the scanner and kept when the session is over.
    #[serde(default = "yes")]
    pub fetch_reports: bool,
    /// The language of reports (BCP 47, such as `de`). None: the scanner's.
    pub report_language: Option<String>,
    /// What stands between here and the relay.
    #[serde(default)]
    pub proxy: ProxySection,
}

/// The part of `connect.toml` that may be there before the first `login`, and stays after every one.
#[derive(Deserialize)]
struct OwnPart {
    certificate: Option<PathBuf>,
    pipe_window_bytes: Option<u32>,
    #[serde(default)]
    anchor_keys: Vec<String>,
    #[serde(default = "yes")]
    fetch_reports: bool,
    report_language: Option<String>,
    #[serde(default)]
    proxy: ProxySection,
}

fn yes() -> bool {
    true
}

const FILE: &str = "connect.toml";

impl Config {
    /// Reads `connect.toml` in `directory`.
    pub(crate) fn load(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(FILE);
        let text = private_file::read(&path)?.ok_or_else(|| not_logged_in(&path))?;
        let mut config: Self = parse(&text, &path)?;
        // A relative path is meant from where it is written.
        config.ca_file = config.ca_file.map(|file| directory.join(file));
        config.certificate = config.certificate.map(|file| directory.join(file));
        config.proxy = config.proxy.standing_in(&path);
        Ok(config)
    }

    /// The configuration for `relay`, with what `connect.toml` in `directory` has of the engineer's own
    /// already, whatever else stands there.
    pub(crate) fn for_login(
        relay: RelayAddress,
        ca_file: Option<PathBuf>,
        directory: &Path,
    ) -> Result<Self, Failure> {
        let path = directory.join(FILE);
        let text = private_file::read(&path)?.unwrap_or_default();
        let OwnPart { certificate, pipe_window_bytes, anchor_keys, fetch_reports, report_language, proxy } =
            parse(&text, &path)?;
        let proxy = proxy.standing_in(&path);
        Ok(Self {
            relay,
            ca_file,
            certificate,
            pipe_window_bytes,
            anchor_keys,
            fetch_reports,
            report_language,
            proxy,
        })
    }

    /// The bounds of every pipe.
    pub(crate) fn pipe_limits(&self) -> Result<PipeLimits, Failure> {
        let window = self.pipe_window_bytes.unwrap_or(limits::PIPE_WINDOW);
        let allowed = limits::PIPE_WINDOW_MIN..=limits::PIPE_WINDOW_MAX;
        if !allowed.contains(&window) {
            let (from, to) = (allowed.start(), allowed.end());
            let (from, to, window) = (u64::from(*from), u64::from(*to), u64::from(window));
            return Err(Failure::usage(say!(
                "window-out-of-range",
                file = FILE,
                from = from,
                to = to,
                window = window
            )));
        }
        Ok(PipeLimits { window, ..PipeLimits::default() })
    }

    /// The keys with which the relay signs anchors, as far as they are known.
    pub(crate) fn trusted_anchor_keys(&self) -> Result<Vec<TrustedKey>, Failure> {
        let unusable = |error: TrustedKeyError| {
            Failure::usage(say!("anchor-key-unusable", file = FILE, error = error.to_string()))
        };
        self.anchor_keys.iter().map(|line| TrustedKey::from_line(line).map_err(unusable)).collect()
    }

    /// Writes `connect.toml` in `directory`.
    pub(crate) fn store(&self, directory: &Path) -> anyhow::Result<()> {
        let mut text = Zeroizing::new(String::from("# written by `fieldlink-connect login`\n"));
        text.push_str(&line("relay", &self.relay.to_string()));
        if let Some(path) = path_text(self.ca_file.as_deref())? {
            text.push_str(&line("ca_file", &path));
        }
        if let Some(path) = path_text(self.certificate.as_deref())? {
            text.push_str(&line("certificate", &path));
        }
        if let Some(window) = self.pipe_window_bytes {
            text.push_str(&format!("pipe_window_bytes = {window}\n"));
        }
        if !self.anchor_keys.is_empty() {
            let lines: Vec<_> = self.anchor_keys.iter().map(|key| string(key)).collect();
            text.push_str(&format!("anchor_keys = [{}]\n", lines.join(", ")));
        }
        if !self.fetch_reports {
            text.push_str("fetch_reports = false\n");
        }
        if let Some(language) = &self.report_language {
            text.push_str(&line("report_language", language));
        }
        let settings = self.proxy.settings();
        if !settings.is_empty() {
            text.push_str("\n[proxy]\n");
        }
        for (key, value) in settings {
            text.push_str(&line(key, value.expose()));
        }
        private_file::replace_durably(&directory.join(FILE), text.as_bytes())
    }

    /// Dials the relay that is named here, through the proxy if there is one.
    pub(crate) fn dialer(&self) -> Result<Dialer, Failure> {
        let tls = client_config(self.ca_file.as_deref())
            .map_err(|error| Failure::new(Kind::Failed, format!("{error}")))?;
        let proxy = self.proxy.choose(&self.relay, &|name| std::env::var_os(name));
        let proxy = proxy.map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Dialer::new(self.relay.clone(), tls).through(proxy))
    }
}

fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> anyhow::Result<T> {
    settings::parse(text).with_context(|| say!("configuration-unusable", path = path.display()))
}

/// A JSON string is a TOML basic string as well.
fn line(key: &str, value: &str) -> String {
    format!("{key} = {}\n", string(value))
}

fn string(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn path_text(path: Option<&Path>) -> anyhow::Result<Option<String>> {
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.with_context(|| say!("path-not-text", path = path.display()))
    };
    path.map(text).transpose()
}

fn not_logged_in(path: &Path) -> Failure {
    Failure::usage(say!("not-logged-in", path = path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_trip_to_the_file() {
        let base = tempfile::tempdir().expect("a directory");
        for ca_file in [None, Some(PathBuf::from("/etc/a \"b\"\\ü.pem"))] {
            let relay = "wss://[::1]:8443".parse().expect("an address");
            let config = for_login(relay, ca_file, base.path());
            config.store(base.path()).expect("stored");
            assert_eq!(Config::load(base.path()), Ok(config));
        }
    }

    fn for_login(relay: RelayAddress, ca_file: Option<PathBuf>, directory: &Path) -> Config {
        Config::for_login(relay, ca_file, directory).expect("readable")
    }

    fn stored_proxy(directory: &Path) -> ProxySection {
        for_login("wss://any".parse().expect("an address"), None, directory).proxy
    }

    #[test]
    fn the_window_is_bounded_and_stays_after_a_login() {
        let base = tempfile::tempdir().expect("a directory");
        let write = |window: u64| {
            let text = format!("relay = \"wss://a\"\npipe_window_bytes = {window}\n");
            std::fs::write(base.path().join(FILE), text).expect("written");
        };
        write(8 << 20);
        let config = for_login("wss://b".parse().expect("an address"), None, base.path());
        config.store(base.path()).expect("stored");
        let limits = Config::load(base.path()).expect("readable").pipe_limits().expect("within bounds");
        assert_eq!(limits.window, 8 << 20);
        write(1);
        let refused = Config::load(base.path()).expect("readable").pipe_limits().expect_err("too small");
        assert!(refused.message.contains("pipe_window_bytes"), "{}", refused.message);
    }

    #[test]
    fn the_relays_keys_stay_after_a_login_and_what_is_no_key_is_named() {
        let base = tempfile::tempdir().expect("a directory");
        let key = fieldlink_identity::SigningKey::generate("r \"1\"").expect("a key");
        let line = key.public_line().expect("a line");
        let text = format!("relay = \"wss://a\"\nanchor_keys = [{}]\n", string(&line));
        std::fs::write(base.path().join(FILE), text).expect("written");
        let config = for_login("wss://b".parse().expect("an address"), None, base.path());
        config.store(base.path()).expect("stored");
        let config = Config::load(base.path()).expect("readable");
        let keys = config.trusted_anchor_keys().expect("keys");
        assert_eq!(keys, [key.trusted().expect("a key")]);
        let wrong = Config { anchor_keys: vec!["no key".into()], ..config };
        let refused = wrong.trusted_anchor_keys().expect_err("no key").message;
        assert!(refused.contains("anchor_keys") && refused.contains(FILE), "{refused}");
    }

    #[test]
    fn a_proxy_stays_when_someone_logs_in() {
        let base = tempfile::tempdir().expect("a directory");
        let section = "[proxy]\nurl = \"http://ada:\\\"hush@proxy:1\"\nno_proxy = \"example.org\"\n";
        private_file::replace(&base.path().join(FILE), section.as_bytes()).expect("written");
        for relay in ["wss://relay.example.com", "wss://relay.example.org"] {
            let relay = relay.parse().expect("an address");
            let config = for_login(relay, None, base.path());
            config.store(base.path()).expect("stored");
        }
        let mut config = Config::load(base.path()).expect("it parses");
        assert!(config.dialer().expect("a dialer").proxy().is_none());
        config.relay = "wss://relay.example.com".parse().expect("an address");
        assert!(config.dialer().expect("a dialer").proxy().expect("a proxy").has_credentials());
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn the_shipped_file_parses() {
        let base = tempfile::tempdir().expect("a directory");
        let shipped = include_str!("../connect.toml");
        std::fs::write(base.path().join(FILE), shipped).expect("written");
        let config = Config::load(base.path()).expect("it parses");
        assert_eq!((config.ca_file, config.proxy), (None, stored_proxy(base.path())));
        let spelled_out = shipped.replace("\n#: ", "\n");
        std::fs::write(base.path().join(FILE), spelled_out).expect("written");
        let keys = Config::load(base.path()).expect("it parses").trusted_anchor_keys().expect("a key");
        assert_eq!(keys.len(), 1);
        let settings = stored_proxy(base.path()).settings();
        let keys: Vec<_> = settings.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["url", "user", "password_file", "no_proxy"]);
    }

    #[test]
    fn mistakes_are_named_with_the_file() {
        let base = tempfile::tempdir().expect("a directory");
        let missing = Config::load(base.path()).expect_err("no file");
        assert_eq!(missing.kind, Kind::Usage);
        assert!(missing.message.contains("fieldlink-connect login"));
        for (text, named) in [
            ("relay = \"wss://a\"\nrelais = 1\n", "relais"),
            ("relay = \"ws://a\"\n", "line 1: relay: not a relay address: \"ws://a\": write wss://"),
            ("ca_file = \"/x\"\n", "relay"),
            (
                "relay = \"wss://a\"\n[proxy]\npassword = \"hush\"\n",
                "line 3: proxy.password: unknown setting `password`",
            ),
        ] {
            std::fs::write(base.path().join(FILE), text).expect("written");
            let message = Config::load(base.path()).expect_err(text).message;
            assert!(message.contains(named) && message.contains(FILE), "{message}");
            assert!(!message.contains("hush"), "{message}");
        }
    }
}
