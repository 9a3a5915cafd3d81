//! Where a session stands, as every program that asks may see it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::engineer::OpenRefusal;
use fieldlink_protocol::pipe::{PipeKind, Role, Side, closing};
use fieldlink_transport::{Attached, AttachedError, DialError, Dialer, PipeLimits};
use tokio::time::{sleep, timeout};

use super::End;
use crate::control::channel::Pipe;
use crate::control::{AgentHello, ControlHandle, Trouble};
use crate::relay_session::{OpenPipeError, OpenedPipe, RelayHandle};
use crate::words::say;

/// `Dialing → Pairing → Asking → Active ⇄ Interrupted → Ended`; `Dialing → Restarting → Active` after a restart of the
/// scanner.
#[derive(Clone)]
pub(crate) enum State {
    /// No connection to the relay yet.
    Dialing,
    /// The relay is there; the PIN is being typed or checked.
    Pairing,
    /// The scanner restarts, and its client is asked whether the session goes on.
    Restarting {
        /// When it is not waited for any longer.
        until: Instant,
    },
    /// The client is being asked.
    Asking {
        /// When no answer counts as no.
        until: Instant,
    },
    /// SSH connections may come.
    Active {
        /// What they need.
        live: Arc<Live>,
        /// When the session ends.
        until: Instant,
    },
    /// The agent is silent: no new SSH connections.
    Interrupted {
        /// What they need again, once the agent is heard.
        live: Arc<Live>,
        /// What is wrong, and being tried.
        trouble: Trouble,
        /// When the session ends.
        until: Instant,
    },
    /// Over.
    Ended(End),
}

impl State {
    /// The name that programs see.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Dialing => "connecting",
            Self::Pairing => "pairing",
            Self::Restarting { .. } => "restarting",
            Self::Asking { .. } => "asking",
            Self::Active { .. } => "active",
            Self::Interrupted { .. } => "interrupted",
            Self::Ended(_) => "ended",
        }
    }

    /// Who answers at the scanner, once that is known.
    pub(crate) fn agent(&self) -> Option<&AgentHello> {
        match self {
            Self::Active { live, .. } | Self::Interrupted { live, .. } => Some(&live.agent),
            _ => None,
        }
    }

    /// How many seconds the state may last still, the last one begun counted.
    pub(crate) fn remaining(&self, now: Instant) -> Option<u64> {
        match self {
            Self::Asking { until }
            | Self::Restarting { until }
            | Self::Active { until, .. }
            | Self::Interrupted { until, .. } => {
                Some(until.saturating_duration_since(now).as_secs_f64().ceil() as u64)
            }
            _ => None,
        }
    }

    /// What is wrong with the connection to the agent, if something is.
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Interrupted { trouble, .. } => Some(trouble),
            _ => None,
        }
    }

    /// What a new SSH connection needs, or why there can be none.
    pub(crate) fn live(&self) -> Result<Arc<Live>, String> {
        match self {
            Self::Interrupted { trouble, .. } => Err(say!("wait-for-scanner", trouble = trouble.to_string())),
            _ => self.admitted(),
        }
    }

    /// What talking to the client needs, or why the engineer cannot. An interruption only delays it.
    pub(crate) fn admitted(&self) -> Result<Arc<Live>, String> {
        match self {
            Self::Active { live, .. } | Self::Interrupted { live, .. } => Ok(live.clone()),
            Self::Ended(end) => Err(end.sentence()),
            Self::Asking { .. } => Err(say!("wait-for-client")),
            Self::Restarting { .. } => Err(say!("wait-for-restart")),
            Self::Dialing | Self::Pairing => Err(say!("wait-for-beginning")),
        }
    }
}

/// What an admitted session needs to open SSH connections.
pub(crate) struct Live {
    /// Who answers at the scanner.
    pub agent: AgentHello,
    /// Asks for pipes.
    pub relay: RelayHandle,
    /// Dials them.
    pub dialer: Dialer,
    /// Bounds them.
    pub bounds: PipeLimits,
    /// Proves them.
    pub keys: SessionKeys,
    /// Has things said to the agent.
    pub voice: ControlHandle,
}

/// Why there is no SSH connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The relay opened none.
    #[error(transparent)]
    Relay(#[from] OpenPipeError),
    /// It was opened, but could not be attached to.
    #[error(transparent)]
    Dial(DialError),
    /// The other end is not the scanner, or not there.
    #[error(transparent)]
    Attached(AttachedError),
}

impl From<AttachedError> for OpenError {
    fn from(error: AttachedError) -> Self {
        match error {
            AttachedError::Dial(error) => Self::Dial(error),
            error => Self::Attached(error),
        }
    }
}

impl OpenError {
    /// Whether another try makes sense: a connection broke, or the scanner was not told in time.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            // Others have just ended, and the relay does not know it yet.
            Self::Relay(OpenPipeError::Refused(OpenRefusal::TooMany)) => true,
            Self::Relay(error) => matches!(error, OpenPipeError::NoAnswer),
            Self::Dial(DialError::Unreachable(..) | DialError::Timeout(..) | DialError::Tls(..)) => true,
            Self::Dial(DialError::Answered(_, answer)) => answer.may_pass(),
            Self::Attached(AttachedError::Closed(text)) => closing::goes_on(text),
            Self::Attached(error) => matches!(error, AttachedError::Lost(_) | AttachedError::Timeout),
            Self::Dial(error) => error.is_for_want_of_room(),
        }
    }
}

/// How long the relay may take to learn of the admission that the agent told us of. It hears it from
/// the agent on another connection, so it may know a moment later than we do.
const ADMISSION: Duration = Duration::from_secs(2);

/// Between two tries while the scanner is on its way back to the relay.
const AGENT_AWAY: Duration = Duration::from_millis(300);

/// A pipe that is open at the scanner. Unless its end was said on the pipe itself, the scanner is told of it when this
/// is dropped: it may hold the pipe for established, and would wait for us as long as an interruption may last.
pub(crate) struct PipeClaim {
    voice: ControlHandle,
    pipe: PipeId,
    is_said: bool,
}

impl PipeClaim {
    fn new(voice: ControlHandle, pipe: PipeId) -> Self {
        Self { voice, pipe, is_said: false }
    }

    /// The scanner knows already.
    pub(crate) fn end_was_said(mut self) {
        self.is_said = true;
    }
}

impl Drop for PipeClaim {
    fn drop(&mut self) {
        if !self.is_said {
            self.voice.pipe_closed(self.pipe);
        }
    }
}

impl Live {
    /// Opens the pipe of one SSH connection.
    pub(crate) async fn open_pipe(&self) -> Result<(PipeClaim, Pipe), OpenError> {
        let _ = timeout(ADMISSION, self.relay.admitted()).await;
        let opened = self.open().await?;
        let claim = PipeClaim::new(self.voice.clone(), opened.pipe);
        let (kind, pipe) = (PipeKind::Ssh, opened.pipe);
        let side = Side { role: Role::Engineer, pipe, kind, key: self.keys.pipe_key(pipe, kind) };
        let pipe = Attached::open(&self.dialer, &opened.ticket, side, self.bounds).await?;
        Ok((claim, pipe))
    }

    /// The scanner may be on its way back to the relay, as we may have been.
    async fn open(&self) -> Result<OpenedPipe, OpenPipeError> {
        let until = Instant::now() + limits::HANDSHAKE;
        loop {
            match self.relay.open().await {
                Err(OpenPipeError::Refused(OpenRefusal::AgentAway)) if Instant::now() < until => {
                    sleep(AGENT_AWAY).await;
                }
                opened => return opened,
            }
        }
    }
}
