//! What the relay signs of the accounts of sessions, outside of the scanners' hands: the key, and the signatures.
//!
//! Which agent may ask for what is the directory's to decide, how often the account has come so far and no further the
//! store's; the switchboard goes from the one to the other.

mod keys;
mod signer;

pub use keys::{AnchorKeys, KeyFileError};
pub(crate) use signer::Signer;
