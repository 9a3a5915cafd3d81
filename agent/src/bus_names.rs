//! Names on the system bus that come and go.

use std::num::NonZeroUsize;

use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

/// Signals that wait for us at most.
const QUEUE: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// Signals that `name` has another owner, or none.
pub(crate) async fn owner_changes(bus: &Connection, name: &'static str) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.DBus")
        .interface("org.freedesktop.DBus")
        .member("NameOwnerChanged")
        .arg(0, name)
        .build()?;
    MessageStream::for_match_rule(rule, bus, Some(QUEUE)).await
}
