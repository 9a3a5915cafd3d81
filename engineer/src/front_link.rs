//! The front, as its holder sees it: asks for PINs, has the engineer's key sign, has ssh started and stopped.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::certificate::Signing;
use crate::exit::{Failure, Kind};
use crate::holder::wire::{Receiver, Sender, ToFront, ToHolder};
use crate::words::say;

/// How long the front may take to stop ssh. A front that is stopped itself does not answer.
const FAREWELL: Duration = Duration::from_secs(3);

/// The holder's end of the socket to its front.
pub(crate) struct FrontLink {
    sender: Sender,
    receiver: Receiver,
    attended: bool,
    asks_again: bool,
}

/// How an ssh of the front's ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SshEnd {
    pub(crate) code: u8,
    pub(crate) failed: bool,
}

impl FrontLink {
    pub(crate) fn new((sender, receiver): (Sender, Receiver), attended: bool, asks_again: bool) -> Self {
        Self { sender, receiver, attended, asks_again }
    }

    /// The next PIN. Safe to cancel.
    pub(crate) async fn pin(&mut self) -> Result<Zeroizing<String>, Failure> {
        self.sender.send(&ToFront::Pin).await;
        match self.receiver.next().await {
            Some(ToHolder::Pin { digits }) => Ok(digits),
            Some(ToHolder::NoPin { code, message }) => Err(Failure::new(Kind::of_code(code), message)),
            _ => Err(Failure::usage(say!("pin-did-not-come"))),
        }
    }

    /// Has the engineer's key sign: an armoured SSHSIG. Safe to cancel.
    pub(crate) async fn sign(&mut self, signing: Signing) -> Result<String, Failure> {
        self.sender.send(&ToFront::Sign { signing }).await;
        match self.receiver.next().await {
            Some(ToHolder::Signed { signature }) => Ok(signature),
            Some(ToHolder::NotSigned { code, message }) => Err(Failure::new(Kind::of_code(code), message)),
            _ => Err(Failure::new(Kind::Failed, say!("not-signed"))),
        }
    }

    /// Has ssh started with the file `config`, for the host `alias`.
    pub(crate) async fn start_ssh(&mut self, config: PathBuf, alias: String) {
        self.sender.send(&ToFront::Ssh { config, alias }).await;
    }

    /// Has the view of the session behind `socket` started.
    pub(crate) async fn start_view(&mut self, socket: PathBuf) {
        self.sender.send(&ToFront::View { socket }).await;
    }

    /// Whether a person is there, who can end a session that is left over.
    pub(crate) fn is_attended(&self) -> bool {
        self.attended
    }

    /// Whether a wrong PIN can be typed again.
    pub(crate) fn asks_again(&self) -> bool {
        self.asks_again
    }

    /// Waits for the end of the front's ssh. Safe to cancel. A front that is gone never tells; that is
    /// noticed elsewhere.
    pub(crate) async fn ssh_end(&mut self) -> SshEnd {
        loop {
            match self.receiver.next().await {
                Some(ToHolder::SshEnded { code, failed }) => return SshEnd { code, failed },
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Lets the front end with this exit code. This process goes on for a while, for nobody to wait for.
    pub(crate) async fn leave(&mut self, code: u8) {
        self.sender.send(&ToFront::Leave { code }).await;
    }

    pub(crate) async fn stop_ssh(&mut self) {
        self.sender.send(&ToFront::NoSsh).await;
        let _ = timeout(FAREWELL, self.ssh_end()).await;
    }
}
