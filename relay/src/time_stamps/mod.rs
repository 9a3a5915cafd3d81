//! Time stamps for the records of sessions (RFC 3161), from the authority that the operator names.
//!
//! The authority is told one hash and nothing else. Its answer counts if it says yes to that hash and to the nonce that was
//! drawn for it; whether its signature is one to believe is for those to say who check the record, with the authority's
//! certificate. Which agent may ask is the directory's to decide; the switchboard goes from the one to the other.

mod authority;
mod query;
mod url;

pub(crate) use authority::Authority;
pub use url::AuthorityUrl;
