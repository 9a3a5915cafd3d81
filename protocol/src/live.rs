//! What an engineer's terminals show, as it happens: the events that the agent gives to those who watch, on the device and
//! elsewhere. A watcher that is slow misses output and is told how much; it never holds up the engineer.

use serde::{Deserialize, Serialize};

/// The longest line, in bytes.
pub const LONGEST_LINE: usize = 256 * 1024;

/// Something that a watcher sees. Channels are those of SSH: a shell, a command, a file transfer, a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum LiveEvent {
    /// The engineer has opened a channel, or had before the watcher came.
    Opened {
        /// Names it in the events that follow.
        channel: u64,
        /// What it is for.
        kind: LiveKind,
        /// The command, or where a connection leads; cleaned, and cut if it is long.
        what: String,
        /// Whose it is, as the list of people names them; empty while one engineer works alone.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        who: String,
    },
    /// The channel's program runs on a terminal, which has this size from now on.
    Size {
        /// The channel.
        channel: u64,
        /// Characters in a row.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// The terminal shows this: text with the control sequences of terminals, **not cleaned**.
    Output {
        /// The channel.
        channel: u64,
        /// What; bytes that are no UTF-8 are replaced.
        text: String,
    },
    /// So much of what the terminal showed is left out: it was before the watcher came, or it came too fast.
    Skipped {
        /// The channel.
        channel: u64,
        /// How much.
        bytes: u64,
    },
    /// The channel is over.
    Closed {
        /// The channel.
        channel: u64,
        /// How.
        #[serde(flatten)]
        how: LiveEnd,
    },
    /// The session is over. The last event.
    End {},
    /// An event of a later version.
    #[serde(other)]
    Unknown,
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiveKind {
    /// A login shell.
    Shell,
    /// One command.
    Exec,
    /// File transfer.
    Sftp,
    /// A connection to somewhere.
    Forward,
    /// A named operation: to start it, or follow it.
    Operation,
    /// The device's health.
    Health,
    /// A diagnosis of the device.
    Diagnosis,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// How a channel came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum LiveEnd {
    /// The program ended.
    Exit {
        /// With this code.
        code: u8,
    },
    /// The program was ended by a signal.
    Signal {
        /// Which, such as `KILL`.
        signal: String,
    },
    /// The engineer's side closed it, or both ways were over.
    Closed,
    /// It never began.
    Failed,
    /// It was cut.
    Cut,
    /// It goes on, and is not followed any more: there are too many.
    Unfollowed,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

impl LiveEvent {
    /// Bytes of output in one event: whatever they are, the event fits into a sealed message.
    pub const PIECE: usize = 8 * 1024;

    /// The event as a line.
    pub fn to_line(&self) -> Vec<u8> {
        // Strings and numbers: that cannot fail.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_lines_and_what_is_not_known_is_no_error() {
        let output = LiveEvent::Output { channel: 3, text: "a\u{1b}[1m\n".into() };
        let line = output.to_line();
        assert_eq!(line, b"{\"event\":\"output\",\"channel\":3,\"text\":\"a\\u001b[1m\\n\"}\n");
        assert_eq!(serde_json::from_slice::<LiveEvent>(&line).expect("read back"), output);
        let later = br#"{"event":"recorded","channel":3}"#;
        assert_eq!(serde_json::from_slice::<LiveEvent>(later).expect("no error"), LiveEvent::Unknown);
    }
}
