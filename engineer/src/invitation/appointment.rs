//! What is agreed, and between whom it is sent around.

use chrono_tz::Tz;
use fieldlink_words::Language;

use super::slot::Slot;

/// What is agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Appointment {
    /// When.
    pub slot: Slot,
    /// Where the engineer is.
    pub own_zone: Tz,
    /// What the client reads.
    pub language: Language,
    /// The support case.
    pub ticket: Option<String>,
    /// The reseller who arranges it.
    pub partner: Option<String>,
    /// Where the client reaches the engineer.
    pub phone: Option<String>,
    /// Whether it does not take place.
    pub is_cancelled: bool,
}

/// Between whom the calendar entry is sent around: addresses of e-mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// Whose calendar it comes from.
    pub from: Option<String>,
    /// Who is invited.
    pub to: Vec<String>,
}
