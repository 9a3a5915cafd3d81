//! An authority that certifies engineers, made with `ssh-keygen` as README.md says.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Engineer;

/// A key that certifies engineers.
pub struct Authority {
    directory: TempDir,
}

impl Authority {
    /// One of the manufacturer's.
    pub fn new() -> Self {
        let authority = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "Scans Ltd engineers", "-f", text(&authority.key())]);
        authority
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("ca")
    }

    /// Its public key, as `agent.toml` has it.
    pub fn line(&self) -> String {
        let line = std::fs::read_to_string(self.key().with_extension("pub")).expect("readable");
        line.trim().to_owned()
    }

    /// The lines of `[engineers]` that let in whomever it certifies.
    pub fn section(&self) -> String {
        format!("authority = [\"{}\"]\nprincipals = [\"*@scans.example\"]", self.line())
    }

    /// Certifies a new key of `engineer`'s as Ada Lovelace for eight hours, with further `options` of ssh-keygen's, and
    /// has it used.
    pub fn certify(&self, engineer: &Engineer, options: &[&str]) -> PathBuf {
        let certificate = self.sign(engineer, options);
        let output =
            engineer.connect().args(["certificate", "use"]).arg(&certificate).output().expect("it runs");
        assert!(output.status.success(), "certificate use: {}", String::from_utf8_lossy(&output.stderr));
        certificate
    }

    /// The same, without having it used.
    pub fn sign(&self, engineer: &Engineer, options: &[&str]) -> PathBuf {
        let key = engineer.home().join("id_ed25519");
        if !key.exists() {
            keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", text(&key)]);
        }
        let (authority, public) = (self.key(), key.with_extension("pub"));
        let mut arguments = vec!["-q", "-s", text(&authority)];
        for (option, value) in
            [("-I", "Ada Lovelace (Scans Ltd)"), ("-n", "ada@scans.example"), ("-V", "-5m:+8h")]
        {
            if !options.contains(&option) {
                arguments.extend([option, value]);
            }
        }
        arguments.extend(options);
        arguments.push(text(&public));
        keygen(&arguments);
        engineer.home().join("id_ed25519-cert.pub")
    }

    /// A list by which the certificates with these lines of ssh-keygen(1) are revoked.
    pub fn revoke(&self, lines: &str, list: &Path) {
        let (specification, authority) =
            (self.directory.path().join("spec"), self.key().with_extension("pub"));
        std::fs::write(&specification, lines).expect("writable");
        keygen(&["-q", "-k", "-f", text(list), "-s", text(&authority), text(&specification)]);
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn keygen(arguments: &[&str]) {
    let output = Command::new("ssh-keygen").args(arguments).output().expect("ssh-keygen is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("plain paths")
}
