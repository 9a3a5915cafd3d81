//! Finding and killing every descendant of this process.
//!
//! A process that calls `setsid`, forks twice or ignores hang-ups leaves its group and its parent,
//! but not the subreaper above it: the kernel hands orphans to the nearest one. Both the session
//! process and the agent are subreapers, so what a session started can always be found from above.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

// How often own children are looked at between two readings of the whole process table.
const QUICK_PASSES: usize = 50;
// The dead need a moment to become zombies; the kernel offers no event for "no descendant left".
const PAUSE: Duration = Duration::from_millis(1);

/// What `/proc/PID/stat` says about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessStat {
    /// The process.
    pub pid: Pid,
    /// One letter, as in `ps`.
    pub state: char,
    /// Its parent.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
    /// Its session.
    pub session: Pid,
    /// The foreground process group of its terminal, negative without one.
    pub foreground: i32,
}

/// Makes orphaned descendants children of this process.
pub fn become_subreaper() -> Result<(), Errno> {
    nix::sys::prctl::set_child_subreaper(true)
}

/// What the kernel knows of one process; nothing if there is none.
pub fn stat(pid: Pid) -> Option<ProcessStat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Every descendant of a process, zombies included.
pub fn descendants_of(root: Pid) -> Vec<ProcessStat> {
    let mut children: BTreeMap<Pid, Vec<ProcessStat>> = BTreeMap::new();
    for process in every_process() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        // Removing the entry also ends a cycle, which a table read bit by bit may show.
        let next = children.remove(&parent).unwrap_or_default();
        parents.extend(next.iter().map(|process| process.pid));
        found.extend(next);
    }
    found
}

/// The children of this process, by all its threads.
pub fn own_children() -> Vec<Pid> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|line| {
            let pids = line.split_ascii_whitespace().map(str::parse);
            pids.flatten().map(Pid::from_raw).collect::<Vec<_>>()
        })
        .collect()
}

/// Lists this process's descendants, and takes away the zombies among them.
///
/// An empty answer is certain: whatever descends from us does so through a child of ours, and a
/// child stays in the table until we reap it, which only happens after the table was read. Those
/// reaped just now are listed once more, because they may have forked after it was read.
pub fn reap_and_list() -> Vec<Pid> {
    let found = descendants_of(getpid());
    found.iter().for_each(reap);
    found.into_iter().map(|process| process.pid).collect()
}

/// Kills every descendant of this process and waits until none is left, for at most `within`.
///
/// Blocks. The error lists what was still there: processes of another user, or in the middle of a
/// system call that cannot be interrupted.
pub fn kill_descendants(within: Duration) -> Result<(), Vec<Pid>> {
    let deadline = Instant::now() + within;
    loop {
        let left = kill_round();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(left);
        }
        // A process that forks and exits in a circle is somewhere else by the time the whole table
        // is read. But each of its orphans is our child at once, and that list is quick to read.
        for _ in 0..QUICK_PASSES {
            own_children().into_iter().for_each(kill_one);
        }
        std::thread::sleep(PAUSE);
    }
}

// Empty only if nothing is left, as in `reap_and_list`.
fn kill_round() -> Vec<Pid> {
    let own_session = nix::unistd::getsid(None).ok();
    let targets = descendants_of(getpid());
    let groups: BTreeSet<Pid> = targets
        .iter()
        .filter(|process| Some(process.session) != own_session && process.group.as_raw() > 1)
        .map(|process| process.group)
        .collect();
    // A group is killed at one instant, so its members cannot escape by forking.
    for group in groups {
        let _ = killpg(group, Signal::SIGKILL);
    }
    targets.iter().for_each(|process| kill_one(process.pid));
    targets.iter().for_each(reap);
    targets.into_iter().map(|process| process.pid).collect()
}

fn kill_one(pid: Pid) {
    // It may be gone already, or belong to another account; the next look at the table tells.
    let _ = kill(pid, Signal::SIGKILL);
}

// By its number and never "any child": the agent's other children belong to the code that started them.
// A status that nix cannot name (a real-time signal) is an error here, and reaped all the same.
fn reap(process: &ProcessStat) {
    if process.parent == getpid() {
        let _ = waitpid(process.pid, Some(WaitPidFlag::WNOHANG));
    }
}

fn every_process() -> Vec<ProcessStat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| stat(Pid::from_raw(pid)))
        .collect()
}

// The name in brackets may hold anything, brackets and spaces too: what counts comes after the
// last closing one.
fn parse_stat(line: &[u8]) -> Option<ProcessStat> {
    let opening = line.iter().position(|&byte| byte == b'(')?;
    let closing = line.iter().rposition(|&byte| byte == b')')?;
    let pid = std::str::from_utf8(&line[..opening]).ok()?.trim();
    let rest = std::str::from_utf8(&line[closing + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let mut numbers = fields.map(str::parse);
    let mut next = || numbers.next()?.ok();
    let (parent, group, session, _terminal) = (next()?, next()?, next()?, next()?);
    Some(ProcessStat {
        pid: Pid::from_raw(pid.parse().ok()?),
        state,
        parent: Pid::from_raw(parent),
        group: Pid::from_raw(group),
        session: Pid::from_raw(session),
        foreground: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example(comm: &str) -> Vec<u8> {
        format!("42 ({comm}) T 7 42 41 34816 43 4194304 100 0 0 0").into_bytes()
    }

    #[test]
    fn a_name_full_of_brackets_and_spaces_does_not_confuse() {
        for comm in ["bash", "a b", ") R 1 1 1 1", "((", "x) S (y", ""] {
            let stat = parse_stat(&example(comm)).expect("stat");
            assert_eq!((stat.pid.as_raw(), stat.state), (42, 'T'), "{comm}");
            assert_eq!(stat.parent.as_raw(), 7);
            assert_eq!((stat.group.as_raw(), stat.session.as_raw()), (42, 41));
            assert_eq!(stat.foreground, 43);
        }
    }

    #[test]
    fn this_process_is_a_child_of_its_parent() {
        let own = stat(getpid()).expect("own stat");
        assert_eq!(own.parent, nix::unistd::getppid());
        let siblings = descendants_of(own.parent);
        assert!(siblings.iter().any(|process| process.pid == getpid()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            parse_stat(&line);
        }
    }
}
