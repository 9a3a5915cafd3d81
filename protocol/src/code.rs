//! Values of a list that grows, as they travel: one byte, or a number in JSON.

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list whose values have numbers on the wire.
pub trait Coded: Copy {
    /// The value's number.
    fn code(self) -> u8;

    /// The value of this number, if this version knows it.
    fn from_code(code: u8) -> Option<Self>;
}

/// A value of the list `T` that this version need not know. It is kept as it came, so that it can be passed on; the
/// side that would have to serve it refuses it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code<T> {
    code: u8,
    list: PhantomData<fn() -> T>,
}

impl<T: Coded> Code<T> {
    /// The number, known or not.
    pub const fn from_number(code: u8) -> Self {
        Self { code, list: PhantomData }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.code
    }

    /// The value, if this version knows it.
    pub fn known(self) -> Option<T> {
        T::from_code(self.code)
    }
}

impl<T: Coded> From<T> for Code<T> {
    fn from(value: T) -> Self {
        Self::from_number(value.code())
    }
}

impl<T: Coded> PartialEq<T> for Code<T> {
    fn eq(&self, other: &T) -> bool {
        self.code == other.code()
    }
}

impl<T: Coded + Debug> Debug for Code<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(value) => value.fmt(f),
            None => write!(f, "Unknown({})", self.code),
        }
    }
}

impl<T> Serialize for Code<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.code.serialize(serializer)
    }
}

impl<'de, T: Coded> Deserialize<'de> for Code<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(Self::from_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::PipeKind;

    #[test]
    fn what_is_not_known_comes_through_as_it_is() {
        let of_tomorrow: Code<PipeKind> = serde_json::from_str("77").expect("a number");
        assert_eq!((of_tomorrow.known(), of_tomorrow.number()), (None, 77));
        assert_eq!(serde_json::to_string(&of_tomorrow).expect("written"), "77");
        assert_eq!(format!("{of_tomorrow:?}"), "Unknown(77)");
        let ssh = Code::from(PipeKind::Ssh);
        assert_eq!(ssh.known(), Some(PipeKind::Ssh));
        assert!(ssh == PipeKind::Ssh && ssh != PipeKind::Control);
        assert!(serde_json::from_str::<Code<PipeKind>>("256").is_err(), "a byte");
    }
}
