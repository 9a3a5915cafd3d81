//! The object on the bus: what the person beside the device can do and read.

use std::time::Duration;

use fieldlink_device::bus::{BusArguments, ErrorCode, Properties, to_bus};
use fieldlink_device::notice;
use fieldlink_device::order::ClientAnswer;
use fieldlink_device::order::Order;
use fieldlink_device::panel::View;
use fieldlink_device::status::Phase;
use fieldlink_device::words::Language;
use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::reason::Reason;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::timeout;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, interface};

use super::action::Action;
use super::authority::{Authority, is_answerable};
use super::error::Error;
use super::network_check::NetworkCheck;
use crate::access::Command;

/// The longest body of a message that is looked at, in bytes: a line of chat, and what D-Bus puts around it.
const LONGEST: u32 = limits::CHAT as u32 + 128;
/// A check of the network takes a few seconds; dialling and measuring have limits of their own.
const CHECK: Duration = Duration::from_secs(30);

/// What the object stands on.
pub struct Object {
    /// Where orders go.
    pub commands: mpsc::Sender<Command>,
    /// What is shown.
    pub view: watch::Receiver<View>,
    /// Who may.
    pub authority: Authority,
    /// What the device's operator has set.
    pub language: Option<Language>,
    /// For checks of the network.
    pub network: Mutex<NetworkCheck>,
}

impl Object {
    async fn permit(&self, bus: &Connection, header: &Header<'_>, action: Action) -> Result<(), Error> {
        // The message is kept while others are asked, and everybody may send as many as they like.
        if header.primary().body_len() > LONGEST {
            return Err(ErrorCode::TooLong.into());
        }
        Ok(self.authority.check(bus, header, action).await?)
    }

    async fn order(
        &self,
        bus: &Connection,
        header: &Header<'_>,
        action: Action,
        order: Order,
    ) -> Result<(), Error> {
        self.permit(bus, header, action).await?;
        Ok(Command::ask(&self.commands, order).await?)
    }

    fn properties(&self) -> Properties {
        Properties::from(&self.view.borrow().status)
    }
}

#[interface(name = "com.navvis.Fieldlink1")]
impl Object {
    async fn start(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        self.order(bus, &header, Action::Start, Order::Start).await
    }

    async fn stop(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        self.order(bus, &header, Action::Stop, Order::Stop(Reason::ClientEnded)).await
    }

    async fn end(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        self.order(bus, &header, Action::Stop, Order::End).await
    }

    #[zbus(out_args("support_id", "pin"))]
    async fn get_credentials(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(String, String), Error> {
        self.permit(bus, &header, Action::Credentials).await?;
        let view = self.view.borrow().clone();
        let none = match view.status.phase {
            Phase::Off => ErrorCode::NoCredentials,
            Phase::Connecting => ErrorCode::CredentialsNotYet,
            _ => ErrorCode::CredentialsUsed,
        };
        let credentials = view.credentials.ok_or(none)?;
        Ok((credentials.support_id.to_string(), credentials.pin.expose().to_owned()))
    }

    async fn allow(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
        question: &str,
    ) -> Result<(), Error> {
        let question: QuestionId = parse("question", question)?;
        self.order(bus, &header, Action::Allow, Order::Answer(question, ClientAnswer::Yes)).await
    }

    async fn refuse(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
        question: &str,
    ) -> Result<(), Error> {
        let question: QuestionId = parse("question", question)?;
        self.order(bus, &header, Action::Refuse, Order::Answer(question, ClientAnswer::No)).await
    }

    async fn grant_extension(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
        session: &str,
        minutes: u32,
    ) -> Result<(), Error> {
        let session: SessionId = parse("session", session)?;
        if !limits::EXTENSION_MINUTES.contains(&minutes) {
            return Err(Error::invalid(format!("minutes={minutes}")));
        }
        self.order(bus, &header, Action::Extend, Order::Grant(session, minutes)).await
    }

    async fn answer(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
        question: &str,
        text: String,
    ) -> Result<(), Error> {
        let question: QuestionId = parse("question", question)?;
        fieldlink_protocol::text::check("the answer", text.trim(), limits::CHAT)
            .map_err(|error| Error::invalid(error.to_string()))?;
        self.order(bus, &header, Action::Answer, Order::Answer(question, ClientAnswer::Text(text))).await
    }

    async fn send_chat(
        &self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: Header<'_>,
        text: String,
    ) -> Result<(), Error> {
        fieldlink_protocol::text::check("the message", text.trim(), limits::CHAT)
            .map_err(|error| Error::invalid(error.to_string()))?;
        self.order(bus, &header, Action::Answer, Order::Chat(text)).await
    }

    #[zbus(out_args("exit_code", "code", "arguments", "details", "json"))]
    async fn check_network(
        &self,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(u32, String, BusArguments, String, String), Error> {
        // Everybody may ask; so nobody waits here for somebody else.
        if !is_answerable(&header) {
            return Err(ErrorCode::CheckRuns.into());
        }
        let mut network = self.network.try_lock().map_err(|_| ErrorCode::CheckRuns)?;
        let is_as_then = self.view.borrow().status.network.clone();
        let report = timeout(CHECK, network.report(is_as_then)).await.map_err(|_| ErrorCode::CheckTooSlow)?;
        let (code, arguments) = notice::parts(&report.verdict.notice);
        let json = format!("{:#}", report.to_codes());
        Ok((report.exit_code().into(), code, to_bus(arguments), report.details(), json))
    }

    #[zbus(signal)]
    async fn chat(emitter: &SignalEmitter<'_>, from: &str, text: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn warning(emitter: &SignalEmitter<'_>, code: &str, arguments: BusArguments) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "const"))]
    async fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn language(&self) -> String {
        self.language.map_or("", Language::code).to_owned()
    }

    #[zbus(property)]
    async fn state(&self) -> String {
        self.properties().state
    }

    #[zbus(property)]
    async fn notice(&self) -> String {
        self.properties().notice
    }

    #[zbus(property)]
    async fn notice_arguments(&self) -> BusArguments {
        self.properties().notice_arguments
    }

    #[zbus(property)]
    async fn network(&self) -> String {
        self.properties().network
    }

    #[zbus(property)]
    async fn network_arguments(&self) -> BusArguments {
        self.properties().network_arguments
    }

    #[zbus(property)]
    async fn problem(&self) -> String {
        self.properties().problem
    }

    #[zbus(property)]
    async fn wrong_tries(&self) -> u32 {
        self.properties().wrong_tries
    }

    #[zbus(property)]
    async fn session(&self) -> String {
        self.properties().session
    }

    #[zbus(property)]
    async fn engineer(&self) -> String {
        self.properties().engineer
    }

    #[zbus(property)]
    async fn company(&self) -> String {
        self.properties().company
    }

    #[zbus(property)]
    async fn ticket(&self) -> String {
        self.properties().ticket
    }

    #[zbus(property)]
    async fn partner(&self) -> String {
        self.properties().partner
    }

    #[zbus(property)]
    async fn deadline(&self) -> u64 {
        self.properties().deadline
    }

    #[zbus(property)]
    async fn away(&self) -> String {
        self.properties().away
    }

    #[zbus(property)]
    async fn returns(&self) -> u32 {
        self.properties().returns
    }

    #[zbus(property)]
    async fn question(&self) -> String {
        self.properties().question
    }

    #[zbus(property)]
    async fn question_kind(&self) -> String {
        self.properties().question_kind
    }

    #[zbus(property)]
    async fn question_minutes(&self) -> u32 {
        self.properties().question_minutes
    }

    #[zbus(property)]
    async fn question_text(&self) -> String {
        self.properties().question_text
    }

    #[zbus(property)]
    async fn question_choices(&self) -> Vec<String> {
        self.properties().question_choices
    }

    #[zbus(property)]
    async fn question_deadline(&self) -> u64 {
        self.properties().question_deadline
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| Error::invalid(format!("{what}: {error}")))
}
