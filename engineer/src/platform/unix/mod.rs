//! Linux and other Unix systems.

mod clock;
mod files;
mod inherited;
mod loopback;
mod processes;
mod screen;
mod sockets;
mod terminal;

pub(crate) use clock::{boot_id, since_boot};
pub(crate) use files::{
    check_own, check_private_directory, check_private_file, create_private_directory,
    fallback_runtime_directory, give_same_owner, home_directory, login_runtime_directory, private_file,
    sync_directory,
};
pub(crate) use loopback::is_from_this_user;
pub(crate) use processes::{
    ChildChanges, Signals, exit_code, follow_parent, go_to_background, in_own_group, keep_memory_private,
    send_signal, stop_with, was_killed,
};
pub(crate) use sockets::{
    LocalListener, LocalReader, LocalStream, OwnedReader, OwnedWriter, SyncStream, connect, duplicate,
    hand_over, hung_up, inherited_socket, into_async, peer_gone, socket_pair, stdout_is_socket,
};
pub(crate) use terminal::{HiddenTyping, LineInput, Terminal, TerminalState};
