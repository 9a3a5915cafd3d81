//! The PIN is on the client's screen, and in no other place that could be read.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldlink_tests::container::{Container, Pair, Person, Places, Site};
use fieldlink_tests::programs::{Running, eventually};

/// Where the test itself leaves the PIN in every call: a search that misses one of these is broken.
const PLANTED: [&str; 4] = [
    "file /var/tmp/planted",
    "journal planted MESSAGE",
    "process sleep cmdline",
    "process sleep environ PLANTED",
];

/// An agent that crashed often waits before it starts.
const AFTER_CRASHES: Duration = Duration::from_secs(90);

/// Leaves the PIN in every kind of place; the process is there for as long as what is returned.
fn plant(container: &Container, pin: &str) -> Running {
    // By standard input: else the journal would note the PIN among logger's arguments, if it is quick enough.
    container
        .shell(&format!("echo 'the PIN is {pin}.' >/var/tmp/planted; echo PIN={pin} | logger --tag planted"));
    let words = ["env", &format!("PLANTED={pin}"), "sleep", "infinity", pin];
    let mut sleeping = container.command(Person::Root, &words);
    Running::start("sleep", &mut sleeping)
}

/// The places of one call, on both computers.
struct Call<'a> {
    site: &'a Site,
    cursors: [String; 2],
    pair: Pair,
    found: Places,
}

impl<'a> Call<'a> {
    fn begin(site: &'a Site, before: &BTreeSet<String>) -> Self {
        let cursors = [site.scanner.mark_time(), site.relay.mark_time()];
        // Two calls with the same PIN would show nothing.
        let mut pair = site.client().start();
        while before.contains(&pair.pin) {
            site.client().run(&["stop"]);
            pair = site.client().start();
        }
        Self { site, cursors, pair, found: Places::new() }
    }

    fn look_at_processes(&mut self) {
        for container in [&self.site.scanner, &self.site.relay] {
            self.found.extend(container.processes_with(&self.pair.pin));
        }
    }

    fn look_at_what_is_written(&mut self) {
        for (container, cursor) in [&self.site.scanner, &self.site.relay].into_iter().zip(&self.cursors) {
            self.found.extend(container.files_with(&self.pair.pin));
            self.found.extend(container.journal_fields_with(cursor, &self.pair.pin));
        }
    }
}

/// A whole call with a wrong try in it, looked at at every step.
fn places_of_a_call(site: &Site, pins: &mut BTreeSet<String>) -> Places {
    let mut call = Call::begin(site, pins);
    let _planted = plant(&site.scanner, &call.pair.pin);
    let client = site.client();
    let mut watch = client.watch();
    call.look_at_processes();
    let wrong = Pair { pin: call.pair.wrong_pin(), ..call.pair.clone() };
    site.engineer().start_connecting(&wrong).wait_for_end();
    watch.until("a wrong try", |status| status["wrong_tries"] == 1);
    let holder = site.engineer().start_connecting(&call.pair);
    watch.until_state("asking");
    call.look_at_processes();
    call.look_at_what_is_written();
    client.run(&["allow"]);
    let session = site.engineer().begin(&call.pair, holder);
    session.output_of("env >/var/tmp/environment; true");
    call.look_at_processes();
    session.end();
    watch.until_state("off");
    call.look_at_processes();
    call.look_at_what_is_written();
    pins.insert(call.pair.pin);
    call.found
}

#[test]
fn no_place_holds_the_right_pin_of_three_calls() {
    let Some(site) = Site::boot() else { return };
    let mut pins = BTreeSet::new();
    let calls: Vec<Places> = (0..3).map(|_| places_of_a_call(&site, &mut pins)).collect();
    assert_eq!(pins.len(), 3);
    let in_every_call = calls.iter().skip(1).fold(calls[0].clone(), |all, places| &all & places);
    let planted: Places = PLANTED.map(str::to_owned).into();
    assert_eq!(in_every_call, planted, "each call: {calls:#?}");
}

#[test]
fn a_crash_with_a_pin_in_memory_leaves_no_image_of_it() {
    let Some(site) = Site::boot() else { return };
    let unit = "fieldlink-agent.service";
    site.scanner.mark_time();
    // That an image would be written here at all.
    site.scanner
        .shell("mkdir /var/tmp/crash; cd /var/tmp/crash; ulimit -c unlimited; sh -c 'kill -ABRT $$'; true");
    let can_dump = !site.scanner.shell("find /var/tmp/crash -type f").is_empty();
    let mut pins = BTreeSet::new();
    // A first SEGV or BUS that is no fault, but sent by a process, does not end a Rust program.
    let crashes = ["ABRT", "ILL", "QUIT"].map(|signal| {
        let pair = site.client().start();
        let killed = site.scanner.main_pid(unit).expect("it runs");
        site.scanner.signal(signal, killed);
        eventually("another agent runs", AFTER_CRASHES, || {
            site.scanner.main_pid(unit).is_some_and(|pid| pid != killed)
                && site.client().code_of(&["status"]) == Some(0)
        });
        let journal = site.scanner.journal(unit);
        assert!(journal.contains(signal) && !journal.contains("code=dumped"), "{journal}");
        pins.insert(pair.pin.clone());
        site.scanner.files_with(&pair.pin)
    });
    if pins.len() == crashes.len() {
        let in_every_crash = &(&crashes[0] & &crashes[1]) & &crashes[2];
        assert_eq!(in_every_crash, Places::new());
    }
    let images = site.scanner.shell("find / -xdev -newer /run/fieldlink-test-mark -name 'core*' -type f -size +0 -not -path '/var/tmp/crash/*' -not -path '/proc/*'");
    assert_eq!(images, "", "(images can be written here: {can_dump})");
    // What the limit in the unit and the process itself have to say.
    let limit = site.scanner.main_pid(unit).map(|pid| site.scanner.read(&format!("/proc/{pid}/limits")));
    let limit = limit.expect("it runs");
    let core = limit.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}
