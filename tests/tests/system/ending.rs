//! Parts of the scanner's side are killed or hang: the session is over, and client and engineer are told.

use std::time::Duration;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Call, Site, Watch};
use fieldlink_tests::programs::eventually;

const AGENT: &str = "fieldlink-agent.service";

/// Longer than the agent's watchdog waits.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A session in which programs run that would rather stay.
fn busy_call(site: &Site) -> Call<'_> {
    let call = site.call();
    let script = "setsid nohup sleep 1001 >/dev/null 2>&1 & (setsid sh -c 'sleep 1002 & sleep 1003' >/dev/null 2>&1 &) ; echo left";
    assert_eq!(call.output_of(script).trim(), "left");
    eventually("the programs run", PATIENCE, || {
        site.scanner.processes_of("fieldlink-support").matches("sleep 100").count() >= 3
    });
    call
}

fn wait_until_nothing_is_left(site: &Site) {
    eventually("no process of the session is left", PATIENCE, || {
        site.scanner.processes_of("fieldlink-support").is_empty()
    });
}

fn agent(site: &Site) -> u32 {
    site.scanner.main_pid(AGENT).expect("the agent runs")
}

/// The killed agent runs again, without anything of the session, and with remote access off.
fn check_after_the_agents_death(site: &Site, killed: u32, mut call: Call<'_>) {
    eventually("another agent runs", WATCHDOG, || {
        site.scanner.main_pid(AGENT).is_some_and(|pid| pid != killed)
            && site.scanner.property(AGENT, "ActiveState") == "active"
    });
    wait_until_nothing_is_left(site);
    let client = site.client();
    let off = client.watch().until_state("off");
    assert!(off["notice"]["sentence"].is_string(), "the client reads nothing: {off}");
    call.holder.wait_for_end_within(WATCHDOG);
    let told = call.holder.transcript();
    assert!(told.contains("\"state\":\"ended\""), "the engineer reads nothing:\n{told}");
    assert_eq!(client.state(), "off", "only a press starts it");
    // And a press does.
    let call = site.call();
    assert_eq!(call.output_of("id -un").trim(), "fieldlink-support");
    call.end();
}

#[test]
fn the_agent_is_killed() {
    let Some(site) = Site::boot() else { return };
    let call = busy_call(&site);
    let killed = agent(&site);
    site.scanner.signal("KILL", killed);
    check_after_the_agents_death(&site, killed, call);
}

#[test]
fn the_agent_hangs() {
    let Some(site) = Site::boot() else { return };
    let call = busy_call(&site);
    let stopped = agent(&site);
    site.scanner.signal("STOP", stopped);
    check_after_the_agents_death(&site, stopped, call);
    let journal = site.scanner.journal(AGENT);
    assert!(journal.contains("Watchdog timeout"), "{journal}");
    // A process that may know a PIN leaves no image of its memory.
    assert!(!journal.contains("code=dumped"), "{journal}");
}

/// Both sides are told that the session's process failed.
fn check_after_the_session_processs_end(site: &Site, mut watch: Watch, mut call: Call<'_>) {
    let off = watch.until_state("off");
    assert_eq!(off["notice"]["code"], "session-process-lost", "{off}");
    let ended = call.wait_until_ended();
    assert!(ended.contains("session-process-lost"), "{ended}");
    call.holder.wait_for_end();
    wait_until_nothing_is_left(site);
}

#[test]
fn the_session_process_is_killed() {
    let Some(site) = Site::boot() else { return };
    let call = busy_call(&site);
    let (watch, before) = (site.client().watch(), agent(&site));
    site.scanner.signal("KILL", site.session_process());
    check_after_the_session_processs_end(&site, watch, call);
    assert_eq!(agent(&site), before, "the agent itself goes on");
}

#[test]
fn the_session_process_is_stopped() {
    let Some(site) = Site::boot() else { return };
    let call = busy_call(&site);
    let watch = site.client().watch();
    site.scanner.signal("STOP", site.session_process());
    // The agent may leave, too: with it goes whatever is bound to it.
    check_after_the_session_processs_end(&site, watch, call);
}

#[test]
fn a_service_that_is_stopped_has_not_failed() {
    let Some(site) = Site::boot() else { return };
    let mut call = busy_call(&site);
    site.scanner.run(&["systemctl", "restart", AGENT]);
    let ended = call.wait_until_ended();
    assert!(ended.contains("agent-stopped"), "{ended}");
    call.holder.wait_for_end();
    wait_until_nothing_is_left(&site);
    assert_eq!(site.client().state(), "off");
}

#[test]
fn the_scanner_is_restarted_in_the_middle() {
    let Some(site) = Site::boot() else { return };
    drop(busy_call(&site));
    site.scanner.reboot();
    assert_eq!(site.client().watch().until_state("off")["state"], "off");
    assert_eq!(site.scanner.processes_of("fieldlink-support"), "");
}
