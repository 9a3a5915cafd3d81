//! A system bus of the test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::PATIENCE;
use crate::programs::{Running, eventually};

/// A message bus. Stops when it is dropped.
pub struct Bus {
    socket: PathBuf,
    config: PathBuf,
    daemon: Option<Running>,
}

impl Bus {
    /// Starts one in `directory`.
    pub fn start(directory: &Path) -> Self {
        let (socket, config) = (directory.join("bus.sock"), directory.join("bus.conf"));
        std::fs::write(&config, config_text(&socket)).expect("writable");
        let mut bus = Self { socket, config, daemon: None };
        bus.restart();
        bus
    }

    /// Kills it, and starts another at the same place.
    pub fn restart(&mut self) {
        self.daemon = None;
        // What one that was killed has left behind.
        let _ = std::fs::remove_file(&self.socket);
        let mut command = Command::new("dbus-daemon");
        command.arg("--nofork").arg(format!("--config-file={}", self.config.display()));
        self.daemon = Some(Running::start("the bus", &mut command));
        eventually("the bus listens", PATIENCE, || {
            // It is there a moment before anybody listens at it.
            std::os::unix::net::UnixStream::connect(&self.socket).is_ok()
        });
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket.display())
    }

    /// Makes it the system bus of a program.
    pub fn address_for<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("DBUS_SYSTEM_BUS_ADDRESS", self.address())
    }
}

/// Every connection may own any name: the agent's, NetworkManager's, the mock's.
fn config_text(socket: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="false"/>
    <allow send_type="signal"/>
    <allow receive_sender="*" eavesdrop="false"/>
  </policy>
</busconfig>
"#,
        socket.display()
    )
}
