//! Everything that depends on the operating system: private files, the terminal, signals, local
//! sockets. The rest of the crate is portable; a port to another system fills in this module.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    ChildChanges, HiddenTyping, LineInput, LocalListener, LocalReader, LocalStream, OwnedReader, OwnedWriter,
    Signals, SyncStream, Terminal, TerminalState, boot_id, check_own, check_private_directory,
    check_private_file, connect, create_private_directory, duplicate, exit_code, fallback_runtime_directory,
    follow_parent, give_same_owner, go_to_background, hand_over, home_directory, hung_up, in_own_group,
    inherited_socket, into_async, is_from_this_user, keep_memory_private, login_runtime_directory, peer_gone,
    private_file, send_signal, since_boot, socket_pair, stdout_is_socket, stop_with, sync_directory,
    was_killed,
};

#[cfg(not(unix))]
mod unsupported;
#[cfg(not(unix))]
pub use unsupported::{
    ChildChanges, HiddenTyping, LineInput, LocalListener, LocalReader, LocalStream, OwnedReader, OwnedWriter,
    Signals, SyncStream, Terminal, TerminalState, boot_id, check_own, check_private_directory,
    check_private_file, connect, create_private_directory, duplicate, exit_code, fallback_runtime_directory,
    follow_parent, give_same_owner, go_to_background, hand_over, home_directory, hung_up, in_own_group,
    inherited_socket, into_async, is_from_this_user, keep_memory_private, login_runtime_directory, peer_gone,
    private_file, send_signal, since_boot, socket_pair, stdout_is_socket, stop_with, sync_directory,
    was_killed,
};

/// A wish to stop this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The system, or another process, stops the program.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl Signal {
    /// The exit code of a program that this signal stopped before it was done.
    pub(crate) fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}
