//! What the engineer asks and tells the client.

use clap::Args;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::announcements::{CaseResult, Outcome};
use fieldlink_protocol::messages::ready::Ready;

/// Arguments of `ask`.
#[derive(Debug, Args)]
pub struct AskArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Show the ready questions and steps, which every scanner has in its client's language
    #[arg(long, conflicts_with_all = ["ready", "words", "choices"])]
    pub list: bool,
    /// A ready question or step
    #[arg(long, value_name = "NAME", value_parser = ready, conflicts_with_all = ["words", "choices"])]
    pub ready: Option<Ready>,
    /// The question, at most 500 bytes
    #[arg(required_unless_present_any = ["list", "ready"], value_name = "QUESTION")]
    pub words: Vec<String>,
    /// An answer to choose from; may be given up to six times
    #[arg(long = "choice", value_name = "TEXT")]
    pub choices: Vec<String>,
}

/// Arguments of `step`.
#[derive(Debug, Args)]
pub struct StepArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// A ready step
    #[arg(long, value_name = "NAME", value_parser = ready_step, conflicts_with = "words")]
    pub ready: Option<Ready>,
    /// What is to be done, at most 500 bytes
    #[arg(required_unless_present = "ready", value_name = "TEXT")]
    pub words: Vec<String>,
}

fn ready(name: &str) -> Result<Ready, String> {
    let names = Ready::ALL.map(Ready::name).join(", ");
    Ready::from_name(name).ok_or_else(|| format!("there is none of that name; there are: {names}"))
}

fn ready_step(name: &str) -> Result<Ready, String> {
    ready(name).and_then(|ready| match ready.is_step() {
        true => Ok(ready),
        false => Err("that is a question: fieldlink-connect ask --ready".to_owned()),
    })
}

/// Arguments of `quiet`.
#[derive(Debug, Args)]
pub struct QuietArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// You do not work alone any more
    #[arg(long, conflicts_with_all = ["minutes", "words"], required_unless_present = "minutes")]
    pub over: bool,
    /// For how long, up to an hour: 20m, or just 20
    #[arg(value_name = "TIME", value_parser = quiet_minutes)]
    pub minutes: Option<u32>,
    /// What you do meanwhile, at most 500 bytes
    #[arg(value_name = "TEXT")]
    pub words: Vec<String>,
}

/// Whose words a note has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum NoteSource {
    /// What you saw.
    Engineer,
    /// What the client said.
    Client,
}

/// Arguments of `note`.
#[derive(Debug, Args)]
pub struct NoteArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Whose words it has
    #[arg(long, value_name = "WHO", default_value = "engineer")]
    pub by: NoteSource,
    /// The note, at most 1000 bytes
    #[arg(required = true, value_name = "TEXT")]
    pub words: Vec<String>,
}

/// How a support case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutcomeArgument {
    /// The fault is gone.
    Resolved,
    /// The fault is there, and can be lived with.
    Workaround,
    /// Another session is needed.
    SecondSession,
}

/// Arguments of `end`.
#[derive(Debug, Args)]
pub struct EndArguments {
    /// The support ID; not needed if one session is open
    #[arg(value_name = "ID")]
    pub id: Vec<String>,
    /// What became of the support case
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<OutcomeArgument>,
    /// What was found and done, at most 1000 bytes
    #[arg(long, value_name = "TEXT", requires = "outcome", default_value = "", hide_default_value = true)]
    pub summary: String,
    /// What is to be prepared for a second session
    #[arg(long, value_name = "TEXT", required_if_eq("outcome", "second-session"))]
    pub prepare: Option<String>,
}

impl EndArguments {
    /// The outcome that is to be told, if one is.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let result = match self.outcome? {
            OutcomeArgument::Resolved => CaseResult::Resolved,
            OutcomeArgument::Workaround => CaseResult::Workaround,
            OutcomeArgument::SecondSession => CaseResult::SecondSession,
        };
        let prepare = self.prepare.clone().unwrap_or_default();
        Some(Outcome { result, summary: self.summary.clone(), prepare })
    }
}

/// Minutes of a quiet period: a number, with or without an `m`, or `1h`.
fn quiet_minutes(text: &str) -> Result<u32, String> {
    let (number, unit) = match text.strip_suffix('h') {
        Some(hours) => (hours, 60),
        None => (text.strip_suffix('m').unwrap_or(text), 1),
    };
    let minutes = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    let fits = minutes.filter(|minutes| limits::QUIET_MINUTES.contains(minutes));
    fits.ok_or_else(|| "name 1 to 60 minutes, as in 20m".to_owned())
}

/// Arguments of `restart`.
#[derive(Debug, Args)]
pub struct RestartArguments {
    /// The support ID, in one word or in quotes; not needed if one session is open
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// The power is to be cut by hand, to swap the battery
    #[arg(long)]
    pub power: bool,
    /// Why, as the client reads it; at most 500 bytes
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}
