//! Reads a runbook. Everything is bounded as the wire is, and can be shown; a fault is named by its line and field.

use std::collections::HashSet;
use std::ops::Range;

use fieldlink_protocol::messages::operation::is_operation_name;
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::messages::runbook::{ANSWER, STEPS, TEXT};
use fieldlink_protocol::{limits, settings, text};
use toml::Spanned;

use crate::table::{BranchTable, ExpectTable, Field, RunbookTable, StepTable};
use crate::{Branch, Expectation, ParseError, Runbook, Step, Target, Texts, Verb, When};

/// Longest name of a step, in bytes.
const ID: usize = 32;
/// Longest command, in bytes.
const COMMAND: usize = 1000;
/// Longest text that a command is to print, in bytes.
const OUTPUT: usize = 200;
/// Branches of one step, and values of one expectation.
const MOST: usize = 16;
/// Where a branch leads that ends the runbook.
const END: &str = "end";

impl Runbook {
    /// Reads the whole of a file.
    pub fn parse(file: &str) -> Result<Self, ParseError> {
        if file.len() > TEXT {
            let problem =
                format!("the file has {} bytes, and may have {TEXT}: make two runbooks of it", file.len());
            return Err(ParseError { line: None, key: None, problem });
        }
        let file = file.strip_prefix('\u{feff}').unwrap_or(file);
        let table: RunbookTable = settings::parse(file)?;
        Reader { file }.runbook(table)
    }
}

/// What is needed to say where something stands.
struct Reader<'a> {
    file: &'a str,
}

impl Reader<'_> {
    fn fault(&self, place: Range<usize>, field: &str, problem: impl Into<String>) -> ParseError {
        let before = self.file.as_bytes().get(..place.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        ParseError { line: Some(line), key: Some(field.to_owned()), problem: problem.into() }
    }

    fn runbook(&self, table: RunbookTable) -> Result<Runbook, ParseError> {
        let RunbookTable { name, title, step: steps } = table;
        let name = self.needed(name, 0..0, "name", "first-look")?;
        let (place, name) = (name.span(), name.into_inner());
        if !is_operation_name(&name) {
            return Err(self.fault(place, "name", NO_NAME));
        }
        let title = self.title(title, 0..0, "title")?;
        if steps.is_empty() {
            return Err(self.fault(0..0, "step", "there is none: add one ([[step]])"));
        }
        if let Some(beyond) = steps.get(STEPS) {
            let problem = format!("there are more than {STEPS}: make two runbooks of it");
            return Err(self.fault(beyond.span(), "step", problem));
        }
        let ids = self.ids(&steps)?;
        let read = steps.into_iter().enumerate().map(|(index, step)| self.step(step, index, &ids));
        Ok(Runbook { name, title, steps: read.collect::<Result<_, _>>()? })
    }

    /// The name of every step, so that branches can be looked up.
    fn ids(&self, steps: &[Spanned<StepTable>]) -> Result<Vec<String>, ParseError> {
        let mut ids: Vec<String> = Vec::with_capacity(steps.len());
        for step in steps {
            let Some(id) = &step.get_ref().id else {
                return Err(self.missing(step.span(), "step.id", "disk"));
            };
            let (place, id) = (id.span(), id.get_ref());
            if !is_operation_name(id) || id.len() > ID || id == END {
                return Err(self.fault(place, "step.id", NO_ID));
            }
            if ids.contains(id) {
                return Err(self.fault(
                    place,
                    "step.id",
                    "another step has the same: give it one of its own",
                ));
            }
            ids.push(id.clone());
        }
        Ok(ids)
    }

    fn step(&self, table: Spanned<StepTable>, index: usize, ids: &[String]) -> Result<Step, ParseError> {
        let (place, mut table) = (table.span(), table.into_inner());
        let title = self.title(table.title.take(), place.clone(), "step.title")?;
        let (expect, branches, on_failure) =
            (std::mem::take(&mut table.expect), std::mem::take(&mut table.branch), table.on_failure);
        let verb = self.verb(table, place)?;
        let expect = self.expectation(expect, &verb)?;
        if let Some(beyond) = branches.get(MOST) {
            return Err(self.fault(beyond.span(), "step.branch", format!("there are more than {MOST}")));
        }
        let read = branches.into_iter().map(|branch| self.branch(branch, &verb, (index, ids)));
        let branches = read.collect::<Result<_, _>>()?;
        Ok(Step { id: ids[index].clone(), title, verb, expect, branches, on_failure })
    }

    fn verb(&self, table: StepTable, place: Range<usize>) -> Result<Verb, ParseError> {
        self.reserved(&table)?;
        let StepTable { ask, step, ready, run, operation, restart, note, health, .. } = table;
        let StepTable { choices, file, power, .. } = table;
        let places = [
            ask.as_ref().map(Spanned::span),
            step.as_ref().map(Spanned::span),
            ready.as_ref().map(Spanned::span),
            run.as_ref().map(Spanned::span),
            operation.as_ref().map(Spanned::span),
            restart.as_ref().map(Spanned::span),
            note.as_ref().map(Spanned::span),
            health.as_ref().map(Spanned::span),
        ];
        if let Some(second) = places.into_iter().flatten().nth(1) {
            return Err(self.fault(second, "step", ONE_VERB));
        }
        self.belongs(&choices, ask.is_some(), ("step.choices", "ask"))?;
        self.belongs(&file, operation.is_some(), ("step.file", "operation"))?;
        self.belongs(&power, restart.is_some(), ("step.power", "restart"))?;
        match (ask, step, ready, run, operation, restart, note, health) {
            (Some(question), ..) => {
                let question = self.texts(question, "step.ask", limits::QUESTION)?;
                Ok(Verb::Ask { question, choices: self.choices(choices)? })
            }
            (_, Some(text), ..) => Ok(Verb::Step { text: self.texts(text, "step.step", limits::QUESTION)? }),
            (_, _, Some(ready), ..) => self.ready(&ready),
            (_, _, _, Some(run), ..) => Ok(Verb::Run(self.text(run, "step.run", COMMAND)?)),
            (_, _, _, _, Some(operation), ..) => self.operation(operation, file),
            (.., Some(reason), _, _) => {
                let reason = self.texts(reason, "step.restart", limits::QUESTION)?;
                Ok(Verb::Restart { reason, power: power.is_some_and(Spanned::into_inner) })
            }
            (.., Some(note), _) => Ok(Verb::Note(self.texts(note, "step.note", limits::CHAT)?)),
            (.., Some(health)) if *health.get_ref() => Ok(Verb::Health),
            (.., Some(health)) => Err(self.fault(health.span(), "step.health", "it is true, or not there")),
            _ => Err(self.fault(place, "step", ONE_VERB)),
        }
    }

    /// What a later version does.
    fn reserved(&self, table: &StepTable) -> Result<(), ParseError> {
        match &table.photo {
            Some(field) => Err(self.fault(field.span(), "step.photo", NOT_YET)),
            None => Ok(()),
        }
    }

    /// A field that means something only beside another one.
    fn belongs<T>(
        &self,
        field: &Field<T>,
        is_fit: bool,
        (name, beside): (&str, &str),
    ) -> Result<(), ParseError> {
        match field {
            Some(field) if !is_fit => {
                Err(self.fault(field.span(), name, format!("it means something only beside {beside}")))
            }
            _ => Ok(()),
        }
    }

    fn choices(&self, choices: Field<Vec<Texts>>) -> Result<Vec<Texts>, ParseError> {
        let Some(choices) = choices else { return Ok(Vec::new()) };
        let (place, choices) = (choices.span(), choices.into_inner());
        let fault = |problem: String| self.fault(place.clone(), "step.choices", problem);
        if choices.len() > limits::CHOICES {
            return Err(fault(format!("there are more than {}", limits::CHOICES)));
        }
        let mut seen = HashSet::new();
        for choice in &choices {
            self.check(choice, place.clone(), "step.choices", limits::CHOICE)?;
            for (language, text) in choice.iter() {
                if !seen.insert((language, text.trim().to_lowercase())) {
                    return Err(fault(format!("{text:?} is there twice: name each once")));
                }
            }
        }
        Ok(choices)
    }

    fn ready(&self, name: &Spanned<String>) -> Result<Verb, ParseError> {
        Ready::from_name(name.get_ref()).map(Verb::Ready).ok_or_else(|| {
            let names = Ready::ALL.map(Ready::name).join(", ");
            self.fault(name.span(), "step.ready", format!("there is none of that name; there are: {names}"))
        })
    }

    fn operation(&self, name: Spanned<String>, file: Field<String>) -> Result<Verb, ParseError> {
        if !is_operation_name(name.get_ref()) {
            return Err(self.fault(name.span(), "step.operation", NO_NAME));
        }
        let file = match file {
            Some(file) if file.get_ref().contains('/') || file.get_ref().starts_with('.') => {
                return Err(self.fault(file.span(), "step.file", NO_FILE));
            }
            Some(file) => Some(self.text(file, "step.file", limits::NAME)?),
            None => None,
        };
        Ok(Verb::Operation { name: name.into_inner(), file })
    }

    fn expectation(&self, table: ExpectTable, verb: &Verb) -> Result<Expectation, ParseError> {
        let ExpectTable { exit, output, answer } = table;
        self.belongs(&exit, verb.has_exit(), ("step.expect.exit", "run, operation or health"))?;
        self.belongs(&output, matches!(verb, Verb::Run(_)), ("step.expect.output", "run"))?;
        self.belongs(&answer, verb.has_answer(), ("step.expect.answer", "ask or a ready question"))?;
        let too_many = |place| self.fault(place, "step.expect", format!("there are more than {MOST} values"));
        if let Some(exit) = exit.as_ref().filter(|exit| exit.get_ref().0.len() > MOST) {
            return Err(too_many(exit.span()));
        }
        if let Some(answer) = &answer {
            let (place, answers) = (answer.span(), &answer.get_ref().0);
            if answers.len() > MOST {
                return Err(too_many(place));
            }
            for answer in answers {
                self.answer(answer, place.clone(), ("step.expect.answer", verb))?;
            }
        }
        Ok(Expectation {
            exit: exit.map(|exit| exit.into_inner().0).unwrap_or_default(),
            output: output.map(|output| self.text(output, "step.expect.output", OUTPUT)).transpose()?,
            answer: answer.map(|answer| answer.into_inner().0).unwrap_or_default(),
        })
    }

    fn branch(
        &self,
        table: Spanned<BranchTable>,
        verb: &Verb,
        (index, ids): (usize, &[String]),
    ) -> Result<Branch, ParseError> {
        let (place, BranchTable { answer, exit, to }) = (table.span(), table.into_inner());
        self.belongs(&exit, verb.has_exit(), ("step.branch.exit", "run, operation or health"))?;
        self.belongs(&answer, verb.has_answer(), ("step.branch.answer", "ask or a ready question"))?;
        let when = match (answer, exit) {
            (Some(answer), None) => {
                self.answer(answer.get_ref(), answer.span(), ("step.branch.answer", verb))?;
                When::Answer(answer.into_inner())
            }
            (None, Some(exit)) => When::Exit(exit.into_inner()),
            _ => return Err(self.fault(place, "step.branch", "name either an answer or an exit code")),
        };
        let to = self.needed(to, place, "step.branch.to", "disk")?;
        let to = match ids.iter().position(|id| id == to.get_ref()) {
            _ if to.get_ref() == END => Target::End,
            Some(later) if later > index => Target::Step(later),
            Some(_) => {
                return Err(self.fault(to.span(), "step.branch.to", "it may only lead to a later step"));
            }
            None => return Err(self.fault(to.span(), "step.branch.to", "there is no step of that name")),
        };
        Ok(Branch { when, to })
    }

    /// An answer that the client can give.
    fn answer(
        &self,
        answer: &str,
        place: Range<usize>,
        (field, verb): (&str, &Verb),
    ) -> Result<(), ParseError> {
        let given: Vec<&str> = match verb {
            Verb::Ask { choices, .. } => choices.iter().map(Texts::english).collect(),
            Verb::Ready(ready) => ready.choices().to_vec(),
            _ => Vec::new(),
        };
        text::check("it", answer, ANSWER)
            .map_err(|error| self.fault(place.clone(), field, error.to_string()))?;
        match given.contains(&answer) || given.is_empty() {
            true => Ok(()),
            false => {
                let problem = format!("it is none of the choices; they are: {}", given.join(", "));
                Err(self.fault(place, field, problem))
            }
        }
    }

    fn title(&self, title: Field<Texts>, place: Range<usize>, field: &str) -> Result<Texts, ParseError> {
        let title = self.needed(title, place, field, "…")?;
        self.texts(title, field, limits::NAME)
    }

    fn texts(&self, texts: Spanned<Texts>, field: &str, most: usize) -> Result<Texts, ParseError> {
        self.check(texts.get_ref(), texts.span(), field, most)?;
        Ok(texts.into_inner())
    }

    fn check(&self, texts: &Texts, place: Range<usize>, field: &str, most: usize) -> Result<(), ParseError> {
        if !texts.iter().any(|(language, _)| language == fieldlink_words::Language::English) {
            return Err(self.fault(place, field, "it has no English text (en = \"…\")"));
        }
        for (language, text) in texts.iter() {
            let field = format!("{field}.{}", language.code());
            text::check("it", text, most)
                .map_err(|error| self.fault(place.clone(), &field, error.to_string()))?;
        }
        Ok(())
    }

    fn text(&self, value: Spanned<String>, field: &str, most: usize) -> Result<String, ParseError> {
        text::check("it", value.get_ref(), most)
            .map_err(|error| self.fault(value.span(), field, error.to_string()))?;
        Ok(value.into_inner())
    }

    fn needed<T>(
        &self,
        field: Field<T>,
        place: Range<usize>,
        name: &str,
        example: &str,
    ) -> Result<Spanned<T>, ParseError> {
        field.ok_or_else(|| self.missing(place, name, example))
    }

    fn missing(&self, place: Range<usize>, name: &str, example: &str) -> ParseError {
        let key = name.rsplit('.').next().unwrap_or(name);
        self.fault(place, name, format!("it is missing: add {key} = \"{example}\""))
    }
}

const NO_NAME: &str =
    "it is no name (lowercase letters, digits, -, _ and ., a letter first, 64 at most): choose another one";
const NO_ID: &str = "it is no name of a step (lowercase letters, digits, -, _ and ., a letter first, 32 at most, and not \
                     \"end\"): choose another one";
const ONE_VERB: &str = "name exactly one of ask, step, ready, run, operation, restart, note, health";
const NO_FILE: &str = "it is the name of a file beside the runbook, without a / and with no dot in front";
const NOT_YET: &str = "this version does not know such steps yet: take it out, or use a later version";
