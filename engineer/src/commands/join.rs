//! `join`: another engineer's session, with the code that they passed on.

use std::io::IsTerminal;

use fieldlink_protocol::join_code::{JoinCode, JoinDigits, ParseJoinCodeError};
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::text;
use zeroize::Zeroizing;

use super::connect::{another_shell, check, order};
use crate::args::JoinArguments;
use crate::call::{self, Call, Joining};
use crate::context::CallContext;
use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::front;
use crate::holder::{Order, Uses};
use crate::pin_entry::{PinEntry, PinForm, typed_line};
use crate::platform::LineInput;
use crate::progress::Console;
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;

/// Digits of the half that is no secret.
const ADDRESS: usize = 9;

/// Joins, with the secret half from `pin` if a descriptor was named.
pub(super) async fn run(
    arguments: &JoinArguments,
    pin: Option<LineInput>,
    console: &Console,
) -> Result<u8, Failure> {
    let (address, digits) = code(&arguments.code.join(" "), pin.is_some()).await?;
    let ticket = text::normalise(&arguments.ticket);
    call::check("the ticket", &ticket)?;
    let uses = uses(arguments);
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    if runtime.sessions()?.contains(&address) {
        return another_shell(&runtime, address, uses, console).await;
    }
    let context = CallContext::load(&Directories::from_environment()?)?;
    check(&context, address, console)?;
    let pins = match &digits {
        Some(digits) => PinEntry::known(digits),
        None => PinEntry::for_connect(PinForm::JoinDigits, pin)?,
    };
    let joining = Some(Joining { observes: arguments.observe });
    let call = Call { id: address, ticket, partner: None, joining };
    let order = order(call, uses, Some(&pins));
    let order = Order { json: arguments.json, attended: std::io::stdin().is_terminal(), ..order };
    front::serve(&order, Some(pins), &[]).await
}

fn uses(arguments: &JoinArguments) -> Uses {
    match (arguments.json || arguments.no_shell, arguments.observe) {
        (true, _) => Uses::Others,
        (false, true) => Uses::View,
        (false, false) => Uses::Shell,
    }
}

/// The two halves; of the secret one nothing if it is still to be asked for.
async fn code(typed: &str, is_secret_elsewhere: bool) -> Result<(SupportId, Option<JoinDigits>), Failure> {
    if typed.is_empty() {
        let whole = ask().await?;
        return parse(&whole).map(|JoinCode { address, digits }| (address, Some(digits)));
    }
    let digits = typed.chars().filter(char::is_ascii_digit).count();
    if digits == ADDRESS || is_secret_elsewhere {
        let typo = |_| unfit(&ParseJoinCodeError::Typo);
        return typed.parse().map(|address| (address, None)).map_err(typo);
    }
    parse(typed).map(|JoinCode { address, digits }| (address, Some(digits)))
}

fn parse(typed: &str) -> Result<JoinCode, Failure> {
    JoinCode::parse(typed).map_err(|error| unfit(&error))
}

fn unfit(error: &ParseJoinCodeError) -> Failure {
    let kind = if *error == ParseJoinCodeError::Typo { Kind::IdTypo } else { Kind::Usage };
    Failure::new(kind, error.to_string())
}

/// The whole code, from the terminal or standard input.
async fn ask() -> Result<Zeroizing<String>, Failure> {
    let line = typed_line(&say!("ask-for-join-code"), true).await;
    let unreadable = |error: std::io::Error| {
        Failure::new(Kind::Failed, say!("join-code-unreadable", error = error.to_string()))
    };
    line.map_err(unreadable)?.ok_or_else(|| Failure::usage(say!("join-code-missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn codes_come_whole_or_without_their_secret() {
        let address: SupportId = "572400000".parse().expect("valid");
        let (typed, digits) = code("572 400 000 - 123 456", false).await.expect("whole");
        assert_eq!((typed, digits.as_ref().map(JoinDigits::expose)), (address, Some("123456")));
        assert_eq!(code("572 400 000", false).await, Ok((address, None)));
        assert_eq!(code("572400000", true).await, Ok((address, None)));
        for (wrong, kind) in
            [("572400001", Kind::IdTypo), ("5724000001234567", Kind::Usage), ("join", Kind::Usage)]
        {
            assert_eq!(code(wrong, false).await.expect_err(wrong).kind, kind, "{wrong}");
        }
    }
}
