//! Why a session ended, or never began, and which party caused it.
//!
//! Reasons go to the relay in clear, as codes. Every side turns a code into its own words.

use serde::{Deserialize, Serialize};

/// The party that caused an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The end client, beside the scanner.
    Client,
    /// The engineer, or the engineer's program.
    Engineer,
    /// The scanner, by itself.
    Scanner,
    /// The relay, or its operator.
    Relay,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $party:ident, $text:literal;)*) => {
        /// Why a session ended or was not admitted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
            /// A code that this version does not know.
            #[serde(other, rename = "unknown")]
            Unknown,
        }

        impl Reason {
            /// The code, as it stands on the wire and in the audit log.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* Self::Unknown => "unknown" }
            }

            /// The party that caused it; the relay, if this version does not know the code.
            pub fn party(self) -> Party {
                match self { $(Self::$name => Party::$party,)* Self::Unknown => Party::Relay }
            }

            /// One plain sentence part, without a full stop.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown => "it ended for a reason this version does not know" }
            }

            /// Every reason that this version can send.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

reasons! {
    /// The engineer left or typed `end`.
    EngineerEnded = "engineer-ended", Engineer, "the engineer ended it";
    /// The engineer's program was stopped.
    EngineerStopped = "engineer-stopped", Engineer, "the engineer's program was stopped";
    /// The client pressed End.
    ClientEnded = "client-ended", Client, "the client ended it";
    /// The client said no.
    ClientRefused = "client-refused", Client, "the client did not allow it";
    /// The client did not answer in time.
    NoAnswer = "no-answer", Client, "the client did not answer";
    /// The time that the client granted is over.
    TimeUp = "time-up", Scanner, "the agreed time is over";
    /// The relay's own limit is reached.
    RelayLimit = "relay-limit", Relay, "the support service's time limit was reached";
    /// The engineer's credential was revoked.
    Revoked = "revoked", Relay, "the engineer's access was withdrawn";
    /// The relay is shutting down.
    RelayStopping = "relay-stopping", Relay, "the support service is restarting";
    /// The relay was started again and lost the session.
    RelayRestarted = "relay-restarted", Relay, "the support service was restarted";
    /// The agent was stopped.
    AgentStopped = "agent-stopped", Scanner, "remote access was switched off on the scanner";
    /// The agent was killed, or failed, in the middle of the session, and runs again.
    AgentRestarted = "agent-restarted", Scanner, "remote access failed on the scanner and was started again";
    /// The connection between the two sides is gone.
    ConnectionLost = "connection-lost", Scanner, "the connection was lost";
    /// The engineer's side is gone.
    EngineerLost = "engineer-lost", Engineer, "the connection to the engineer was lost";
    /// No sealed message came through for too long.
    Silence = "silence", Scanner, "the other side fell silent";
    /// A message was altered, repeated, left out or malformed.
    Tampered = "tampered", Relay, "a message was altered or out of order on its way";
    /// A message that was sealed by the other side, and so is its own, cannot be used: the two programs are of
    /// versions that do not fit, or one of them has a fault.
    Incompatible = "incompatible", Scanner, "the programs of the two sides do not understand each other (update the older one)";
    /// The device restarts, or loses its power, as the client agreed: the session is to go on afterwards.
    Restarting = "restarting", Scanner, "the scanner restarts, and the session is to go on afterwards";
    /// The device has not come back in time from a restart.
    NotBack = "not-back", Scanner, "the scanner did not come back from its restart in time";
    /// The process that runs the engineer's programs is gone or misbehaves.
    SessionProcessLost = "session-process-lost", Scanner, "the scanner's session process failed";
    /// The scanner could not start the session.
    ScannerFailed = "scanner-failed", Scanner, "the scanner could not start the session";
    /// The relay says that the support ID is another agent's.
    IdTaken = "id-taken", Relay, "the support service no longer accepts this support ID";
    /// Another engineer is being served.
    Busy = "busy", Scanner, "another engineer is connected to this scanner";
    /// The PIN did not fit, or the relay changed the identity of the engineer or the support case. The engineer's
    /// program says so when the scanner's answer does not fit, the scanner when the engineer's does not.
    WrongPin = "wrong-pin", Engineer, "the PIN was not right";
    /// The pair of support ID and PIN is used up by wrong PINs.
    Burnt = "burnt", Engineer, "the support ID and PIN were used up by wrong PINs";
    /// It is used up because the client said no, or nothing, as often as a pair stands it.
    BurntByRefusals = "burnt-by-refusals", Client, "the client did not allow it for the second time, which used up the support ID and PIN";
    /// It is used up because the client was asked again and again and the question taken back each time.
    BurntByWithdrawals = "burnt-by-withdrawals", Engineer, "the client was asked too often without being able to answer, which used up the support ID and PIN";
    /// The relay says that the session is over, and names another party as the cause, which it may have made up.
    RelayEnded = "relay-ended", Relay, "the support service ended it";
    /// The two sides did not finish pairing in time.
    PairingTimeout = "pairing-timeout", Scanner, "pairing took too long";
    /// The other side did not come to the pipe.
    PartnerMissing = "partner-missing", Relay, "the other side did not answer in time";
    /// The other side left during pairing.
    PairingAborted = "pairing-aborted", Engineer, "pairing was broken off";
    /// The scanner asks for a certificate, and none came: the engineer has none, or the relay took it away.
    CertificateMissing = "certificate-missing", Engineer, "the scanner asks for an engineer's certificate, and none arrived";
    /// The certificate or the proof with it is malformed, or of a kind that is not accepted.
    CertificateUnsupported = "certificate-unsupported", Engineer, "the engineer's certificate is of a kind that the scanner does not accept";
    /// No authority of the scanner's has signed it.
    CertificateAuthority = "certificate-authority", Engineer, "the engineer's certificate is not from an authority that the scanner trusts";
    /// It was valid before.
    CertificateExpired = "certificate-expired", Engineer, "the engineer's certificate has expired";
    /// It will be valid later.
    CertificateNotYetValid = "certificate-not-yet-valid", Engineer, "the engineer's certificate is not valid yet";
    /// It lets in others than the scanner does.
    CertificatePrincipal = "certificate-principal", Engineer, "the engineer's certificate is for none of the people whom the scanner lets in";
    /// It was revoked.
    CertificateRevoked = "certificate-revoked", Engineer, "the engineer's certificate was revoked";
    /// Its key is on no security key, or that did not verify its user.
    CertificateNotHardware = "certificate-not-hardware", Engineer, "the scanner asks for a security key that verifies its user, and the engineer's certificate is for another kind of key";
    /// The scanner cannot read what was revoked.
    RevocationUnknown = "revocation-unknown", Scanner, "the scanner cannot read its list of revoked certificates, and lets nobody in";
    /// The scanner's clock shows a time before its own release.
    ClockNotSet = "clock-not-set", Scanner, "the scanner's clock is not set yet, so it cannot judge the engineer's certificate";
    /// The signature was made for another purpose.
    ProofNamespace = "proof-namespace", Engineer, "the engineer's signature was made for something else";
    /// The signature is not right.
    ProofSignature = "proof-signature", Engineer, "the engineer's signature is not right";
    /// It was made for another agent.
    ProofOtherScanner = "proof-other-scanner", Relay, "the engineer's signature was made for another scanner";
    /// It was made for another try.
    ProofReplayed = "proof-replayed", Relay, "the engineer's request belongs to another try";
    /// What was signed is not what arrived.
    ProofAltered = "proof-altered", Relay, "the request was altered on its way to the scanner";
    /// Another key proved the session that an engineer wants to come back to.
    ProofOtherKey = "proof-other-key", Engineer, "the engineer's certificate is not for the key with which the session began";
    /// The client, or the engineer whose session it is, had somebody leave.
    Removed = "removed", Client, "somebody in the session ended it for this person";
    /// A link to watch with was used on another device before.
    OtherDevice = "other-device", Engineer, "the link was used on another device before, and is for that one only";
    /// A join code that was proven wrongly too often, or is too old.
    CodeUsedUp = "code-used-up", Engineer, "the join code is used up or too old";
}

impl Reason {
    /// Whether it is the relay's to say. From a relay, any other is hearsay.
    pub fn is_relays_own(self) -> bool {
        matches!(
            self,
            Self::RelayLimit
                | Self::Revoked
                | Self::RelayStopping
                | Self::RelayRestarted
                | Self::RelayEnded
                | Self::IdTaken
                | Self::PartnerMissing
                | Self::Unknown
        )
    }

    /// The reason with this code, if this version knows it.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_travel_and_unknown_ones_are_kept_apart() {
        for &reason in Reason::ALL {
            let json = serde_json::to_string(&reason).expect("a code");
            assert_eq!(json, format!("\"{}\"", reason.code()));
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert_eq!(serde_json::from_str::<Reason>(&json).expect("the same"), reason);
        }
        assert_eq!(serde_json::from_str::<Reason>("\"new-one\"").expect("accepted"), Reason::Unknown);
    }
}
