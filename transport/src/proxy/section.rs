//! `[proxy]` in a configuration file, and what stands in for it in the environment.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use fieldlink_protocol::secret::SecretText;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::{NoProxy, ParseProxyError, Proxy};
use crate::RelayAddress;

/// Largest password file, in bytes.
const PASSWORD_FILE: u64 = 4096;

/// Which proxy to use. An empty section leaves it to the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxySection {
    fields: Fields,
    /// Where it stands.
    file: PathBuf,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    /// May hold a password.
    url: Option<SecretText>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    no_proxy: Option<String>,
}

/// Why a proxy that is configured cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProxySettingsError {
    /// The address.
    #[error("could not use the proxy in {0}: {1}")]
    Address(String, ParseProxyError),
    /// A key that does nothing.
    #[error("could not use {key} under [proxy] in {file}: {problem}")]
    Key {
        /// The key.
        key: &'static str,
        /// Where it stands.
        file: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The file with the password, or a configuration with one in it.
    #[error("could not use {path}, which holds the proxy's password: {problem}")]
    PasswordFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ProxySection {
    /// Tells the section in which file it stands; relative paths in it are relative to that.
    pub fn standing_in(self, file: &Path) -> Self {
        let directory = file.parent().unwrap_or(Path::new(""));
        let password_file = self.fields.password_file.map(|path| directory.join(path));
        Self { fields: Fields { password_file, ..self.fields }, file: file.to_owned() }
    }

    /// The proxy through which to reach `relay`, if any: this section's, or else that of `variable`, which
    /// looks up the environment.
    pub fn choose(
        &self,
        relay: &RelayAddress,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Proxy>, ProxySettingsError> {
        let (proxy, bypass) = match &self.fields.url {
            Some(url) => (self.configured(url)?, self.fields.no_proxy.clone()),
            None => {
                self.has_no_credentials()?;
                let listed =
                    || text_of(variable, &["no_proxy", "NO_PROXY"]).map(|(_, list)| list.to_string());
                (from_environment(variable)?, self.fields.no_proxy.clone().or_else(listed))
            }
        };
        let bypass = NoProxy::parse(&bypass.unwrap_or_default());
        Ok(proxy.filter(|_| !bypass.matches(relay.host(), relay.port())))
    }

    fn configured(&self, url: &SecretText) -> Result<Option<Proxy>, ProxySettingsError> {
        if matches!(url.expose(), "none" | "direct") {
            return self.has_no_credentials().map(|()| None);
        }
        let wrong = |error| ProxySettingsError::Address(self.file.display().to_string(), error);
        let proxy: Proxy = url.expose().parse().map_err(wrong)?;
        if proxy.has_credentials() {
            self.has_no_credentials()?;
            let file = File::open(&self.file).and_then(|file| check_private(&file));
            return file.map(|()| Some(proxy)).map_err(|error| unusable(&self.file, error));
        }
        match (&self.fields.user, &self.fields.password_file) {
            (Some(user), Some(path)) => {
                let password = read_password(path).map_err(|error| unusable(path, error))?;
                proxy.with_credentials(user, password).map(Some).map_err(wrong)
            }
            (None, None) => Ok(Some(proxy)),
            (Some(_), None) => Err(self.key("user", "it needs password_file beside it")),
            (None, Some(_)) => Err(self.key("password_file", "it needs user beside it")),
        }
    }

    fn has_no_credentials(&self) -> Result<(), ProxySettingsError> {
        let problem = "it needs a url beside it that is a proxy's address without user and password";
        match (&self.fields.user, &self.fields.password_file) {
            (Some(_), _) => Err(self.key("user", problem)),
            (None, Some(_)) => Err(self.key("password_file", problem)),
            (None, None) => Ok(()),
        }
    }

    fn key(&self, key: &'static str, problem: &'static str) -> ProxySettingsError {
        ProxySettingsError::Key { key, file: self.file.display().to_string(), problem }
    }

    /// Every key that is set, as a program that writes the file needs it. The first may hold a password.
    pub fn settings(&self) -> Vec<(&'static str, SecretText)> {
        let plain = |text: &Option<String>| text.clone().map(SecretText::new);
        let path = self.fields.password_file.as_ref().map(|path| path.to_string_lossy().into_owned());
        let settings = [
            ("url", self.fields.url.clone()),
            ("user", plain(&self.fields.user)),
            ("password_file", path.map(SecretText::new)),
            ("no_proxy", plain(&self.fields.no_proxy)),
        ];
        settings.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// The first of `names` that is set and not empty.
fn text_of<'a>(
    variable: &dyn Fn(&str) -> Option<OsString>,
    names: &[&'a str],
) -> Option<(&'a str, Zeroizing<String>)> {
    names.iter().find_map(|&name| {
        let text = variable(name)?.to_string_lossy().trim().to_owned();
        (!text.is_empty()).then(|| (name, Zeroizing::new(text)))
    })
}

fn from_environment(
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<Proxy>, ProxySettingsError> {
    let Some((name, url)) = text_of(variable, &["https_proxy", "HTTPS_PROXY"]) else { return Ok(None) };
    let parsed = url.parse().map(Some);
    parsed.map_err(|error| ProxySettingsError::Address(format!("the environment's {name}"), error))
}

fn unusable(path: &Path, error: std::io::Error) -> ProxySettingsError {
    ProxySettingsError::PasswordFile { path: path.display().to_string(), problem: error.to_string() }
}

fn read_password(path: &Path) -> std::io::Result<SecretText> {
    let file = File::open(path)?;
    check_private(&file)?;
    let mut text = Zeroizing::new(String::with_capacity(PASSWORD_FILE as usize));
    file.take(PASSWORD_FILE).read_to_string(&mut text)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() || text.len() as u64 == PASSWORD_FILE {
        return Err(std::io::Error::other("a password is expected in it, on one line"));
    }
    Ok(SecretText::new(password.to_owned()))
}

#[cfg(unix)]
fn check_private(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    match metadata.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(std::io::Error::other("others can read it: make it yours alone with chmod 600")),
    }
}

#[cfg(not(unix))]
fn check_private(_: &File) -> std::io::Result<()> {
    Ok(())
}

impl<'de> Deserialize<'de> for ProxySection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SectionVisitor)
    }
}

/// Takes a table. Serde's own error for anything else would repeat it, password and all.
struct SectionVisitor;

impl<'de> Visitor<'de> for SectionVisitor {
    type Value = ProxySection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the section [proxy]")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProxySection, A::Error> {
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ProxySection { fields, file: PathBuf::new() })
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<ProxySection, E> {
        Err(E::custom("proxy is a section: write [proxy] and, below it, url = \"http://host:port\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: &str = "wss://relay.example.com";

    fn choose(section: serde_json::Value, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let section: ProxySection = serde_json::from_value(section).expect("a section");
        let section = section.standing_in(Path::new("/nowhere/agent.toml"));
        let relay = RELAY.parse().expect("an address");
        let variable = |wanted: &str| {
            variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| OsString::from(value))
        };
        let chosen = section.choose(&relay, &variable).map_err(|error| error.to_string())?;
        Ok(chosen.map(|proxy| proxy.address().to_string()))
    }

    fn there(proxy: &str) -> Result<Option<String>, String> {
        Ok(Some(proxy.to_owned()))
    }

    #[test]
    fn the_environment_decides_where_nothing_is_configured() {
        let empty = || serde_json::json!({});
        assert_eq!(choose(empty(), &[]), Ok(None));
        assert_eq!(choose(empty(), &[("https_proxy", " ")]), Ok(None));
        assert_eq!(choose(empty(), &[("HTTPS_PROXY", "http://u:p@a:1")]), there("http://a:1"));
        let both = [("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:2")];
        assert_eq!(choose(empty(), &both), there("http://b:2"));
        for (name, list, expected) in [
            ("no_proxy", "example.com", Ok(None)),
            ("NO_PROXY", "relay.example.com:443", Ok(None)),
            ("no_proxy", "relay.example.com:8443", there("http://a:1")),
        ] {
            assert_eq!(choose(empty(), &[("https_proxy", "http://a:1"), (name, list)]), expected, "{list}");
        }
        let error = choose(empty(), &[("https_proxy", "https://u:hush@a:1")]).expect_err("TLS");
        assert!(
            error.contains("https_proxy") && error.contains("http://") && !error.contains("hush"),
            "{error}"
        );
    }

    #[test]
    fn what_is_configured_comes_first() {
        let environment = [("https_proxy", "http://a:1"), ("no_proxy", "*")];
        let configured = serde_json::json!({"url": "http://b:2"});
        assert_eq!(choose(configured, &environment), there("http://b:2"));
        let bypassed = serde_json::json!({"url": "http://b:2", "no_proxy": ".example.com"});
        assert_eq!(choose(bypassed, &environment), Ok(None));
        for off in ["none", "direct"] {
            assert_eq!(choose(serde_json::json!({"url": off}), &[("https_proxy", "http://a:1")]), Ok(None));
        }
        // A list of its own for the environment's proxy.
        assert_eq!(choose(serde_json::json!({"no_proxy": "example.org"}), &environment), there("http://a:1"));
    }

    #[test]
    fn keys_that_do_nothing_and_passwords_that_show_are_refused() {
        for (section, named) in [
            (serde_json::json!({"user": "ada"}), "user"),
            (serde_json::json!({"url": "none", "password_file": "p"}), "password_file"),
            (serde_json::json!({"url": "http://a:1", "user": "ada"}), "password_file beside it"),
            (serde_json::json!({"url": "http://a:1", "password_file": "p"}), "user beside it"),
            (serde_json::json!({"url": "http://u:hush@a:1", "user": "ada"}), "without user and password"),
            (serde_json::json!({"url": "http://u:hush@a:1"}), "could not use /nowhere/agent.toml"),
            (serde_json::json!({"url": "http://a:1", "user": "ada", "password_file": "p"}), "/nowhere/p"),
            (serde_json::json!({"url": "socks5://u:hush@a:1"}), "/nowhere/agent.toml: only proxies"),
        ] {
            let error = choose(section.clone(), &[]).expect_err(named);
            assert!(error.contains(named) && !error.contains("hush"), "{section}: {error}");
        }
    }
}
