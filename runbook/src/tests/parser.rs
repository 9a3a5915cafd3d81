//! What is read, and what is refused with its line and field.

use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::messages::runbook::TEXT;
use fieldlink_words::Language;
use proptest::prelude::*;

use crate::{Branch, OnFailure, Runbook, Target, Verb, When};

const WHOLE: &str = r#"# A comment.
name = "first-look"
title = { en = "First look", de = "Erster Blick" }

[[step]]
id = "network"
title.en = "Network"
title.de = "Netzwerk"
run = "ip -brief address"
expect = { exit = [0, 3], output = "UP" }
on_failure = "continue"
branch = [{ exit = 3, to = "note" }]

[[step]]
id = "light"
title = "The light"
ready = "light-at-start"
expect.answer = ["green", "blue"]

[[step.branch]]
answer = "off"
to = "end"

[[step.branch]]
answer = "red"
to = "restart"

[[step]]
id = "ask"
title = "Beeps"
ask = { en = "Does it beep?", de = "Piept es?" }
choices = [{ en = "yes", de = "ja" }, { en = "no", de = "nein" }]
expect = { answer = "no" }

[[step]]
id = "cable"
title = "The cable"
step = { en = "Unplug the cable", de = "Ziehen Sie das Kabel" }

[[step]]
id = "update"
title = "The update"
operation = "update"
file = "update.tar"

[[step]]
id = "restart"
title = "Restart"
restart = "after the update"
power = true

[[step]]
id = "note"
title = "Note"
note = "all is well"

[[step]]
id = "health"
title = "Health"
health = true
expect.exit = [0, 1]
"#;

#[test]
fn every_verb_is_read() {
    let runbook = Runbook::parse(WHOLE).expect("it is good");
    assert_eq!((runbook.name.as_str(), runbook.title.of(Language::German)), ("first-look", "Erster Blick"));
    let verbs: Vec<_> = runbook.steps.iter().map(|step| step.verb.name()).collect();
    assert_eq!(verbs, ["run", "ready", "ask", "step", "operation", "restart", "note", "health"]);
    let [network, light, ask, ..] = &runbook.steps[..] else { panic!("steps") };
    assert_eq!((&network.expect.exit[..], network.on_failure), (&[0, 3][..], OnFailure::Continue));
    assert_eq!(network.branches, [Branch { when: When::Exit(3), to: Target::Step(6) }]);
    assert_eq!(
        (&light.verb, light.title.of(Language::German)),
        (&Verb::Ready(Ready::LightAtStart), "The light")
    );
    let to: Vec<_> = light.branches.iter().map(|branch| branch.to).collect();
    assert_eq!(to, [Target::End, Target::Step(5)]);
    let Verb::Ask { choices, .. } = &ask.verb else { panic!("a question") };
    assert_eq!(choices[0].of(Language::German), "ja");
    assert_eq!(runbook.steps[5].verb, Verb::Restart { reason: text("after the update"), power: true });
    assert_eq!(runbook.position("update"), Some(4));
}

fn text(text: &str) -> crate::Texts {
    let table: std::collections::BTreeMap<String, crate::Texts> =
        toml::from_str(&format!("x = {text:?}")).expect("a text");
    table["x"].clone()
}

/// `WHOLE` with one line changed.
fn fault(line: &str, changed: &str) -> String {
    assert!(WHOLE.contains(line), "{line}");
    Runbook::parse(&WHOLE.replacen(line, changed, 1)).expect_err(changed).to_string()
}

#[test]
fn a_fault_names_line_and_field() {
    let long = "x".repeat(501);
    for (line, changed, expected) in [
        ("name = \"first-look\"", "name = \"First look\"", "line 2: name: it is no name"),
        ("name = \"first-look\"\n", "", "line 1: name: it is missing: add name = \"first-look\""),
        ("title = { en = \"First look\", ", "title = { ", "line 3: title: it has no English text"),
        ("id = \"light\"", "id = \"network\"", "line 15: step.id: another step has the same"),
        ("id = \"light\"", "id = \"end\"", "line 15: step.id: it is no name of a step"),
        ("id = \"light\"\n", "", "line 14: step.id: it is missing"),
        ("title = \"The light\"\n", "", "line 14: step.title: it is missing"),
        (
            "\"light-at-start\"",
            "\"lamp\"",
            "line 17: step.ready: there is none of that name; there are: light-",
        ),
        ("ready = ", "rdy = ", "line 17: step.rdy: unknown setting `rdy`"),
        ("ready = \"light-at-start\"", "", "line 14: step: name exactly one of ask, step"),
        ("ready = ", "run = \"ls\"\nready = ", "step: name exactly one of ask, step"),
        (
            "ready = \"light-at-start\"",
            "photo = true",
            "line 17: step.photo: this version does not know such",
        ),
        ("ready = \"light-at-start\"", "health = {}", "line 17: step.health: must be true or false"),
        ("health = true", "health = false", "step.health: it is true, or not there"),
        ("health = true", "health = true\nnote = \"x\"", "step: name exactly one of ask, step"),
        (
            "[\"green\", \"blue\"]",
            "[\"green\", \"pink\"]",
            "line 18: step.expect.answer: it is none of the choices",
        ),
        (
            "answer = \"off\"",
            "answer = \"pink\"",
            "line 21: step.branch.answer: it is none of the choices; they",
        ),
        (
            "answer = \"off\"",
            "exit = 1",
            "line 21: step.branch.exit: it means something only beside run, operation or",
        ),
        ("answer = \"off\"\n", "", "line 20: step.branch: name either an answer or an exit code"),
        ("to = \"end\"", "to = \"network\"", "line 22: step.branch.to: it may only lead to a later step"),
        ("to = \"end\"", "to = \"light\"", "line 22: step.branch.to: it may only lead to a later step"),
        ("to = \"end\"", "to = \"nowhere\"", "line 22: step.branch.to: there is no step of that name"),
        ("exit = [0, 3]", "exit = 256", "must be an exit code from 0 to 255, or a list of them"),
        ("exit = [0, 3]", "answer = \"x\"", "step.expect.answer: it means something only beside ask"),
        (
            "on_failure = \"continue\"",
            "on_failure = \"retry\"",
            "line 11: step.on_failure: \"retry\" is none of",
        ),
        (
            "\"ip -brief address\"",
            "\"ip\\u001b[2J\"",
            "line 9: step.run: it contains a control or invisible char",
        ),
        (
            "\"ip -brief address\"",
            "\"a\\u202eb\"",
            "line 9: step.run: it contains a control or invisible char",
        ),
        ("\"ip -brief address\"", "\" \"", "line 9: step.run: it must not be empty"),
        ("\"Does it beep?\"", &format!("{long:?}"), "step.ask.en: it is too long: at most 500 bytes"),
        (
            "{ en = \"no\", de = \"nein\" }",
            "{ en = \"no\", de = \"ja\" }",
            "step.choices: \"ja\" is there twice",
        ),
        ("{ en = \"no\", de = \"nein\" }", "{ en = \"no\", fr = \"non\" }", "\"fr\" is none of the choices"),
        ("\"update.tar\"", "\"../../id_ed25519\"", "step.file: it is the name of a file beside the runbook"),
        ("operation = \"update\"", "operation = \"Up date\"", "step.operation: it is no name"),
        (
            "note = \"all is well\"",
            "note = \"x\"\npower = true",
            "step.power: it means something only beside re",
        ),
        (
            "note = \"all is well\"",
            "note = \"x\"\nchoices = []",
            "step.choices: it means something only beside",
        ),
        (
            "note = \"all is well\"",
            "note = [1]",
            "step.note: must be a text, or a table of texts by language",
        ),
    ] {
        let found = fault(line, changed);
        assert!(found.contains(expected) && found.starts_with("line "), "{changed}: {found}");
        assert!(!found.contains('\n'), "{found}");
    }
}

#[test]
fn it_is_bounded() {
    let head = "name = \"x\"\ntitle = \"x\"\n";
    let steps = |count: usize| -> String {
        (0..count).map(|n| format!("[[step]]\nid = \"s{n}\"\ntitle = \"x\"\nrun = \"true\"\n")).collect()
    };
    assert_eq!(Runbook::parse(&(head.to_owned() + &steps(64))).expect("as many as may be").steps.len(), 64);
    let beyond = Runbook::parse(&(head.to_owned() + &steps(65))).expect_err("too many").to_string();
    assert_eq!(beyond, "line 259: step: there are more than 64: make two runbooks of it");
    let none = Runbook::parse(head).expect_err("no steps").to_string();
    assert_eq!(none, "line 1: step: there is none: add one ([[step]])");
    let long = format!("{head}# {}", "x".repeat(TEXT));
    let long = Runbook::parse(&long).expect_err("too long").to_string();
    assert!(long.contains("make two runbooks of it"), "{long}");
}

proptest! {
    /// Whatever stands there, it is read or refused in one line that can be shown.
    #[test]
    fn nothing_is_too_odd_to_be_refused(at in 0..WHOLE.len(), with in "\\PC{0,12}|.{0,6}", cut in 0usize..40) {
        prop_assume!(WHOLE.is_char_boundary(at));
        let rest = WHOLE.get((at + cut).min(WHOLE.len())..).unwrap_or_default();
        if let Err(error) = Runbook::parse(&format!("{}{with}{rest}", &WHOLE[..at])) {
            let error = error.to_string();
            prop_assert!(error.chars().all(fieldlink_protocol::text::is_harmless), "{error:?}");
        }
    }
}
