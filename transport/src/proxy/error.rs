//! What a proxy can do wrong, or be right to do.

use super::address::host_and_port;
use super::{Proxy, ProxyAddress};
use crate::RelayAddress;

/// Why there is no way through the proxy. Never shows a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Its name does not resolve.
    #[error(
        "could not find the proxy {0}: its name does not resolve (is it the right one for this network?)"
    )]
    Resolve(ProxyAddress),
    /// No TCP connection to it, or it broke.
    #[error("could not reach the proxy {0}: {1} (is it the right one for this network?)")]
    Unreachable(ProxyAddress, String),
    /// It took longer than [`limits::HANDSHAKE`](fieldlink_protocol::limits::HANDSHAKE) together with what came before.
    #[error("the proxy {proxy} gave no answer within {seconds} s: it hangs, or it cannot reach {target}")]
    Timeout {
        /// The proxy.
        proxy: ProxyAddress,
        /// Host and port of the relay.
        target: String,
        /// How long was waited.
        seconds: u64,
    },
    /// It wants a user name and a password, and none are configured.
    #[error(
        "the proxy {0} wants a user name and a password: set user and password_file under [proxy] in the \
         configuration"
    )]
    CredentialsWanted(ProxyAddress),
    /// It wants a kind of sign-in that we do not speak.
    #[error(
        "the proxy {0} wants a kind of sign-in that is not supported here: ask the network's administrator to \
         allow basic authentication, or this device without one"
    )]
    SignInUnsupported(ProxyAddress),
    /// It does not accept the user name and password that were sent.
    #[error(
        "the proxy {0} does not accept this user name and password: correct them under [proxy] in the configuration, or in https_proxy"
    )]
    CredentialsRefused(ProxyAddress),
    /// 403: its rules forbid a connection to the relay.
    #[error(
        "the proxy {proxy} does not allow connections to {target}: ask the network's administrator to allow it"
    )]
    Forbidden {
        /// The proxy.
        proxy: ProxyAddress,
        /// Host and port of the relay.
        target: String,
    },
    /// 500, 502, 503, 504.
    #[error(
        "the proxy {proxy} cannot reach {target} (status {status}): check the relay's address, and try again"
    )]
    CannotReach {
        /// The proxy.
        proxy: ProxyAddress,
        /// Host and port of the relay.
        target: String,
        /// What it answered.
        status: u16,
    },
    /// What answers is something else.
    #[error("{0} answers, but not as a proxy: {1}; check the proxy's address")]
    NotAProxy(ProxyAddress, String),
    /// Any other status that is not 2xx.
    #[error("the proxy {proxy} refuses to connect to {target}: status {status}")]
    Refused {
        /// The proxy.
        proxy: ProxyAddress,
        /// Host and port of the relay.
        target: String,
        /// What it answered.
        status: u16,
    },
}

impl ProxyError {
    /// Whether the proxy has decided, and another of its addresses need not be asked: a wrong password that
    /// is repeated locks people out.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::CredentialsWanted(_)
                | Self::SignInUnsupported(_)
                | Self::CredentialsRefused(_)
                | Self::Forbidden { .. }
                | Self::Refused { .. }
        )
    }

    /// Adds what was wrong at each of its addresses.
    pub(crate) fn name(&mut self, tried: &str) {
        if let Self::Unreachable(_, problem) | Self::NotAProxy(_, problem) = self {
            problem.push_str(tried);
        }
    }

    /// `proxy` was given `seconds` to connect to `relay`.
    pub(crate) fn timeout(proxy: &Proxy, relay: &RelayAddress, seconds: u64) -> Self {
        let target = host_and_port(relay.host(), relay.port());
        Self::Timeout { proxy: proxy.address().clone(), target, seconds }
    }
}
