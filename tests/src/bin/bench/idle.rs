//! What an idle agent costs, here and at the relay.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_tests::memory::{kib, share};
use fieldlink_tests::network_lab::Lab;
use fieldlink_tests::programs::Running;
use fieldlink_tests::raw::{dialer, register_at};
use fieldlink_tests::{Relay, RelayOptions};
use nix::unistd::Pid;

use crate::bare_tls;
use crate::rows::{Better, Rows};

/// A process that holds clients says so.
const HELD: &str = "all are held";
/// So many clients come before those that are counted.
const FEW: usize = 100;
/// How many agents are held.
const AGENTS: usize = 2_000;
/// An agent is idle when it has been ready for so long …
const SETTLED: Duration = Duration::from_secs(10);
/// … and is watched for so long: two of its pings, which are what it does.
const WATCHED: Duration = Duration::from_secs(50);

/// Of a relay with many agents, and of one agent alone.
pub(crate) fn rows(rows: &mut Rows, _: &Path) {
    eprintln!("measuring idle agents …");
    let bare = bare_tls::kib_per_connection(AGENTS);
    rows.info("bare rustls memory per idle connection (2,000)", bare, "KiB PSS", Better::Lower);
    let mut relay = Relay::start_with(RelayOptions::default());
    let (url, authority) = (relay.url(), relay.authority().to_owned());
    let per_agent = growth_per_client(relay.process().pid(), AGENTS, |command, count| {
        command.arg("idle-agents").arg(&url).arg(&authority).arg(count.to_string())
    });
    rows.info("relay memory per idle agent (2,000)", per_agent, "KiB PSS", Better::Lower);
    let name = "relay memory per idle agent / bare rustls connection";
    rows.goal(name, per_agent / bare, "x", 1.15, Better::Lower);
    one_agent(rows);
}

/// On a device with NetworkManager, as in the field.
fn one_agent(rows: &mut Rows) {
    let Some(lab) = Lab::start("an idle agent") else { return };
    let mut agent = Running::start("the agent", &mut lab.agent(&["foreground"], &lab.agent_config(None)));
    agent.wait_for("ready");
    // The network's measurement comes last of all that begins with remote access.
    std::thread::sleep(SETTLED);
    let before = context_switches(agent.pid());
    // Counting what happens in a stretch of time is the measurement itself.
    std::thread::sleep(WATCHED);
    let wake_ups = context_switches(agent.pid()) - before;
    let memory = kib(agent.pid(), "status", "VmRSS:") as f64 / 1024.0;
    rows.goal("idle agent memory", memory, "MiB RSS", 12.0, Better::Lower);
    let in_ten_seconds = wake_ups * 10.0 / WATCHED.as_secs_f64();
    rows.goal("idle agent wake-ups in 10 s", in_ten_seconds, "", 2.0, Better::Lower);
}

/// How much `server` grows for each of `count` clients that a process of this program's holds, in KiB. A few come before
/// them, so that what is there once is not counted. The clients are gone afterwards.
pub(crate) fn growth_per_client(
    server: Pid,
    count: usize,
    hold: impl Fn(&mut Command, usize) -> &mut Command,
) -> f64 {
    let start = |count| {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        hold(&mut command, count);
        let mut clients = Running::start("the idle clients", &mut command);
        let held = clients.wait_for_within(HELD, Duration::from_secs(120));
        assert!(held.is_some(), "{}", clients.transcript());
        // What a server does afterwards by itself.
        std::thread::sleep(Duration::from_secs(1));
        clients
    };
    let _few = start(FEW);
    let before = share(server);
    let _many = start(count);
    (share(server) - before) * 1024.0 / count as f64
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
        say_held().await;
    });
    ExitCode::SUCCESS
}

/// For the process that measures, which then kills this one.
pub(crate) async fn say_held() {
    println!("{HELD}");
    std::io::stdout().flush().expect("a pipe");
    std::future::pending::<()>().await;
}

/// Of all threads: how often the process slept, and so how often it was woken.
fn context_switches(pid: Pid) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok())
        .filter_map(|text| {
            let line = text.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .sum()
}
