//! The relay's four endpoints, each from the finished handshake to the last word.

pub mod agent;
pub mod engineer;
pub mod measure;
pub mod pipe;
