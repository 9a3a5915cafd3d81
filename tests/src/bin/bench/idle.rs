//! What an idle agent costs, here and at the relay.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_tests::programs::Running;
use fieldlink_tests::raw::{dialer, register_at};
use fieldlink_tests::{Relay, RelayOptions, Scanner};

/// What was measured.
pub(crate) struct Idle {
    pub(crate) relay_kib_per_agent: f64,
    pub(crate) agent_mib: f64,
    pub(crate) wake_ups: f64,
}

/// Measures with `count` agents at one relay.
pub(crate) fn measure(count: usize) -> Idle {
    let mut relay = Relay::start_with(RelayOptions::default());
    let scanner = Scanner::start(&relay);
    let relay_pid = relay.process().pid().as_raw();
    let before = kib(relay_pid, "smaps_rollup", "Pss:");
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.arg("idle-agents").arg(relay.url()).arg(relay.authority()).arg(count.to_string());
    let mut agents = Running::start("the idle agents", &mut command);
    let registered = agents.wait_for_within("registered", Duration::from_secs(120));
    assert!(registered.is_some(), "{}", agents.transcript());
    let after = kib(relay_pid, "smaps_rollup", "Pss:");
    let agent_pid = scanner.process.pid().as_raw();
    let switches = context_switches(agent_pid);
    // Counting what happens in a stretch of time is the measurement itself.
    std::thread::sleep(Duration::from_secs(10));
    Idle {
        relay_kib_per_agent: (after - before) / count as f64,
        agent_mib: kib(agent_pid, "status", "VmRSS:") / 1024.0,
        wake_ups: context_switches(agent_pid) - switches,
    }
}

/// Registers `count` agents and holds them.
pub(crate) fn hold(url: &str, authority: &Path, count: &str) -> ExitCode {
    let count = count.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let dialer = dialer(url, authority);
        let mut agents = Vec::new();
        while agents.len() < count {
            agents.push(register_at(&dialer, SupportId::random(), RegistrationKey::generate(), None).await);
        }
        println!("registered");
        std::io::stdout().flush().expect("a pipe");
        std::future::pending::<()>().await;
    });
    ExitCode::SUCCESS
}

fn kib(pid: i32, file: &str, field: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("it runs");
    let line = text.lines().find(|line| line.starts_with(field)).expect("a field");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Of all threads: how often the process slept, and so how often it was woken.
fn context_switches(pid: i32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok())
        .filter_map(|text| {
            let line = text.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .sum()
}
