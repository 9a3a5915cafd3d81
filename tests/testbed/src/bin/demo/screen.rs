//! The terminal that the demo is watched in.

use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

/// The settings of the terminal on standard input, to be put back; none where there is no terminal.
#[derive(Clone)]
pub(crate) struct Screen(Option<Termios>);

impl Screen {
    /// As the terminal is set now.
    pub(crate) fn as_it_is() -> Self {
        Self(tcgetattr(std::io::stdin().as_fd()).ok())
    }

    /// Every key is passed on as it is: to a program in a terminal of its own.
    pub(crate) fn pass_keys_on(&self) {
        if let Some(mut settings) = self.0.clone() {
            cfmakeraw(&mut settings);
            set(&settings);
        }
    }

    /// Lines are typed here, and Ctrl-C is a signal.
    pub(crate) fn restore(&self) {
        if let Some(settings) = &self.0 {
            set(settings);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.restore();
    }
}

fn set(settings: &Termios) {
    // A terminal that went away needs no settings.
    let _ = tcsetattr(std::io::stdin().as_fd(), SetArg::TCSADRAIN, settings);
}

/// Rows and columns.
pub(crate) fn size() -> (u16, u16) {
    let output = Command::new("stty").arg("size").stdin(Stdio::inherit()).stderr(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut numbers =
        text.split_whitespace().filter_map(|word| word.parse().ok()).filter(|&number| number > 0);
    (numbers.next().unwrap_or(24), numbers.next().unwrap_or(80))
}
