//! A process keeps the bus or polkit busy, which every account may talk to: the client still ends the session.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Call, Client, Container, Person, Site};
use fieldlink_tests::programs::{Running, eventually};

const SOCKET: &str = "/run/fieldlink-emergency-stop/socket";

/// More connections to the bus than it takes before they authenticate, and then more of them as often as the
/// bus has closed those.
const HALF_OPEN: &str = r#"
perl -MSocket -e 'while (1) { my @open; for (1..300) {
  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or last;
  connect($s, pack_sockaddr_un("/run/dbus/system_bus_socket")) or last;
  push @open, $s; }
  print "open\n"; $| = 1; sleep 1; }'"#;

/// What every account may ask of polkit, from as many connections as the bus lets one account have.
const QUESTIONS: &str = r#"
for n in $(seq 40); do
  while :; do
    busctl call org.freedesktop.PolicyKit1 /org/freedesktop/PolicyKit1/Authority \
      org.freedesktop.PolicyKit1.Authority EnumerateActions s "" >/dev/null 2>&1
  done &
done
echo asking; wait"#;

/// Says `end` at the emergency stop, as far as that is permitted.
const PRESS: &str = r#"perl -MSocket -e '
socket(my $s, AF_UNIX, SOCK_STREAM, 0); $SIG{PIPE} = "IGNORE";
connect($s, pack_sockaddr_un($ARGV[0])) or die "connect: $!\n";
syswrite $s, "end\n"; my $answer; sysread $s, $answer, 100 or $answer = "closed\n";
print $answer;' "#;

fn check_end(site: &Site, call: &mut Call<'_>) {
    let ended = call.wait_until_ended();
    assert!(ended.contains("client-ended"), "{ended}");
    call.holder.wait_for_end();
    eventually("no process of the session is left", PATIENCE, || {
        site.scanner.processes_of("fieldlink-support").is_empty()
    });
}

fn started(mut running: Running, word: &str) -> Running {
    running.wait_for(word);
    running
}

#[test]
fn an_engineer_cannot_keep_the_client_from_ending() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    for (flood, word) in [(HALF_OPEN, "open"), (QUESTIONS, "asking")] {
        let mut call = site.call();
        let _flood = started(call.start(flood), word);
        client.run(&["end"]);
        check_end(&site, &mut call);
    }
}

/// The end of a session while `process` of the scanner is stopped, and answers no call.
fn end_without(site: &Site, process: &str) {
    let mut call = site.call();
    let pid = site.scanner.run(&["pgrep", "--oldest", "-x", process]);
    let pid = pid.trim().parse().expect("it runs");
    site.scanner.signal("STOP", pid);
    site.client().run(&["end"]);
    check_end(site, &mut call);
    site.scanner.signal("CONT", pid);
}

#[test]
fn ending_needs_neither_polkit_nor_the_bus() {
    let Some(site) = Site::boot() else { return };
    for process in ["polkitd", "dbus-daemon"] {
        end_without(&site, process);
    }
    // Switching off is the same way.
    let client = site.client();
    client.start();
    let bus = site.scanner.main_pid("dbus.service").expect("it runs");
    site.scanner.signal("STOP", bus);
    client.run(&["stop"]);
    assert_eq!(client.code_of(&["stop"]), Some(1), "it is off already");
    site.scanner.signal("CONT", bus);
    assert_eq!(client.state(), "off");
}

fn press(scanner: &Container, person: Person<'_>) -> String {
    let output = scanner.output_as(person, &["bash", "-c", &format!("{PRESS}{SOCKET} 2>&1")]);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn the_emergency_stop_is_for_whoever_sits_there() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    let output = call.try_to(&format!("{PRESS}{SOCKET} 2>&1"));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "connect: Permission denied");
    for person in [Person::Account("nobody"), Person::Account("daemon")] {
        assert_eq!(press(&site.scanner, person), "closed", "{person:?}");
    }
    assert_eq!(Client::of(&site.scanner).state(), "active");
    assert_eq!(press(&site.scanner, Person::Client), "done");
    check_end(&site, &mut call);
    assert_eq!(press(&site.scanner, Person::Client), "NoSession");
}

/// What the agent's memory may grow by, in KiB, whatever it is asked.
const GROWTH: u64 = 100 * 1024;

fn resident(site: &Site) -> u64 {
    let pid = site.scanner.main_pid("fieldlink-agent.service").expect("it runs");
    let status = site.scanner.read(&format!("/proc/{pid}/status"));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Calls that want no answer: the bus lets every account make any number.
#[test]
fn calls_that_want_no_answer_cost_nothing() {
    use zbus::message::Flags;
    let Some(site) = Site::boot() else { return };
    let before = resident(&site);
    let address = format!("unix:path=/proc/{}/root/run/dbus/system_bus_socket", site.scanner.leader());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bus = zbus::connection::Builder::address(&*address).build().await.expect("the bus");
        let name = "com.navvis.Fieldlink1";
        let call = |subject, method| {
            let call = zbus::Message::method_call("/com/navvis/Fieldlink1", method).destination(name);
            let interface = format!("{name}.{subject}");
            let call = call.interface(&*interface);
            call.with_flags(Flags::NO_REPLY_EXPECTED).build(&()).expect("a message")
        };
        for _ in 0..30_000 {
            for (subject, method) in [("Session", "End"), ("Network", "Check")] {
                bus.send(&call(subject, method)).await.expect("sent");
            }
        }
        // The bus keeps the order: once this is answered, everything before it has arrived.
        bus.call_method(Some(name), "/com/navvis/Fieldlink1", Some("org.freedesktop.DBus.Peer"), "Ping", &())
            .await
            .expect("alive");
    });
    let after = resident(&site);
    assert!(after < before + GROWTH, "{before} KiB before, {after} KiB after");
    let call = site.call();
    site.client().run(&["end"]);
    drop(call);
}
