//! What the terminals of the sample showed.

use std::time::Duration;

use super::sample::Twist;
use crate::{CastWriter, TerminalShape};

/// A command line, with colours and a full-screen program.
pub(super) fn shell(twist: Twist<'_>, begins: u64) -> Vec<u8> {
    let at = Duration::from_millis;
    let shape = TerminalShape { cols: 100, rows: 30 };
    let (mut cast, mut bytes) = CastWriter::begin(shape, &twist("shell"), at(0), begins);
    let prompt = "\x1b[1;32mservice@scanner-0417\x1b[0m:\x1b[1;34m~\x1b[0m$ ";
    let shown = [
        prompt.to_owned(),
        "systemctl status lidar\r\n".to_owned(),
        format!("\x1b[1;32m●\x1b[0m lidar.service - {}\r\n", twist("Lidar driver")),
        "     Active: \x1b[1;31mfailed\x1b[0m (Result: exit-code) since 09:41; 19 min ago\r\n".to_owned(),
        format!("     Status: \"{}\"\r\n", twist("no answer on /dev/ttyUSB0")),
        prompt.to_owned(),
        format!("echo '{}'\r\n", twist("</script><script>alert(1)</script>")),
        format!("{}\r\n", twist("</script><script>alert(1)</script>")),
        prompt.to_owned(),
        "top\r\n\x1b[?1049h\x1b[2J\x1b[Htop - 10:12:01 up 3 days\x1b[?1049l".to_owned(),
        prompt.to_owned(),
        "for n in 1 2 3; do printf '%d0 %%\\r' $n; done; echo ready\r\n".to_owned(),
        "10 %\r20 %\r30 %\r\x1b[Kready\r\n".to_owned(),
        format!("{prompt}exit\r\n"),
    ];
    for (number, text) in (1..).zip(shown) {
        bytes.extend(cast.output(at(number * 400), text.as_bytes()).unwrap_or_default());
    }
    bytes.extend(cast.resize(at(6_000), TerminalShape { cols: 120, rows: 40 }));
    bytes.extend(cast.exit(at(6_100), 0));
    bytes
}

/// An update, with much output and a gap.
pub(super) fn update(twist: Twist<'_>, begins: u64) -> Vec<u8> {
    let at = Duration::from_millis;
    let shape = TerminalShape { cols: 80, rows: 24 };
    let (mut cast, mut bytes) = CastWriter::begin(shape, &twist("apt"), at(0), begins);
    for number in 1..=60u64 {
        let text =
            format!("\x1b[33mGet:{number}\x1b[0m {} [\x1b[36m{number}0 kB\x1b[0m]\r\n", twist("package"));
        bytes.extend(cast.output(at(number * 100), text.as_bytes()).unwrap_or_default());
    }
    bytes.extend(cast.gap(at(7_000), &twist("the recording stops here")));
    bytes
}
