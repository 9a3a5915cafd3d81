//! The relay's store as an older version has left it, and as a newer one has.

use fieldlink_tests::container::{Container, Package, Person, Site};

use super::second_version::check_installed;

const RELAY: &str = "fieldlink-relay.service";
const STORE: &str = "/var/lib/private/fieldlink-relay/relay.sqlite";

/// The first schema that there was.
const FIRST_SCHEMA: &str = "
    CREATE TABLE engineers (id TEXT PRIMARY KEY, name TEXT NOT NULL, company TEXT NOT NULL, secret_hash BLOB NOT NULL,
        added_at INTEGER NOT NULL, revoked_at INTEGER) STRICT;
    CREATE UNIQUE INDEX active_engineer_names ON engineers (name) WHERE revoked_at IS NULL;
    CREATE TABLE sessions (session TEXT PRIMARY KEY, engineer_id TEXT NOT NULL REFERENCES engineers (id),
        engineer_name TEXT NOT NULL, engineer_company TEXT NOT NULL, ticket TEXT NOT NULL, partner TEXT,
        support_id TEXT NOT NULL, device_address TEXT NOT NULL, started_at INTEGER NOT NULL, admitted_at INTEGER,
        ended_at INTEGER, reason TEXT, bytes_to_agent INTEGER NOT NULL DEFAULT 0,
        bytes_to_engineer INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE INDEX sessions_by_start ON sessions (started_at);
    CREATE INDEX running_sessions ON sessions (session) WHERE ended_at IS NULL;
    CREATE TABLE ticket_keys (kid TEXT PRIMARY KEY, master BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT;
    INSERT INTO engineers SELECT id, name, company, secret_hash, added_at, revoked_at FROM present.engineers;
    INSERT INTO sessions SELECT session, engineer_id, engineer_name, engineer_company, ticket, partner, support_id,
        device_address, started_at, admitted_at, ended_at, reason, bytes_to_agent, bytes_to_engineer
        FROM present.sessions;
    INSERT INTO ticket_keys SELECT kid, master, created_at FROM present.ticket_keys;
    PRAGMA user_version = 1;
";

fn sql(relay: &Container, file: &str, statements: &str) -> String {
    // The relay may be writing at this moment.
    relay.run(&["sqlite3", "-cmd", ".timeout 10000", file, statements]).trim().to_owned()
}

fn schema(relay: &Container) -> String {
    sql(relay, STORE, "PRAGMA user_version")
}

fn set_schema(relay: &Container, version: &str) {
    sql(relay, STORE, &format!("PRAGMA user_version = {version}"));
}

/// Puts what is in the store of a relay that is stopped into one of the first schema.
fn make_first(relay: &Container) {
    let first = "/root/first.sqlite";
    sql(relay, first, &format!("ATTACH DATABASE '{STORE}' AS present; {FIRST_SCHEMA}"));
    // In its place, so that it stays the service's.
    relay.shell(&format!("cat {first} >{STORE}"));
}

#[test]
fn an_older_store_comes_over_with_the_upgrade() {
    let Some(site) = Site::boot() else { return };
    let relay = &site.relay;
    site.call().end();
    let present = schema(relay);
    let engineers = relay.run(&["fieldlink-relay", "engineer", "list"]);
    let audit = relay.run(&["fieldlink-relay", "audit"]);
    relay.run(&["systemctl", "stop", RELAY]);
    make_first(relay);
    assert_eq!(schema(relay), "1");
    relay.run(&["systemctl", "start", RELAY]);
    relay.install(&relay.another_version(Package::Relay, "99.0", "true"));
    check_installed(relay, Package::Relay, "99.0");
    assert_eq!(schema(relay), present);
    assert_eq!(relay.run(&["fieldlink-relay", "engineer", "list"]), engineers);
    assert_eq!(relay.run(&["fieldlink-relay", "audit"]), audit);
    // The engineer's credential is known as before.
    site.call().end();
}

#[test]
fn going_back_to_a_version_that_does_not_know_the_store_is_refused_and_leaves_what_runs() {
    let Some(site) = Site::boot() else { return };
    let relay = &site.relay;
    let call = site.call();
    let present = schema(relay);
    set_schema(relay, "99");
    let running = relay.main_pid(RELAY);
    let said = relay.install(&relay.another_version(Package::Relay, "0.0.9", "true"));
    check_installed(relay, Package::Relay, "0.0.9");
    for part in ["schema 99", "install that version again, or a later one", "was not restarted"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(relay.main_pid(RELAY), running);
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    let audit = relay.output_as(Person::Root, &["fieldlink-relay", "audit"]);
    assert!(String::from_utf8_lossy(&audit.stderr).contains("schema 99"));
    call.end();

    // Started by hand it says so once, and is not tried again and again.
    let restarted = relay.output_as(Person::Root, &["systemctl", "restart", RELAY]);
    assert!(!restarted.status.success());
    assert_eq!(relay.property(RELAY, "ActiveState"), "failed");
    assert_eq!(relay.property(RELAY, "ExecMainStatus"), "78");
    assert_eq!(relay.property(RELAY, "NRestarts"), "0");
    assert!(relay.journal(RELAY).contains("install that version again"));
    assert_eq!(schema(relay), "99", "it was changed");

    // The version that wrote it starts by being installed.
    set_schema(relay, &present);
    relay.install(&relay.another_version(Package::Relay, "99.0", "true"));
    assert_eq!(relay.property(RELAY, "ActiveState"), "active");
    site.call().end();
}
