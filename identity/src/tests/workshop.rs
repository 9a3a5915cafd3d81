//! Keys, certificates, signatures and lists, made by `ssh-keygen` in a directory of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::Certificate;

pub(super) struct Workshop(tempfile::TempDir);

impl Workshop {
    /// With an authority, and an engineer's key that it has not signed yet.
    pub(super) fn new() -> Self {
        let workshop = Self(tempfile::tempdir().expect("a directory"));
        workshop.key("ca", &["-t", "ed25519", "-C", "Scans Ltd engineers"]);
        workshop.key("ada", &["-t", "ed25519", "-C", "ada"]);
        workshop
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn key(&self, name: &str, options: &[&str]) {
        let path = self.path(name);
        self.keygen(&[&["-q", "-N", "", "-f", text(&path)], options].concat());
    }

    /// Has `authority` sign the key of `name`.
    pub(super) fn sign_key(&self, authority: &str, name: &str, options: &[&str]) -> Certificate {
        let (authority, key) = (self.path(authority), self.path(&format!("{name}.pub")));
        self.keygen(&[&["-q", "-s", text(&authority)], options, &[text(&key)]].concat());
        self.certificate(name)
    }

    /// As the documentation says.
    pub(super) fn certify(&self, name: &str, validity: &str) -> Certificate {
        let options =
            ["-I", "Ada Lovelace (Scans Ltd)", "-n", "ada@scans.example", "-V", validity, "-z", "7"];
        self.sign_key("ca", name, &options)
    }

    pub(super) fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_openssh(&self.certificate_line(name)).expect("a certificate")
    }

    pub(super) fn certificate_line(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}-cert.pub"))).expect("a certificate")
    }

    pub(super) fn public_key(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.pub"))).expect("a public key")
    }

    /// An armoured SSHSIG.
    pub(super) fn sign(&self, name: &str, namespace: &str, message: &[u8]) -> String {
        let (key, file) = (self.path(name), self.path("message"));
        fs::write(&file, message).expect("written");
        let signature = self.path("message.sig");
        let _ = fs::remove_file(&signature);
        self.keygen(&["-q", "-Y", "sign", "-f", text(&key), "-n", namespace, text(&file)]);
        fs::read_to_string(signature).expect("a signature")
    }

    /// A revocation list of `lines`, in the format of ssh-keygen(1).
    pub(super) fn revoke(&self, lines: &str) -> Vec<u8> {
        let (list, specification, authority) = (self.path("krl"), self.path("spec"), self.path("ca.pub"));
        fs::write(&specification, lines).expect("written");
        self.keygen(&["-q", "-k", "-f", text(&list), "-s", text(&authority), text(&specification)]);
        fs::read(list).expect("a list")
    }

    pub(super) fn keygen(&self, arguments: &[&str]) -> Output {
        let output = Command::new("ssh-keygen").args(arguments).output().expect("ssh-keygen");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("plain paths")
}
