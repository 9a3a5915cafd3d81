//! The files that ssh reads: made and tried before the scanner is called, filled with what the scanner said when
//! it has been called.
//!
//! # Before the relay is dialled
//!
//! Before the relay is dialled, `session/ssh_files.rs` makes the key and the files under their real names and has
//! the real ssh take a connection from the session's own socket (`rehearsal.rs`): shell, paths, disk, configuration
//! and the passing of the descriptor are then known to work. ssh is started with `SHELL=/bin/sh`, because its
//! ProxyCommand goes through that. `directories.rs` finds the directories, and makes nothing in a place that is
//! another user's. `moment.rs` measures ages across runs by the clock since boot. `printing.rs` is the one place
//! that prints, so it is where foreign text is made harmless, and `budget.rs` bounds how much of it the other side
//! can cause.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::support_id::SupportId;
use tokio::time::sleep;

use crate::call::Call;
use crate::control::AgentHello;
use crate::progress::Console;
use crate::runtime_dir::SessionDirectory;
use crate::ssh_config::{SshHost, aliases::Record, dialect};
use crate::ssh_key::PublicKey;
use crate::words::say;
use crate::{own_program, private_file, rehearsal, ssh_client};

/// Stands for the scanner's account before that is known.
const REHEARSED: &str = "rehearsal";
/// Between two tries to write a file.
const PAUSE: Duration = Duration::from_secs(1);
/// Room that is kept for what is written after the client's yes: so many files, of so many bytes.
const ROOM: (usize, usize) = (4, 16 * 1024);

/// What a session's ssh files are made of.
pub(super) struct SshFiles {
    id: SupportId,
    ticket: String,
    directory: PathBuf,
    program: PathBuf,
    key_exchange: String,
    unsupported: Vec<String>,
    key: PublicKey,
}

impl SshFiles {
    /// Makes key and files in `directory`, keeps room for those that follow, and has the engineer's ssh use
    /// them. Also gives what it was made to believe of the scanner.
    pub(super) async fn rehearse(
        directory: &SessionDirectory,
        call: &Call,
    ) -> anyhow::Result<(Self, SshHost)> {
        let key_exchange = ssh_client::key_exchange().await?;
        let key = ssh_client::generate_key(&directory.path().join("id_ed25519")).await?;
        let program = own_program::path()?;
        let files = Self {
            id: call.id,
            ticket: call.ticket.clone(),
            directory: directory.path().to_owned(),
            program,
            key_exchange,
            unsupported: dialect::unsupported().await?,
            key,
        };
        let host = files.host(SessionId::random(), REHEARSED);
        // The key stands for the scanner's, which is not known yet.
        files.write(&host, &files.key)?;
        files.keep_room().with_context(|| say!("no-room", path = files.directory.display()))?;
        rehearsal::own_ssh(&directory.ssh_config(), &host.alias()).await?;
        Ok((files, host))
    }

    /// The session's own key.
    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// How ssh reaches the account `user` in `session`.
    fn host(&self, session: SessionId, user: &str) -> SshHost {
        SshHost {
            id: self.id,
            session,
            user: user.to_owned(),
            directory: self.directory.clone(),
            program: self.program.clone(),
            key_exchange: self.key_exchange.clone(),
            unsupported: self.unsupported.clone(),
        }
    }

    /// Whether what the scanner says of itself can stand in an ssh_config.
    pub(super) fn check(&self, session: SessionId, agent: &AgentHello) -> anyhow::Result<()> {
        Ok(self.host(session, &agent.user).file().map(drop)?)
    }

    /// Writes what the scanner said and publishes the session. The client has said yes by now, so nothing
    /// that can be mended on this computer ends the session: it is tried until it works.
    pub(super) async fn publish(
        &self,
        directory: &SessionDirectory,
        session: SessionId,
        agent: &AgentHello,
        console: &Console,
    ) {
        let host = self.host(session, &agent.user);
        self.free_room();
        let mut told = false;
        while let Err(error) = self.try_to_publish(directory, &host, agent) {
            if !std::mem::replace(&mut told, true) {
                console.say(&say!("publishing-again", error = format!("{error:#}")));
            }
            sleep(PAUSE).await;
        }
    }

    fn try_to_publish(
        &self,
        directory: &SessionDirectory,
        host: &SshHost,
        agent: &AgentHello,
    ) -> anyhow::Result<()> {
        self.write(host, &agent.host_key)?;
        directory.publish(&Record { host: host.clone(), ticket: self.ticket.clone() })
    }

    fn write(&self, host: &SshHost, host_key: &PublicKey) -> anyhow::Result<()> {
        let config = host.file().map_err(anyhow::Error::from)?;
        let known_hosts = format!("{} {host_key}\n", host.key_alias());
        private_file::replace(&self.directory.join("known_hosts"), known_hosts.as_bytes())?;
        private_file::replace(&self.directory.join("ssh_config"), config.as_bytes())
    }

    fn keep_room(&self) -> anyhow::Result<()> {
        let (files, bytes) = ROOM;
        (0..files).try_for_each(|number| private_file::replace(&self.room(number), &vec![b'.'; bytes]))
    }

    fn free_room(&self) {
        (0..ROOM.0).for_each(|number| drop(std::fs::remove_file(self.room(number))));
    }

    fn room(&self, number: usize) -> PathBuf {
        self.directory.join(format!("room.{number}"))
    }
}
