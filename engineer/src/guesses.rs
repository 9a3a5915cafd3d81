//! The memory of wrong PINs: after two for one support ID this program stops for an hour.
//!
//! A relay that plays the scanner learns one guess at the PIN from each run that the engineer's side
//! answers. So a try is written down before it begins and crossed out only when the scanner has
//! proven that it knows the PIN, or when no answer came that could have taught the relay anything. A
//! crash in between leaves it standing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use fieldlink_protocol::secret::random_bytes;
use fieldlink_protocol::support_id::SupportId;
use serde::{Deserialize, Serialize};

use crate::exit::{Failure, Kind};
use crate::moment::Moment;
use crate::words::say;
use crate::{platform, private_file};

/// Tries that may go wrong for one support ID.
const LIMIT: usize = 2;
/// How long a wrong try counts.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Tries that are remembered in all. No engineer types that many within the hour.
const CAPACITY: usize = 1000;

/// The tries of the last hour.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    version: u8,
    tries: Vec<Try>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    id: SupportId,
    at: Moment,
    /// Tells two tries of the same second apart.
    name: u64,
}

impl Memory {
    const VERSION: u8 = 2;

    /// Forgets what is too old.
    fn prune(&mut self, now: &Moment) {
        self.tries.retain(|tried| tried.at.age(now) < MEMORY);
    }

    fn count(&self, id: SupportId) -> usize {
        self.tries.iter().filter(|tried| tried.id == id).count()
    }

    fn allows(&self, id: SupportId) -> bool {
        self.count(id) < LIMIT && self.tries.len() < CAPACITY
    }
}

/// The memory's file, shared by every run of this program.
#[derive(Debug, Clone)]
pub(crate) struct Guesses {
    directory: PathBuf,
}

/// A try that counts as wrong until it is taken back.
#[derive(Debug)]
#[must_use = "a try that is dropped counts as wrong"]
pub(crate) struct Attempt {
    guesses: Guesses,
    tried: Try,
}

impl Guesses {
    /// The memory in the state directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Refuses an ID for which too many wrong PINs were tried, and a memory that cannot be written: that
    /// would be found out after the PIN was typed.
    pub(crate) fn check(&self, id: SupportId) -> Result<(), Failure> {
        self.update(|memory| memory.allows(id).then_some(()))?.ok_or_else(too_many)?;
        Ok(private_file::rehearse(&self.directory.join("guesses"))?)
    }

    /// Writes a try down, durably, before it begins.
    pub(crate) fn begin(&self, id: SupportId) -> Result<Attempt, Failure> {
        let tried = Try { id, at: Moment::now(), name: u64::from_ne_bytes(random_bytes()) };
        let written = self.update(|memory| memory.allows(id).then(|| memory.tries.push(tried.clone())))?;
        written.ok_or_else(too_many)?;
        Ok(Attempt { guesses: self.clone(), tried })
    }

    /// How many wrong tries `id` may still stand.
    pub(crate) fn left(&self, id: SupportId) -> anyhow::Result<usize> {
        self.update(|memory| LIMIT.saturating_sub(memory.count(id)))
    }

    /// Reads, changes and writes the memory, while no other run does. A memory that cannot be read
    /// stops the program: forgetting would be what an attacker wants.
    fn update<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> anyhow::Result<T> {
        platform::create_private_directory(&self.directory)
            .with_context(|| say!("could-not-create", path = self.directory.display()))?;
        let _lock = private_file::lock(&self.directory.join("guesses.lock"))?;
        let path = self.directory.join("guesses");
        let text = private_file::read(&path)?;
        let mut memory = text.as_deref().map_or_else(
            || Ok(Memory { version: Memory::VERSION, tries: Vec::new() }),
            |text| parse(text).with_context(|| unreadable(&path)),
        )?;
        let before = memory.tries.clone();
        memory.prune(&Moment::now());
        let result = change(&mut memory);
        let is_new = |tried: &Try| !before.contains(tried);
        if memory.tries.iter().any(is_new) {
            private_file::replace_durably(&path, &serde_json::to_vec(&memory)?)?;
        } else if memory.tries != before {
            // A crash brings back what is forgotten here, and that only counts too much.
            private_file::replace(&path, &serde_json::to_vec(&memory)?)?;
        }
        Ok(result)
    }
}

impl Attempt {
    /// The try was right, or taught the relay nothing: it does not count.
    pub(crate) fn take_back(self) -> anyhow::Result<()> {
        self.guesses.update(|memory| memory.tries.retain(|tried| *tried != self.tried))
    }

    /// The try was wrong. Says how many more there may be for this ID.
    pub(crate) fn stands(self) -> anyhow::Result<usize> {
        self.guesses.left(self.tried.id)
    }
}

fn parse(text: &str) -> anyhow::Result<Memory> {
    if let Some(memory) = parse_first_version(text) {
        return Ok(memory);
    }
    let memory: Memory = serde_json::from_str(text)?;
    ensure!(memory.version == Memory::VERSION, say!("guesses-version", version = u64::from(memory.version)));
    Ok(memory)
}

fn unreadable(path: &Path) -> String {
    say!("guesses-unreadable", path = path.display())
}

fn too_many() -> Failure {
    Failure::new(Kind::TooManyWrongPins, say!("too-many-wrong-pins"))
}

/// The first version had the time of day, which tells nothing now: its tries count as from before this boot.
fn parse_first_version(text: &str) -> Option<Memory> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct First {
        version: u8,
        tries: Vec<FirstTry>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct FirstTry {
        id: SupportId,
        #[serde(rename = "at")]
        _at: u64,
        name: u64,
    }
    let first: First = serde_json::from_str(text).ok().filter(|first: &First| first.version == 1)?;
    let tries = first.tries.into_iter();
    let tries = tries.map(|FirstTry { id, name, .. }| Try { id, at: Moment::before_this_boot(), name });
    Some(Memory { version: Memory::VERSION, tries: tries.collect() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn guesses() -> (tempfile::TempDir, Guesses) {
        let base = tempfile::tempdir().expect("a directory");
        let guesses = Guesses::new(&base.path().join("state"));
        (base, guesses)
    }

    #[test]
    fn two_wrong_tries_are_the_last_for_this_id_only() {
        let (_base, guesses) = guesses();
        let (id, other) = ("000000000".parse().expect("valid"), SupportId::random());
        assert_eq!(guesses.begin(id).expect("first").stands().expect("counted"), 1);
        guesses.begin(id).expect("right").take_back().expect("taken back");
        assert_eq!(guesses.begin(id).expect("second").stands().expect("counted"), 0);
        assert_eq!(guesses.begin(id).expect_err("third").kind, Kind::TooManyWrongPins);
        assert_eq!(guesses.check(id).expect_err("third").kind, Kind::TooManyWrongPins);
        assert!(guesses.check(other).is_ok());
    }

    #[test]
    fn a_crash_in_the_middle_counts() {
        let (_base, guesses) = guesses();
        let id = SupportId::random();
        for _ in 0..LIMIT {
            drop(guesses.begin(id).expect("allowed"));
        }
        assert!(guesses.begin(id).is_err());
    }

    #[test]
    fn runs_at_the_same_moment_share_the_limit() {
        let (_base, guesses) = guesses();
        let id = SupportId::random();
        let begun = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| guesses.begin(id).is_ok())).collect();
            runs.into_iter().map(|run| run.join().expect("no panic")).filter(|&ok| ok).count()
        });
        assert_eq!(begun, LIMIT);
    }

    #[test]
    fn what_the_first_version_wrote_still_counts() {
        let text = r#"{"version":1,"tries":[{"id":"572400000","at":1700000000,"name":7}]}"#;
        let mut memory = parse(text).expect("understood");
        let id = "572400000".parse().expect("valid");
        memory.prune(&Moment::of("b", 3599));
        assert_eq!(memory.count(id), 1);
        memory.prune(&Moment::of("b", 3600));
        assert_eq!(memory.count(id), 0);
    }

    #[test]
    fn a_damaged_memory_stops_the_program() {
        let (_base, guesses) = guesses();
        let id = SupportId::random();
        guesses.check(id).expect("empty");
        for text in ["", "{", r#"{"version":3,"tries":[]}"#, r#"{"version":2,"tries":[],"x":0}"#] {
            private_file::replace(&guesses.directory.join("guesses"), text.as_bytes()).expect("written");
            let failure = guesses.begin(id).expect_err(text);
            assert!(failure.kind == Kind::Failed && failure.message.contains("remove it"), "{failure}");
        }
    }

    proptest! {
        /// A try counts for an hour of a clock that cannot be set, and after a restart for the computer's
        /// first hour at most.
        #[test]
        fn tries_are_forgotten_after_an_hour(at in 0u64..20_000, later in 0u64..20_000, restarted: bool) {
            let id = SupportId::random();
            let mut memory = Memory { version: 2, tries: vec![Try { id, at: Moment::of("a", at), name: 0 }] };
            let boot = if restarted { "b" } else { "a" };
            memory.prune(&Moment::of(boot, later));
            let began = if restarted { 0 } else { at };
            prop_assert_eq!(memory.count(id) == 1, later < began + 3600);
            memory.prune(&Moment::of(boot, later.max(began) + 3600));
            prop_assert_eq!(memory.count(id), 0);
        }

        #[test]
        fn reads_anything_without_panicking(text in ".*") {
            let _ = parse(&text);
        }
    }
}
