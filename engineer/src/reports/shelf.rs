//! The reports that are kept here, one directory for each session, in the state directory. They tell of people: they are this
//! user's alone, and go after a while.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::report::ReportForm;
use fieldlink_protocol::secret::random_bytes;
use serde::{Deserialize, Serialize};

use super::Got;
use crate::words::say;
use crate::{platform, private_file};

/// The directory below the state directory.
const DIRECTORY: &str = "reports";
const ABOUT: &str = "about.json";
/// How the names of directories begin in which a report is being written, and how long that may take.
const NEW: &str = "new-";
const LEFT: Duration = Duration::from_secs(86_400);
/// What is not whole yet.
const PART: &str = "part";
/// Reports of one session that are kept beside each other: of the engineer who has it, and of links to watch it.
const MOST_OF_ONE: usize = 9;
/// Reports that are kept, in bytes too, and for how long.
const SESSIONS: usize = 200;
const BYTES: u64 = 2 << 30;
const RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// Which session a report is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// The session.
    pub session: SessionId,
    /// The support ID under which it began, or the address of the join code.
    pub id: String,
    /// The support case.
    pub ticket: String,
    /// The scanner's name.
    pub scanner: String,
    /// When it ended, here: Unix seconds.
    pub ended: u64,
}

/// A session of which something is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Which.
    pub about: About,
    directory: PathBuf,
}

/// Where they are.
#[derive(Debug, Clone)]
pub(crate) struct ReportShelf {
    directory: PathBuf,
}

/// A report that is being written, beside those that are there.
pub(crate) struct Writing {
    shelf: ReportShelf,
    about: About,
    new: PathBuf,
    form: Option<(ReportForm, File)>,
    /// What there is.
    whole: Vec<ReportForm>,
    /// Forms of which nothing more comes.
    done: usize,
}

/// A report in its place, which its next edition may take.
#[derive(Debug)]
pub(crate) struct Shelved {
    shelf: ReportShelf,
    about: About,
    directory: PathBuf,
    /// Where the page is, if it came whole.
    pub(crate) page: Option<PathBuf>,
}

impl Kept {
    #[cfg(test)]
    pub(crate) fn at(about: About) -> Self {
        Self { about, directory: PathBuf::new() }
    }

    /// Where the report is in this form, if it is there.
    pub(crate) fn path(&self, form: ReportForm) -> Option<PathBuf> {
        Some(path_of(&self.directory, form)).filter(|path| path.exists())
    }
}

impl ReportShelf {
    /// In the directory `state`.
    pub(crate) fn new(state: &Path) -> Self {
        Self { directory: state.join(DIRECTORY) }
    }

    /// Makes room for the report of a session.
    pub(crate) fn begin(&self, about: About) -> anyhow::Result<Writing> {
        let new = self.directory.join(format!("{NEW}{:016x}", u64::from_ne_bytes(random_bytes())));
        platform::create_private_directory(&self.directory)
            .and_then(|()| platform::create_private_directory(&new))
            .with_context(|| say!("could-not-create", path = new.display()))?;
        let writing = Writing { shelf: self.clone(), about, new, form: None, whole: Vec::new(), done: 0 };
        self.tidy();
        private_file::replace(&writing.new.join(ABOUT), &serde_json::to_vec(&writing.about)?)?;
        Ok(writing)
    }

    /// The sessions of which there is something, the latest last.
    pub(crate) fn list(&self) -> Vec<Kept> {
        let kept = |Place { path: directory, .. }: Place| {
            let about = private_file::read(&directory.join(ABOUT)).ok().flatten()?;
            Some(Kept { about: serde_json::from_str(&about).ok()?, directory })
        };
        let mut list: Vec<_> = self.places(is_report).into_iter().filter_map(kept).collect();
        list.sort_by_key(|kept| kept.about.ended);
        list
    }

    /// Removes what was kept for long enough, what is too much, and what an earlier run left half written.
    pub(crate) fn tidy(&self) {
        let mut reports = self.places(is_report);
        reports.sort_by_key(|place| place.changed);
        let (mut count, mut bytes) = (reports.len(), reports.iter().map(|place| place.bytes).sum::<u64>());
        for place in reports {
            if place.age() > RETENTION || count > SESSIONS || bytes > BYTES {
                let _ = fs::remove_dir_all(&place.path);
                (count, bytes) = (count - 1, bytes - place.bytes);
            }
        }
        for place in self.places(|name| name.starts_with(NEW)) {
            if place.age() > LEFT {
                let _ = fs::remove_dir_all(&place.path);
            }
        }
    }

    fn places(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Place> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let wanted = entries.filter(|entry| entry.file_name().to_str().is_some_and(&is_wanted));
        wanted.filter_map(|entry| Place::of(entry.path())).collect()
    }
}

/// A directory below ours.
struct Place {
    path: PathBuf,
    changed: SystemTime,
    /// Bytes of what is in it.
    bytes: u64,
}

impl Place {
    fn of(path: PathBuf) -> Option<Self> {
        let changed = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
        let files = fs::read_dir(&path).into_iter().flatten().flatten();
        let bytes = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        Some(Self { path, changed, bytes })
    }

    fn age(&self) -> Duration {
        self.changed.elapsed().unwrap_or_default()
    }
}

/// Whether a directory of this name is a report: it is called after its session, with a number if there was one before.
fn is_report(name: &str) -> bool {
    name.split('.').next().is_some_and(|session| session.parse::<SessionId>().is_ok())
}

impl Writing {
    /// Writes down what came.
    pub(crate) fn take(&mut self, got: &Got) -> anyhow::Result<()> {
        let Got::Bytes { form, bytes, left } = got else {
            self.done += 1;
            return Ok(());
        };
        let (form, path) = (*form, path_of(&self.new, *form));
        let part = path.with_extension(PART);
        let last = *left == 0;
        let written = self.write(form, &part, bytes).and_then(|()| match last {
            true => {
                self.form = None;
                fs::rename(&part, &path)
            }
            false => Ok(()),
        });
        written.with_context(|| say!("could-not-write", path = path.display()))?;
        if last {
            self.whole.push(form);
            self.done += 1;
        }
        Ok(())
    }

    /// Whether all of this edition has come.
    pub(crate) fn is_complete(&self) -> bool {
        self.done >= ReportForm::ALL.len()
    }

    fn write(&mut self, form: ReportForm, part: &Path, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.form {
            Some((of, file)) if *of == form => file,
            _ => {
                let file = platform::private_file().write(true).create_new(true).open(part)?;
                &mut self.form.insert((form, file)).1
            }
        };
        file.write_all(bytes)
    }

    /// Puts what there is in its place, which is none where another report is. Nothing, if nothing came.
    pub(crate) fn finish(mut self) -> anyhow::Result<Option<Shelved>> {
        if let Some((form, _)) = self.form.take() {
            let _ = fs::remove_file(path_of(&self.new, form).with_extension(PART));
        }
        if self.whole.is_empty() {
            return Ok(None);
        }
        let session = self.about.session;
        let names = (0..=MOST_OF_ONE).map(|number| match number {
            0 => session.to_string(),
            number => format!("{session}.{number}"),
        });
        let free = names.map(|name| self.shelf.directory.join(name)).find(|path| !path.exists());
        let place = free.with_context(|| say!("report-there-often", session = session.to_string()))?;
        fs::rename(&self.new, &place).with_context(|| say!("could-not-write", path = place.display()))?;
        let has_page = self.whole.contains(&ReportForm::Html);
        let page = has_page.then(|| path_of(&place, ReportForm::Html));
        let (shelf, about) = (self.shelf.clone(), self.about.clone());
        Ok(Some(Shelved { shelf, about, directory: place, page }))
    }

    /// Puts a later edition in the place of the one that is there, if all of it came: file by file, so that there is one at
    /// any moment.
    pub(crate) fn replace(self, Shelved { directory, .. }: &Shelved) -> anyhow::Result<()> {
        for form in self.whole.iter().filter(|_| self.is_complete()) {
            let place = path_of(directory, *form);
            fs::rename(path_of(&self.new, *form), &place)
                .with_context(|| say!("could-not-write", path = place.display()))?;
        }
        Ok(())
    }
}

impl Shelved {
    /// Makes room for a later edition.
    pub(crate) fn begin_next(&self) -> anyhow::Result<Writing> {
        self.shelf.begin(self.about.clone())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Of what was finished nothing is left there.
        let _ = fs::remove_dir_all(&self.new);
    }
}

fn path_of(directory: &Path, form: ReportForm) -> PathBuf {
    directory.join(match form {
        ReportForm::Html => "report.html",
        ReportForm::Text => "report.txt",
        ReportForm::Json => "report.json",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(session: SessionId, ended: u64) -> About {
        About { session, id: "482913077".into(), ticket: "T-1".into(), scanner: "scanner".into(), ended }
    }

    fn got(form: ReportForm, bytes: &[u8], left: u64) -> Got {
        Got::Bytes { form, bytes: bytes.to_vec(), left }
    }

    #[test]
    fn reports_are_kept_whole_or_not_at_all() {
        let base = tempfile::tempdir().expect("a directory");
        let shelf = ReportShelf::new(base.path());
        let (first, second) = (SessionId::random(), SessionId::random());
        let mut writing = shelf.begin(about(first, 2)).expect("room");
        writing.take(&got(ReportForm::Text, b"one ", 3)).expect("written");
        writing.take(&got(ReportForm::Text, b"two", 0)).expect("written");
        writing.take(&Got::Missing(ReportForm::Json)).expect("nothing to do");
        writing.take(&got(ReportForm::Html, b"<", 9)).expect("written");
        assert!(shelf.list().is_empty(), "it is not there yet");
        assert_eq!(writing.finish().expect("finished").expect("a text").page, None, "no page");
        // Of these nothing came.
        drop(shelf.begin(about(second, 1)).expect("room"));
        assert!(shelf.begin(about(second, 1)).expect("room").finish().expect("nothing").is_none());
        let kept = shelf.list();
        assert_eq!(kept.iter().map(|kept| kept.about.session).collect::<Vec<_>>(), [first]);
        let text = kept[0].path(ReportForm::Text).expect("it is there");
        assert_eq!(fs::read_to_string(text).expect("read"), "one two");
        assert_eq!(kept[0].path(ReportForm::Html).or(kept[0].path(ReportForm::Json)), None);
        let left = fs::read_dir(base.path().join(DIRECTORY)).expect("listed").count();
        assert_eq!(left, 1, "nothing half written");
    }

    #[test]
    fn a_report_never_takes_the_place_of_another() {
        let base = tempfile::tempdir().expect("a directory");
        let (shelf, session) = (ReportShelf::new(base.path()), SessionId::random());
        for number in 0..=MOST_OF_ONE as u64 {
            let mut writing = shelf.begin(about(session, number)).expect("room");
            writing.take(&got(ReportForm::Html, number.to_string().as_bytes(), 0)).expect("written");
            let page = writing.finish().expect("finished").and_then(|shelved| shelved.page).expect("a page");
            assert_eq!(fs::read_to_string(page).expect("read"), number.to_string());
        }
        let mut surplus = shelf.begin(about(session, 99)).expect("room");
        surplus.take(&got(ReportForm::Html, b"x", 0)).expect("written");
        assert!(surplus.finish().is_err());
        let kept: Vec<_> = shelf.list().iter().map(|kept| kept.about.ended).collect();
        assert_eq!(kept, (0..=MOST_OF_ONE as u64).collect::<Vec<_>>());
    }

    #[test]
    fn a_later_edition_takes_the_place_once_it_is_whole() {
        let base = tempfile::tempdir().expect("a directory");
        let shelf = ReportShelf::new(base.path());
        let of = |writing: &mut Writing, forms: &[ReportForm], bytes: &[u8]| {
            forms.iter().for_each(|form| writing.take(&got(*form, bytes, 0)).expect("written"));
        };
        let mut writing = shelf.begin(about(SessionId::random(), 1)).expect("room");
        of(&mut writing, &ReportForm::ALL, b"first");
        let shelved = writing.finish().expect("finished").expect("there");
        let mut half = shelved.begin_next().expect("room");
        of(&mut half, &ReportForm::ALL[..2], b"half");
        half.replace(&shelved).expect("nothing to do");
        let text = || {
            let kept = shelf.list();
            ReportForm::ALL
                .map(|form| fs::read_to_string(kept[0].path(form).expect("it is there")).expect("read"))
        };
        assert_eq!(text(), ["first"; 3]);
        let mut whole = shelved.begin_next().expect("room");
        of(&mut whole, &ReportForm::ALL, b"second");
        whole.replace(&shelved).expect("replaced");
        assert_eq!(text(), ["second"; 3]);
        assert_eq!(fs::read_dir(base.path().join(DIRECTORY)).expect("listed").count(), 1);
    }

    #[test]
    fn what_was_kept_for_long_enough_goes() {
        let base = tempfile::tempdir().expect("a directory");
        let shelf = ReportShelf::new(base.path());
        for number in 0..3 {
            let mut writing = shelf.begin(about(SessionId::random(), number)).expect("room");
            writing.take(&got(ReportForm::Text, b"x", 0)).expect("written");
            writing.finish().expect("finished");
        }
        let left = shelf.begin(about(SessionId::random(), 9)).expect("room");
        let age = |path: &Path, age: Duration| {
            let file = File::open(path).expect("there");
            file.set_modified(SystemTime::now() - age).expect("set");
        };
        let oldest = shelf.list()[0].path(ReportForm::Text).expect("there");
        age(oldest.parent().expect("a directory"), RETENTION + Duration::from_secs(9));
        age(&left.new, LEFT + Duration::from_secs(9));
        shelf.tidy();
        let kept: Vec<_> = shelf.list().iter().map(|kept| kept.about.ended).collect();
        assert_eq!((kept, left.new.exists()), (vec![1, 2], false));
    }
}
