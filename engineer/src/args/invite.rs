//! Inviting a client.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedI64ValueParser;
use fieldlink_protocol::limits;
use fieldlink_words::Language;

/// Arguments of `invite`.
#[derive(Debug, Args)]
pub struct InviteArguments {
    /// When, by the client's clock, as YYYY-MM-DD HH:MM
    #[arg(long, value_name = "TIME", required_unless_present_any = ["update", "cancel"], requires = "zone")]
    pub when: Option<String>,
    /// Where the client is, by the time zone's name, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", required_unless_present_any = ["update", "cancel"], requires = "when")]
    pub zone: Option<String>,
    /// Where you are; by default as before (--update, --cancel), or what this computer is set to
    #[arg(long, value_name = "ZONE")]
    pub my_zone: Option<String>,
    /// How many minutes are planned, 1 to 120; by default 60, or with --update as before
    #[arg(long, value_name = "MINUTES", value_parser = minutes())]
    pub minutes: Option<u32>,
    /// What the client reads: en or de; by default English, or with --update and --cancel as before
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    pub language: Option<Language>,
    /// The support case
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// The reseller who arranges the call
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Where the client reaches you, should something come up
    #[arg(long, value_name = "NUMBER")]
    pub phone: Option<String>,
    /// Write the calendar entry to FILE (iCalendar), which must not exist
    #[arg(long, value_name = "FILE", conflicts_with_all = ["update", "cancel"])]
    pub ics: Option<PathBuf>,
    /// Change the entry in FILE, which this program wrote: calendars change theirs. What is not given stays
    #[arg(long, value_name = "FILE", conflicts_with = "cancel")]
    pub update: Option<PathBuf>,
    /// Cancel the entry in FILE: calendars take it out
    #[arg(long, value_name = "FILE", conflicts_with_all = ["when", "zone"])]
    pub cancel: Option<PathBuf>,
    /// Your address of e-mail, as the one who invites
    #[arg(long, value_name = "ADDRESS", conflicts_with = "cancel", value_parser = address)]
    pub from: Option<String>,
    /// An address of e-mail that is invited; may be given several times
    #[arg(long, value_name = "ADDRESS", conflicts_with = "cancel", value_parser = address)]
    pub to: Vec<String>,
}

fn minutes() -> RangedI64ValueParser<u32> {
    let most = limits::SESSION_MAX.as_secs() / 60;
    clap::value_parser!(u32).range(1..=i64::try_from(most).unwrap_or(i64::MAX))
}

fn language(code: &str) -> Result<Language, String> {
    let codes = Language::ALL.map(Language::code).join(", ");
    Language::from_code(code).ok_or_else(|| format!("there is no text in that language; there are: {codes}"))
}

/// What programs take for one address, and calendars print whole (RFC 5322 section 3.4.1, its plain form).
fn address(text: &str) -> Result<String, String> {
    let is_fit = |c: char| c.is_ascii_graphic() && !"\"(),:;<>[\\]".contains(c);
    let has_both = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    let is_address = has_both && text.len() <= limits::REFERENCE && text.chars().all(is_fit);
    is_address
        .then(|| text.to_owned())
        .ok_or_else(|| "that is no address such as ada@scans.example".to_owned())
}
