//! Signatures that `ssh-keygen` has made, and others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Makers, NAMESPACE, NotAccepted, Origin};

const RUNBOOK: &[u8] = b"name = \"x\"\n";

/// A directory with keys.
struct Workshop(tempfile::TempDir);

impl Workshop {
    fn new(kinds: &[(&str, &[&str])]) -> Self {
        let workshop = Self(tempfile::tempdir().expect("a directory"));
        for (name, kind) in kinds {
            let path = workshop.path(name);
            let arguments = ["-q", "-N", "", "-C", *name, "-f", path.to_str().expect("plain")];
            keygen(&[&arguments, *kind].concat());
        }
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn line(&self, name: &str) -> String {
        fs::read_to_string(self.path(name).with_extension("pub")).expect("a key")
    }

    fn sign(&self, name: &str, namespace: &str, message: &[u8]) -> String {
        let file = self.path("runbook.toml");
        fs::write(&file, message).expect("writable");
        let signature = PathBuf::from(format!("{}.sig", file.display()));
        let _ = fs::remove_file(&signature);
        let (key, file) = (self.path(name), text(&file).to_owned());
        keygen(&["-q", "-Y", "sign", "-n", namespace, "-f", text(&key), &file]);
        fs::read_to_string(signature).expect("a signature")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("plain paths")
}

fn keygen(arguments: &[&str]) {
    let status = Command::new("ssh-keygen").args(arguments).status().expect("ssh-keygen");
    assert!(status.success(), "{arguments:?}");
}

#[test]
fn whose_it_is_depends_on_the_signature() {
    let workshop = Workshop::new(&[("maker", &["-t", "ed25519"]), ("other", &["-t", "ed25519"])]);
    let makers = Makers::new(&[workshop.line("maker")]).expect("a key");
    let judge = |signature: Option<&str>| makers.judge(RUNBOOK, signature);
    let signed = workshop.sign("maker", NAMESPACE, RUNBOOK);
    let Ok(Origin::Maker { key, fingerprint }) = judge(Some(&signed)) else { panic!("the maker's") };
    assert!(key == "maker" && fingerprint.starts_with("SHA256:"));
    assert_eq!(judge(None), Ok(Origin::Own));
    assert_eq!(judge(Some(&workshop.sign("other", NAMESPACE, RUNBOOK))), Ok(Origin::Own));
    assert_eq!(Makers::default().judge(RUNBOOK, Some(&signed)), Ok(Origin::Own));
    // The file, or the signature, was changed.
    let altered = workshop.sign("maker", NAMESPACE, b"name = \"y\"\n");
    assert_eq!(judge(Some(&altered)), Err(NotAccepted::Altered));
    assert_eq!(makers.judge(b"name = \"x\" \n", Some(&signed)), Err(NotAccepted::Altered));
    let namespace = workshop.sign("maker", "file", RUNBOOK);
    assert_eq!(judge(Some(&namespace)), Err(NotAccepted::Namespace));
    for unreadable in
        ["", "x", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", &"x".repeat(9999)]
    {
        assert_eq!(judge(Some(unreadable)), Err(NotAccepted::Unreadable), "{unreadable}");
    }
    let cut = &signed[..signed.len() / 2];
    assert_eq!(judge(Some(cut)), Err(NotAccepted::Unreadable));
}

/// A forger cannot put the maker's name on a signature of their own.
#[test]
fn a_forged_signature_is_not_the_makers() {
    let workshop = Workshop::new(&[("maker", &["-t", "ed25519"]), ("forger", &["-t", "ed25519"])]);
    let makers = Makers::new(&[workshop.line("maker")]).expect("a key");
    let (signed, forged) =
        (workshop.sign("maker", NAMESPACE, b"else"), workshop.sign("forger", NAMESPACE, RUNBOOK));
    let lines = |armour: &str| armour.lines().map(str::to_owned).collect::<Vec<_>>();
    // The head has the key, the tail has the signature: the seam is wherever the lines differ last.
    let (signed, forged) = (lines(&signed), lines(&forged));
    for seam in 1..signed.len() {
        let mixed = [&signed[..seam], &forged[seam..]].concat().join("\n");
        let judged = makers.judge(RUNBOOK, Some(&mixed));
        assert!(!matches!(judged, Ok(Origin::Maker { .. })), "{seam}: {judged:?}");
    }
}

#[test]
fn other_kinds_of_keys_sign_as_well() {
    let kinds: [(&str, &[&str]); 2] =
        [("rsa", &["-t", "rsa", "-b", "2048"]), ("ecdsa", &["-t", "ecdsa", "-b", "256"])];
    let workshop = Workshop::new(&kinds);
    for (name, _) in kinds {
        let makers = Makers::new(&[workshop.line(name)]).expect("a key");
        let signed = workshop.sign(name, NAMESPACE, RUNBOOK);
        assert!(makers.judge(RUNBOOK, Some(&signed)).expect("fits").is_maker(), "{name}");
    }
    let problem = Makers::new(&["nonsense".to_owned()]).expect_err("no key").to_string();
    assert!(problem.contains(".pub file"), "{problem}");
}
