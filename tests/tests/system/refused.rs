//! An engineer cannot answer for the client, in whichever way it is tried from inside of a session.

use std::process::Output;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{CLIENT, Call, Client, Container, Person, Site};
use fieldlink_tests::terminal::Terminal;

/// Not permitted.
const REFUSED: Option<i32> = Some(4);
/// No such question.
const NOTHING_ASKED: Option<i32> = Some(5);

/// The ID of a question that was never asked.
const NO_QUESTION: &str = "00000000000000000000000000000000";

/// What an administrator may do, with the password.
const OF_THE_ADMINISTRATOR: &str = "pkcheck -a org.freedesktop.hostname1.set-hostname -p $$ -u";

const PASSWORD: &str = "known to the engineer";

/// Also what the names of its interfaces begin with.
const NAME: &str = "com.navvis.Fieldlink1";

const OBJECT: &str = "/com/navvis/Fieldlink1";

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The command line itself, and copies of it.
fn try_the_command_line(call: &Call<'_>, question: &str, is_asked: bool) {
    call.output_of("cp /usr/bin/fieldlink /tmp/another-name && chmod 755 /tmp/another-name");
    // Without an ID the program first reads what is open, which every account may.
    let unnamed = if is_asked { REFUSED } else { NOTHING_ASKED };
    let answers = [
        ("allow", unnamed),
        ("refuse", unnamed),
        (&format!("allow {question}"), REFUSED),
        (&format!("refuse {question}"), REFUSED),
        ("credentials", REFUSED),
        ("extend 30", REFUSED),
        ("watch", REFUSED),
        ("records", REFUSED),
        ("report", REFUSED),
        ("receipt", REFUSED),
        ("forget --all --yes", REFUSED),
        ("here", REFUSED),
        ("chat hello", REFUSED),
        ("stop", REFUSED),
        ("end", REFUSED),
    ];
    for program in ["fieldlink", "/tmp/another-name"] {
        for (answer, code) in answers {
            let output = call.try_to(&format!("{program} {answer}"));
            assert_eq!(output.status.code(), code, "{program} {answer}: {}", text_of(&output));
        }
    }
    // What every account may, the engineer may, too.
    call.output_of("fieldlink status");
}

/// Other programs that would do it for the engineer.
fn try_detours(call: &Call<'_>, question: &str) {
    let detours = [
        "XDG_RUNTIME_DIR=/run/user/$(id -u) systemd-run --user --wait --pipe --quiet",
        "systemd-run --wait --pipe --quiet",
        "systemd-run --wait --pipe --quiet --uid=client --property=PAMName=login",
        "systemd-run --scope --quiet",
        "sudo -n",
        "su client -c",
    ];
    for detour in detours {
        for command in [&format!("fieldlink allow {question}"), "fieldlink credentials"] {
            let quoted =
                if detour.starts_with("su ") { format!("'{command}'") } else { (*command).to_owned() };
            let output = call.try_to(&format!("{detour} {quoted}"));
            assert!(!output.status.success(), "{detour} {command}: {}", text_of(&output));
        }
    }
}

/// The bus itself, without our command line.
fn try_the_bus(call: &Call<'_>, session: &str, question: &str) {
    let methods = [
        ("Conversation", "Allow", "s", vec![question]),
        ("Conversation", "Refuse", "s", vec![question]),
        ("Access", "GetCredentials", "", vec![]),
        ("Session", "GrantExtension", "su", vec![session, "30"]),
        ("Session", "Watch", "", vec![]),
        ("Session", "Here", "", vec![]),
        ("Session", "GiveVerdict", "sss", vec![session, "solved", "well"]),
        ("Conversation", "Answer", "ss", vec![question, "yes"]),
        ("Access", "Start", "", vec![]),
        ("Access", "Stop", "", vec![]),
        ("Session", "End", "", vec![]),
    ];
    for (subject, method, signature, arguments) in methods {
        // With the flag that lets polkit ask for a password.
        let all = arguments.join(" ");
        let output = call.try_to(&format!(
            "busctl call --allow-interactive-authorization=yes {NAME} {OBJECT} {NAME}.{subject} {method} {signature} {all}"
        ));
        assert!(!output.status.success(), "{method}: {}", text_of(&output));
        // This one prints the error's name.
        let types = signature.bytes().map(|kind| if kind == b'u' { "uint32" } else { "string" });
        let typed: Vec<String> =
            types.zip(arguments).map(|(kind, argument)| format!("{kind}:{argument}")).collect();
        let output = call.try_to(&format!(
            "dbus-send --system --print-reply --dest={NAME} {OBJECT} {NAME}.{subject}.{method} {}",
            typed.join(" ")
        ));
        let said = text_of(&output);
        // Refused by the bus already; where another account is the support user, by the agent.
        assert!(said.contains("org.freedesktop.DBus.Error.AccessDenied"), "{method}: {said}");
    }
}

/// An engineer who knows the client's own password, or an administrator's, and becomes them. What runs as
/// another account could reach that account's user manager, and leave the session.
fn try_to_become_somebody(call: &Call<'_>) {
    for person in [CLIENT, "boss"] {
        for command in ["fieldlink extend 30", "setsid sleep 1012 & echo left"] {
            let line = format!("su {person} -c {}; echo code=$?", quote(command));
            let mut terminal = call.start_in_terminal(&line);
            terminal.wait_for("Password:");
            terminal.type_password(PASSWORD);
            let shown = terminal.wait_for_within("code=", PATIENCE);
            // As with a wrong password: the engineer does not learn here which one is right.
            assert!(shown.contains("Authentication failure") && !shown.contains("left\r"), "{line}: {shown}");
        }
    }
}

/// An engineer who knows the administrator's password, and runs a polkit agent that asks for it.
fn try_with_the_password(call: &Call<'_>, question: &str) {
    for command in [&format!("fieldlink allow {question}"), "fieldlink credentials", "fieldlink extend 30"] {
        let line = format!("bash -c {}", quote(&with_agent(command)));
        let shown = call.start_in_terminal(&line).wait_for_within("code=4", PATIENCE);
        assert!(!shown.contains("Password:"), "{command}: {shown}");
    }
    // Not even for what has nothing to do with us.
    let line = format!("bash -c {}", quote(&with_agent(OF_THE_ADMINISTRATOR)));
    let shown = call.start_in_terminal(&line).wait_for_within("code=1", PATIENCE);
    assert!(!shown.contains("Password:"), "{shown}");
}

/// That the polkit agent and `su` work: outside of a session they ask for the password, and accept it.
fn check_the_password(scanner: &Container) {
    let line = with_agent(OF_THE_ADMINISTRATOR);
    let mut terminal = Terminal::run(&scanner.shell_command(Person::Account("boss"), &line));
    terminal.wait_for("Password:");
    terminal.type_password(PASSWORD);
    terminal.wait_for("code=0");
    // The same for an account that becomes the client.
    let mut terminal = Terminal::run(
        &scanner.shell_command(Person::Account("boss"), &format!("su {CLIENT} -c true; echo code=$?")),
    );
    terminal.wait_for("Password:");
    terminal.type_password(PASSWORD);
    terminal.wait_for("code=0");
}

/// `command`, while a polkit agent asks in its terminal.
fn with_agent(command: &str) -> String {
    // The agent closes the pipe once it is registered.
    format!(
        "cd $(mktemp -d); mkfifo ready; pkttyagent --process $$ --notify-fd 3 3>ready & cat ready; \
         {command}; echo code=$?; kill $!; wait"
    )
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn try_everything(call: &Call<'_>, session: &str, question: &str) {
    try_the_command_line(call, question, question != NO_QUESTION);
    try_the_bus(call, session, question);
    try_detours(call, question);
    try_with_the_password(call, question);
}

/// An account that may become root with a password that the engineer has learnt.
fn make_administrator(scanner: &Container) {
    scanner.run(&["useradd", "--create-home", "--groups", "sudo", "boss"]);
    scanner.shell(&format!("echo 'boss:{PASSWORD}' | chpasswd"));
}

/// Signals as the agent sends them, from another process to every connection on the bus.
fn forge_signals(scanner: &Container) {
    let everybody = scanner.run(&["busctl", "list", "--unique", "--no-legend"]);
    let names = everybody.lines().filter_map(|line| line.split_whitespace().next());
    let lines = names.map(|name| {
        let send = format!("dbus-send --system --type=signal --dest={name} {OBJECT}");
        format!(
            "{send} {NAME}.Conversation.Chat string:engineer string:forged; {send} {NAME}.Access.Warning string:x string:forged\n"
        )
    });
    scanner.run_as(Person::Account("nobody"), &["bash", "-c", &lines.collect::<String>()]);
}

#[test]
fn nobody_else_speaks_for_the_agent() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let call = site.call();
    let mut for_programs = client.start_to(&["status", "--watch", "--json"]);
    let mut for_people = client.start_to(&["status", "--watch"]);
    let mut panel = Terminal::run(&client.fieldlink(&["start"]));
    for_programs.wait_for("\"state\":\"active\"");
    for_people.wait_for("Remote access   on");
    panel.wait_for("is connected");
    forge_signals(&site.scanner);
    assert!(call.connect(&["chat", "in earnest"]).status.success());
    for watcher in [&mut for_programs, &mut for_people] {
        watcher.wait_for("in earnest");
        assert!(!watcher.transcript().contains("forged"), "{}", watcher.transcript());
    }
    let shown = panel.wait_for_within("in earnest", PATIENCE);
    assert!(!shown.contains("forged"), "{shown}");
    call.end();
}

#[test]
fn nothing_in_a_session_can_answer_for_the_client() {
    let Some(site) = Site::boot() else { return };
    make_administrator(&site.scanner);
    let client = site.client();
    // The client's first command makes the account.
    assert_eq!(client.state(), "off");
    site.scanner.shell(&format!("echo '{CLIENT}:{PASSWORD}' | chpasswd"));
    check_the_password(&site.scanner);
    let call = site.call();
    let mut watch = client.watch();
    let session = watch.until_state("active")["session"].as_str().expect("a session").to_owned();
    try_everything(&call, &session, NO_QUESTION);
    try_to_become_somebody(&call);

    let mut asking = call.start_connect(&["extend", "30", "one more test"]);
    let asked = watch.until("a question", |status| status["question"]["kind"] == "extension");
    let question = asked["question"]["id"].as_str().expect("an ID");
    try_everything(&call, &session, question);
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
    // As a process that a session before had left over, if there could be one.
    let support = Client::as_person(&site.scanner, Person::Account("fieldlink-support"));
    for arguments in [&["start"][..], &["stop"], &["credentials"], &["allow", NO_QUESTION]] {
        assert_eq!(support.code_of(arguments), REFUSED, "{arguments:?}, off");
    }
    let pair = client.start();
    let mut watch = client.watch();
    let mut holder = site.engineer().start_connecting(&pair);
    let asked = watch.until_state("asking");
    let question = asked["question"]["id"].as_str().expect("an ID");
    for arguments in [&["allow"][..], &["allow", question], &["credentials"], &["stop"]] {
        assert_eq!(support.code_of(arguments), REFUSED, "{arguments:?}, asked");
    }
    // Nor can users who are not at the screen.
    for person in [Person::Away, Person::Account("nobody")] {
        let other = Client::as_person(&site.scanner, person);
        assert_eq!(other.code_of(&["allow", question]), REFUSED, "{person:?}");
    }
    assert_eq!(client.state(), "asking");
    client.run(&["refuse"]);
    assert_eq!(holder.wait_for_end().code(), Some(215), "{}", holder.transcript());
}
