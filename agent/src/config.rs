//! `agent.toml`: read into types before any socket opens.

mod operations;
mod policy;
mod probes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use fieldlink_device::words::{Language, Words};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::control::is_account_name;
use fieldlink_protocol::settings;
use fieldlink_transport::{Dialer, PipeLimits, Proxy, ProxySection, RelayAddress, client_config};
use serde::Deserialize;

pub use self::operations::{Operation, Titles};
pub use self::policy::Policy;
pub use self::probes::{HealthSettings, ProbeSettings};
use crate::engineers::Engineers;
use crate::memory;
use crate::record::RecordSettings;
use crate::runbooks::Runbooks;
use fieldlink_diagnosis::DiagnosticsSettings;
use fieldlink_ssh::forward_policy::ForwardPolicy;
use fieldlink_ssh::session_process::Launch;

/// `MemoryMax=` of the unit as it is shipped.
const SHIPPED_MEMORY: u64 = 1 << 30;

/// The socket by which systemd starts session processes: `fieldlink-session.socket`.
const SESSION_SOCKET: &str = "/run/fieldlink/session.sock";

/// What the client is asked before an engineer is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Whether this engineer may come in; no answer counts as no.
    #[default]
    Ask,
    /// Nothing, the PIN is enough: for scanners without a person beside them.
    Pin,
}

/// What follows when nobody is beside the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PresenceMode {
    /// Nobody is asked.
    Off,
    /// The engineer is told.
    Remind,
    /// The engineer's input is held, too, until somebody is back.
    Required,
}

/// When remote access is switched on, where the agent runs as a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum AccessMode {
    /// When the client asks for it.
    #[default]
    OnRequest,
    /// Once after every boot, by itself.
    AtBoot,
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
    /// What follows when nobody is beside the device; by default the engineer is told, unless nobody is asked to
    /// let them in either.
    pub presence: Option<PresenceMode>,
    /// See [`AccessMode`].
    #[serde(default)]
    pub access: AccessMode,
    /// The account that engineers work as, where the agent runs as a service.
    #[serde(default = "default_support_user")]
    pub support_user: String,
    /// A session program to start as a child. By default a service starts none but has systemd do it;
    /// in the foreground it is `fieldlink-session` beside the agent.
    pub session_program: Option<PathBuf>,
    /// See [`SessionConfig`].
    #[serde(default)]
    pub session: SessionConfig,
    /// What the person beside the device reads; by default what the locale says.
    pub language: Option<Language>,
    /// Where forwards may lead.
    #[serde(default)]
    pub forward: ForwardPolicy,
    /// What engineers may do here.
    #[serde(default)]
    pub policy: Policy,
    /// What is done by units of the maker's, and must not be cut in half.
    #[serde(default)]
    pub operation: Vec<Operation>,
    /// For development: where the record of operations is.
    pub operation_records: Option<PathBuf>,
    /// What is collected of the device's health.
    #[serde(default)]
    pub health: HealthSettings,
    /// What a diagnosis of the device has.
    #[serde(default)]
    pub diagnostics: DiagnosticsSettings,
    /// What stands between here and the relay.
    #[serde(default)]
    pub proxy: ProxySection,
    /// Whose certificates prove who an engineer is.
    #[serde(default)]
    pub engineers: Engineers,
    /// Whose runbooks count as the maker's.
    #[serde(default)]
    pub runbooks: Runbooks,
    /// How sessions are recorded.
    #[serde(default)]
    pub record: RecordSettings,
}

/// Times and sizes of a session.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// Seconds from the admission, just after the client's yes, to the end.
    pub length_seconds: u64,
    /// Seconds in which the client may answer.
    pub consent_seconds: u64,
    /// Seconds after which unused remote access switches itself off.
    pub idle_seconds: u64,
    /// Seconds after which the client is asked whether they are still there.
    pub presence_seconds: u64,
    /// Seconds in which they may say so.
    pub presence_patience_seconds: u64,
    /// Megabytes (10^6 bytes) after which the client is asked whether more may go over a metered connection; 0: never.
    pub metered_ask_megabytes: u32,
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
            presence_seconds: 15 * 60,
            presence_patience_seconds: 2 * 60,
            metered_ask_megabytes: 100,
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
        let parsed = Self::parse(&text, path);
        parsed.with_context(|| format!("could not use the configuration {}", path.display()))
    }

    fn parse(text: &str, path: &Path) -> anyhow::Result<Self> {
        let mut config: Self = settings::parse(text)?;
        config.session.check()?;
        config.policy.check()?;
        operations::check(&config.operation)?;
        config.health.check()?;
        config.diagnostics.check()?;
        config.record.check()?;
        ensure!(
            (config.access, config.consent) != (AccessMode::AtBoot, Consent::Pin),
            "access = \"at-boot\" and consent = \"pin\" cannot go together: nobody at the device would know \
             who comes in (set consent = \"ask\" or access = \"on-request\")"
        );
        ensure!(
            is_account_name(&config.support_user),
            "support_user is no name of an account that engineers could work as: {:?}",
            config.support_user
        );
        let directory = path.parent().unwrap_or(Path::new(""));
        config.engineers = config.engineers.standing_in(directory);
        config.proxy = config.proxy.standing_in(path);
        config.record.stand_in(directory);
        config.health.stand_in(directory);
        config.ca_file = config.ca_file.map(|file| directory.join(file));
        config.operation.iter_mut().for_each(|operation| operation.stand_in(directory));
        config.operation_records = config.operation_records.map(|path| directory.join(path));
        config.session_program = config.session_program.map(|file| directory.join(file));
        Ok(config)
    }

    /// What follows when nobody is beside the device.
    pub(crate) fn presence(&self) -> PresenceMode {
        self.presence.unwrap_or(match self.consent {
            Consent::Ask => PresenceMode::Remind,
            Consent::Pin => PresenceMode::Off,
        })
    }

    /// Dials the relay that is named here, through the proxy if there is one.
    pub fn dialer(&self) -> anyhow::Result<Dialer> {
        let tls = client_config(self.ca_file.as_deref())?;
        Ok(Dialer::new(self.relay.clone(), tls).through(self.chosen_proxy()?))
    }

    /// The proxy that is named here or in the environment.
    pub fn chosen_proxy(&self) -> anyhow::Result<Option<Proxy>> {
        Ok(self.proxy.choose(&self.relay, &|name| std::env::var_os(name))?)
    }

    /// Where session processes come from if the agent is no service: they are children of its own.
    pub fn child_launch(&self) -> anyhow::Result<Launch> {
        let launch = match &self.session_program {
            Some(path) => Launch::Child(path.clone()),
            None => {
                let own = std::env::current_exe().context("could not find this program's own path")?;
                Launch::Child(own.with_file_name("fieldlink-session"))
            }
        };
        let user = launch.user();
        ensure!(
            is_account_name(&user),
            "could not let engineers work as {user:?}: the account's name is too long or has characters that ssh \
             could misread; run the agent as another account"
        );
        Ok(launch)
    }

    /// The words for the person beside the device.
    pub fn words(&self) -> Words {
        self.language.map_or_else(Words::of_environment, Words::new)
    }

    /// Where they come from if it is one: from systemd, unless a program is named.
    pub fn service_launch(&self) -> Launch {
        match &self.session_program {
            Some(path) => Launch::Child(path.clone()),
            None => Launch::Service { socket: SESSION_SOCKET.into(), user: self.support_user.clone() },
        }
    }

    /// What an operator should know of settings that are valid: numbers that do not fit the unit as it is shipped.
    pub fn advice(&self) -> Option<String> {
        self.session.excess(SHIPPED_MEMORY).or_else(|| operations::excess(&self.operation, SHIPPED_MEMORY))
    }
}

fn default_support_user() -> String {
    "fieldlink-support".to_owned()
}

impl SessionConfig {
    /// Says so if the pipes of a session could fill more than their share of `memory` bytes.
    pub(crate) fn excess(&self, memory: u64) -> Option<String> {
        let (window, largest) = (self.pipe_window_bytes, memory::largest_window(memory));
        let mib = |bytes: u64| bytes >> 20;
        (window > largest).then(|| {
            format!(
                "session.pipe_window_bytes = {window} could need {} MiB ({} pipes, both ways), and the service may use \
                 {} MiB: set it to {largest} at most, or raise MemoryMax= (systemctl edit fieldlink-agent)",
                mib(memory::needed(window)),
                limits::PIPES_PER_SESSION,
                mib(memory),
            )
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        let within = |name: &str, value: u64, most: Duration| {
            let most = most.as_secs();
            ensure!((1..=most).contains(&value), "session.{name} must be from 1 to {most}, not {value}");
            Ok(())
        };
        within("length_seconds", self.length_seconds, limits::SESSION_MAX)?;
        within("consent_seconds", self.consent_seconds, limits::CONSENT)?;
        within("presence_seconds", self.presence_seconds, limits::SESSION_MAX)?;
        within("presence_patience_seconds", self.presence_patience_seconds, limits::SESSION_MAX)?;
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
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_shipped_file_is_the_defaults() {
        let path = Path::new("/etc/fieldlink/agent.toml");
        let shipped = Config::parse(include_str!("../agent.toml"), path).expect("it parses");
        assert_eq!(shipped.consent, Consent::Ask);
        assert_eq!(shipped.session.length_seconds, 3600);
        // Every commented default is what the program would do anyway.
        let uncommented = include_str!("../agent.toml")
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n");
        let spelled_out = Config::parse(&uncommented, path).expect("it parses");
        assert_eq!(format!("{:?}", spelled_out.session), format!("{:?}", SessionConfig::default()));
        assert_eq!(spelled_out.presence(), shipped.presence());
        assert_eq!(spelled_out.policy, Policy::default());
        assert_eq!(spelled_out.record, RecordSettings::default());
        assert_eq!(spelled_out.health, HealthSettings::default());
        assert_eq!(spelled_out.diagnostics, DiagnosticsSettings::default());
        assert_eq!(spelled_out.consent, Consent::default());
        assert_eq!(spelled_out.access, AccessMode::default());
        assert_eq!(spelled_out.support_user, shipped.support_user);
        assert_eq!(spelled_out.proxy, ProxySection::default().standing_in(path));
    }

    #[test]
    fn the_keys_of_runbooks_are_read_and_a_wrong_one_is_named() {
        let path = Path::new("/etc/fieldlink/agent.toml");
        let parse = |key: &str| {
            let text = format!("relay = \"wss://relay.example.com\"\n[runbooks]\nauthority = [\"{key}\"]\n");
            Config::parse(&text, path)
        };
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIkBB4jyupJ9nRCjdbxNqz1yXFNIN3KInwwgEObA4haj maker";
        assert_ne!(parse(key).expect("a key").runbooks, Runbooks::default());
        let problem = format!("{:#}", parse("ssh-ed25519 AAAA maker").expect_err("no key"));
        assert!(problem.contains("is no public key of an authority"), "{problem}");
    }

    #[test]
    fn a_proxy_is_taken_from_here() {
        let base = tempfile::tempdir().expect("a directory");
        let password = base.path().join("password");
        std::fs::write(&password, "hush\n").expect("writable");
        let permit = |mode| std::fs::set_permissions(&password, Permissions::from_mode(mode)).expect("ours");
        let text = "relay = \"wss://relay.example.com\"\n[proxy]\nurl = \"http://proxy:3128\"\n\
                    user = \"ada\"\npassword_file = \"password\"\nno_proxy = \"example.org\"\n";
        permit(0o600);
        let config = Config::parse(text, &base.path().join("agent.toml")).expect("it parses");
        let proxy = config.dialer().expect("a dialer").proxy().cloned().expect("a proxy");
        assert!(proxy.has_credentials());
        assert_eq!(proxy.address().to_string(), "http://proxy:3128");
        assert!(!format!("{config:?} {proxy:?}").contains("hush"));
        permit(0o640);
        assert!(config.dialer().err().expect("exposed").to_string().contains("chmod 600"));
    }

    #[test]
    fn a_mistake_beside_a_password_does_not_show_it() {
        for section in [
            "[proxy]\npassword = \"hush\"\n",
            "[proxy]\nurl = \"http://u:hush@a:1\n",
            "proxy = \"http://u:hush@a:1\"\n",
            "proxy = [\"http://u:hush@a:1\"]\n",
            "[proxy]\nurl = [\"http://u:hush@a:1\"]\n",
        ] {
            let text = format!("relay = \"wss://a\"\n{section}");
            let error = format!("{:?}", Config::parse(&text, Path::new("agent.toml")).expect_err(section));
            assert!(!error.contains("hush") && error.contains("line "), "{error}");
        }
    }

    #[test]
    fn windows_that_do_not_fit_the_unit_are_told_with_numbers() {
        let with = |window: u32| {
            let text = format!("relay = \"wss://a\"\n[session]\npipe_window_bytes = {window}\n");
            Config::parse(&text, Path::new("a.toml")).expect("valid").advice()
        };
        assert_eq!(with(limits::PIPE_WINDOW), None);
        let advice = with(limits::PIPE_WINDOW_MAX).expect("too much");
        for part in ["could need 8192 MiB (64 pipes", "may use 1024 MiB", "6291456 at most", "MemoryMax="] {
            assert!(advice.contains(part), "{advice}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| format!("{:#}", Config::parse(text, Path::new("a.toml")).expect_err(text));
        assert!(error("").contains("relay"));
        assert!(error("relay = \"wss://a\"\nrelya = 1").contains("relya"));
        assert!(error("relay = \"http://a\"").contains("wss://"));
        assert!(error("relay = \"wss://a\"\nconsent = \"never\"").contains("never"));
        let both = error("relay = \"wss://a\"\naccess = \"at-boot\"\nconsent = \"pin\"");
        assert!(both.contains("cannot go together"), "{both}");
        assert!(error("relay = \"wss://a\"\nsupport_user = \"-x\"").contains("support_user"));
        assert!(
            error("relay = \"wss://a\"\n[session]\nlength_seconds = 7201").contains("session.length_seconds")
        );
        assert!(
            error("relay = \"wss://a\"\n[proxy]\nuri = \"http://a:1\"")
                .contains("line 3: proxy.uri: unknown setting `uri`; did you mean `url`?")
        );
        assert!(error("relay = \"wss://a\"\n[forward]\nallow = [\"nonsense\"]").contains("nonsense"));
    }
}
