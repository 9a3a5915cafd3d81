//! The client watches what the engineer does, and says what they think of it.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Person, Site};
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::terminal::Terminal;

#[test]
fn the_client_watches_the_engineers_terminal_and_nobody_else_does() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    assert_eq!(client.code_of(&["watch"]), Some(1), "there is nobody to watch");
    let call = site.call();
    let mut lines = client.start_to(&["watch"]);
    let mut shell = call.start_in_terminal("cat");
    lines.wait_for("opened the command cat");
    shell.type_keys("before the picture\r");
    lines.wait_for("| before the picture");

    let mut picture = Terminal::run(&client.fieldlink(&["watch"]));
    picture.wait_for("The engineer's terminal");
    picture.wait_for("before the picture");
    shell.type_keys("\u{1b}]0;title\u{7}as it happens\r");
    picture.wait_for("as it happens");
    // Whoever stops watching changes nothing.
    picture.type_keys("q");
    picture.wait_for("You do not watch any more");
    assert_eq!(picture.child.wait().expect("it ends").code(), Some(0));
    assert_eq!(client.state(), "active");

    for (what, output) in [
        ("the engineer", call.try_to("fieldlink watch")),
        ("another account", {
            let other =
                fieldlink_tests::container::Client::as_person(&site.scanner, Person::Account("nobody"));
            other.try_to(&["watch"])
        }),
        ("the client from elsewhere", {
            fieldlink_tests::container::Client::as_person(&site.scanner, Person::Away).try_to(&["watch"])
        }),
    ] {
        assert_eq!(output.status.code(), Some(4), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    }
    call.end();
    lines.wait_for("The session is over");
    assert_eq!(lines.wait_for_end().code(), Some(0));
}

/// A flood of output reaches the engineer, whatever becomes of a watcher that does not read.
#[test]
fn a_watcher_that_stands_still_holds_up_nobody() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let call = site.call();
    let mut still = Running::start("fieldlink watch", &mut client.fieldlink(&["watch", "--json"]));
    let _shell = call.start_in_terminal("cat");
    still.wait_for("\"event\":\"size\"");
    // The program itself, not what started it in the container.
    let watcher =
        site.scanner.run(&["pgrep", "--full", "^fieldlink watch"]).trim().parse().expect("one process");
    site.scanner.signal("STOP", watcher);
    let mut flood = call.start_in_terminal("head -c 2000000 /dev/zero | tr '\\0' x | fold; echo all of it");
    flood.wait_for("all of it");
    site.scanner.signal("CONT", watcher);
    // What started it stands still with it.
    still.signal(nix::sys::signal::Signal::SIGCONT);
    still.wait_for("\"event\":\"skipped\"");
    call.end();
    still.wait_for("\"event\":\"end\"");
    assert!(still.wait_for_end().success());
}

#[test]
fn the_client_is_there_and_has_a_verdict() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    assert_ne!(client.code_of(&["here"]), Some(0), "nobody is connected");
    let call = site.call();
    let mut watch = client.watch();
    client.run(&["here"]);
    assert_ne!(client.code_of(&["verdict", "solved"]), Some(0), "it is not over");
    call.end();
    let over = watch.until_state("off");
    assert!(over["verdict_for"].is_string(), "{over}");
    client.run(&["verdict", "partly", "it still beeps"]);
    assert_ne!(client.code_of(&["verdict", "solved"]), Some(0), "it was given");
    let log = || site.scanner.run(&["journalctl", "--unit", "fieldlink-agent.service", "--output", "cat"]);
    eventually("the verdict is in the log", PATIENCE, || log().contains("partly"));
}
