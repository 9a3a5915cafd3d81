//! A runbook over everything that can come in between.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Site, wait_until_back};
use fieldlink_tests::programs::{Running, eventually};

const NINE: &str = r#"
name = "nine"
title = "Nine steps"
[[step]]
id = "begin"
title = "A note"
note = "we begin"
[[step]]
id = "two"
title = "Two"
run = "echo two >>~/counted"
[[step]]
id = "there"
title = "A question"
ask = "Anybody there?"
[[step]]
id = "four"
title = "Four"
run = "test $(wc -l <~/counted) = 1 && echo four >>~/counted && exit 4"
expect.exit = 4
[[step]]
id = "restart"
title = "Restart"
restart = "after the update"
[[step]]
id = "six"
title = "Six"
run = "echo six >>~/counted"
[[step]]
id = "goes-on"
title = "Another question"
ask = "Who goes on?"
[[step]]
id = "eight"
title = "Eight"
run = "echo eight >>~/counted; cat ~/counted"
expect.output = "eight"
[[step]]
id = "over"
title = "A last note"
note = "we are done"
"#;

const CHECKLIST: [&str; 9] = [
    "1  A note: passed",
    "2  Two: passed (exit code 0)",
    "3  A question: passed (me)",
    "4  Four: passed (exit code 4)",
    "5  Restart: passed",
    "6  Six: passed (exit code 0)",
    "7  Another question: passed (Bob)",
    "8  Eight: passed (exit code 0)",
    "9  A last note: passed",
];

/// The client reads which question it is, and answers.
fn answer(site: &Site, question: &str, answer: &str) {
    let client = site.client();
    client.watch().until(question, |status| status["question"]["text"] == question);
    client.run(&["answer", answer]);
}

#[test]
fn nine_steps_over_an_interruption_a_restart_and_a_hand_over() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    site.relay.write("/home/ada/nine.toml", NINE);
    let mut call = site.call();
    let id = call.support_id();
    let mut running = call.start_connect(&["runbook", "nine.toml"]);
    client.watch().until("the question", |status| status["question"]["text"] == "Anybody there?");
    // The engineer's programs are killed.
    site.relay.shell("pkill -KILL fieldlink-conne");
    call.holder.wait_for_end();
    running.wait_for_end();
    let mut back = site.engineer().come_back(&id);
    back.wait_for("\"state\":\"active\"");
    let mut call = site.engineer().continued(&id, back);
    let mut running = call.start_connect(&["runbook", "--resume"]);
    answer(&site, "Anybody there?", "me");
    // The scanner restarts, because a step says so.
    client.watch().until("the restart", |status| status["question"]["kind"] == "restart");
    client.run(&["allow"]);
    call.holder.wait_for("\"state\":\"restarting\"");
    site.scanner.wait_for_next_boot();
    site.answer_offer("allow");
    wait_until_back(&mut call);
    client.watch().until("the question", |status| status["question"]["text"] == "Who goes on?");
    // Another engineer takes the session over.
    // The program itself, and not what started it in the container.
    site.relay.shell("pkill -INT --full '[c]onnect runbook'");
    running.wait_for_end();
    let bob = site.enrol_another("Bob Noyce", "bob");
    let code = String::from_utf8_lossy(&call.connect(&["share", "--engineer"]).stdout).trim().to_owned();
    let address: String = code.chars().filter(char::is_ascii_digit).take(9).collect();
    let mut joining = Running::start("fieldlink-connect", &mut bob.connect(&["join", "--json", &code]));
    client.watch().until("the other engineer", |status| status["question"]["kind"] == "join");
    client.run(&["allow"]);
    joining.wait_for("\"state\":\"active\"");
    assert!(call.connect(&["hand-over", "Bob Noyce"]).status.success());
    let theirs = bob.continued(&address, joining);
    let kept = format!("{}/run/{address}/runbook.json", bob.home());
    eventually("the scanner has told it", PATIENCE, || site.relay.has(&kept));
    let mut resumed = theirs.start_connect(&["runbook", "--resume"]);
    answer(&site, "Who goes on?", "Bob");
    assert_eq!(resumed.wait_for_end().code(), Some(0), "{}", resumed.transcript());
    let said = resumed.transcript();
    let lines: Vec<_> = said.lines().map(str::trim).collect();
    let checklist = &lines[lines.len() - CHECKLIST.len()..];
    assert_eq!(checklist, CHECKLIST);
    // What was there before the restart is gone with it; that it was there once, the fourth step has seen.
    assert_eq!(theirs.output_of("cat ~/counted"), "six\neight\n", "nothing twice");
    theirs.end();
}
