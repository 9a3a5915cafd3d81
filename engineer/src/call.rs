//! Whom to call, and for what.

use fieldlink_protocol::support_id::{ParseSupportIdError, SupportId};
use fieldlink_protocol::{limits, text};
use serde::{Deserialize, Serialize};

use crate::args::CallArguments;
use crate::exit::{Failure, Kind};
use crate::platform::Terminal;
use crate::words::say;

/// A call: the scanner, and what the client will read about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// The scanner.
    pub id: SupportId,
    /// The support case.
    pub ticket: String,
    /// The reseller who arranged it, if any.
    pub partner: Option<String>,
    /// If it is another engineer's session: how to take part in it.
    pub joining: Option<Joining>,
}

/// How a further engineer takes part in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joining {
    /// Whether to watch only.
    pub observes: bool,
}

impl Call {
    /// From the command line; asks for the ticket on `terminal` if none was given.
    pub(crate) async fn from_arguments(
        id: SupportId,
        arguments: &CallArguments,
        terminal: Option<Terminal>,
    ) -> Result<Self, Failure> {
        let ticket = match &arguments.ticket {
            Some(ticket) => text::normalise(ticket),
            None => ask_for_ticket(id, terminal).await?,
        };
        let partner = arguments.partner.as_deref().map(text::normalise);
        check("the ticket", &ticket)?;
        partner.as_deref().map(|partner| check("the partner", partner)).transpose()?;
        Ok(Self { id, ticket, partner, joining: None })
    }
}

/// Reads a support ID that may come in several words.
pub(crate) fn parse_id(words: &[String]) -> Result<SupportId, Failure> {
    let text = words.join(" ");
    text.parse().map_err(|error| match error {
        ParseSupportIdError::Typo => Failure::new(Kind::IdTypo, say!("check-id", error = error.to_string())),
        ParseSupportIdError::Count(_) | ParseSupportIdError::Foreign
            if !text.chars().any(char::is_numeric) =>
        {
            Failure::usage(say!("neither-id-nor-command", words = format!("{:?}", text::name(&text))))
        }
        ParseSupportIdError::Count(_) | ParseSupportIdError::Foreign => {
            Failure::usage(say!("check-id", error = error.to_string()))
        }
    })
}

async fn ask_for_ticket(id: SupportId, terminal: Option<Terminal>) -> Result<String, Failure> {
    let missing = || Failure::usage(say!("ticket-missing", id = id.grouped()));
    let terminal = terminal.ok_or_else(missing)?;
    let typed = terminal.ask(&say!("ask-for-ticket"), false).await;
    let typed = typed
        .map_err(|error| Failure::new(Kind::Failed, say!("ticket-unreadable", error = error.to_string())))?;
    typed.map(|ticket| text::normalise(&ticket)).filter(|ticket| !ticket.is_empty()).ok_or_else(missing)
}

/// Whether the client can read it.
pub(crate) fn check(what: &'static str, value: &str) -> Result<(), Failure> {
    text::check(what, value, limits::REFERENCE).map_err(|error| Failure::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn ids_come_in_many_shapes() {
        let id: SupportId = "572400000".parse().expect("valid");
        for typed in [&["572400000"][..], &["572", "400", "000"], &["572 400-000"], &["572.400.000"]] {
            assert_eq!(parse_id(&words(typed)), Ok(id), "{typed:?}");
        }
    }

    #[test]
    fn a_typo_is_told_from_something_else() {
        let typo = parse_id(&words(&["572400001"])).expect_err("a typo");
        assert_eq!(
            (typo.kind, &*typo.message),
            (
                Kind::IdTypo,
                "that ID has a typo (one digit is wrong, or two have changed places): check it with the client"
            )
        );
        for other in [&["57240000"][..], &["conect"], &[]] {
            assert_eq!(parse_id(&words(other)).expect_err("no ID").kind, Kind::Usage, "{other:?}");
        }
    }

    #[tokio::test]
    async fn what_the_client_reads_must_be_readable() {
        let call = |ticket: &str, partner: Option<&str>| {
            let arguments = CallArguments {
                id: Vec::new(),
                ticket: Some(ticket.into()),
                partner: partner.map(str::to_owned),
                pin_fd: None,
            };
            async move { Call::from_arguments(SupportId::random(), &arguments, None).await }
        };
        assert!(call("T-1", Some("Müller & Co")).await.is_ok());
        for (ticket, partner) in [("", None), ("T\u{1b}[2J", None), ("T", Some("\u{202e}")), ("T", Some(""))]
        {
            assert_eq!(call(ticket, partner).await.expect_err("refused").kind, Kind::Usage);
        }
    }
}
