//! Keeps the PIN and the keys in this process: no core dumps, no reading by others of the same user.

use anyhow::Context;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

/// Called first thing. Failing it is fatal: the promise is made to the client.
pub fn keep_memory_private() -> anyhow::Result<()> {
    prctl::set_dumpable(false).context("could not make the process undumpable")?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).context("could not switch core dumps off")
}
