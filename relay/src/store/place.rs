//! Where the store's file is.

use std::path::PathBuf;

/// Where the store's file is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// For this process, which may have made the state directory its root.
    pub(super) file: PathBuf,
    /// For the operator: the directory as errors name it.
    pub(super) shown: PathBuf,
}
