//! What the names of sessions stand for while no session is behind them: a connection that fails and says why.
//! Without it ssh would ask the network for a host of that name.

use std::path::PathBuf;

use super::{UnsafeValueError, fixed, shell_word, written};

/// The names, with patterns, that stand for Fieldlink's sessions at all times.
const NAMES: &[&str] = &["scanner", "scanner-?????????"];

/// What sets a support ID apart from other names of its length: an engineer may have a `scanner-warehouse`, and
/// the address of a repository in the network may have what a shell would run (CVE-2023-51385).
const NO_DIGITS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._$`;|&<>()";

/// The block for names without a session. It stands behind those of the sessions, and the first value wins.
#[derive(Debug, Clone)]
pub(crate) struct Closed {
    /// Where the sessions are.
    pub runtime: PathBuf,
    /// This very program, for ssh to start as its proxy.
    pub program: PathBuf,
    /// Names of sessions that have ended, after their support cases.
    pub tickets: Vec<String>,
}

impl Closed {
    /// The block. With `unsupported`, the options that the local ssh does not know, it also has what every
    /// session's block has, so that a check finds them without a session.
    pub(crate) fn block(&self, unsupported: Option<&[String]>) -> Result<String, UnsafeValueError> {
        let (program, runtime) = (shell_word(&self.program)?, shell_word(&self.runtime)?);
        let mut options = vec![
            ("HostName", "fieldlink.invalid".to_owned()),
            ("ProxyCommand", format!("{program} proxy {runtime} --closed '%n'")),
            ("ProxyUseFdpass", "yes".into()),
            ("CanonicalizeHostname", "no".into()),
            ("ControlMaster", "no".into()),
            ("ControlPath", "none".into()),
            ("ConnectionAttempts", "1".into()),
            // The reason is all there is to say.
            ("LogLevel", "QUIET".into()),
        ];
        let is_new = |(option, _): &(&str, String)| !options.iter().any(|(known, _)| known == option);
        let rest: Vec<_> = unsupported.map(fixed).into_iter().flatten().filter(is_new).collect();
        options.extend(rest);
        Ok(written(&self.names(), &options))
    }

    fn names(&self) -> Vec<String> {
        let names = NAMES.iter().map(|&name| name.to_owned()).chain(self.tickets.iter().cloned());
        names.chain(NO_DIGITS.chars().map(|character| format!("!scanner-*{character}*"))).collect()
    }
}
