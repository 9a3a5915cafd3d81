//! Everything that depends on the operating system: private files, the terminal, signals, local
//! sockets. The rest of the crate is portable; a port to another system fills in this module.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{
    LineInput, LocalListener, LocalReader, LocalStream, LocalWriter, Signals, SyncStream, Terminal,
    TerminalState, check_private_directory, check_private_file, connect, create_private_directory, exit_code,
    fallback_runtime_directory, forbid_core_dumps, give_same_owner, hand_over, home_directory, hung_up,
    into_async, is_from_this_user, private_file, stdout_is_socket, sync_directory, terminate,
};

#[cfg(not(unix))]
mod unsupported;
#[cfg(not(unix))]
pub use unsupported::{
    LineInput, LocalListener, LocalReader, LocalStream, LocalWriter, Signals, SyncStream, Terminal,
    TerminalState, check_private_directory, check_private_file, connect, create_private_directory, exit_code,
    fallback_runtime_directory, forbid_core_dumps, give_same_owner, hand_over, home_directory, hung_up,
    into_async, is_from_this_user, private_file, stdout_is_socket, sync_directory, terminate,
};

/// A wish to stop this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The system, or someone else, stops the program.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl Signal {
    /// The exit code of a program that this signal stopped before it was done.
    pub fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}
