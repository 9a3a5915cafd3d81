//! An engineer tries to leave something behind, in every way that a shell offers.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Call, Container, Person, Site, state_of};
use fieldlink_tests::programs::eventually;

/// What is left by fork alone. The last one stops what started it, and itself.
const PROCESSES: [&str; 5] = [
    "setsid sleep 1001 </dev/null >/dev/null 2>&1 &",
    "nohup sleep 1002 </dev/null >/dev/null 2>&1 &",
    "(setsid sh -c 'setsid sleep 1003 & exec sleep 1004' </dev/null >/dev/null 2>&1 &)",
    "setsid sh -c 'trap \"\" HUP TERM INT; while :; do sleep 1005; done' </dev/null >/dev/null 2>&1 &",
    "sleep 1006 </dev/null >/dev/null 2>&1 & p=$!; until grep -q sleep /proc/$p/comm; do :; done; kill -STOP $p",
];

/// What other services would start or keep, and what is closed to the engineer.
const SERVICES: [&str; 4] = [
    "XDG_RUNTIME_DIR=/run/user/$(id -u) systemd-run --user --unit=left-behind sleep 1007",
    "systemd-run --unit=left-behind sleep 1008",
    "loginctl enable-linger",
    "echo '* * * * * sleep 1009' | crontab -",
];

/// A job may be taken down, as long as it is never done and does not stay.
const JOBS: [&str; 2] = ["echo 'sleep 1010' | at now + 1 hour", "echo 'sleep 1011' | at now"];

fn leave_everything_behind(site: &Site, call: &Call<'_>) {
    for line in PROCESSES {
        assert_eq!(call.output_of(&format!("{line}\necho left")).trim(), "left", "{line}");
    }
    for line in SERVICES {
        let output = call.try_to(line);
        assert!(!output.status.success(), "this is not closed to the engineer: {line}");
    }
    for line in JOBS {
        call.try_to(line);
    }
    eventually("what was left runs", PATIENCE, || {
        site.scanner.processes_of("fieldlink-support").matches("sleep 100").count() >= 6
    });
}

fn jobs(site: &Site) -> String {
    // Some may go while it looks.
    site.scanner.shell("find /var/spool/cron/atjobs -type f -user fieldlink-support 2>/dev/null || true")
}

/// Nothing of the account runs, or will.
fn check_that_nothing_is_left(site: &Site) {
    check_that_nothing_runs(site);
    // The last of what the session's unit does, which the client's end does not wait for.
    eventually("no job is left", PATIENCE, || jobs(site).is_empty());
    assert!(!site.scanner.has("/var/spool/cron/crontabs/fieldlink-support"));
}

fn check_that_nothing_runs(site: &Site) {
    eventually("no process of the session is left", PATIENCE, || {
        site.scanner.processes_of("fieldlink-support").is_empty()
    });
    let scanner = &site.scanner;
    let uid = scanner.run(&["id", "-u", "fieldlink-support"]);
    assert!(!scanner.has("/var/lib/systemd/linger/fieldlink-support"));
    assert!(!scanner.has(&format!("/run/user/{}", uid.trim())));
    assert!(!scanner.shell("systemctl list-units --all --plain --no-legend").contains("left-behind"));
    let sessions = scanner.run(&["loginctl", "list-users", "--no-legend"]);
    assert!(!sessions.contains("fieldlink-support"), "{sessions}");
}

#[test]
fn nothing_outlives_the_clients_end() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    leave_everything_behind(&site, &call);
    site.client().run(&["end"]);
    call.wait_until_ended();
    check_that_nothing_is_left(&site);
}

#[test]
fn nothing_outlives_the_engineers_end_of_a_stopped_session() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    leave_everything_behind(&site, &call);
    // The engineer is the session's process's own user, and may stop it.
    call.try_to("kill -STOP $(pgrep -u $(id -u) -x fieldlink-sessi)");
    call.wait_until_ended();
    check_that_nothing_is_left(&site);
}

#[test]
fn what_stands_in_cron_and_at_is_gone_too() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    // As if cron and at had not been closed.
    site.scanner.shell(
        "rm -f /etc/at.deny /etc/cron.deny; echo fieldlink-support | tee /etc/at.allow >/etc/cron.allow",
    );
    let support = Person::Account("fieldlink-support");
    for line in ["echo '* * * * * sleep 1009' | crontab -", "cd /; echo sleep 1010 | at now + 1 hour"] {
        site.scanner.run_as(support, &["sh", "-c", line]);
    }
    assert!(site.scanner.has("/var/spool/cron/crontabs/fieldlink-support"));
    assert!(!site.scanner.run(&["atq"]).trim().is_empty());
    site.client().run(&["end"]);
    call.wait_until_ended();
    check_that_nothing_is_left(&site);
}

#[test]
fn a_heap_of_jobs_does_not_hold_up_the_end() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    call.output_of("for n in $(seq 500); do echo 'sleep 1010' | at now + 1 hour 2>/dev/null; done; true");
    site.client().run(&["end"]);
    let ended = call.wait_until_ended();
    assert!(ended.contains("client-ended"), "{ended}");
    check_that_nothing_is_left(&site);
    assert!(!site.scanner.journal("fieldlink-agent.service").contains("could not confirm"));
    // Without our package atd would do what is left.
    let call = site.call();
    call.output_of("echo 'touch /tmp/of-a-job' | at now + 1 hour 2>/dev/null; touch ~/.forward");
    site.scanner.shell("DEBIAN_FRONTEND=noninteractive apt-get remove -y -q fieldlink-agent 2>&1");
    assert_eq!(site.scanner.run(&["atq"]), "");
    assert!(!site.scanner.has(HOMES));
    drop(call);
}

/// However it came about: a process of the engineers' account could trace the next engineer's programs.
#[test]
fn nobody_comes_in_while_something_of_the_account_runs() {
    let Some(site) = Site::boot() else { return };
    let stray = site.scanner.start_as(Person::Account("fieldlink-support"), &["sleep", "1020"]);
    eventually("it runs", PATIENCE, || site.scanner.processes_of("fieldlink-support").contains("sleep 1020"));
    let client = site.client();
    let pair = client.start();
    let mut watch = client.watch();
    let mut holder = site.engineer().start_connecting(&pair);
    watch.until_state("asking");
    client.run(&["allow"]);
    let off = watch.until_state("off");
    assert_eq!(off["notice"]["code"], "scanner-failed", "{off}");
    assert_eq!(holder.wait_for_end().code(), Some(1), "{}", holder.transcript());
    let journal = site.scanner.journal("fieldlink-agent.service");
    assert!(journal.contains("(sleep) runs as fieldlink-support"), "{journal}");
    drop(stray);
    eventually("it is gone", PATIENCE, || site.scanner.processes_of("fieldlink-support").is_empty());
    site.call().end();
}

#[test]
fn nobody_takes_the_agents_socket_out_of_the_sessions_process() {
    let Some(site) = Site::boot() else { return };
    let call = site.call();
    let process = "$(pgrep -o -u $(id -u) -x fieldlink-sessi)";
    for place in ["fd/0", "mem", "environ", "cwd"] {
        let opened = call.try_to(&format!("ls -l /proc/{process}/{place} && : </proc/{process}/{place}"));
        assert!(!opened.status.success(), "{place}");
    }
    // What it starts is ordinary: engineers debug programs.
    assert!(call.output_of("ls /proc/self/fd").contains('0'));
    call.end();
}

#[test]
fn the_next_engineer_does_not_find_the_files_of_the_one_before() {
    let Some(site) = Site::boot() else { return };
    let call = site.call();
    call.output_of(
        "echo 'echo surprise' >~/.profile; mkdir -p ~/.ssh ~/a/b; touch ~/a/b/c; ln -s /etc ~/etc",
    );
    call.end();
    let call = site.call();
    let seen = call.output_of("ls -A ~; bash -lc true");
    assert!(!seen.contains("surprise") && !seen.contains(".ssh") && !seen.contains("etc"), "{seen}");
    assert!(site.scanner.has("/etc/passwd"));
    call.end();
}

/// Where the support account's homes lie.
const HOMES: &str = "/var/lib/fieldlink-support";

/// Files that an emptying might stumble over: many, closed, and deeper than a path is long.
const OBSTACLES: &str = r#"
cd ~ && mkdir -p closed/inner && echo secret >closed/inner/data && chmod 0 closed/inner closed
perl -e 'for (1..3000) { mkdir "d" or die; chdir "d" or die } open(my $f, ">", "data") or die'
seq -f 'file-%g' 100000 | xargs touch && touch .profile
chmod 500 . && cd .. && seq -f 'file-%g' 1000 | xargs touch && chmod 500 ."#;

fn in_homes(scanner: &Container) -> String {
    scanner.run(&["ls", "-A", HOMES])
}

#[test]
fn no_heap_of_files_gets_in_the_way_of_the_next_engineer() {
    let Some(site) = Site::boot() else { return };
    let call = site.call();
    call.output_of(OBSTACLES);
    call.end();
    let call = site.call();
    assert_eq!(call.output_of("pwd; ls -A"), format!("{HOMES}/home\n"));
    eventually("what was left over is deleted", PATIENCE, || in_homes(&site.scanner) == "home\n");
    call.end();
    // Whatever cannot be moved is no obstacle either; then there is no home.
    site.scanner.run(&["mount", "-t", "tmpfs", "tmpfs", &format!("{HOMES}/home")]);
    site.scanner.write(&format!("{HOMES}/home/.profile"), "echo surprise");
    let call = site.call();
    assert_eq!(call.output_of("bash -lc 'cd; pwd'"), "/\n");
    call.end();
}

#[test]
fn a_fork_bomb_ends_with_its_session() {
    let Some(site) = Site::boot() else { return };
    let mut call = site.call();
    // The unit's TasksMax= is not enforced in every container, and other tests run beside this one.
    // The bomb makes a file when it is as large as it may be: counting its processes takes minutes by then.
    let _bomb = call.start(&format!(
        r#"cd {HOMES}/home; ulimit -u 1500; perl -e 'for (;;) {{ defined fork or $told++ or open my $f, ">", "full" }}'"#
    ));
    // Whether the client is faster, or the session's process is so slow that it counts as lost.
    // The agent may be on its way back then, and say nothing.
    let state = || {
        let status = site.client().try_to(&["status", "--json"]).stdout;
        serde_json::from_slice(&status).ok().map(|status| state_of(&status).to_owned())
    };
    eventually("it has gone off, or is over", 4 * PATIENCE, || {
        site.scanner.has(&format!("{HOMES}/home/full")) || state().as_deref() != Some("active")
    });
    site.client().try_to(&["end"]);
    call.wait_until_ended();
    check_that_nothing_is_left(&site);
    let call = site.call();
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    call.end();
}
