//! What a session costs the client: data over a metered connection, and the battery. NetworkManager and UPower are
//! dbusmock's, on a bus of the test's own.

use std::fs;
use std::process::{Command, Output, Stdio};

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::network_lab::{MockBattery, MockWifi};
use fieldlink_tests::programs::{eventually, run_with_input};
use fieldlink_tests::scanner::ScannerOptions;
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, Scanner};

/// Bytes of a file that is more than may be moved unasked.
const MUCH: usize = 12_000_000;

/// A scanner behind this Wi-Fi, that asks after three megabytes.
fn scanner_behind(wifi: &MockWifi, relay: &Relay) -> Scanner {
    let environment = vec![("DBUS_SYSTEM_BUS_ADDRESS", wifi.bus().address().into())];
    let session = "metered_ask_megabytes = 3".into();
    Scanner::start_with(relay, ScannerOptions { session, environment, ..ScannerOptions::default() })
}

fn status(engineer: &Engineer) -> String {
    let output = run_with_input(engineer.connect().args(["status", "--json"]), b"");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn copy(call: &Call<'_>, from: &str, to: &str) -> Command {
    let mut scp = call.tool("scp");
    scp.args(["-q", from, to]).stdout(Stdio::piped()).stderr(Stdio::piped());
    scp
}

fn bytes_of(path: &std::path::Path) -> Vec<u8> {
    fs::read(path).expect("it is there")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_transfer_past_the_limit_asks_once_and_goes_on_whole() {
    let Some(wifi) = MockWifi::start("data that costs", "Site", 80) else { return };
    wifi.set_metered(true);
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_behind(&wifi, &relay);
    let call = engineer.call(&scanner);
    let (file, copied, again) =
        (engineer.home().join("file"), engineer.home().join("copied"), engineer.home().join("again"));
    random_file(&file, MUCH);
    let (from, to) = (file.to_str().expect("a path"), copied.to_str().expect("a path"));
    let copying = copy(&call, from, &format!("scanner:{to}")).spawn().expect("scp starts");
    let question = scanner.process.wait_for("more than 3 MB");
    assert!(question.contains("may cost money"), "{question}");
    eventually("the engineer reads that it waits", PATIENCE, || {
        status(&engineer).contains("\"transfers\":\"held\"")
    });
    assert!(fs::metadata(&copied).expect("begun").len() < MUCH as u64 / 2, "it waits");
    assert_eq!(call.output_of("echo quick").trim(), "quick", "what is small goes on");
    scanner.process.type_line("yes");
    let output = copying.wait_with_output().expect("scp ends");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(bytes_of(&copied), bytes_of(&file));
    // The client was asked once.
    let output = copy(&call, &format!("scanner:{to}"), again.to_str().expect("a path")).output();
    assert!(output.expect("scp ends").status.success());
    assert_eq!(bytes_of(&again), bytes_of(&file));
    eventually("both sides see how much it was", PATIENCE, || {
        let status: serde_json::Value = serde_json::from_str(&status(&engineer)).expect("JSON");
        let used = status["sessions"][0]["data_used"].as_u64();
        used.is_some_and(|used| (2 * MUCH as u64..3 * MUCH as u64).contains(&used))
    });
    call.end();
}

#[test]
fn what_the_client_does_not_want_is_cut_and_says_so() {
    let Some(wifi) = MockWifi::start("data that is not wanted", "Site", 80) else { return };
    wifi.set_metered(true);
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_behind(&wifi, &relay);
    let call = engineer.call(&scanner);
    let much = format!("head -c {MUCH} /dev/zero");
    let reading = call.ssh(&much).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let reading = std::thread::spawn(|| reading.wait_with_output().expect("it ends"));
    scanner.process.wait_for("more than 3 MB");
    scanner.process.type_line("no");
    let output = reading.join().expect("read");
    assert!(output.stdout.len() < MUCH / 2 && output.status.code() == Some(126), "{:?}", output.status);
    assert!(stderr(&output).contains("metered"), "{}", stderr(&output));
    assert_eq!(call.output_of("echo quick").trim(), "quick");
    // A forward, and a copy, within the minute in which the no stands.
    let file = engineer.home().join("file");
    random_file(&file, MUCH);
    let from = file.to_str().expect("a path");
    let output = copy(&call, from, "scanner:/dev/null").output().expect("scp ends");
    assert!(!output.status.success() && stderr(&output).contains("metered"), "{}", stderr(&output));
    // What is cut on its way to the scanner is not taken for whole there.
    let (part, whole) = (engineer.home().join("part"), engineer.home().join("whole"));
    let install = format!("cat >{0} && mv {0} {1}", part.display(), whole.display());
    let mut installing = call.ssh(&install);
    installing.stdin(fs::File::open(&file).expect("there")).stderr(Stdio::piped());
    let output = installing.output().expect("it ends");
    assert_eq!(output.status.code(), Some(126), "{}", stderr(&output));
    assert!(part.exists() && !whole.exists(), "half a file was installed");
    // With a cable there is nothing to ask.
    wifi.set_metered(false);
    eventually("transfers pass", PATIENCE, || status(&engineer).contains("\"transfers\":\"pass\""));
    assert_eq!(call.output_of(&format!("{much} | wc -c")).trim(), MUCH.to_string());
    assert_eq!(call.ssh(&much).output().expect("it ends").stdout.len(), MUCH);
    call.end();
}

#[test]
fn what_does_not_cost_is_not_asked_about() {
    let Some(wifi) = MockWifi::start("data that costs no more", "Site", 80) else { return };
    wifi.set_metered(true);
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_behind(&wifi, &relay);
    let call = engineer.call(&scanner);
    let much = format!("head -c {MUCH} /dev/zero");
    let reading = call.ssh(&much).stdout(Stdio::piped()).spawn().expect("it starts");
    let reading = std::thread::spawn(|| reading.wait_with_output().expect("it ends"));
    scanner.process.wait_for("more than 3 MB");
    wifi.set_metered(false);
    scanner.process.wait_for("taken back");
    assert_eq!(reading.join().expect("read").stdout.len(), MUCH);
    call.end();
}

#[test]
fn a_low_battery_warns_both_sides() {
    let Some(wifi) = MockWifi::start("a low battery", "Site", 80) else { return };
    let battery = MockBattery::start(wifi.bus(), 42.0);
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_behind(&wifi, &relay);
    let mut call = engineer.call(&scanner);
    for percent in [19.4, 9.9] {
        battery.discharge(percent);
        let told = format!("{} %", percent as u32);
        scanner.process.wait_for(&told);
        call.holder.wait_for(&format!("\"percent\":{}", percent as u32));
        let wanted = format!("\"battery\":{}", percent as u32);
        eventually("status has it, too", PATIENCE, || status(&engineer).contains(&wanted));
    }
    battery.discharge(80.0);
    eventually("it was swapped", PATIENCE, || status(&engineer).contains("\"battery\":null"));
    call.end();
}
