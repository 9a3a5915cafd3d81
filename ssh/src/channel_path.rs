//! The one path of every channel: authorise, then input through the gate, output through the tap, one end.
//!
//! All that an engineer opens, and every byte of it, passes here: the place for rules on what an engineer may do, for
//! holding input or output, and for what watches or records them. A channel passes by its [`ChannelLease`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fieldlink_protocol::messages::control::Transfers;
use fieldlink_protocol::policy::{Denied, Function, Permission};
use fieldlink_protocol::{limits, text};
use fieldlink_session::wire::ConnectTarget;
use futures_util::future::BoxFuture;
use russh::ChannelOpenFailure;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::channel::{ChannelIdentity, ChannelKind, ChannelRequest, Opener, SubsystemName};
use super::forward_policy::ForwardPolicy;
use super::lease::ChannelLease;
use super::passage::{Passage, PathClosed, Way};
use super::tap::Tap;

/// The two ways of files.
const FILES: [Function; 2] = [Function::Upload, Function::Download];

/// `SSH_OPEN_ADMINISTRATIVELY_PROHIBITED`, RFC 4254 section 5.1.
const ADMINISTRATIVELY_PROHIBITED: u32 = 1;

/// Why a channel is refused; shown to the engineer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a place that forwards may lead to.
    #[error(
        "forwarding to {0} is not allowed by this scanner (allowed: the scanner itself, and what forward.allow in agent.toml lists)"
    )]
    Destination(String),
    /// Not an absolute path of a socket.
    #[error("a forwarded socket needs an absolute path without control characters")]
    SocketPath,
    /// Not permitted by the scanner's owner, or not by the client.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl Refusal {
    /// Somewhere else than the scanner, and not allowed.
    pub fn destination(host: &str, port: u16) -> Self {
        Self::Destination(format!("{}:{port}", text::name(host)))
    }
}

impl From<Refusal> for ChannelOpenFailure {
    fn from(refusal: Refusal) -> Self {
        prohibited(refusal.to_string())
    }
}

/// Refuses a channel by a rule; the engineer reads `reason`.
pub(super) fn prohibited(reason: String) -> ChannelOpenFailure {
    ChannelOpenFailure::Other { code: ADMINISTRATIVELY_PROHIBITED, reason }
}

/// SSH connections at the same time. The relay counts those of each engineer; ours end a little later.
const CONNECTIONS: usize = 2 * limits::PIPES_PER_SESSION;

/// What the scanner's owner permits, and how the client is asked.
pub trait Policy: Send + Sync {
    /// Whether `function` may be used.
    fn permission(&self, function: Function) -> Permission;

    /// Asks the client whether it may, in this session. Dropped, the question is taken back.
    fn ask(&self, function: Function) -> BoxFuture<'static, Result<(), Denied>>;
}

/// The path of one session's channels.
pub struct ChannelPath {
    policy: Arc<dyn Policy>,
    forwards: ForwardPolicy,
    passage: Arc<Passage>,
    tap: Arc<dyn Tap>,
    /// Counts the channels that were let in.
    next: AtomicU64,
    /// SSH connections of everybody in the session together: what they may keep in memory is counted once.
    connections: Arc<Semaphore>,
}

impl fmt::Debug for ChannelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelPath").field("passage", &self.passage).finish_non_exhaustive()
    }
}

impl ChannelPath {
    /// An open path. `tap` sees every channel that is let in.
    pub fn new(policy: Arc<dyn Policy>, forwards: ForwardPolicy, tap: Arc<dyn Tap>) -> Self {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        Self { policy, forwards, passage: Arc::default(), tap, next: AtomicU64::new(0), connections }
    }

    /// Room for an SSH connection, if there is any.
    pub(super) fn connection(&self) -> Option<OwnedSemaphorePermit> {
        self.connections.clone().try_acquire_owned().ok()
    }

    /// Nothing passes any more.
    pub fn close(&self) {
        self.passage.close();
    }

    /// Holds input back on every channel, and channels that are opened, or lets them pass again. What is held is not lost.
    pub fn hold_input(&self, is_held: bool) {
        self.passage.hold_input(is_held);
    }

    /// Whether input is held back now.
    pub(super) fn holds_input(&self) -> bool {
        self.passage.holds_input()
    }

    /// Waits until input may pass; an error at the end. Safe to cancel.
    pub(super) async fn pass_input(&self) -> Result<(), PathClosed> {
        self.passage.pass(Way::Input, false).await
    }

    /// As [`Self::hold_input`], for what is on its way to the engineer.
    pub fn hold_output(&self, is_held: bool) {
        self.passage.hold_output(is_held);
    }

    /// What becomes of channels that carry much, now and once so many bytes have passed in all: then they are held.
    pub fn set_transfers(&self, transfers: Transfers, limit: Option<u64>) {
        self.passage.set_transfers(transfers, limit);
    }

    /// Waits until channels that carry much have been held because of the limit. Safe to cancel.
    pub async fn past_limit(&self) {
        self.passage.past_limit().await;
    }

    /// What becomes of a forward before it is authorised: what is not allowed may still lead to the scanner itself.
    pub fn narrow(&self, target: ConnectTarget) -> ConnectTarget {
        self.forwards.narrow(target)
    }

    /// Decides whether a channel may be opened. The lease is the only way for its bytes.
    /// Waits while the client is asked; safe to cancel, which takes the question back.
    pub async fn authorise(
        &self,
        opener: Opener,
        channel: u32,
        request: ChannelRequest,
    ) -> Result<ChannelLease, Refusal> {
        let verdict = self.decide(&request).await;
        verdict.inspect_err(|refusal| {
            tracing::info!(channel, %refusal, "channel refused");
            self.tap.refused(&opener, &request, &refusal.to_string());
        })?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let identity = ChannelIdentity { number, opener, channel, request };
        Ok(ChannelLease::new(identity, self.passage.clone(), self.tap.clone()))
    }

    async fn decide(&self, request: &ChannelRequest) -> Result<(), Refusal> {
        if self.passage.is_over() {
            return Err(Denied::Over.into());
        }
        self.permits(request)?;
        match request.kind().function() {
            Some(function) => Self::leave_of(&self.policy, function).await?,
            None => self.closes(request.kind()).map_or(Ok(()), |function| Err(Denied::Never(function)))?,
        }
        // What is opened is the engineer's input as well: a command needs no other.
        self.pass_input().await.map_err(|PathClosed| Denied::Over.into())
    }

    async fn leave_of(policy: &Arc<dyn Policy>, function: Function) -> Result<(), Denied> {
        match policy.permission(function) {
            Permission::Allowed => Ok(()),
            Permission::Never => Err(Denied::Never(function)),
            Permission::Ask => policy.ask(function).await,
        }
    }

    /// Leave for all of `functions`, one after the other.
    pub(super) fn leave(
        self: Arc<Self>,
        functions: &'static [Function],
    ) -> BoxFuture<'static, Result<(), Denied>> {
        Box::pin(async move {
            for &function in functions {
                Self::leave_of(&self.policy, function).await?;
            }
            Ok(())
        })
    }

    /// The function for which the client has to be asked before the channel is let in.
    pub(super) fn asks_for(&self, request: &ChannelRequest) -> Option<Function> {
        request.kind().function().filter(|function| self.policy.permission(*function) == Permission::Ask)
    }

    /// Whether files go both ways, and nothing needs to look at them.
    pub(super) fn lets_files_pass(&self) -> bool {
        FILES.iter().all(|function| self.policy.permission(*function) == Permission::Allowed)
    }

    /// The function that is never permitted and without which a channel of this kind is good for nothing.
    fn closes(&self, kind: ChannelKind) -> Option<Function> {
        let is_never = |function: &Function| self.policy.permission(*function) == Permission::Never;
        match kind {
            ChannelKind::Sftp => FILES.iter().all(is_never).then_some(Function::Upload),
            ChannelKind::Subsystem(SubsystemName::Operation) => Some(Function::Operations).filter(is_never),
            ChannelKind::Shell
            | ChannelKind::Exec
            | ChannelKind::Forward
            | ChannelKind::Subsystem(SubsystemName::Health | SubsystemName::Diagnosis) => None,
        }
    }

    fn permits(&self, request: &ChannelRequest) -> Result<(), Refusal> {
        match request {
            // Where a name leads is checked when it is connected.
            ChannelRequest::Program(_)
            | ChannelRequest::Subsystem(_)
            | ChannelRequest::Forward(ConnectTarget::Own { .. }) => Ok(()),
            ChannelRequest::Forward(ConnectTarget::Tcp { host, port }) => {
                match self.forwards.permits(host, *port) {
                    true => Ok(()),
                    false => Err(Refusal::destination(host, *port)),
                }
            }
            ChannelRequest::Forward(ConnectTarget::Unix { path }) => {
                let is_fit = path.starts_with('/') && !path.chars().any(char::is_control);
                if is_fit { Ok(()) } else { Err(Refusal::SocketPath) }
            }
        }
    }

    /// Bytes that came from the engineer, and bytes that went to them, over all channels.
    pub fn totals(&self) -> (u64, u64) {
        self.passage.totals()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use fieldlink_protocol::ids::{EngineerId, PipeId, SessionId};
    use fieldlink_session::wire::{ExitStatus, ProgramKind, TerminalSize};
    use futures_util::FutureExt;

    use super::super::channel::{ChannelEnd, ChannelStatus};
    use super::*;

    /// What came past: the ends of channels, and what terminals showed.
    #[derive(Default)]
    struct Seen {
        ends: Mutex<Vec<(u32, ChannelEnd)>>,
        shown: Mutex<Vec<(u64, Vec<u8>)>>,
    }

    impl Tap for Seen {
        fn opened(&self, _: &ChannelIdentity) {}
        fn resized(&self, _: &ChannelIdentity, _: TerminalSize) {}
        fn transferred(&self, _: &ChannelIdentity, _: Way, _: &[u8]) {}
        fn refused(&self, _: &Opener, _: &ChannelRequest, _: &str) {}

        fn shown(&self, channel: &ChannelIdentity, bytes: &[u8]) {
            self.shown.lock().expect("no panic").push((channel.number, bytes.to_vec()));
        }

        fn over(&self, channel: &ChannelIdentity, end: &ChannelEnd) {
            self.ends.lock().expect("no panic").push((channel.channel, end.clone()));
        }
    }

    /// What a policy permits, and what the client answers.
    struct Rule(Permission, Result<(), fn(Function) -> Denied>);

    impl Policy for Rule {
        fn permission(&self, _: Function) -> Permission {
            self.0
        }

        fn ask(&self, function: Function) -> BoxFuture<'static, Result<(), Denied>> {
            let answer = self.1.map_err(|denied| denied(function));
            Box::pin(async move { answer })
        }
    }

    fn path() -> (Arc<ChannelPath>, Arc<Seen>) {
        path_with(Rule(Permission::Allowed, Ok(())))
    }

    fn path_with(rule: Rule) -> (Arc<ChannelPath>, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        (Arc::new(ChannelPath::new(Arc::new(rule), ForwardPolicy::default(), seen.clone())), seen)
    }

    fn opener() -> Opener {
        Opener {
            session: SessionId::from_bytes([1; 16]),
            pipe: PipeId::from_bytes([2; 16]),
            engineer: EngineerId::from_bytes([3; 16]),
        }
    }

    fn shell() -> ChannelRequest {
        ChannelRequest::Program(ProgramKind::Shell {})
    }

    fn tcp(host: &str) -> ChannelRequest {
        ChannelRequest::Forward(ConnectTarget::Tcp { host: host.into(), port: 80 })
    }

    /// Where nobody has to be asked.
    fn let_in(path: &ChannelPath, channel: u32, request: ChannelRequest) -> Result<ChannelLease, Refusal> {
        path.authorise(opener(), channel, request).now_or_never().expect("nobody is asked")
    }

    /// A lease on an open path, for tests of what carries bytes.
    pub(crate) fn lease() -> (Arc<ChannelPath>, Arc<ChannelLease>) {
        let (path, _) = path();
        let lease = let_in(&path, 7, shell()).expect("a shell is what a session is for");
        (path, Arc::new(lease))
    }

    #[test]
    fn everything_is_decided_here_and_nothing_passes_after_the_end() {
        let (path, _) = path();
        let ask = |request| let_in(&path, 7, request);
        let lease = ask(shell()).expect("a shell is what a session is for");
        assert_eq!(
            lease.identity(),
            &ChannelIdentity { number: 0, opener: opener(), channel: 7, request: shell() }
        );
        let ChannelRequest::Forward(target) = tcp("10.0.0.1") else { panic!("a forward") };
        assert!(ask(ChannelRequest::Forward(path.narrow(target))).is_ok(), "it may be the scanner");
        assert!(matches!(ask(tcp("10.0.0.1")), Err(Refusal::Destination(_))));
        let socket = |path: &str| ChannelRequest::Forward(ConnectTarget::Unix { path: path.into() });
        assert!(ask(socket("/run/x.sock")).is_ok());
        assert!(ask(socket("x.sock")).is_err() && ask(socket("/a\nb")).is_err());
        assert_eq!(lease.input(b"abc").now_or_never(), Some(Ok(())));
        assert_eq!(lease.output(b"abcd").now_or_never(), Some(Ok(())));
        path.close();
        assert_eq!(lease.input(b"x").now_or_never(), Some(Err(PathClosed)));
        assert_eq!(lease.output(b"x").now_or_never(), Some(Err(PathClosed)));
        assert!(matches!(ask(shell()), Err(Refusal::Denied(Denied::Over))));
        assert_eq!(path.totals(), (3, 4));
    }

    #[test]
    fn what_is_held_waits_and_is_not_counted_and_the_end_frees_it() {
        let (path, _) = path();
        let lease = let_in(&path, 1, shell()).expect("let in");
        path.hold_input(true);
        let mut held = Box::pin(lease.input(b"abc"));
        assert_eq!(held.as_mut().now_or_never(), None);
        assert_eq!(lease.output(b"abcd").now_or_never(), Some(Ok(())), "only input is held");
        assert_eq!(path.totals(), (0, 4));
        path.hold_input(false);
        assert_eq!(held.now_or_never(), Some(Ok(())));
        path.hold_output(true);
        let mut held = Box::pin(lease.output(b"abcd"));
        assert_eq!(held.as_mut().now_or_never(), None);
        path.close();
        assert_eq!(held.now_or_never(), Some(Err(PathClosed)));
        assert_eq!(path.totals(), (3, 4));
    }

    #[test]
    fn what_is_opened_waits_like_all_input() {
        let (path, _) = path();
        path.hold_input(true);
        let mut opening = Box::pin(path.authorise(opener(), 1, shell()));
        assert!(opening.as_mut().now_or_never().is_none());
        path.hold_input(false);
        assert!(opening.now_or_never().is_some_and(|opened| opened.is_ok()));
        path.hold_input(true);
        let opening = Box::pin(path.authorise(opener(), 2, shell()));
        path.close();
        assert!(matches!(opening.now_or_never(), Some(Err(Refusal::Denied(Denied::Over)))));
    }

    #[test]
    fn what_a_terminal_shows_is_seen_and_nothing_else() {
        let (path, seen) = path();
        let (piped, terminal) = (let_in(&path, 1, shell()), let_in(&path, 1, shell()));
        let (piped, terminal) = (piped.expect("let in"), terminal.expect("let in"));
        terminal.set_terminal(TerminalSize::default());
        for lease in [&piped, &terminal] {
            assert_eq!(lease.output(b"out").now_or_never(), Some(Ok(())));
            assert_eq!(lease.input(b"in").now_or_never(), Some(Ok(())));
        }
        assert_eq!(*seen.shown.lock().expect("no panic"), [(1, b"out".to_vec())]);
    }

    #[test]
    fn past_the_limit_transfers_wait_for_a_word_and_nothing_else_does() {
        let (path, _) = path();
        let [copy, small, terminal] = [0; 3].map(|_| let_in(&path, 1, shell()).expect("let in"));
        terminal.set_terminal(TerminalSize::default());
        let much = vec![0; 2 * 1024 * 1024];
        let passes = |lease: &ChannelLease, bytes: &[u8]| lease.output(bytes).now_or_never().is_some();
        path.set_transfers(Transfers::Pass, Some(3 * 1024 * 1024));
        assert!(passes(&copy, &much) && path.past_limit().now_or_never().is_none());
        assert!(passes(&copy, &much), "the piece that goes past it");
        assert!(path.past_limit().now_or_never().is_some());
        assert!(!passes(&copy, b"x") && copy.input(b"x").now_or_never().is_none());
        assert!(passes(&small, b"x") && passes(&terminal, &much) && passes(&terminal, b"x"));
        assert!(path.past_limit().now_or_never().is_none(), "it is told once");
        path.set_transfers(Transfers::Refused, Some(3 * 1024 * 1024));
        assert!(copy.unwanted().now_or_never().is_some() && !passes(&copy, b"x"));
        assert!(small.unwanted().now_or_never().is_none() && terminal.unwanted().now_or_never().is_none());
        let mut later = Box::pin(small.unwanted());
        assert!(later.as_mut().now_or_never().is_none() && passes(&small, &much));
        assert!(later.now_or_never().is_some(), "it has become one");
        path.set_transfers(Transfers::Pass, Some(3 * 1024 * 1024));
        assert!(passes(&copy, b"x") && path.past_limit().now_or_never().is_some(), "asked anew");
        path.set_transfers(Transfers::Pass, None);
        assert!(passes(&copy, &much) && path.past_limit().now_or_never().is_none());
    }

    #[test]
    fn many_small_channels_are_as_good_as_a_large_one() {
        let (path, _) = path();
        path.set_transfers(Transfers::Pass, Some(1_000_000));
        let piece = vec![0; 500_000];
        let passes = |_: &i32| {
            let lease = let_in(&path, 1, shell()).expect("let in");
            lease.output(&piece).now_or_never().is_some()
        };
        let passed = (0..100).take_while(passes).count();
        assert!((20..30).contains(&passed), "{passed}");
        let terminal = let_in(&path, 1, shell()).expect("let in");
        terminal.set_terminal(TerminalSize::default());
        assert!(terminal.output(b"a shell goes on").now_or_never().is_some());
        let passed = (0..100).take_while(|_: &i32| terminal.output(&piece).now_or_never().is_some()).count();
        assert!((30..40).contains(&passed), "{passed}");
    }

    #[test]
    fn every_channel_has_one_end() {
        let (path, seen) = path();
        let exit = ChannelStatus::Exit(ExitStatus::Code { code: 3 });
        let finished = let_in(&path, 1, shell()).expect("let in");
        finished.output(b"abcd").now_or_never().expect("open").expect("open");
        finished.finish(exit.clone());
        finished.finish(ChannelStatus::Closed);
        drop(finished);
        drop(let_in(&path, 2, shell()).expect("let in"));
        let end = |status, output| ChannelEnd { status, input: 0, output };
        let expected = [(1, end(exit, 4)), (2, end(ChannelStatus::Cut, 0))];
        assert_eq!(*seen.ends.lock().expect("no panic"), expected);
    }

    #[test]
    fn a_refusal_shows_no_escape_sequence() {
        let (path, _) = path();
        let refusal = let_in(&path, 1, tcp("\u{1b}[2J")).expect_err("not this scanner");
        assert!(!refusal.to_string().contains('\u{1b}'), "{refusal}");
    }

    #[test]
    fn the_owners_policy_is_asked_for_every_kind_and_the_client_where_it_says_so() {
        let exec = ChannelRequest::Program(ProgramKind::Exec { command: b"true".to_vec() });
        let socket = ChannelRequest::Forward(ConnectTarget::Unix { path: "/run/x.sock".into() });
        let kinds = [(shell(), Function::Shell), (exec, Function::Exec), (socket, Function::Forward)];
        for (request, function) in kinds {
            let verdict = |rule| let_in(&path_with(rule).0, 1, request.clone()).map(drop);
            assert_eq!(verdict(Rule(Permission::Never, Ok(()))), Err(Denied::Never(function).into()));
            assert_eq!(verdict(Rule(Permission::Ask, Ok(()))), Ok(()));
            let refused = verdict(Rule(Permission::Ask, Err(Denied::Refused)));
            assert_eq!(refused, Err(Denied::Refused(function).into()));
        }
        let sftp = || ChannelRequest::Program(ProgramKind::Sftp {});
        let (closed, _) = path_with(Rule(Permission::Never, Ok(())));
        assert!(let_in(&closed, 1, sftp()).is_err(), "files go neither way");
        let (asking, _) = path_with(Rule(Permission::Ask, Err(Denied::Refused)));
        assert!(let_in(&asking, 1, sftp()).is_ok() && !asking.lets_files_pass(), "each file is looked at");
        let never = let_in(&closed, 1, ChannelRequest::Subsystem(SubsystemName::Operation)).map(drop);
        assert_eq!(never, Err(Denied::Never(Function::Operations).into()));
        assert!(
            let_in(&asking, 1, ChannelRequest::Subsystem(SubsystemName::Operation)).is_ok(),
            "asked when one is to be started"
        );
    }
}
