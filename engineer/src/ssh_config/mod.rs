//! The ssh_config that a session is used with.
//!
//! The scanner may be hostile, so every option with which a server or a careless configuration could
//! reach into the engineer's computer is set, and nothing from elsewhere goes in unchecked. The same
//! options stand in two files: the session's own, for `ssh -F`, and one for all sessions, to be
//! included into the engineer's `~/.ssh/config`.

pub(crate) mod aliases;
pub(crate) mod check;
pub(crate) mod closed;
pub(crate) mod dialect;
pub(crate) mod include;
mod options;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::control::is_account_name;
use fieldlink_protocol::support_id::SupportId;
use serde::{Deserialize, Serialize};

use crate::words::say;

/// What ssh has to know about one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SshHost {
    /// The scanner.
    pub id: SupportId,
    /// The session, after which the host key is filed.
    pub session: SessionId,
    /// The account on the scanner, as the agent says.
    pub user: String,
    /// The session's directory.
    pub directory: PathBuf,
    /// This very program, for ssh to start as its proxy.
    pub program: PathBuf,
    /// The key exchanges that both ssh and the agent know.
    pub key_exchange: String,
    /// The options that the local ssh does not know, by [`dialect::unsupported`].
    #[serde(default)]
    pub unsupported: Vec<String>,
}

/// A value that ssh_config cannot carry safely.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", say!("ssh-config-unsafe", what = .what, value = format!("{:?}", .shown)))]
pub(crate) struct UnsafeValueError {
    what: String,
    shown: String,
}

impl SshHost {
    /// The name under which ssh knows the scanner.
    pub(crate) fn alias(&self) -> String {
        alias(self.id)
    }

    /// The name under which the session's host key is filed.
    pub(crate) fn key_alias(&self) -> String {
        format!("fieldlink-{}", self.session)
    }

    /// The options, in the order in which they are written.
    pub(crate) fn options(&self) -> Result<Vec<(&'static str, String)>, UnsafeValueError> {
        let socket = self.directory.join("control.sock");
        let mut options = vec![
            ("HostName", self.alias()),
            ("HostKeyAlias", self.key_alias()),
            ("User", account(&self.user)?),
            ("ProxyCommand", format!("{} proxy {}", shell_word(&self.program)?, shell_word(&socket)?)),
            ("IdentityFile", file(&self.directory.join("id_ed25519"))?),
            ("UserKnownHostsFile", file(&self.directory.join("known_hosts"))?),
            ("KexAlgorithms", algorithms(&self.key_exchange)?),
        ];
        options.extend(fixed(&self.unsupported));
        Ok(options)
    }

    /// One `Host` block that stands for this session under each of `names`.
    pub(crate) fn block(&self, names: &[String]) -> Result<String, UnsafeValueError> {
        Ok(written(names, &self.options()?))
    }

    /// The whole file for `ssh -F`.
    pub(crate) fn file(&self) -> Result<String, UnsafeValueError> {
        let block = self.block(&[self.alias(), "scanner".into()])?;
        Ok(format!("# One Fieldlink session; this file is removed at its end.\n{block}"))
    }
}

/// The options that every block has, for an ssh that does not know those in `unsupported`.
fn fixed(unsupported: &[String]) -> impl Iterator<Item = (&'static str, String)> {
    let is_known = |option: &str| !unsupported.iter().any(|unknown| unknown == option);
    let options = options::FIXED.iter().filter(move |(option, _)| is_known(option));
    options.map(|&(option, value)| (option, value.to_owned()))
}

fn written(names: &[String], options: &[(&str, String)]) -> String {
    let mut block = format!("Host {}\n", names.join(" "));
    for (option, value) in options {
        let _ = writeln!(block, "    {option} {value}");
    }
    block
}

/// The name under which ssh knows the scanner `id`.
pub(crate) fn alias(id: SupportId) -> String {
    format!("scanner-{id}")
}

/// The line that brings the file at `path` into another one.
pub(crate) fn include_line(path: &Path) -> Result<String, UnsafeValueError> {
    // Older versions of ssh know no tokens here, newer ones do: no percent sign means the same to both.
    match path.to_str() {
        Some(text) if text.contains('%') => Err(unsafe_value(say!("unsafe-own-directory"), text)),
        _ => Ok(format!("Include {}", file(path)?)),
    }
}

fn account(user: &str) -> Result<String, UnsafeValueError> {
    if is_account_name(user) { Ok(user.to_owned()) } else { Err(unsafe_value(say!("unsafe-account"), user)) }
}

fn algorithms(list: &str) -> Result<String, UnsafeValueError> {
    let fits =
        !list.is_empty() && list.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@.,-".contains(&byte));
    if fits { Ok(list.to_owned()) } else { Err(unsafe_value(say!("unsafe-key-exchanges"), list)) }
}

/// A path as an option's value. Quotes, globs and variables have no escape that every version and
/// every option understands.
fn file(path: &Path) -> Result<String, UnsafeValueError> {
    let text = plain(path)?;
    if text.contains(['"', '\'', '\\', '$', '*', '?', '[', ']', '#']) {
        return Err(unsafe_value(say!("unsafe-runtime-directory"), text));
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

/// A path as a word of ProxyCommand, which goes through ssh's tokens and then through the shell.
fn shell_word(path: &Path) -> Result<String, UnsafeValueError> {
    let text = plain(path)?.replace('%', "%%");
    let simple = |byte: u8| byte.is_ascii_alphanumeric() || b"/._+-%".contains(&byte);
    if text.bytes().all(simple) { Ok(text) } else { Ok(format!("'{}'", text.replace('\'', r"'\''"))) }
}

fn plain(path: &Path) -> Result<&str, UnsafeValueError> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    text.ok_or_else(|| unsafe_value(say!("unsafe-path"), &path.to_string_lossy()))
}

fn unsafe_value(what: String, value: &str) -> UnsafeValueError {
    UnsafeValueError { what, shown: fieldlink_protocol::text::name(value) }
}

#[cfg(test)]
mod tests;
