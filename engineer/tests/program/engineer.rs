//! An engineer's computer: directories of its own and the real program.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fieldlink_protocol::credential::{Credential, EngineerIdentity};
use fieldlink_protocol::ids::EngineerId;
use tempfile::TempDir;

/// Directories, removed when dropped.
pub(crate) struct Engineer {
    pub(crate) home: TempDir,
}

impl Engineer {
    /// Not logged in.
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a directory") }
    }

    /// As if logged in to `relay`.
    pub(crate) fn logged_in_to(relay: &str) -> Self {
        let engineer = Self::new();
        let config = engineer.config();
        std::fs::create_dir(&config).expect("made");
        std::fs::write(config.join("connect.toml"), format!("relay = {relay:?}\n")).expect("written");
        let credential = config.join("credential");
        std::fs::write(&credential, credential_text()).expect("written");
        set_mode(&credential, 0o600);
        engineer
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join("config")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    pub(crate) fn runtime(&self) -> PathBuf {
        self.home.path().join("run")
    }

    /// The program, in this engineer's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldlink-connect"));
        command
            .args(arguments)
            .env("HOME", self.home.path())
            .env("FIELDLINK_CONFIG_DIR", self.config())
            .env("FIELDLINK_STATE_DIR", self.state())
            .env("FIELDLINK_RUNTIME_DIR", self.runtime());
        command
    }

    /// Runs the program with `input` on its standard input, without a terminal.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        // A program that fails early does not read its input.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("it ends")
    }

    /// Runs the program and checks its exit code; gives what it said to a person.
    pub(crate) fn fails(&self, arguments: &[&str], input: &str, code: i32) -> String {
        let output = self.run(arguments, input);
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }
}

/// A credential that is well made.
pub(crate) fn credential_text() -> String {
    let engineer = EngineerIdentity { id: EngineerId::random(), name: "Ada".into(), company: "Scans".into() };
    Credential::generate(engineer).encode().to_string()
}

/// Sets a file's permissions.
pub(crate) fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own file");
}
