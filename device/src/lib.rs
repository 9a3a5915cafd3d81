//! What the person beside the device may order and reads: the agent on the system bus, and its clients.
//!
//! [`order`], [`status`] and [`notice`] are what goes back and forth, [`bus`] is how that stands on D-Bus (the agent
//! serves it), [`client`] and [`watch`] use it from another process. [`words`] turns it into sentences, per language;
//! [`panel`] arranges them, [`viewing`] shows what the engineer's terminals show ([`live`]), [`console`] is the person in a terminal, [`cli`] the program `fieldlink`.
//! [`emergency_stop`] is a second way to end a session. Nothing here knows the rules, the relay or SSH.

pub mod bus;
pub mod cli;
pub mod client;
pub mod clock;
pub mod console;
mod desktop;
pub mod emergency_stop;
pub mod failure;
pub mod hardening;
pub mod live;
pub mod network_notice;
pub mod notice;
pub mod operation;
pub mod order;
pub mod panel;
pub mod records;
pub mod runbook;
pub mod status;
pub mod usb;
pub mod verdict;
pub mod viewing;
pub mod warning;
pub mod watch;
pub mod words;
