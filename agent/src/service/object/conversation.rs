//! What the client answers and says.

use fieldlink_device::bus::{Caller, ConversationMethods, ConversationProperties};
use fieldlink_device::order::{ClientAnswer, Order};
use fieldlink_device::words::Language;
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::{limits, text};

use super::{Object, parse};
use crate::service::action::Action;
use crate::service::error::Error;

impl ConversationMethods for Object {
    type Error = Error;

    fn properties(&self) -> ConversationProperties {
        ConversationProperties::from(&self.view.borrow().status)
    }

    async fn allow(&self, caller: Caller<'_>, question: &str) -> Result<(), Error> {
        let question: QuestionId = parse("question", question)?;
        self.order(caller, Action::Allow, Order::Answer(question, ClientAnswer::Yes)).await
    }

    async fn refuse(&self, caller: Caller<'_>, question: &str) -> Result<(), Error> {
        let question: QuestionId = parse("question", question)?;
        self.order(caller, Action::Refuse, Order::Answer(question, ClientAnswer::No)).await
    }

    async fn answer(&self, caller: Caller<'_>, question: &str, text: String) -> Result<(), Error> {
        let question: QuestionId = parse("question", question)?;
        check(&text)?;
        self.order(caller, Action::Answer, Order::Answer(question, ClientAnswer::Text(text))).await
    }

    async fn answer_in(
        &self,
        caller: Caller<'_>,
        question: &str,
        text: String,
        language: &str,
    ) -> Result<(), Error> {
        let question: QuestionId = parse("question", question)?;
        check(&text)?;
        let unknown = || Error::invalid(format!("language={}", text::name(language)));
        let language = Language::from_code(language).ok_or_else(unknown)?;
        let answer = ClientAnswer::InLanguage(text, language);
        self.order(caller, Action::Answer, Order::Answer(question, answer)).await
    }

    async fn send_chat(&self, caller: Caller<'_>, text: String) -> Result<(), Error> {
        check(&text)?;
        self.order(caller, Action::Answer, Order::Chat(text)).await
    }
}

pub(super) fn check(line: &str) -> Result<(), Error> {
    text::check("text", line.trim(), limits::CHAT).map_err(|error| Error::invalid(error.to_string()))
}
