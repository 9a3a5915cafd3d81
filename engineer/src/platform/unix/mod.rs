//! Linux and other Unix systems.

mod files;
mod loopback;
mod processes;
mod sockets;
mod terminal;

pub use files::{
    check_private_directory, check_private_file, create_private_directory, fallback_runtime_directory,
    give_same_owner, home_directory, private_file, sync_directory,
};
pub use loopback::is_from_this_user;
pub use processes::{Signals, exit_code, forbid_core_dumps, terminate};
pub use sockets::{
    LocalListener, LocalReader, LocalStream, LocalWriter, SyncStream, connect, hand_over, hung_up,
    into_async, stdout_is_socket,
};
pub use terminal::{LineInput, Terminal, TerminalState};
