//! What sees the channels of a session: what is shown of them, and what is recorded.

use std::sync::Arc;

use fieldlink_session::wire::TerminalSize;
use fieldlink_ssh::{ChannelEnd, ChannelIdentity, ChannelRequest, Opener, Tap, Way};

use crate::live::Watched;
use crate::record::Channels;

/// Both of them.
pub(super) struct Taps {
    pub(super) watched: Arc<Watched>,
    pub(super) recorded: Option<Arc<Channels>>,
}

impl Taps {
    fn each(&self, see: impl Fn(&dyn Tap)) {
        see(&*self.watched);
        self.recorded.iter().for_each(|recorded| see(&**recorded));
    }
}

impl Tap for Taps {
    fn opened(&self, channel: &ChannelIdentity) {
        self.each(|tap| tap.opened(channel));
    }

    fn resized(&self, channel: &ChannelIdentity, size: TerminalSize) {
        self.each(|tap| tap.resized(channel, size));
    }

    fn shown(&self, channel: &ChannelIdentity, bytes: &[u8]) {
        self.each(|tap| tap.shown(channel, bytes));
    }

    fn transferred(&self, channel: &ChannelIdentity, way: Way, bytes: &[u8]) {
        self.each(|tap| tap.transferred(channel, way, bytes));
    }

    fn refused(&self, opener: &Opener, request: &ChannelRequest, why: &str) {
        self.each(|tap| tap.refused(opener, request, why));
    }

    fn over(&self, channel: &ChannelIdentity, end: &ChannelEnd) {
        self.each(|tap| tap.over(channel, end));
    }
}
