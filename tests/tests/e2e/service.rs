//! The agent as a service, as far as it goes without systemd and polkit; the rest is in `tests/system`.

use std::process::Command;

use fieldlink_tests::programs::path_of;
use fieldlink_tests::{Relay, Service};

const DESCRIPTION: &str = include_str!("../../../device/dbus/com.navvis.Fieldlink1.xml");

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The lines of one interface, without documentation.
fn lines_of(xml: &str, interface: &str) -> Vec<String> {
    let from = xml.find(&format!("<interface name=\"{interface}\"")).expect("the interface");
    let until = from + xml[from..].find("</interface>").expect("its end");
    let mut text = xml[from..until].to_owned();
    while let Some(comment) = text.find("<!--") {
        let end = comment + text[comment..].find("-->").expect("the comment's end") + 3;
        text.replace_range(comment..end, "");
    }
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

const NAME: &str = "com.navvis.Fieldlink1";
const ACCESS: &str = "com.navvis.Fieldlink1.Access";
const SESSION: &str = "com.navvis.Fieldlink1.Session";
const CONVERSATION: &str = "com.navvis.Fieldlink1.Conversation";
const RECORDS: &str = "com.navvis.Fieldlink1.Records";
const NETWORK: &str = "com.navvis.Fieldlink1.Network";
const HEALTH: &str = "com.navvis.Fieldlink1.Health";

/// A method of the object, called over a connection of the test's own.
fn call<B: serde::Serialize + zbus::Type>(
    service: &Service,
    interface: &str,
    method: &str,
    body: &B,
) -> zbus::Result<zbus::Message> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let address = service.bus.address();
        let bus = zbus::connection::Builder::address(address.as_str()).build().await.expect("the bus");
        bus.call_method(Some(NAME), "/com/navvis/Fieldlink1", Some(interface), method, body).await
    })
}

fn introspect(service: &Service) -> String {
    let reply = call(service, "org.freedesktop.DBus.Introspectable", "Introspect", &());
    reply.expect("an answer").body().deserialize().expect("text")
}

#[test]
fn what_is_too_long_is_refused_before_anybody_is_asked() {
    let relay = Relay::start();
    let service = Service::start(&relay, "");
    let (question, long) = ("ab".repeat(16), "x".repeat(2_000));
    let refused = |method: &str, outcome: zbus::Result<zbus::Message>| match outcome {
        Err(zbus::Error::MethodError(name, ..)) => {
            assert_eq!(name.as_str(), "com.navvis.Fieldlink1.Error.InvalidArgument", "{method}");
        }
        other => panic!("{method}: {other:?}"),
    };
    refused("Answer", call(&service, CONVERSATION, "Answer", &(&question, &long)));
    refused("Answer", call(&service, CONVERSATION, "Answer", &(&question, "\u{1b}[2J")));
    refused("SendChat", call(&service, CONVERSATION, "SendChat", &long));
    refused("Allow", call(&service, CONVERSATION, "Allow", &long));
}

#[test]
fn the_live_object_is_the_one_that_is_documented() {
    let relay = Relay::start();
    let service = Service::start(&relay, "");
    let live = introspect(&service);
    for interface in [ACCESS, SESSION, CONVERSATION, NETWORK, HEALTH, RECORDS] {
        assert_eq!(lines_of(&live, interface), lines_of(DESCRIPTION, interface), "live:\n{live}");
    }
}

#[test]
fn without_anyone_who_permits_it_nothing_is_done() {
    let relay = Relay::start();
    let service = Service::start(&relay, "");
    let question = "ab".repeat(16);
    for arguments in [
        &["start"][..],
        &["stop"],
        &["credentials"],
        &["end"],
        &["allow", &question],
        &["refuse", &question],
        &["chat", "hello"],
        &["records"],
        &["receipt"],
        &["forget", "--all", "--yes"],
    ] {
        let output = service.client(arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
    assert_eq!(service.status()["state"], "off");
    // Reading needs no permission from polkit.
    let text = service.client(&["status"]);
    assert!(String::from_utf8_lossy(&text.stdout).starts_with("Remote access   off\n"));
    let network = service.client(&["network", "--json"]);
    assert_eq!(network.status.code(), Some(0), "{}", stderr(&network));
}

#[test]
fn wrong_use_and_a_missing_service_have_codes_of_their_own() {
    let relay = Relay::start();
    let mut service = Service::start(&relay, "");
    let code = |service: &Service, arguments: &[&str]| service.client(arguments).status.code();
    assert_eq!(code(&service, &["allow"]), Some(5), "nothing is asked");
    assert_eq!(code(&service, &["allow", "nonsense"]), Some(2));
    assert_eq!(code(&service, &["dance"]), Some(2));
    service.crash();
    for arguments in [&["status"][..], &["status", "--watch"], &["start"], &["end"]] {
        let output = service.client(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(stderr(&output).contains("does not run"), "{arguments:?}: {}", stderr(&output));
    }
    let nowhere = Command::new(path_of("fieldlink"))
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
        .arg("status")
        .output()
        .expect("it runs");
    assert_eq!(nowhere.status.code(), Some(3), "{}", stderr(&nowhere));
}

#[test]
fn the_service_comes_back_with_its_bus_and_a_watcher_sees_it_come_and_go() {
    let relay = Relay::start();
    let mut service = Service::start(&relay, "");
    let mut watcher = service.start_client(&["status", "--watch"]);
    watcher.wait_for("Remote access   off");
    service.crash();
    watcher.wait_for("The remote access service has stopped.");
    service.launch();
    service.wait_for_notice("READY=1");
    service.bus.restart();
    assert_eq!(service.status()["state"], "off");
    assert!(!service.process.as_mut().expect("running").has_ended());
}

#[test]
fn systemd_hears_that_it_is_up_alive_and_stopping() {
    let relay = Relay::start();
    let mut service = Service::start(&relay, "");
    service.wait_for_notice("STATUS=Remote access is off");
    service.wait_for_notice("WATCHDOG=1");
    service.wait_for_notice("WATCHDOG=1");
    let process = service.process.as_mut().expect("running");
    process.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(process.wait_for_end().success());
    service.wait_for_notice("STOPPING=1");
}

#[test]
fn remote_access_at_boot_starts_once_and_not_after_a_crash() {
    let relay = Relay::start();
    let mut service = Service::start(&relay, "access = \"at-boot\"");
    service.wait_for_notice("STATUS=Remote access is on, waiting for an engineer");
    service.crash();
    service.launch();
    service.wait_for_notice("READY=1");
    assert_eq!(service.status()["state"], "off");
}

#[test]
fn a_configuration_that_cannot_be_used_has_a_code_that_is_not_tried_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = directory.path().join("agent.toml");
    std::fs::write(&config, "relay = \"wss://a\"\naccess = \"at-boot\"\nconsent = \"pin\"\n")
        .expect("writable");
    let output = Command::new(path_of("fieldlink-agent"))
        .args(["service", "--config"])
        .arg(&config)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("cannot go together"), "{}", stderr(&output));
}
