//! An engineer cannot answer for the client, in whichever way it is tried from inside of a session.

use std::process::Output;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Call, Client, Container, Person, Site};
use fieldlink_tests::terminal::Terminal;

/// Not permitted.
const REFUSED: Option<i32> = Some(4);

const PASSWORD: &str = "known to the engineer";

/// Also of the interface.
const NAME: &str = "com.navvis.Fieldlink1";

const OBJECT: &str = "/com/navvis/Fieldlink1";

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Everything that would be an answer of the client's, or a look at what only the client may see.
fn answers(question: &str) -> Vec<String> {
    ["allow", "credentials", "extend 30", "refuse", "answer yes", "start", "stop"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("allow {question}")])
        .collect()
}

/// The command line itself, and copies of it.
fn try_the_command_line(call: &Call<'_>, question: &str) {
    call.output_of("cp /usr/bin/fieldlink /tmp/another-name && chmod 755 /tmp/another-name");
    for program in ["fieldlink", "/tmp/another-name"] {
        for answer in answers(question) {
            let output = call.try_to(&format!("{program} {answer}"));
            assert_eq!(output.status.code(), REFUSED, "{program} {answer}: {}", text_of(&output));
        }
    }
    // What everybody may, the engineer may, too.
    call.output_of("fieldlink status");
}

/// Other programs that would do it for the engineer.
fn try_detours(call: &Call<'_>) {
    let detours = [
        "XDG_RUNTIME_DIR=/run/user/$(id -u) systemd-run --user --wait --pipe --quiet",
        "systemd-run --wait --pipe --quiet",
        "systemd-run --wait --pipe --quiet --uid=client --property=PAMName=login",
        "systemd-run --scope --quiet",
        "sudo -n",
        "su client -c",
    ];
    for detour in detours {
        for command in ["fieldlink allow", "fieldlink credentials"] {
            let quoted = if detour.starts_with("su ") { format!("'{command}'") } else { command.to_owned() };
            let output = call.try_to(&format!("{detour} {quoted}"));
            assert!(!output.status.success(), "{detour} {command}: {}", text_of(&output));
        }
    }
}

/// The bus itself, without our command line.
fn try_the_bus(call: &Call<'_>, session: &str, question: &str) {
    let methods = [
        ("Allow", "s", vec![question]),
        ("Refuse", "s", vec![question]),
        ("GetCredentials", "", vec![]),
        ("GrantExtension", "su", vec![session, "30"]),
        ("Answer", "ss", vec![question, "yes"]),
        ("Start", "", vec![]),
        ("Stop", "", vec![]),
        ("End", "", vec![]),
    ];
    for (method, signature, arguments) in methods {
        // With the flag that lets polkit ask somebody for a password.
        let all = arguments.join(" ");
        let output = call.try_to(&format!(
            "busctl call --allow-interactive-authorization=yes {NAME} {OBJECT} {NAME} {method} {signature} {all}"
        ));
        assert!(!output.status.success(), "{method}: {}", text_of(&output));
        // This one prints the error's name.
        let types = signature.bytes().map(|kind| if kind == b'u' { "uint32" } else { "string" });
        let typed: Vec<String> =
            types.zip(arguments).map(|(kind, argument)| format!("{kind}:{argument}")).collect();
        let output = call.try_to(&format!(
            "dbus-send --system --print-reply --dest={NAME} {OBJECT} {NAME}.{method} {}",
            typed.join(" ")
        ));
        let said = text_of(&output);
        assert!(said.contains("com.navvis.Fieldlink1.Error.NotPermitted"), "{method}: {said}");
    }
}

/// An engineer who knows the administrator's password, and has somebody ask for it.
fn try_with_the_password(call: &Call<'_>) {
    // That the equipment works: what an administrator may do with the password, they can do.
    let mut terminal = with_agent(call, "pkcheck -a org.freedesktop.systemd1.manage-units -p $$ -u");
    terminal.wait_for("Password:");
    terminal.type_keys(&format!("{PASSWORD}\r"));
    terminal.wait_for("code=0");

    for command in ["fieldlink allow", "fieldlink credentials", "fieldlink extend 30"] {
        let mut terminal = with_agent(call, command);
        let shown = terminal.wait_for_within("code=4", PATIENCE);
        assert!(!shown.contains("Password:"), "{command}: {shown}");
    }
}

/// `command` in a terminal with a polkit agent that asks there.
fn with_agent(call: &Call<'_>, command: &str) -> Terminal {
    // The agent closes the pipe once it is registered.
    let line = format!(
        "cd; rm -f ready; mkfifo ready; pkttyagent --process $$ --notify-fd 3 3>ready & cat ready; \
         {command}; echo code=$?; kill $!; wait"
    );
    call.start_in_terminal(&format!("bash -c {}", quote(&line)))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Somebody who may become root with a password that the engineer has learnt.
fn make_administrator(scanner: &Container) {
    scanner.run(&["useradd", "--create-home", "--groups", "sudo", "boss"]);
    scanner.shell(&format!("echo 'boss:{PASSWORD}' | chpasswd"));
}

#[test]
fn nothing_in_a_session_can_answer_for_the_client() {
    let Some(site) = Site::boot() else { return };
    make_administrator(&site.scanner);
    let client = site.client();
    let call = site.call();
    let mut watch = client.watch();
    let session = watch.until_state("active")["session"].as_str().expect("a session").to_owned();
    let nothing_asked = "00000000000000000000000000000000";
    try_the_command_line(&call, nothing_asked);
    try_the_bus(&call, &session, nothing_asked);
    try_detours(&call);
    try_with_the_password(&call);

    let mut asking = call.start_connect(&["extend", "30"]);
    let asked = watch.until("a question", |status| status["question"]["kind"] == "extension");
    let question = asked["question"]["id"].as_str().expect("an ID");
    try_the_command_line(&call, question);
    try_the_bus(&call, &session, question);
    try_detours(&call);
    try_with_the_password(&call);
    let still = client.status();
    assert_eq!(still["question"]["id"], question, "{still}");
    assert!(still["remaining_seconds"].as_u64() <= Some(3_600), "{still}");
    client.run(&["refuse"]);
    assert_eq!(asking.wait_for_end().code(), Some(215), "{}", asking.transcript());
    call.end();
}

#[test]
fn the_support_user_cannot_let_an_engineer_in() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    // Whatever was left over of an engineer before, if anything could be.
    let support = Client::as_person(&site.scanner, Person::Account("fieldlink-support"));
    for command in ["start", "stop", "credentials", "allow"] {
        assert_eq!(support.code_of(&[command]), REFUSED, "{command}, off");
    }
    let pair = client.start();
    let mut watch = client.watch();
    let mut holder = site.engineer().start_connecting(&pair);
    let asked = watch.until_state("asking");
    let question = asked["question"]["id"].as_str().expect("an ID");
    for arguments in [&["allow"][..], &["allow", question], &["credentials"], &["stop"]] {
        assert_eq!(support.code_of(arguments), REFUSED, "{arguments:?}, asked");
    }
    // Nor can others who are not at the screen.
    for person in [Person::Away, Person::Account("nobody")] {
        let other = Client::as_person(&site.scanner, person);
        assert_eq!(other.code_of(&["allow", question]), REFUSED, "{person:?}");
    }
    assert_eq!(client.state(), "asking");
    client.run(&["refuse"]);
    assert_eq!(holder.wait_for_end().code(), Some(215), "{}", holder.transcript());
}
