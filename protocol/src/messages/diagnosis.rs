//! How a diagnosis of the device comes: lines of JSON that tell how far it is, then the archive.
//!
//! The same on every way that it takes: from the unit that collects it to the agent, to the person beside the device, and
//! to an engineer over an SSH subsystem.

use serde::{Deserialize, Serialize};

use super::Bounded;
use super::health::Health;
use crate::{limits, text};

/// The SSH subsystem (RFC 4254 section 6.5) that gives an engineer one: [`Told`] by [`Told`], each a line, and after
/// [`Told::Archive`] as many bytes as it says.
pub const SUBSYSTEM: &str = "diagnostics@fieldlink";

/// The socket of `fieldlink-diagnose.socket`, for the agent and root alone.
pub const SOCKET: &str = "/run/fieldlink/diagnose.sock";

/// What a diagnosis is asked for with, on that socket: one line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// How the device is, as the agent sees it; none if nobody knows.
    pub health: Option<Health>,
}

impl Bounded for Request {
    fn check(&self) -> Result<(), &'static str> {
        self.health.as_ref().map_or(Ok(()), Bounded::check)
    }
}

/// What is said on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Told {
    /// So many parts are collected.
    Progress {
        /// Parts that are done.
        done: u32,
        /// All of them.
        of: u32,
    },
    /// What follows is a tar archive, compressed with Zstandard (RFC 8878).
    Archive {
        /// What it is to be called: a file's name, without a directory.
        name: String,
        /// How long it is.
        bytes: u64,
    },
    /// There will be none.
    Failed {
        /// Why; for engineers.
        why: String,
    },
}

impl Bounded for Told {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Progress { done, of } if done > of => Err("diagnosis: progress"),
            Self::Archive { name, .. } if !is_archive_name(name) => Err("diagnosis: name"),
            Self::Archive { bytes, .. } if *bytes > limits::DIAGNOSIS => Err("diagnosis: bytes"),
            Self::Failed { why } if text::check("why", why, limits::DIAGNOSIS_FAULT).is_err() => {
                Err("diagnosis: why")
            }
            Self::Progress { .. } | Self::Archive { .. } | Self::Failed { .. } => Ok(()),
        }
    }
}

/// Whether a file may be called so, wherever it is put.
fn is_archive_name(name: &str) -> bool {
    (1..=limits::DIAGNOSIS_NAME).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode, encode_fit};
    use super::*;

    #[test]
    fn a_health_goes_with_the_request_and_nothing_else_does() {
        let health = Some(Health { model: Some("VLX 3".into()), ..Health::default() });
        for request in [Request { health }, Request::default()] {
            assert_eq!(decode::<Request>(encode(&request).as_bytes()).expect("read"), request);
        }
        for wrong in ["", "{", "{\"health\":null,\"files\":[\"/etc/shadow\"]}", "{\"health\":{\"model\":7}}"]
        {
            assert!(decode::<Request>(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_said_fits_or_is_refused() {
        let archive = |name: &str, bytes| Told::Archive { name: name.into(), bytes };
        let fit = [
            Told::Progress { done: 0, of: 0 },
            archive("fieldlink-diagnosis-scanner-7-20261201T042000Z.tar.zst", limits::DIAGNOSIS),
            Told::Failed { why: "there is no room".into() },
        ];
        for told in fit {
            let line = encode_fit(&told).expect("it fits");
            assert_eq!(decode::<Told>(line.as_bytes()).expect("read"), told);
        }
        let unfit = [
            Told::Progress { done: 2, of: 1 },
            archive("../x", 1),
            archive(".x", 1),
            archive("a/b", 1),
            archive("a b", 1),
            archive("", 1),
            archive(&"x".repeat(limits::DIAGNOSIS_NAME + 1), 1),
            archive("x", limits::DIAGNOSIS + 1),
            Told::Failed { why: "two\nlines".into() },
        ];
        for told in unfit {
            assert!(decode::<Told>(encode(&told).as_bytes()).is_err(), "{told:?}");
        }
    }
}
