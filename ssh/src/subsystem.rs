//! Subsystems that the agent serves itself (RFC 4254 section 6.5): to its channel it is a program like any other.

use std::io;

use fieldlink_session::wire::{ExitStatus, RequestId};
use futures_util::future::BoxFuture;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

use super::channel::SubsystemName;
use crate::session_process::{Program, ProgramExit, ProgramIo};

/// No program of the session process has this number: it counts from 1.
const NO_PROGRAM: RequestId = RequestId(0);

/// Serves the channels of subsystems.
pub trait Subsystems: Send + Sync {
    /// Serves one, from the engineer's `input` to `output`; gives the exit code. Dropped when the channel is gone.
    fn serve(
        &self,
        name: SubsystemName,
        input: pipe::Receiver,
        output: pipe::Sender,
    ) -> BoxFuture<'static, u8>;
}

/// What is done for a channel by its own task.
pub(super) struct Serving(BoxFuture<'static, ()>);

impl Serving {
    /// Nothing: a process does it.
    pub(super) fn elsewhere() -> Self {
        Self(Box::pin(std::future::ready(())))
    }

    /// Serves for as long as `carrying` carries the bytes.
    pub(super) async fn beside(self, carrying: impl Future<Output = ()>) {
        let serving = async {
            self.0.await;
            std::future::pending().await
        };
        tokio::select! {
            () = carrying => {}
            () = serving => {}
        }
    }
}

/// A channel of the subsystem `name`, as a program, and what serves it.
pub(super) fn start(subsystems: &dyn Subsystems, name: SubsystemName) -> io::Result<(Program, Serving)> {
    let (stdin, input) = pipe::pipe()?;
    let (output, stdout) = pipe::pipe()?;
    // What a subsystem says comes by its output; this is at its end from the beginning.
    let (_, stderr) = pipe::pipe()?;
    let (sender, exit) = oneshot::channel();
    let served = subsystems.serve(name, input, output);
    let serving = async move {
        let code = served.await;
        let _ = sender.send(ExitStatus::Code { code });
    };
    let io = ProgramIo::Pipes { stdin, stdout, stderr };
    let program = Program { id: NO_PROGRAM, pid: std::process::id(), io, exit: ProgramExit::new(exit) };
    Ok((program, Serving(Box::pin(serving))))
}
