//! The record of a session: what was done, in a form that anybody can check with stock tools.
//!
//! A record is a directory. [`Chain`] writes its `events.jsonl`: one [`Event`] a line, each with the hash of the exact
//! bytes of the line before. [`CastWriter`] writes what a terminal showed, as asciicast. [`Manifest`] is the list of all
//! files with their hashes, which the device signs; [`Anchor`] is what the relay signs of the chain while it grows, and
//! [`Receipt`] the twelve words that the client keeps of the last one. What is wrong with a record is found here, and
//! `check-by-hand.sh` beside this crate does the same with coreutils, ssh-keygen, openssl and python3.
//!
//! Nothing here reads a clock, and only [`Directory`] opens files: callers pass bytes, readers and times.

mod anchor;
mod cast;
mod chain;
mod check;
mod digest;
mod event;
mod files;
mod manifest;
mod names;
mod receipt;
pub mod report;
mod stamp;

pub use anchor::{ANCHOR_NAMESPACE, Anchor, AnchorError, KeptAnchor};
pub use cast::{CastWriter, TerminalShape};
pub use chain::{Chain, ChainError, Entry, Head, Torn, recover};
pub use check::{
    AnchorFault, AnchorFindings, AnchorSource, EngineerFindings, Findings, Problem, Trust, check,
    read_anchors,
};
pub use digest::{Digest, Hasher};
pub use event::{
    Certified, Change, ChangeResult, ChannelOutcome, Consent, Device, Direction, Event, FileChange,
    HealthMoment, Person, Presence, Program, Resumption, RunbookState, Seal, StepSettled, Stop, Terms,
    Titles, Transferred, Use,
};
pub use files::{Directory, Files};
pub use manifest::{EVIDENCE_NAMESPACE, Manifest, ManifestError};
pub use names::{ANCHORS, DEVICE_KEY, EVENTS, MANIFEST, SIGNATURE, TIME_STAMP, is_record_name};
pub use receipt::{Receipt, ReceiptError};
pub use stamp::{Stamp, rfc3339};
