//! A whole call, as it is meant to be.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Call, Container, Engineer, Site, state_of};
use fieldlink_tests::programs::eventually;
use fieldlink_tests::terminal::Terminal;

const SUDO_EXAMPLE: &str = "/usr/share/doc/fieldlink-agent/examples";

#[test]
fn the_client_allows_the_engineer_works_and_everybody_knows_how_it_ended() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let pair = client.start();
    let mut watch = client.watch();
    let holder = site.engineer().start_connecting(&pair);
    let asked = watch.until_state("asking");
    let question = &asked["question"];
    assert_eq!(question["kind"], "consent", "{asked}");
    let text = question["text"].as_str().expect("a question");
    for part in [Engineer::NAME, Engineer::COMPANY, Engineer::TICKET] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    // An answer to another question is none to this one.
    assert_eq!(client.code_of(&["allow", "00000000000000000000000000000000"]), Some(5));
    assert_eq!(client.state(), "asking");
    assert_eq!(client.code_of(&["allow", question["id"].as_str().expect("an ID")]), Some(0));
    let call = site.engineer().begin(&pair, holder);

    let active = watch.until_state("active");
    assert_eq!(active["engineer"], Engineer::NAME);
    assert_eq!(active["company"], Engineer::COMPANY);
    assert_eq!(active["ticket"], Engineer::TICKET);
    let remaining = active["remaining_seconds"].as_u64().expect("a deadline");
    assert!((3_500..=3_600).contains(&remaining), "{active}");
    assert!(active["question"].is_null(), "{active}");
    assert_ne!(client.code_of(&["credentials"]), Some(0), "the pair is used up");
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    eventually("sleep is inhibited", PATIENCE, || has_inhibitor(&site.scanner));

    assert_eq!(client.code_of(&["end"]), Some(0));
    check_end(&site, call);
    let off = watch.until_state("off");
    assert_eq!(off["notice"]["code"], "client-ended", "{off}");
    eventually("the inhibitors are gone", PATIENCE, || !inhibitors(&site.scanner).contains("fieldlink"));
    let audit = site.relay.run(&["fieldlink-relay", "audit", "--json"]);
    assert!(audit.contains("client-ended") && audit.contains(Engineer::NAME), "{audit}");
}

fn check_end(site: &Site, mut call: Call<'_>) {
    let ended = call.wait_until_ended();
    assert!(ended.contains("client-ended"), "{ended}");
    call.holder.wait_for_end();
    eventually("no process of the session is left", PATIENCE, || {
        site.scanner.processes_of("fieldlink-support").is_empty()
    });
}

fn inhibitors(scanner: &Container) -> String {
    scanner.run(&["systemd-inhibit", "--list", "--no-pager", "--no-legend"])
}

/// Whether the agent keeps the scanner from falling asleep, and from what logind does when it is idle.
fn has_inhibitor(scanner: &Container) -> bool {
    let all = inhibitors(scanner);
    let ours: Vec<&str> = all.lines().filter(|line| line.contains("fieldlink")).collect();
    ["sleep", "idle"].iter().all(|what| ours.iter().any(|line| line.contains(what)))
}

#[test]
fn the_client_does_it_all_in_a_terminal() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let mut watch = client.watch();
    let mut terminal = Terminal::run(&client.fieldlink(&["start"]));
    watch.until_state("ready");
    let pair = client.credentials();
    terminal.wait_for(&pair.pin);
    // It shows the PIN, and leaves no image of its memory.
    let owner = site.scanner.shell("stat -c %U /proc/$(pgrep -f '^fieldlink start')/mem");
    assert_eq!(owner.trim(), "root");
    let holder = site.engineer().start_connecting(&pair);
    terminal.wait_for(&format!("Allow {}", Engineer::NAME));
    terminal.wait_for("Type yes or no");
    // A slip neither lets the engineer in nor turns them away.
    terminal.type_keys("yy\r");
    terminal.wait_for("Type yes or no");
    terminal.type_keys("y\r");
    let call = site.engineer().begin(&pair, holder);
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    terminal.wait_for("is connected");
    // Ctrl-D closes the panel, and ends nothing else.
    terminal.type_keys("\u{4}");
    terminal.wait_for("Remote access goes on");
    assert_eq!(terminal.child.wait().expect("it ends").code(), Some(0));
    assert_eq!(client.state(), "active");
    call.end();
    watch.until_state("off");
}

#[test]
fn a_refusal_is_told_and_lets_nobody_in() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let pair = client.start();
    let mut watch = client.watch();
    let mut holder = site.engineer().start_connecting(&pair);
    watch.until_state("asking");
    assert_eq!(client.code_of(&["refuse"]), Some(0));
    assert_eq!(holder.wait_for_end().code(), Some(215), "{}", holder.transcript());
    watch.until("no question", |status| status["question"].is_null());
    assert_eq!(client.code_of(&["allow"]), Some(5), "there is nothing to allow any more");
    assert_eq!(site.scanner.processes_of("fieldlink-support"), "");
}

#[test]
fn wrong_pins_use_the_pair_up() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let pair = client.start();
    let wrong = fieldlink_tests::container::Pair { pin: pair.wrong_pin(), ..pair.clone() };
    let mut watch = client.watch();
    for tries in 1..=2_u64 {
        let mut holder = site.engineer().start_connecting(&wrong);
        assert_eq!(holder.wait_for_end().code(), Some(214), "{}", holder.transcript());
        watch.until("a wrong try", |status| status["wrong_tries"] == tries);
    }
    // This engineer's program stops here; what a third try does is shown with a hostile one, elsewhere.
    let mut third = site.engineer().start_connecting(&wrong);
    assert_eq!(third.wait_for_end().code(), Some(220), "{}", third.transcript());
    assert_eq!(client.state(), "ready");
}

#[test]
fn the_engineers_shell_is_the_support_users_and_outside_of_the_agents_sandbox() {
    let Some(site) = Site::boot() else { return };
    let call = site.call();
    let identity = call.output_of("id");
    assert!(identity.contains("(fieldlink-support)"), "{identity}");
    for group in ["adm", "systemd-journal"] {
        assert!(identity.contains(&format!("({group})")), "{identity}");
    }
    let unit = call.output_of("cat /proc/self/cgroup");
    assert!(unit.contains("fieldlink-session@"), "{unit}");
    assert_eq!(call.output_of("echo $HOME; pwd").lines().last(), Some("/var/lib/fieldlink-support/home"));

    call.output_of("echo shared >/tmp/of-the-engineer");
    assert_eq!(site.scanner.read("/tmp/of-the-engineer").trim(), "shared");
    // A container has system-call filters of its own, so the first process is what to compare with.
    let confinement = "grep -E '^(NoNewPrivs|Seccomp_filters|CapBnd):' /proc/PID/status";
    let of = |pid: &str| confinement.replace("PID", pid);
    assert_eq!(call.output_of(&of("self")), site.scanner.shell(&of("1")));
    let agent = site.scanner.main_pid("fieldlink-agent.service").expect("it runs");
    let of_agent = site.scanner.shell(&of(&agent.to_string()));
    assert!(
        of_agent.contains("NoNewPrivs:\t1") && of_agent.contains("CapBnd:\t0000000000000000"),
        "{of_agent}"
    );
    for forbidden in ["touch /etc/of-the-engineer", "cat /etc/shadow", "ls /run/fieldlink-agent"] {
        assert!(!call.try_to(forbidden).status.success(), "{forbidden}");
    }
    call.end();
}

#[test]
fn sudo_works_once_the_operator_enabled_it_and_not_before() {
    let Some(site) = Site::boot() else { return };
    let call = site.call();
    let before = call.try_to("sudo -n id -u");
    assert!(!before.status.success(), "{}", String::from_utf8_lossy(&before.stdout));

    let example = site.scanner.shell(&format!("ls {SUDO_EXAMPLE}/*sudo*"));
    site.scanner.shell(&format!(
        "install -m 440 {} /etc/sudoers.d/fieldlink-support && visudo -c -q",
        example.trim()
    ));
    assert_eq!(call.output_of("sudo -n id -u").trim(), "0");
    // A process that became root within the session is still the engineer's.
    for command in ["fieldlink credentials", "fieldlink extend 30"] {
        assert_eq!(call.try_to(&format!("sudo -n {command}")).status.code(), Some(4), "{command}");
    }
    let mut terminal = call.start_in_terminal("sudo -n sh -c 'tty && echo of-root-$(id -u)'");
    terminal.wait_for("of-root-0");
    call.end();
}

#[test]
fn time_is_the_clients_to_give() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let call = site.call();
    let mut watch = client.watch();
    let mut asking = call.start_connect(&["extend", "30", "one more test"]);
    let asked = watch.until("a question", |status| status["question"]["kind"] == "extension");
    assert_eq!(state_of(&asked), "active");
    client.run(&["allow"]);
    assert!(asking.wait_for_end().success(), "{}", asking.transcript());
    let longer = watch.until("more time", |status| status["remaining_seconds"].as_u64() > Some(3_600));
    assert!(longer["question"].is_null(), "{longer}");
    call.end();
    let off = watch.until_state("off");
    assert_eq!(off["notice"]["code"], "engineer-ended", "{off}");
}
