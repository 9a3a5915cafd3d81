//! The session that a runbook is gone through in, as this program asks it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::support_id::SupportId;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::commands::ask::unanswered;
use crate::exit::{Failure, Kind};
use crate::local_socket::{Reply, Request, RunbookNews, Status, client};
use crate::runtime_dir::RuntimeDirectory;
use crate::ssh_config;
use crate::words::say;

/// Between two looks at the session while the scanner restarts.
const LOOK: Duration = Duration::from_secs(1);
/// Looks that find no session, after which it is over: between two of its programs' steps there is none for a moment.
const NOTHING_THERE: u32 = 5;
/// How long something else may be in the way, and between two tries.
const BUSY: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(2);

/// A session that is open.
pub(super) struct Contact {
    runtime: RuntimeDirectory,
    id: SupportId,
    directory: PathBuf,
}

impl Contact {
    pub(super) fn new(runtime: RuntimeDirectory, id: SupportId) -> Self {
        let directory = runtime.session(id);
        Self { runtime, id, directory }
    }

    /// The session's private directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The support ID, as it is typed.
    pub(super) fn id(&self) -> String {
        self.id.to_string()
    }

    /// An ssh that runs `command`, as it is typed.
    pub(super) fn ssh(&self, command: &str) -> tokio::process::Command {
        let config = self.directory.join("ssh_config");
        let ssh = crate::ssh_client::command(&config, &ssh_config::alias(self.id));
        crate::front::with_command(ssh, &[command.into()]).into()
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("control.sock")
    }

    async fn request(&self, request: Request) -> Result<Reply, Failure> {
        let socket = self.socket();
        let asked = spawn_blocking(move || client::ask(&socket, request).map(|(_, reply)| reply)).await;
        let lost = |error: tokio::task::JoinError| Failure::new(Kind::Failed, error.to_string());
        match asked.map_err(lost)? {
            Ok(reply @ (Reply::Answered { .. } | Reply::Status(_))) => Ok(reply),
            other => Err(unanswered(other)),
        }
    }

    async fn answer_to(&self, request: Request) -> Result<Answer, Failure> {
        match self.request(request).await? {
            Reply::Answered { answer } => Ok(answer),
            other => Err(unanswered(Ok(other))),
        }
    }

    /// The same, again while something else is in the way.
    async fn answer_in_time(&self, request: Request) -> Result<Answer, Failure> {
        let until = Instant::now() + BUSY;
        loop {
            match self.answer_to(request.clone()).await? {
                Answer::Busy {} if Instant::now() < until => sleep(AGAIN).await,
                answer => return Ok(answer),
            }
        }
    }

    /// Asks the client something.
    pub(super) async fn ask(&self, question: Question) -> Result<Answer, Failure> {
        self.answer_in_time(Request::Ask { question }).await
    }

    /// Tells the client something.
    pub(super) async fn announce(&self, announcement: Announcement) -> Result<Answer, Failure> {
        self.answer_in_time(Request::Announce { announcement }).await
    }

    /// Has the scanner told what is new of the runbook.
    pub(super) async fn tell(&self, news: RunbookNews) -> Result<Answer, Failure> {
        self.answer_in_time(Request::Runbook { news }).await
    }

    /// How the session stands, if it answers.
    pub(super) async fn status(&self) -> Option<Status> {
        match self.request(Request::Status).await {
            Ok(Reply::Status(status)) => Some(*status),
            _ => None,
        }
    }

    /// Whether the engineer works in it, or could in a moment.
    pub(super) async fn is_open(&self) -> bool {
        self.status().await.is_some_and(|status| matches!(status.state.as_str(), "active" | "interrupted"))
    }

    /// Hears when the session's program lets go of it, which it does while the scanner restarts.
    pub(super) fn until_let_go(&self) -> impl Future<Output = ()> + use<> {
        let socket = self.socket();
        // It is begun now, while the session is there.
        let watching = spawn_blocking(move || client::ask(&socket, Request::Watch).map(drop));
        async {
            let _ = watching.await;
        }
    }

    /// Waits until the session goes on after a restart of the scanner.
    pub(super) async fn until_back(&self) -> Result<(), Failure> {
        let until = Instant::now() + limits::RESTART + limits::INTERRUPTION;
        let mut absent = 0;
        while Instant::now() < until && absent < NOTHING_THERE {
            if self.status().await.is_some_and(|status| status.state == "active") {
                return Ok(());
            }
            let sessions = self.runtime.look()?;
            let is_there = sessions.living.contains(&self.id) || sessions.broken_off.contains(&self.id);
            absent = if is_there { 0 } else { absent + 1 };
            sleep(LOOK).await;
        }
        Err(Failure::new(Kind::SessionOver, say!("runbook-session-not-back")))
    }
}
