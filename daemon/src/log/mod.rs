//! The log of a program in which untrusted peers can cause lines: relay, engineer, programs on the same computer.
//!
//! Code that logs need not see to any of this. Every kind of line has a budget ([`LogThrottle`]), and what
//! was left out is told once it is over, also if nothing is logged any more. Every event is one line of bounded
//! length, and nothing in it can move a cursor or pretend to be another line.

mod throttle;

use std::fmt;
use std::io::IsTerminal;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FormatFields, MakeWriter};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

pub use throttle::{Class, LogThrottle, WINDOW};

use fieldlink_protocol::text;

/// The target of lines that must be there afterwards: which engineers came, which callers were refused what, when it
/// ended. They are counted per subject, by the fields in `SUBJECT`.
pub const AUDIT: &str = "fieldlink_audit";

/// Fields that make the subject of an audit line: an account, an action, an engineer.
const SUBJECT: [&str; 3] = ["user", "action", "engineer"];
/// Longest subject, in bytes: an engineer's ID, a polkit action.
const SUBJECT_LENGTH: usize = 120;
/// Kinds beyond which further subjects of audit lines are no longer told apart.
const MOST_SUBJECTS: usize = 256;
/// The target of the lines that tell what was left out. They have no budget: the counts that they tell are
/// bounded.
const LEFT_OUT: &str = "fieldlink_log";
/// Longest value of one field, in characters.
const VALUE: usize = 800;

/// What is counted together: the place in the program, and for audit lines the subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    callsite: Identifier,
    subject: String,
    /// Where to look: a module.
    target: &'static str,
}

/// Keeps the log going. Dropping it tells what was left out and has not been told.
#[must_use = "what was left out is told when this is dropped"]
pub struct Logging {
    counts: Arc<Counts>,
    telling: Option<JoinHandle<()>>,
}

/// The counts, and when their clock began.
struct Counts {
    began: Instant,
    throttle: Mutex<LogThrottle<Kind>>,
    errand: Mutex<Errand>,
    /// Wakes the thread that tells what was left out.
    changed: Condvar,
}

/// What the thread that tells what was left out has to do. Most of the time nothing: it sleeps then.
#[derive(Default)]
struct Errand {
    is_wanted: bool,
    is_over: bool,
}

/// What the log is for, and so how much of it is written unless `FIELDLINK_LOG` says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A journal: what happens, and audit lines whatever else is chosen.
    Journal,
    /// A person at a terminal, who reads the program's own words, or a file that it is redirected to.
    Person,
}

/// Sends the log to standard error. `FIELDLINK_LOG` says how much of it. Once per process.
pub fn to_stderr(audience: Audience) -> Logging {
    let is_terminal = std::io::stderr().is_terminal();
    let is_ansi = is_terminal && takes_colours(|name| std::env::var_os(name));
    let (subscriber, logging) = subscriber(filter(audience, is_terminal), is_ansi, std::io::stderr);
    // A second call keeps what the first one set.
    let _ = tracing::subscriber::set_global_default(subscriber);
    logging
}

/// Whether a terminal is to be sent colours (<https://no-color.org>).
pub fn takes_colours(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    let is_dumb = variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    !is_dumb && variable("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn filter(audience: Audience, is_terminal: bool) -> Targets {
    let usual = match audience {
        Audience::Journal => LevelFilter::INFO,
        Audience::Person if is_terminal => LevelFilter::OFF,
        Audience::Person => LevelFilter::WARN,
    };
    let chosen = chosen_levels().unwrap_or_else(|| Targets::new().with_default(usual));
    match audience {
        Audience::Person => chosen,
        Audience::Journal => {
            chosen.with_target(AUDIT, LevelFilter::INFO).with_target(LEFT_OUT, LevelFilter::WARN)
        }
    }
}

/// What `FIELDLINK_LOG` says, if it can be read: a level, or targets with levels.
pub fn chosen_levels() -> Option<Targets> {
    std::env::var("FIELDLINK_LOG").ok()?.parse().ok()
}

/// A subscriber that writes to `writer`, and what keeps it going.
fn subscriber<W>(filter: Targets, is_ansi: bool, writer: W) -> (impl Subscriber + Send + Sync, Logging)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let counts = Arc::new(Counts::new());
    // A line that cannot be written (a full disk) is lost; complaining about it would fail as well, and panic.
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(clean_fields())
        .with_ansi(is_ansi)
        .with_writer(writer)
        .log_internal_errors(false);
    let subscriber = Registry::default().with(filter).with(lines).with(Throttled(counts.clone()));
    (subscriber, Logging { counts, telling: None }.started())
}

/// Writes a field as the usual format does, without what could change its surroundings.
fn clean_fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
        let value = text::clean(&format!("{value:?}"), VALUE);
        match field.name() {
            "message" => write!(writer, "{value}"),
            name => write!(writer, "{name}={value}"),
        }
    })
    .delimited(" ")
}

/// Lets lines pass that have a budget left.
struct Throttled(Arc<Counts>);

impl<S: Subscriber> Layer<S> for Throttled {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        metadata.target() == LEFT_OUT || self.0.admit(event)
    }
}

impl Counts {
    fn new() -> Self {
        let (throttle, errand) = (Mutex::default(), Mutex::default());
        Self { began: Instant::now(), throttle, errand, changed: Condvar::new() }
    }

    fn admit(&self, event: &Event<'_>) -> bool {
        let metadata = event.metadata();
        let (class, subject) = match metadata.target() {
            AUDIT => (Class::Audit, subject_of(event)),
            _ if *metadata.level() <= Level::INFO => (Class::Ordinary, String::new()),
            _ => (Class::Detail, String::new()),
        };
        let mut kind = Kind { callsite: metadata.callsite(), subject, target: metadata.target() };
        let now = self.began.elapsed();
        let is_written = {
            let mut throttle = self.throttle();
            if throttle.kinds() >= MOST_SUBJECTS && !throttle.counts(&kind) {
                throttle.forget_quiet(now);
                if throttle.kinds() >= MOST_SUBJECTS {
                    kind.subject.clear();
                }
            }
            throttle.admit(&kind, class, now)
        };
        if !is_written {
            self.give(|errand| &mut errand.is_wanted);
        }
        is_written
    }

    fn throttle(&self) -> MutexGuard<'_, LogThrottle<Kind>> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn errand(&self) -> MutexGuard<'_, Errand> {
        self.errand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a part of the errand; the thread is woken only by the first who does.
    fn give(&self, part: impl FnOnce(&mut Errand) -> &mut bool) {
        if !std::mem::replace(part(&mut self.errand()), true) {
            self.changed.notify_one();
        }
    }

    /// Tells what was left out, once that is over: looks `every` so often while there is something to tell.
    fn tell_until_over(&self, every: Duration) {
        loop {
            let waiting =
                self.changed.wait_while(self.errand(), |errand| !errand.is_wanted && !errand.is_over);
            let errand = waiting.unwrap_or_else(PoisonError::into_inner);
            let waiting = self.changed.wait_timeout_while(errand, every, |errand| !errand.is_over);
            let (mut errand, _) = waiting.unwrap_or_else(PoisonError::into_inner);
            if errand.is_over {
                return;
            }
            errand.is_wanted = false;
            drop(errand);
            self.tell(LogThrottle::recovered);
            if self.throttle().has_left_out() {
                self.give(|errand| &mut errand.is_wanted);
            }
        }
    }

    /// Outside of the lock, because it logs.
    fn tell(&self, left_out: impl FnOnce(&mut LogThrottle<Kind>, Duration) -> Vec<(Kind, u64)>) {
        let now = self.began.elapsed();
        let left_out = left_out(&mut self.throttle(), now);
        for (kind, lines) in left_out {
            let (place, subject) = (kind.callsite.0.metadata().name(), kind.subject);
            let module = kind.target;
            tracing::warn!(target: LEFT_OUT, lines, place, module, subject, "there were more such lines");
        }
    }
}

/// The fields of [`SUBJECT`], as one text.
fn subject_of(event: &Event<'_>) -> String {
    struct Subject(String);
    impl Visit for Subject {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if SUBJECT.contains(&field.name()) {
                let value = text::clean(&format!("{value:?}"), SUBJECT_LENGTH);
                self.0 += &format!("{}={value} ", field.name());
            }
        }
    }
    let mut subject = Subject(String::new());
    event.record(&mut subject);
    subject.0.trim_end().to_owned()
}

impl Logging {
    /// Has a thread of its own tell what was left out, so that it is told whatever the program is busy with. If
    /// there can be no thread, it is told at the end.
    fn started(mut self) -> Self {
        let counts = self.counts.clone();
        let thread = std::thread::Builder::new().name("log".into()).stack_size(256 * 1024);
        self.telling = thread.spawn(move || counts.tell_until_over(WINDOW / 6)).ok();
        self
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(thread) = self.telling.take() {
            self.counts.give(|errand| &mut errand.is_over);
            let _ = thread.join();
        }
        self.counts.tell(|throttle, _| throttle.drain());
    }
}

#[cfg(test)]
mod tests;
