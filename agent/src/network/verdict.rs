//! One verdict on the network. Pure: what is known goes in, a notice for the client and a line for the engineer come
//! out.
//!
//! What counts most comes first:
//!
//! 1. **The relay answers.** Then the way is there, whatever NetworkManager says, and only the
//!    measurement can make the verdict worse than N0. A bad measurement is N9 if the Wi-Fi's signal is
//!    weak, because then that is what to do something about, otherwise N10. A weak signal alone changes
//!    nothing: bytes that arrive in time are what counts.
//! 2. **Something answered**: a proxy (N5), the relay itself, with a refusal (N6), a certificate that does not
//!    fit the clock (N7), one that is not the relay's (N8), or the relay's own but not in order (N11), or either
//!    (N12); what stands in front of a relay that is down (N13), or another service (N14). That is nearer to the
//!    truth than NetworkManager's picture, except for a network that wants a sign-in (N3): such networks answer
//!    in place of every server until then.
//! 3. **Nothing answered, or the relay was not asked.** Then NetworkManager's picture says why: N1, N2, N3, N4, N9;
//!    if it shows nothing wrong, the relay is the problem (N6), or the proxy before it (N5); if the relay was not
//!    asked, there is none (N0).
//!
//! When is the clock wrong (N7)? A certificate that is not valid *yet*: no operator installs one before
//! its time. A clock that cannot be right ([`Clock::is_plausible`]). And a certificate that has been out of
//! date for [`FORGOTTEN`], on a clock that no time server is known to have set: an operator notices
//! sooner. Any other certificate that has expired is the operator's to renew: N11, and the engineer reads
//! both dates.

mod sentence;

pub(super) use sentence::{manager as describe_manager, measured as describe_measurement};

use std::time::Duration;

use fieldlink_device::network_notice::NetworkNotice;
use fieldlink_device::words::{Language, Words};
use fieldlink_transport::{CertificateDates, Measurement, MeasurementEnd};
use serde::Serialize;

use super::clock::Clock;
use super::reach::{Failure, FailureKind, Reach};
use super::state::{Connectivity, ManagerState, Network, NetworkState};

/// A Wi-Fi signal up to this many percent is called weak, when the way over it is bad or nothing answers.
pub const WEAK_SIGNAL: u8 = 30;
/// A median round trip above this is slow: typing feels like it.
pub const SLOW_ROUND_TRIP: Duration = Duration::from_millis(500);
/// Round trips that differ more than this from one to the next are unstable.
pub const UNSTABLE: Duration = Duration::from_millis(200);
/// Less than this in either direction is slow, in Mbit/s. It is also about what lets the measurement end
/// in time.
pub const SLOW_RATE: f64 = 1.0;
/// A certificate that expired longer ago than this, in seconds, makes the clock suspect.
pub const FORGOTTEN: u64 = 365 * 86_400;

/// What is wrong, if something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Code {
    /// Good for a session.
    N0,
    /// No network.
    N1,
    /// No address.
    N2,
    /// The network wants a sign-in.
    N3,
    /// No internet.
    N4,
    /// The proxy refuses.
    N5,
    /// The relay cannot be reached.
    N6,
    /// The clock is wrong.
    N7,
    /// The connection is interfered with.
    N8,
    /// The Wi-Fi is too weak.
    N9,
    /// Slow or unstable.
    N10,
    /// The support side is not set up well.
    N11,
    /// The connection is interfered with, or the support side is not set up well.
    N12,
    /// The relay is down.
    N13,
    /// Something else answers in the relay's place.
    N14,
}

/// What is concluded, as client, engineer and programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// To be read out over the phone.
    pub code: Code,
    /// For the client: what is the matter, and what to do next.
    pub notice: NetworkNotice,
    /// For the engineer: what that is concluded from.
    pub engineer: String,
    /// Whether the relay was asked: without that, N0 says only that nothing speaks against it.
    #[serde(skip)]
    pub is_proven: bool,
}

impl Code {
    /// All codes, by their number.
    pub const ALL: [Self; 15] = [
        Self::N0,
        Self::N1,
        Self::N2,
        Self::N3,
        Self::N4,
        Self::N5,
        Self::N6,
        Self::N7,
        Self::N8,
        Self::N9,
        Self::N10,
        Self::N11,
        Self::N12,
        Self::N13,
        Self::N14,
    ];

    /// The number behind the N.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "N{}", self.number())
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&Words::new(Language::English).network_with_code(&self.notice))
    }
}

impl Verdict {
    /// Concludes it from what is known.
    pub fn of(state: &NetworkState, reach: &Reach, clock: Clock) -> Self {
        let code = code(state, reach, clock);
        Self {
            code,
            notice: sentence::for_client(code, state, reach, clock),
            engineer: sentence::for_engineer(state, reach, clock),
            is_proven: *reach != Reach::Unasked,
        }
    }
}

fn code(state: &NetworkState, reach: &Reach, clock: Clock) -> Code {
    let network = state.known();
    match reach {
        Reach::Answers(Some(measurement)) if !is_good(measurement) => {
            if is_weak(network) {
                Code::N9
            } else {
                Code::N10
            }
        }
        Reach::Answers(_) => Code::N0,
        Reach::Unasked => network.and_then(complaint).unwrap_or(Code::N0),
        Reach::Failed(failure) => because_of(failure, network, clock),
    }
}

fn because_of(failure: &Failure, network: Option<&Network>, clock: Clock) -> Code {
    let wants_sign_in = network.is_some_and(|network| network.connectivity == Connectivity::Portal);
    match failure.kind {
        _ if wants_sign_in => Code::N3,
        FailureKind::Silence => network.and_then(complaint).unwrap_or(Code::N6),
        FailureKind::ProxySilence => network.and_then(complaint).unwrap_or(Code::N5),
        FailureKind::Proxy => Code::N5,
        FailureKind::Dates(dates) if is_clock_wrong(dates, clock) => Code::N7,
        FailureKind::Refused => Code::N6,
        FailureKind::Changed => Code::N8,
        FailureKind::Dates(_) | FailureKind::Misconfigured => Code::N11,
        FailureKind::Unclear => Code::N12,
        FailureKind::Down => Code::N13,
        FailureKind::Elsewhere => Code::N14,
    }
}

/// What NetworkManager's picture says is wrong.
pub(super) fn complaint(network: &Network) -> Option<Code> {
    use ManagerState::{Asleep, Connecting, Disconnected, Disconnecting, Local};
    let is_down = matches!(network.state, Asleep | Connecting | Disconnected | Disconnecting);
    match (&network.primary, network.connectivity) {
        (_, Connectivity::Portal) => Some(Code::N3),
        (None, _) if network.without_address.is_some() => Some(Code::N2),
        // It looks after nothing here, so what it misses says nothing.
        (None, _) if !network.manages => None,
        (None, _) if is_down => Some(Code::N1),
        (None, _) => (network.state == Local).then_some(Code::N4),
        (Some(_), Connectivity::Limited | Connectivity::None) if !is_weak(Some(network)) => Some(Code::N4),
        (Some(_), _) => is_weak(Some(network)).then_some(Code::N9),
    }
}

fn is_weak(network: Option<&Network>) -> bool {
    let strength = network.and_then(|network| network.primary.as_ref()?.strength());
    strength.is_some_and(|strength| strength <= WEAK_SIGNAL)
}

/// Whether a session over it is no trouble.
pub fn is_good(measurement: &Measurement) -> bool {
    measurement.end == MeasurementEnd::Complete
        && measurement.median().is_some_and(|median| median <= SLOW_ROUND_TRIP)
        && measurement.jitter().is_none_or(|jitter| jitter <= UNSTABLE)
        && measurement.slowest().is_some_and(|rate| rate >= SLOW_RATE)
}

fn is_clock_wrong(dates: CertificateDates, clock: Clock) -> bool {
    match dates {
        CertificateDates::NotYetValid { .. } => true,
        CertificateDates::Expired { clock: now, until } => {
            !clock.is_plausible() || (!clock.synchronised && now.saturating_sub(until) > FORGOTTEN)
        }
    }
}

#[cfg(test)]
mod tests;
