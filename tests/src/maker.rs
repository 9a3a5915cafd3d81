//! An operation of the scanner's maker, without systemd: `systemd-socket-activate` does what a socket unit would.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use fieldlink_testbed::PATIENCE;
use fieldlink_testbed::programs::{Running, eventually, path_of};
use tempfile::TempDir;

/// What an operation does: it says so, waits until the test lets it go on, and ends.
const WAITS: &str = "echo 'begun'; echo '::fieldlink progress 42'; tries=6000; while [ ! -e \"$0/go\" ] && [ $((tries -= 1)) -gt 0 ]; do sleep 0.02; done";

/// A directory with the socket, the record and what the operation leaves. The operation's socket closes when dropped.
pub struct Maker {
    directory: TempDir,
    sockets: Vec<Running>,
}

impl Maker {
    /// The operation `update`, which does what `script` says, with the directory as `$0`, and takes a file.
    pub fn of(script: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut maker = Self { directory, sockets: Vec::new() };
        maker.listen("update", script);
        maker
    }

    /// The same, which reads the file, and waits for [`Self::let_go`] in the middle; then it does `rest`.
    pub fn waiting(rest: &str) -> Self {
        Self::of(&format!("cat >\"$0/file\"; {WAITS}; {rest}"))
    }

    /// Another operation.
    pub fn listen(&mut self, name: &str, script: &str) {
        let socket = self.socket(name);
        let mut command = Command::new("systemd-socket-activate");
        command.args(["--seqpacket", "--accept", "--inetd", "--listen"]).arg(&socket);
        command.arg(path_of("fieldlink-operation")).arg("--records").arg(self.path("."));
        command.args([name, "/bin/sh", "-c", script]).arg(self.directory.path());
        self.sockets.push(Running::start("an operation's socket", &mut command));
        eventually("it listens", PATIENCE, || socket.exists());
        self.permit(name, 0o600);
    }

    /// What the socket of `name` permits.
    pub fn permit(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.socket(name), PermissionsExt::from_mode(mode)).expect("ours");
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.sock"))
    }

    /// The lines of `agent.toml` for the operations of these names.
    pub fn settings(&self, names: &[&str]) -> String {
        let operation = |name: &&str| {
            let socket = self.socket(name);
            format!(
                "[[operation]]\nname = \"{name}\"\ntitle.en = \"System {name}\"\ntitle.de = \"System-{name}\"\n\
                 file_megabytes = 20\nsocket = \"{}\"\n",
                socket.display()
            )
        };
        let operations: String = names.iter().map(operation).collect();
        format!("operation_records = \"{}\"\n{operations}", self.directory.path().display())
    }

    /// Lets a waiting operation go on.
    pub fn let_go(&self) {
        std::fs::write(self.path("go"), "").expect("writable");
    }

    /// A file beside the record.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}
