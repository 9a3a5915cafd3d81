//! Arguments of messages as they stand on the bus: texts (`s`), numbers (`t`), yes and no (`b`).

use std::collections::HashMap;

use fieldlink_protocol::{limits, text};
use serde_json::Value;
use zbus::{OwnedVariant, Variant};

use crate::notice::Arguments;

/// `a{sv}`.
pub type BusArguments = HashMap<String, OwnedVariant>;

/// As they stand on the bus. What is none of these is left out: no message has such.
pub fn to_bus(arguments: Arguments) -> BusArguments {
    let variant = |value: Value| match value {
        Value::String(text) => Some(Variant::from(text)),
        Value::Bool(yes) => Some(Variant::from(yes)),
        Value::Number(number) => number.as_u64().map(Variant::from),
        _ => None,
    };
    let owned = |(name, value)| Some((name, OwnedVariant::try_from(variant(value)?).ok()?));
    arguments.into_iter().filter_map(owned).collect()
}

/// What stands on the bus, with every text fit to print. What a later version says in other types is left out.
pub fn from_bus(arguments: &BusArguments) -> Arguments {
    let value = |variant: &OwnedVariant| match &**variant {
        Variant::Str(line) => Some(Value::from(text::clean(line.as_str(), limits::CHAT))),
        Variant::Bool(yes) => Some(Value::from(*yes)),
        Variant::U64(number) => Some(Value::from(*number)),
        _ => None,
    };
    arguments.iter().filter_map(|(name, variant)| Some((name.clone(), value(variant)?))).collect()
}
