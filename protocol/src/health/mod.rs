//! What is to be made of a device's [`Health`](crate::messages::health::Health): what of it is worth a warning, and what
//! is different from an earlier time.

mod comparison;
mod judgement;

pub use self::comparison::{Change, Figure, Subject, changes};
pub use self::judgement::{Concern, Severity, concerns};
