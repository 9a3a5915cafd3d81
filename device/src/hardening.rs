//! Keeps the PIN and the keys in this process: no core dumps, no reading by other processes of the same user.

use anyhow::Context;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

/// To be called first. A program in which it fails must end: the client relies on it.
pub fn keep_memory_private() -> anyhow::Result<()> {
    prctl::set_dumpable(false).context("could not make the process undumpable")?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).context("could not switch core dumps off")
}
