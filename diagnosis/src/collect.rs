//! Collecting a diagnosis, part by part.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use fieldlink_health::{Words, to_json, to_text};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::diagnosis::Request;
use fieldlink_protocol::messages::health::Health;
use fieldlink_words::Language;

use crate::archive::Archive;
use crate::contents::{self, Contents, Taken};
use crate::excerpt::Excerpt;
use crate::redact::redact;
use crate::settings::DiagnosticsSettings;
use crate::walk::{Listed, find};
use crate::{files, journal};

/// Longest name of a device in a file's name.
const LONGEST_NAME: usize = 64;

/// How long collecting may take. What has not been come to by then is left out: whoever waits has a diagnosis.
const PATIENCE: Duration = Duration::from_secs(4 * 60);

/// A diagnosis that was collected.
pub struct Diagnosis {
    /// What its file is to be called.
    pub name: String,
    /// It, from its beginning; in memory.
    pub file: File,
}

/// Something that may be taken.
enum Part {
    Health(Box<Health>),
    Journal(journal::Part),
    Log(Listed),
}

/// Collects a diagnosis. `settings` say what is taken, or why they do not; `tell` hears how many parts are done, and of how
/// many, and ends it with an error.
pub fn collect(
    request: Request,
    settings: anyhow::Result<DiagnosticsSettings>,
    mut tell: impl FnMut(u32, u32) -> io::Result<()>,
) -> io::Result<Diagnosis> {
    let mut contents = Contents::default();
    let settings = settings.unwrap_or_else(|error| {
        contents.leave("what agent.toml lists", format!("{error:#}"));
        DiagnosticsSettings::default()
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (host, time) = (host(), time(now));
    let root = format!("fieldlink-diagnosis-{host}-{}", time.replace(['-', ':'], ""));
    let mut archive = Archive::begin(root.clone(), settings.bytes(), now)?;
    // Finding the files may take a while.
    tell(0, 0)?;
    let until = Instant::now() + PATIENCE;
    let parts = parts(request, &settings, &mut contents);
    let all = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    for (done, part) in (0..).zip(parts) {
        tell(done, all)?;
        match Instant::now() < until {
            true => part.put_into(&mut archive, &mut contents)?,
            false => contents.leave(part.name(), "there was no time for it"),
        }
    }
    tell(all, all)?;
    let title = format!("Fieldlink's diagnosis of {host}, {time}, by version {}", env!("CARGO_PKG_VERSION"));
    let file = archive.finish(contents::NAME, &contents.to_text(&title))?;
    debug_assert!(file.metadata()?.len() <= limits::DIAGNOSIS);
    Ok(Diagnosis { name: format!("{root}.tar.zst"), file })
}

fn parts(request: Request, settings: &DiagnosticsSettings, contents: &mut Contents) -> Vec<Part> {
    let mut parts = Vec::new();
    match request.health {
        Some(health) => parts.push(Part::Health(Box::new(health))),
        None => contents.leave("the device's health", "the agent did not tell it"),
    }
    parts.extend(journal::parts(settings).into_iter().map(Part::Journal));
    let found = find(&settings.files);
    found.missing.into_iter().for_each(|(what, why)| contents.leave(what, why));
    parts.extend(found.files.into_iter().map(Part::Log));
    parts
}

impl Part {
    fn name(&self) -> String {
        match self {
            Self::Health(_) => "the device's health".into(),
            Self::Journal(part) => part.name.clone(),
            Self::Log(listed) => listed.path.to_string_lossy().into_owned(),
        }
    }

    fn put_into(self, archive: &mut Archive, contents: &mut Contents) -> io::Result<()> {
        let from = self.name();
        match self {
            Self::Health(health) => {
                let words = Words::new(Language::English);
                let (table, json) = (to_text(&words, &health, false), to_json(&words, &health));
                for (name, text) in [("health.txt", table), ("health.json", json)] {
                    let excerpt = Excerpt::whole(text.into_bytes());
                    put(archive, contents, (name.into(), from.clone()), Ok(excerpt))?;
                }
                Ok(())
            }
            Self::Journal(part) => {
                let read = journal::read(&part);
                put(archive, contents, (part.name, from), read)
            }
            Self::Log(listed) => {
                let name = contents.unused(files::name_of(&listed.path));
                let read = files::read(&listed, archive.room());
                put(archive, contents, (name, from), read)
            }
        }
    }
}

fn put(
    archive: &mut Archive,
    contents: &mut Contents,
    (name, from): (String, String),
    read: Result<Excerpt, String>,
) -> io::Result<()> {
    let Excerpt { text, note } = match read {
        Ok(excerpt) => excerpt,
        Err(why) => {
            contents.leave(from, why);
            return Ok(());
        }
    };
    let (text, redacted) = redact(&text);
    match archive.add(&name, &text)? {
        true => contents.take(Taken { name, bytes: text.len(), redacted, note }),
        false => contents.leave(from, "there is no room for it (diagnostics.size_mib in agent.toml)"),
    }
    Ok(())
}

fn host() -> String {
    let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fit = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let name: String = name.chars().take_while(|c| *c != '.').filter(fit).take(LONGEST_NAME).collect();
    if name.is_empty() { "device".into() } else { name }
}

/// As ISO 8601 has it, in UTC.
fn time(seconds: u64) -> String {
    let time = DateTime::from_timestamp(seconds.cast_signed(), 0).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;
    use std::path::Path;

    use super::*;

    fn unpacked(Diagnosis { name, file }: Diagnosis) -> BTreeMap<String, String> {
        let root = name.strip_suffix(".tar.zst").expect("its ending");
        let mut tar = tar::Archive::new(zstd::Decoder::new(file).expect("zstd"));
        let entries = tar.entries().expect("tar").map(|entry| {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").strip_prefix(root).expect("in its directory").to_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("text");
            (path.to_string_lossy().into_owned(), text)
        });
        entries.collect()
    }

    #[test]
    fn a_diagnosis_has_what_is_listed_without_secrets_and_says_so() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("scan ner.log"), "psk=hunter2\nall is well\n").expect("written");
        std::fs::write(path("old.log.gz"), "x").expect("written");
        let files = vec![path("*.log*"), path("none")];
        let settings = DiagnosticsSettings { files, ..DiagnosticsSettings::default() };
        let health = Some(Health { model: Some("VLX 3".into()), ..Health::default() });
        let mut told = Vec::new();
        let collected = collect(Request { health }, Ok(settings), |done, of| {
            told.push((done, of));
            Ok(())
        });
        let parts = unpacked(collected.expect("collected"));
        assert!(told.len() > 6 && told.first().is_some_and(|(done, _)| *done == 0), "{told:?}");
        assert!(told.last().is_some_and(|(done, of)| done == of), "{told:?}");
        assert!(
            parts["health.txt"].contains("VLX 3") && parts["health.json"].contains("\"model\":\"VLX 3\"")
        );
        let (log, text) = parts.iter().find(|(name, _)| name.ends_with("scan_ner.log")).expect("the log");
        assert_eq!(text, "psk=[redacted]\nall is well\n");
        let contents = &parts[contents::NAME];
        assert!(contents.contains(&format!("{:>10}  {:>8}  {log}\n", text.len(), 1)), "{contents}");
        assert!(
            contents.contains("old.log.gz: it is compressed")
                && contents.contains("none: there is no such file")
        );
        let expected = parts.len() - 1;
        assert_eq!(
            contents.lines().filter(|line| line.starts_with("  ") && !line.contains(": ")).count(),
            expected + 1
        );
    }

    #[test]
    fn what_agent_toml_says_is_not_known_is_said_and_the_rest_is_taken() {
        let nothing = DiagnosticsSettings::load(Path::new("/nowhere/agent.toml"));
        let collected = collect(Request { health: None }, nothing, |_, _| Ok(())).expect("collected");
        let parts = unpacked(collected);
        let contents = &parts[contents::NAME];
        assert!(contents.contains("what agent.toml lists: could not read /nowhere/agent.toml"), "{contents}");
        assert!(contents.contains("the device's health: the agent did not tell it"), "{contents}");
    }

    #[test]
    fn whoever_does_not_listen_any_more_ends_it() {
        let gone = |_, _| Err(io::ErrorKind::BrokenPipe.into());
        let ended = collect(Request { health: None }, Ok(DiagnosticsSettings::default()), gone);
        assert!(ended.is_err());
    }
}
