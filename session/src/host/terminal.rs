//! Terminals, set up as the engineer's own terminal is.

use std::io;

use nix::sys::termios::{
    ControlFlags, InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices as Special, Termios,
    tcgetattr, tcsetattr,
};
use pty_process::Size;
use pty_process::blocking::{Pts, Pty};

use crate::wire::TerminalRequest;

const MAX_NAME: usize = 64;
// In RFC 4254, this value switches a special character off; the kernel wants another.
const NO_CHARACTER: u32 = 255;
const DISABLED: u8 = 0;

/// Opens a terminal with the size and modes that were asked for.
pub(super) fn open(request: &TerminalRequest) -> io::Result<(Pty, Pts)> {
    let (master, slave) = pty_process::blocking::open().map_err(io_error)?;
    let size = request.size;
    let size = Size::new_with_pixel(size.rows, size.columns, size.pixel_width, size.pixel_height);
    master.resize(size).map_err(io_error)?;
    let mut termios = tcgetattr(&slave)?;
    for &(opcode, value) in &request.modes {
        apply(&mut termios, opcode, value);
    }
    // A terminal without the modes that were asked for is better than none, as OpenSSH has it; and some a
    // pseudo-terminal never takes (seven bits, parity).
    let _ = tcsetattr(&slave, SetArg::TCSANOW, &termios);
    Ok((master, slave))
}

/// Whether this may be the value of `TERM`.
pub(super) fn is_plain_name(term: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+:".contains(&byte);
    !term.is_empty() && term.len() <= MAX_NAME && term.bytes().all(plain)
}

/// The cause of a PTY error.
pub(super) fn io_error(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

// Opcodes as in RFC 4254 section 8 and RFC 8160. Unknown ones are skipped, as the RFC asks. Speeds
// are taken and ignored: a PTY has none.
fn apply(termios: &mut Termios, opcode: u8, value: u32) {
    let on = value != 0;
    if let Some(index) = special_character(opcode) {
        let character = u8::try_from(value).unwrap_or(DISABLED);
        let off = value == NO_CHARACTER;
        termios.control_chars[index as usize] = if off { DISABLED } else { character };
    } else if let Some(flag) = input_flag(opcode) {
        termios.input_flags.set(flag, on);
    } else if let Some(flag) = local_flag(opcode) {
        termios.local_flags.set(flag, on);
    } else if let Some(flag) = output_flag(opcode) {
        termios.output_flags.set(flag, on);
    } else {
        apply_control(&mut termios.control_flags, opcode, on);
    }
}

fn special_character(opcode: u8) -> Option<Special> {
    Some(match opcode {
        1 => Special::VINTR,
        2 => Special::VQUIT,
        3 => Special::VERASE,
        4 => Special::VKILL,
        5 => Special::VEOF,
        6 => Special::VEOL,
        7 => Special::VEOL2,
        8 => Special::VSTART,
        9 => Special::VSTOP,
        10 => Special::VSUSP,
        12 => Special::VREPRINT,
        13 => Special::VWERASE,
        14 => Special::VLNEXT,
        18 => Special::VDISCARD,
        _ => return None,
    })
}

fn input_flag(opcode: u8) -> Option<InputFlags> {
    Some(match opcode {
        30 => InputFlags::IGNPAR,
        31 => InputFlags::PARMRK,
        32 => InputFlags::INPCK,
        33 => InputFlags::ISTRIP,
        34 => InputFlags::INLCR,
        35 => InputFlags::IGNCR,
        36 => InputFlags::ICRNL,
        37 => InputFlags::from_bits_retain(nix::libc::IUCLC),
        38 => InputFlags::IXON,
        39 => InputFlags::IXANY,
        40 => InputFlags::IXOFF,
        41 => InputFlags::IMAXBEL,
        42 => InputFlags::IUTF8,
        _ => return None,
    })
}

fn local_flag(opcode: u8) -> Option<LocalFlags> {
    Some(match opcode {
        50 => LocalFlags::ISIG,
        51 => LocalFlags::ICANON,
        52 => LocalFlags::XCASE,
        53 => LocalFlags::ECHO,
        54 => LocalFlags::ECHOE,
        55 => LocalFlags::ECHOK,
        56 => LocalFlags::ECHONL,
        57 => LocalFlags::NOFLSH,
        58 => LocalFlags::TOSTOP,
        59 => LocalFlags::IEXTEN,
        60 => LocalFlags::ECHOCTL,
        61 => LocalFlags::ECHOKE,
        62 => LocalFlags::PENDIN,
        _ => return None,
    })
}

fn output_flag(opcode: u8) -> Option<OutputFlags> {
    Some(match opcode {
        70 => OutputFlags::OPOST,
        71 => OutputFlags::OLCUC,
        72 => OutputFlags::ONLCR,
        73 => OutputFlags::OCRNL,
        74 => OutputFlags::ONOCR,
        75 => OutputFlags::ONLRET,
        _ => return None,
    })
}

fn apply_control(flags: &mut ControlFlags, opcode: u8, on: bool) {
    match opcode {
        90 if on => size(flags, ControlFlags::CS7),
        91 if on => size(flags, ControlFlags::CS8),
        92 => flags.set(ControlFlags::PARENB, on),
        93 => flags.set(ControlFlags::PARODD, on),
        _ => {}
    }
}

fn size(flags: &mut ControlFlags, size: ControlFlags) {
    flags.remove(ControlFlags::CSIZE);
    flags.insert(size);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TerminalSize;

    fn terminal(modes: Vec<(u8, u32)>) -> Termios {
        let request = TerminalRequest { term: "xterm".to_owned(), size: TerminalSize::default(), modes };
        let (_master, slave) = open(&request).expect("terminal");
        tcgetattr(&slave).expect("attributes")
    }

    #[test]
    fn modes_reach_the_terminal() {
        let termios = terminal(vec![(1, 7), (10, 255), (36, 0), (42, 1), (53, 0), (72, 0)]);
        assert_eq!(termios.control_chars[Special::VINTR as usize], 7);
        assert_eq!(termios.control_chars[Special::VSUSP as usize], DISABLED);
        assert!(!termios.input_flags.contains(InputFlags::ICRNL));
        assert!(termios.input_flags.contains(InputFlags::IUTF8));
        assert!(!termios.local_flags.contains(LocalFlags::ECHO));
        assert!(!termios.output_flags.contains(OutputFlags::ONLCR));
    }

    #[test]
    fn no_opcode_or_value_does_harm() {
        for value in [0, 1, 255, 256, u32::MAX] {
            let modes = (0..=255).map(|opcode| (opcode, value)).collect();
            terminal(modes);
        }
    }

    #[test]
    fn terminal_names_are_plain() {
        assert!(is_plain_name("xterm-256color"));
        for name in ["", "a b", "a\n", "../x", &"x".repeat(65)] {
            assert!(!is_plain_name(name), "{name:?}");
        }
    }
}
