//! A runbook's file, and the signature beside it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use fieldlink_identity::DetachedSignature;
use fieldlink_protocol::messages::runbook::{RunbookRun, SIGNATURE, TEXT};
use fieldlink_runbook::{NAMESPACE, Runbook, Verb};

use crate::args::RunbookArguments;
use crate::exit::Failure;
use crate::runbook_file::KeptRunbook;
use crate::words::say;

/// A runbook, as it lies there.
pub(super) struct Written {
    path: PathBuf,
    text: String,
    signature: Option<String>,
    /// The same, read.
    pub(super) runbook: Runbook,
}

/// What can be said of a signature here: the scanner alone knows whose keys are the maker's.
pub(super) enum Signed {
    /// There is none.
    Not,
    /// By the key with this fingerprint, and it fits.
    By(String),
}

impl Written {
    /// Reads the file at `path`, and the signature beside it.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = read(path, TEXT)?.ok_or_else(|| unreadable(path, &ErrorKind::NotFound.to_string()))?;
        let runbook = Runbook::parse(&text).map_err(|error| {
            Failure::usage(say!("runbook-unusable", path = path.display(), error = error.to_string()))
        })?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".sig");
        let signature = read(Path::new(&beside), SIGNATURE)?;
        let written = Self { path: path.to_owned(), text, signature, runbook };
        written.signed()?;
        Ok(written)
    }

    /// Who says to have signed it. A signature that does not fit is refused here as it is at the scanner.
    pub(super) fn signed(&self) -> Result<Signed, Failure> {
        let Some(armoured) = &self.signature else { return Ok(Signed::Not) };
        let unfit = || Failure::usage(say!("runbook-signature-unfit", path = self.path.display()));
        let signature = DetachedSignature::read(armoured).map_err(|_| unfit())?;
        match signature.fits(NAMESPACE, self.text.as_bytes()) {
            true => Ok(Signed::By(signature.fingerprint())),
            false => Err(unfit()),
        }
    }

    /// The same as it is kept, before its first step.
    pub(super) fn begin(&self, arguments: &RunbookArguments) -> Result<KeptRunbook, Failure> {
        let from = match &arguments.from {
            Some(id) => self.runbook.position(id).ok_or_else(|| self.no_step(id))?,
            None => 0,
        };
        let from = u8::try_from(from).unwrap_or(u8::MAX);
        let (text, signature) = (self.text.clone(), self.signature.clone());
        let run = RunbookRun { text, signature, from, results: Vec::new() };
        let mut kept = KeptRunbook::new(run);
        kept.language.clone_from(&arguments.language);
        self.place_files(&mut kept)?;
        for (step, path) in absolute(&arguments.files)? {
            let index = self.runbook.position(&step).ok_or_else(|| self.no_step(&step))?;
            if !matches!(self.runbook.steps[index].verb, Verb::Operation { .. }) {
                return Err(Failure::usage(say!("runbook-takes-no-file", step = step)));
            }
            kept.files.insert(step, path);
        }
        kept.check().map_err(|error| {
            Failure::usage(say!("runbook-unusable", path = self.path.display(), error = error))
        })?;
        Ok(kept)
    }

    /// The files that the runbook names lie beside it.
    fn place_files(&self, kept: &mut KeptRunbook) -> Result<(), Failure> {
        let path =
            std::path::absolute(&self.path).map_err(|error| unreadable(&self.path, &error.to_string()))?;
        for step in &self.runbook.steps {
            if let Verb::Operation { file: Some(file), .. } = &step.verb {
                kept.files.insert(step.id.clone(), path.with_file_name(file));
            }
        }
        Ok(())
    }

    fn no_step(&self, id: &str) -> Failure {
        let ids: Vec<_> = self.runbook.steps.iter().map(|step| step.id.as_str()).collect();
        Failure::usage(say!("runbook-has-no-step", step = id, steps = ids.join(", ")))
    }
}

/// The files that were named for steps, wherever this program is started again.
pub(super) fn absolute(files: &[(String, PathBuf)]) -> Result<Vec<(String, PathBuf)>, Failure> {
    let whole = |(step, path): &(String, PathBuf)| {
        let absolute = std::path::absolute(path).map_err(|error| unreadable(path, &error.to_string()))?;
        Ok((step.clone(), absolute))
    };
    files.iter().map(whole).collect()
}

/// The text of a file of `most` bytes; none if there is no such file.
fn read(path: &Path, most: usize) -> Result<Option<String>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error.to_string())),
    };
    let mut text = String::new();
    let read = file.take(most as u64 + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(path, &error.to_string()))?;
    if text.len() > most {
        return Err(unreadable(path, &say!("runbook-too-long", most = most as u64)));
    }
    Ok(Some(text))
}

fn unreadable(path: &Path, error: &str) -> Failure {
    Failure::usage(say!("file-unreadable", path = path.display(), error = error))
}
