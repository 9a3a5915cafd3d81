//! Excerpts of the journal, as `journalctl` prints them.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::excerpt::Excerpt;
use crate::settings::DiagnosticsSettings;

/// How long one excerpt may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest one, in bytes: what is older is left out.
const LONGEST: usize = 8 * 1024 * 1024;
/// Our own units.
const OWN: [&str; 4] = [
    "fieldlink-agent.service",
    "fieldlink-session@*.service",
    "fieldlink-session.socket",
    "fieldlink-diagnose@*.service",
];
/// How far back units and warnings go.
const SINCE: &str = "--since=-14d";

/// One excerpt: what it is called, and what `journalctl` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
}

/// What every diagnosis has, and the maker's units.
pub(crate) fn parts(settings: &DiagnosticsSettings) -> Vec<Part> {
    let part = |name: &str, arguments: &[&str]| Part {
        name: format!("journal/{name}.txt"),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
    };
    let own: Vec<_> = OWN.iter().map(|unit| format!("--unit={unit}")).collect();
    let own = own.iter().map(String::as_str).chain([SINCE, "--lines=10000"]).collect::<Vec<_>>();
    let mut parts = vec![
        // Over as many boots as there is room for: which one this is, a confined process does not see everywhere.
        part("system", &[SINCE, "--lines=30000"]),
        part("warnings", &["--priority=warning", SINCE, "--lines=10000"]),
        part("kernel", &["_TRANSPORT=kernel", SINCE, "--lines=10000"]),
        part("fieldlink", &own),
    ];
    let of_unit = |unit: &String| part(&format!("unit-{unit}"), &["--unit", unit, SINCE, "--lines=20000"]);
    parts.extend(settings.units.iter().map(of_unit));
    parts
}

/// Reads an excerpt; an error is for people.
pub(crate) fn read(part: &Part) -> Result<Excerpt, String> {
    let mut command = Command::new("journalctl");
    command.args(["--no-pager", "--quiet", "--utc", "--output=short-iso-precise"]).args(&part.arguments);
    run(command, PATIENCE)
}

/// What a program prints, if it succeeds within that time.
fn run(mut command: Command, patience: Duration) -> Result<Excerpt, String> {
    let mut child = command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it could not be started: {error}"))?;
    let (mut output, mut errors) = (child.stdout.take(), child.stderr.take());
    let complaint = thread::spawn(move || errors.as_mut().map(|errors| last_of(errors, 1024)));
    let (tell, told) = mpsc::channel();
    let reading = thread::spawn(move || tell.send(output.as_mut().map(|output| last_of(output, LONGEST))));
    let printed = told.recv_timeout(patience);
    if printed.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("it was lost: {error}"))?;
    let (_, complaint) = (reading.join(), complaint.join());
    match printed {
        Ok(Some(Ok((text, false)))) if status.success() => Ok(Excerpt::whole(text)),
        Ok(Some(Ok((text, true)))) if status.success() => {
            Ok(Excerpt::tail(text, format!("the last {} MiB", LONGEST >> 20)))
        }
        Ok(Some(Err(error))) => Err(format!("it could not be read: {error}")),
        Ok(_) => {
            let complaint =
                complaint.ok().flatten().and_then(Result::ok).map(|(text, _)| text).unwrap_or_default();
            let complaint = fieldlink_protocol::text::sentence(&String::from_utf8_lossy(&complaint));
            Err(format!("journalctl failed ({status}): {complaint}"))
        }
        Err(_) => Err(format!("it took longer than {} s", patience.as_secs())),
    }
}

/// The end of what comes, and whether there was more.
fn last_of(from: &mut impl Read, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let (mut kept, mut is_cut, mut buffer) = (VecDeque::new(), false, vec![0; 64 * 1024]);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((kept.into(), is_cut)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        kept.extend(&buffer[..read]);
        if kept.len() > most {
            kept.drain(..kept.len() - most);
            is_cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_prints_is_taken_and_what_it_complains_of_is_said() {
        let taken = run(shell("echo one; echo two"), PATIENCE).expect("it succeeds");
        assert_eq!(taken, Excerpt::whole(b"one\ntwo\n".to_vec()));
        let failed = run(shell("echo one; echo no journal >&2; exit 3"), PATIENCE).expect_err("it fails");
        assert!(failed.contains("exit status: 3") && failed.contains("no journal"), "{failed}");
        let slow = run(shell("exec sleep 600"), Duration::from_millis(10)).expect_err("it takes too long");
        assert!(slow.contains("longer than"), "{slow}");
        let long = run(shell("head -c 9000000 /dev/zero | tr '\\0' '\\n'; echo end"), PATIENCE)
            .expect("it succeeds");
        assert!(long.text.len() < LONGEST && long.text.ends_with(b"\nend\n") && long.note.is_some());
        let none = run(Command::new("/nowhere/journalctl"), PATIENCE).expect_err("there is none");
        assert!(none.contains("could not be started"), "{none}");
    }

    #[test]
    fn the_makers_units_are_asked_for_by_name() {
        let settings =
            DiagnosticsSettings { units: vec!["scanner.service".into()], ..DiagnosticsSettings::default() };
        let part = parts(&settings).pop().expect("the last one");
        assert_eq!(part.name, "journal/unit-scanner.service.txt");
        assert_eq!(part.arguments[..2], ["--unit", "scanner.service"]);
    }
}
