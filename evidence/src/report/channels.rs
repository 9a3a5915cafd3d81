//! What ran on the device, and what led through it.

use std::collections::BTreeMap;

use crate::{ChannelOutcome, Entry, Event, Program, Stamp};

/// A channel that was let in, or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Counts the channels; none: it was not let in.
    pub number: Option<u64>,
    /// When it was opened.
    pub at: Stamp,
    /// The place of the engineer who opened it.
    pub seat: u64,
    /// What for.
    pub program: Program,
    /// Why it was not let in.
    pub refused: Option<String>,
    /// The file that holds what its terminal showed.
    pub recording: Option<String>,
    /// Its end, if the record tells.
    pub over: Option<Over>,
}

/// The end of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// When.
    pub at: Stamp,
    /// How.
    pub outcome: ChannelOutcome,
    /// Bytes from the engineer.
    pub input: u64,
    /// Bytes to the engineer.
    pub output: u64,
}

/// The channels of an account, in order.
pub(super) fn of(entries: &[Entry]) -> Vec<Channel> {
    let (mut channels, mut places) = (Vec::new(), BTreeMap::new());
    for Entry { at, event, .. } in entries {
        match event {
            Event::ChannelOpened { channel, seat, program } => {
                places.insert(*channel, channels.len());
                channels.push(opened(Some(*channel), at, *seat, program, None));
            }
            Event::ChannelRefused { seat, program, why } => {
                channels.push(opened(None, at, *seat, program, Some(why.clone())));
            }
            Event::TerminalBegan { channel, file, .. } => {
                let known = places.get(channel).and_then(|place| channels.get_mut(*place));
                known.map(|known| known.recording.get_or_insert_with(|| file.clone()));
            }
            Event::ChannelOver { channel, outcome, input, output } => {
                let over = Over { at: at.clone(), outcome: outcome.clone(), input: *input, output: *output };
                let known = places.get(channel).and_then(|place| channels.get_mut(*place));
                known.map(|known| known.over.get_or_insert(over));
            }
            _ => {}
        }
    }
    channels
}

fn opened(number: Option<u64>, at: &Stamp, seat: u64, program: &Program, refused: Option<String>) -> Channel {
    let (at, program) = (at.clone(), program.clone());
    Channel { number, at, seat, program, refused, recording: None, over: None }
}
