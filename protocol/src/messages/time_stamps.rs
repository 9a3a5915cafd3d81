//! The bounds of an authority's answer on its way to the agent. What it says is for those to read who check it.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};

use super::all;
use crate::limits;

/// Base64 of so many bytes, with its padding.
const ENCODED: usize = limits::TIME_STAMP.div_ceil(3) * 4;

/// Whether a response can be an authority's, by its length and alphabet.
pub(super) fn check(response: &str) -> Result<(), &'static str> {
    let length = (response.len() <= ENCODED).then(|| BASE64.decode(response).ok()).flatten();
    let fits = length.is_some_and(|der| (1..=limits::TIME_STAMP).contains(&der.len()));
    all(&[(fits, "the time stamp is malformed or too long")])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::agent::ToAgent;
    use super::super::{decode, encode};
    use super::*;
    use crate::ids::SessionId;

    fn stamped(response: String) -> String {
        encode(&ToAgent::TimeStamped { session: SessionId::random(), response })
    }

    #[test]
    fn the_largest_answer_fits_and_one_byte_more_does_not() {
        let of = |length: usize| stamped(BASE64.encode(vec![0; length]));
        assert!(of(limits::TIME_STAMP).len() <= limits::CONTROL_MESSAGE);
        assert!(decode::<ToAgent>(of(limits::TIME_STAMP).as_bytes()).is_ok());
        for length in [0, limits::TIME_STAMP + 1, 2 * limits::TIME_STAMP] {
            assert!(decode::<ToAgent>(of(length).as_bytes()).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_base64_of_few_enough_bytes(response in "[A-Za-z0-9+/=_ -]{0,40}") {
            let is_accepted = decode::<ToAgent>(stamped(response.clone()).as_bytes()).is_ok();
            prop_assert_eq!(is_accepted, BASE64.decode(&response).is_ok_and(|der| !der.is_empty()));
        }
    }
}
