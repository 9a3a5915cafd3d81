//! What events are made of.

use std::collections::BTreeMap;

use fieldlink_protocol::ids::{EngineerId, RunId};
use fieldlink_protocol::messages::runbook::StepResult;
use fieldlink_protocol::policy::Function;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A title in several languages, by their codes ("en").
pub type Titles = BTreeMap<String, String>;

/// A file, or its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// How many bytes.
    pub size: u64,
    /// Their hash.
    pub sha256: Digest,
}

/// Whose record it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The host's name.
    pub name: String,
    /// The public key that signs the record, as the line of a `.pub` file.
    pub key: String,
    /// Program and version.
    pub software: String,
}

/// What the client was told of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The language that it was told in ("en"), if it is known.
    pub language: Option<String>,
    /// Minutes that it lasts unless the client gives more.
    pub minutes: u32,
    /// What the device's owner never permits.
    pub never: Vec<Function>,
    /// What the client is asked about.
    pub asks: Vec<Function>,
    /// Where forwards may lead beside the device itself.
    pub reaches: Vec<String>,
    /// Days that the record is kept.
    pub retention_days: u32,
}

/// An engineer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// As the client read it.
    pub name: String,
    /// As the client read it.
    pub company: String,
    /// The support case.
    pub ticket: String,
    /// The reseller who arranged it.
    pub partner: Option<String>,
    /// Their number at the relay.
    pub engineer: EngineerId,
    /// The run in which they proved that they know the PIN.
    pub run: RunId,
}

/// What proves who an engineer is: three files, which `ssh-keygen -Y verify` checks, and what the agent made of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certified {
    /// The file with the bytes that they signed.
    pub statement: String,
    /// The file with the signature (SSHSIG), with the certificate in it.
    pub signature: String,
    /// The file with the certificate, as the line of a `-cert.pub` file.
    pub certificate: String,
    /// What the device's owner calls the authority.
    pub authority: String,
    /// The fingerprint of the authority's key.
    pub authority_fingerprint: String,
    /// What the authority calls the certificate.
    pub key_id: String,
    /// The authority's number for it.
    pub serial: u64,
    /// The principal by which they came in.
    pub principal: String,
    /// The fingerprint of the engineer's key.
    pub fingerprint: String,
    /// Whether a security key verified its user.
    pub user_verified: bool,
}

/// Why a record goes on in another run of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resumption {
    /// The device was restarted, as the client had agreed.
    Restarted,
    /// The agent was killed, or the power was cut.
    Died,
    /// The client said something of a session that is over.
    Verdict,
}

/// Why what terminals show is not recorded any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// As much is recorded as may be of one session.
    Bound,
    /// There is no room on the disk.
    DiskFull,
    /// The disk takes too long.
    DiskSlow,
    /// The disk does not take it.
    DiskFailed,
}

/// What the client was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Use {
    /// Whether a function may be used.
    Function {
        /// Which.
        function: Function,
    },
    /// Whether an operation may be started.
    Operation {
        /// What it is called.
        titles: Titles,
    },
    /// Whether somebody comes in.
    Guest {
        /// Their place.
        seat: u64,
        /// Who.
        person: Person,
        /// Whether they only want to watch.
        observes: bool,
        /// What proves who they are.
        certified: Option<Box<Certified>>,
    },
    /// Whether more data may go over a metered connection.
    Data {
        /// Megabytes that have.
        megabytes: u32,
    },
}

/// What the client said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nothing, in time.
    NoAnswer,
}

/// Whether the client is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// They are asked.
    Asked,
    /// Nobody has answered; the engineer goes on.
    Away,
    /// Nobody has answered; the engineer's input waits.
    Held,
    /// Somebody is there.
    Here,
}

/// How far a runbook is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum RunbookState {
    /// It waits for this step.
    At {
        /// Counted from 1.
        number: u64,
        /// Its name.
        step: String,
        /// What the client reads.
        title: Titles,
    },
    /// All of it was gone through.
    Finished {},
    /// It was stopped or given up.
    Stopped {},
}

/// A step of a runbook that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSettled {
    /// Counted from 1.
    pub number: u64,
    /// Its name.
    pub step: String,
    /// What the client reads.
    pub title: Titles,
    /// Whether it went as it should.
    pub passed: bool,
    /// What came of it.
    pub result: StepResult,
}

/// What a channel is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Program {
    /// A login shell.
    Shell {},
    /// A command. Files that it reads or writes by itself, as rsync, git and `cat` do, have no entry of their own.
    Exec {
        /// The command.
        command: String,
        /// Whether it is longer than this.
        cut: bool,
    },
    /// File transfer.
    Sftp {},
    /// Named operations.
    Operation {},
    /// The device's health.
    Health {},
    /// A diagnosis of the device.
    Diagnosis {},
    /// A connection.
    Forward {
        /// To a host and port, or a socket.
        target: String,
    },
}

/// When in a session the device's health was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthMoment {
    /// At its beginning.
    Start,
    /// Once it was over.
    End,
}

/// How a channel ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum ChannelOutcome {
    /// Its program has exited.
    Exit {
        /// With this code.
        code: u8,
    },
    /// Its program was killed.
    Signal {
        /// By this signal, without "SIG".
        signal: String,
    },
    /// It was closed.
    Closed {},
    /// The program or the connection could not be started.
    Failed {},
    /// The connection or the session was over before.
    Cut {},
}
