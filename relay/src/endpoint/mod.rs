//! The relay's four endpoints, each from the finished handshake to the last word.

pub(crate) mod agent;
pub(crate) mod engineer;
pub(crate) mod measure;
pub(crate) mod observer;
pub(crate) mod pipe;
pub(crate) mod spare;
