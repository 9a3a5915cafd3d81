//! What the engineer's own process does while a holder has the session: types the PIN, signs, runs ssh, passes
//! signals on. See [`crate::holder`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::Pin as Pinned;
use std::process::Command;

use anyhow::Context;

use crate::certificate::{self, Signing};
use crate::directories::Directories;
use crate::exit::{Failure, Kind, SSH_FAILED};
use crate::holder::{Ended, Event, Holder, Order, ToFront, ToHolder};
use crate::pin_entry::PinEntry;
use crate::platform::{Signal, Signals};
use crate::printing::print;
use crate::runtime_dir::RuntimeDirectory;
use crate::ssh_child::{SshChild, SshExit, as_shell};
use crate::words::say;
use crate::{ssh_client, viewing};
use zeroize::Zeroizing;

/// A PIN that is being typed, and where the next one comes from.
type Typing = Pinned<Box<dyn Future<Output = (PinEntry, Result<Zeroizing<String>, Failure>)>>>;

/// What is watched, until whoever watches has seen enough.
type Viewing = Pinned<Box<dyn Future<Output = ()>>>;

/// A signature that is being made.
type SigningTask = Pinned<Box<dyn Future<Output = Result<String, Failure>>>>;

/// The front of a holder.
struct Front<'a> {
    holder: Holder,
    signals: Signals,
    /// What to run instead of a shell.
    command: &'a [OsString],
    pins: Option<PinEntry>,
    typing: Option<Typing>,
    signing: Option<SigningTask>,
    ssh: Option<SshChild>,
    viewing: Option<Viewing>,
}

/// Has a holder carry out `order`, and is its front. Gives the exit code, of which the engineer has read why.
pub(crate) async fn serve(
    order: &Order,
    pins: Option<PinEntry>,
    command: &[OsString],
) -> Result<u8, Failure> {
    let signals = Signals::new().with_context(|| say!("no-signals"))?;
    let holder = Holder::start(order).await?;
    let (typing, signing, ssh, viewing) = (None, None, None, None);
    let mut front = Front { holder, signals, command, pins, typing, signing, ssh, viewing };
    let ended = front.until_the_end().await?;
    // A prompt whose answer the holder no longer waits for, before the shell's own.
    (front.typing, front.signing, front.viewing) = (None, None, None);
    if let Some(ssh) = front.ssh.take() {
        ssh.stop().await;
    }
    match ended {
        Ended::Code(code) => Ok(code),
        Ended::Killed => Err(Failure::new(Kind::Failed, say!("holder-killed", id = order.id.to_string()))),
    }
}

impl Front<'_> {
    async fn until_the_end(&mut self) -> anyhow::Result<Ended> {
        loop {
            tokio::select! {
                biased;
                // An interrupt belongs to ssh, which the terminal has sent it as well.
                signal = self.signals.next() => if self.ssh.is_none() || signal != Signal::Interrupt {
                    self.holder.signal(signal);
                },
                event = self.holder.next() => match event? {
                    Event::Wants(ToFront::Leave { code }) => return Ok(Ended::Code(code)),
                    Event::Wants(want) => self.serve(want).await,
                    Event::Ended(ended) => return Ok(ended),
                },
                (pins, pin) = typed(&mut self.typing) => {
                    (self.pins, self.typing) = (Some(pins), None);
                    self.holder.send(&answer(pin)).await;
                }
                signed = signed(&mut self.signing) => {
                    self.signing = None;
                    self.holder.send(&answer_signed(signed)).await;
                }
                () = viewed(&mut self.viewing) => {
                    self.viewing = None;
                    self.tell_exit(SshExit { code: 0, failed: false }).await;
                }
                exit = exited(&mut self.ssh) => {
                    self.ssh = None;
                    self.tell_exit(exit?).await;
                }
            }
        }
    }

    async fn serve(&mut self, want: ToFront) {
        match want {
            ToFront::Pin => match self.pins.take() {
                Some(mut pins) => {
                    self.typing = Some(Box::pin(async move {
                        let pin = pins.next().await;
                        (pins, pin)
                    }));
                }
                None => self.holder.send(&answer(Err(Failure::usage(say!("pin-not-expected"))))).await,
            },
            ToFront::Sign { signing } => self.signing = Some(Box::pin(sign(signing))),
            ToFront::Ssh { config, alias } => self.start_ssh(&config, &alias).await,
            // Heard before.
            ToFront::Leave { .. } => {}
            ToFront::View { socket } => self.viewing = Some(Box::pin(view(socket))),
            ToFront::NoSsh => {
                self.viewing = None;
                if let Some(ssh) = self.ssh.take() {
                    ssh.stop().await;
                }
                self.tell_exit(SshExit { code: SSH_FAILED, failed: false }).await;
            }
        }
    }

    async fn start_ssh(&mut self, config: &Path, alias: &str) {
        let ssh = with_command(as_shell(ssh_client::command(config, alias)), self.command);
        match SshChild::spawn(ssh) {
            Ok(ssh) => self.ssh = Some(ssh),
            Err(error) => {
                print(&say!("program-says", message = format!("{error:#}")));
                self.tell_exit(SshExit { code: SSH_FAILED, failed: true }).await;
            }
        }
    }

    async fn tell_exit(&mut self, SshExit { code, failed }: SshExit) {
        self.holder.send(&ToHolder::SshEnded { code, failed }).await;
    }
}

/// `ssh`, and behind it what it shall run; a shell, if that is nothing.
pub(crate) fn with_command(mut ssh: Command, command: &[OsString]) -> Command {
    if !command.is_empty() {
        ssh.arg("--").args(command);
    }
    ssh
}

fn answer(pin: Result<Zeroizing<String>, Failure>) -> ToHolder {
    match pin {
        Ok(digits) => ToHolder::Pin { digits },
        Err(Failure { kind, message }) => ToHolder::NoPin { code: kind.code(), message },
    }
}

async fn sign(signing: Signing) -> Result<String, Failure> {
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    certificate::sign(signing, runtime.path()).await
}

fn answer_signed(signed: Result<String, Failure>) -> ToHolder {
    match signed {
        Ok(signature) => ToHolder::Signed { signature },
        Err(Failure { kind, message }) => ToHolder::NotSigned { code: kind.code(), message },
    }
}

async fn signed(signing: &mut Option<SigningTask>) -> Result<String, Failure> {
    match signing {
        Some(signing) => signing.await,
        None => std::future::pending().await,
    }
}

async fn typed(typing: &mut Option<Typing>) -> (PinEntry, Result<Zeroizing<String>, Failure>) {
    match typing {
        Some(typing) => typing.await,
        None => std::future::pending().await,
    }
}

async fn view(socket: PathBuf) {
    if let Err(error) = viewing::session(&socket).await {
        print(&say!("program-says", message = say!("view-failed", error = error.to_string())));
    }
}

async fn viewed(viewing: &mut Option<Viewing>) {
    match viewing {
        Some(viewing) => viewing.await,
        None => std::future::pending().await,
    }
}

async fn exited(ssh: &mut Option<SshChild>) -> anyhow::Result<SshExit> {
    match ssh {
        Some(ssh) => ssh.exited().await,
        None => std::future::pending().await,
    }
}
