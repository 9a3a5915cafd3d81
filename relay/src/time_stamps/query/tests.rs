//! Answers that count, and what else may come.

use der::Any;
use proptest::prelude::*;

use super::*;

const DIGEST: [u8; 32] = [0xd1; 32];
const NONCE: u64 = 0x7e57_0000_0000_2026;

/// An answer, part by part.
#[derive(Debug, Clone)]
struct Answer {
    status: u32,
    name: ObjectIdentifier,
    parameters: Option<Any>,
    digest: Vec<u8>,
    nonce: Option<u64>,
    /// Before the nonce: how exact the time is, and whether stamps are in order.
    has_accuracy: bool,
    has_token: bool,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 0,
            name: SHA_256,
            parameters: Some(Any::null()),
            digest: DIGEST.into(),
            nonce: Some(NONCE),
            has_accuracy: true,
            has_token: true,
        }
    }
}

fn query() -> Query {
    Query { digest: DIGEST, nonce: NONCE }
}

fn wrap(tag: Tag, parts: &[Vec<u8>]) -> Vec<u8> {
    Any::new(tag, parts.concat()).expect("short").to_der().expect("short")
}

fn encode(part: &impl Encode) -> Vec<u8> {
    part.to_der().expect("short")
}

impl Answer {
    fn imprint(&self) -> Vec<u8> {
        let parameters = self.parameters.as_ref().map(encode).unwrap_or_default();
        let algorithm = wrap(Tag::Sequence, &[encode(&self.name), parameters]);
        wrap(Tag::Sequence, &[algorithm, wrap(Tag::OctetString, std::slice::from_ref(&self.digest))])
    }

    fn info(&self) -> Vec<u8> {
        let policy = encode(&ObjectIdentifier::new_unwrap("1.2.3.4.1"));
        let time = wrap(Tag::GeneralizedTime, &[b"20261130120000.25Z".to_vec()]);
        let mut parts = vec![encode(&1u8), policy, self.imprint(), encode(&0x1234_5678u32), time];
        if self.has_accuracy {
            parts.extend([wrap(Tag::Sequence, &[encode(&1u8)]), encode(&true)]);
        }
        parts.extend(self.nonce.as_ref().map(encode));
        parts.push(wrap(CONTENT, &[wrap(Tag::Sequence, &[])]));
        wrap(Tag::Sequence, &parts)
    }

    fn token(&self) -> Vec<u8> {
        let stamped = wrap(CONTENT, &[wrap(Tag::OctetString, &[self.info()])]);
        let inner = wrap(Tag::Sequence, &[encode(&TST_INFO), stamped]);
        let rest = [wrap(CONTENT, &[b"\x04\x03any".to_vec()]), wrap(Tag::Set, &[])];
        let signed = wrap(Tag::Sequence, &[encode(&3u8), wrap(Tag::Set, &[]), inner, rest.concat()]);
        wrap(Tag::Sequence, &[encode(&SIGNED_DATA), wrap(CONTENT, &[signed])])
    }

    fn whole(&self) -> Vec<u8> {
        let status = wrap(Tag::Sequence, &[encode(&self.status)]);
        wrap(Tag::Sequence, &[status, if self.has_token { self.token() } else { Vec::new() }])
    }
}

#[test]
fn a_yes_to_the_question_counts() {
    for answer in [
        Answer::default(),
        Answer { status: 1, ..Answer::default() },
        Answer { parameters: None, has_accuracy: false, ..Answer::default() },
    ] {
        assert_eq!(query().check(&answer.whole()), Ok(()), "{answer:?}");
    }
    for nonce in [0, 0x7f, 0x80, u64::MAX] {
        let (query, nonce) = (Query { digest: DIGEST, nonce }, Some(nonce));
        assert_eq!(query.check(&Answer { nonce, ..Answer::default() }.whole()), Ok(()));
    }
}

#[test]
fn every_other_answer_does_not() {
    let sha_512 = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
    let parameters = Some(Any::new(Tag::OctetString, [1]).expect("short"));
    let of = Answer::default;
    for (answer, why) in [
        (Answer { status: 2, has_token: false, ..of() }, Unanswered::Refused(2)),
        (Answer { status: 2, ..of() }, Unanswered::Refused(2)),
        (Answer { has_token: false, ..of() }, Unanswered::Malformed),
        (Answer { digest: vec![0xd0; 32], ..of() }, Unanswered::OtherDigest),
        (Answer { digest: vec![0xd1; 31], ..of() }, Unanswered::OtherDigest),
        (Answer { name: sha_512, ..of() }, Unanswered::OtherDigest),
        (Answer { parameters, ..of() }, Unanswered::OtherDigest),
        (Answer { nonce: Some(NONCE + 1), ..of() }, Unanswered::OtherNonce),
        (Answer { nonce: None, ..of() }, Unanswered::OtherNonce),
    ] {
        assert_eq!(query().check(&answer.whole()), Err(why), "{answer:?}");
    }
    assert_eq!(query().check(&query().to_der()), Err(Unanswered::Malformed));
    assert_eq!(query().check(b""), Err(Unanswered::Malformed));
}

/// Where in the whole answer a part of it stands.
fn place(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let at = whole.windows(part.len()).position(|window| window == part).expect("it is there");
    at..at + part.len()
}

proptest! {
    #[test]
    fn a_changed_byte_of_what_counts_makes_it_count_no_more(at in any::<prop::sample::Index>(), change in 1u8..) {
        let (answer, mut whole) = (Answer::default(), Answer::default().whole());
        let status = wrap(Tag::Sequence, &[encode(&0u8)]);
        let counting = [status, answer.imprint(), encode(&NONCE), encode(&SIGNED_DATA), encode(&TST_INFO)];
        let places = counting.map(|part| place(&whole, &part));
        let at = at.index(whole.len());
        whole[at] ^= change;
        let is_still_granted = places[0].end - 1 == at && whole[at] == 1;
        if places.iter().any(|place| place.contains(&at)) && !is_still_granted {
            prop_assert!(query().check(&whole).is_err(), "byte {at}");
        } else {
            let _ = query().check(&whole);
        }
    }

    #[test]
    fn an_answer_is_whole_and_alone(cut in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 1..9)) {
        let whole = Answer::default().whole();
        prop_assert_eq!(query().check(&whole[..cut.index(whole.len())]), Err(Unanswered::Malformed));
        prop_assert_eq!(query().check(&[whole, more].concat()), Err(Unanswered::Malformed));
    }

    #[test]
    fn an_answer_to_one_question_is_none_to_another(digest in any::<[u8; 32]>(), nonce in any::<u64>()) {
        let (asked, other) = (Query { digest, nonce }, Query::new(&SumsDigest::from_bytes(digest)));
        let answer = Answer { digest: digest.into(), nonce: Some(nonce), ..Answer::default() }.whole();
        prop_assert_eq!(asked.check(&answer), Ok(()));
        prop_assert!(other.nonce == nonce || other.check(&answer).is_err());
        let of_another = Query { digest: DIGEST, nonce };
        prop_assert_eq!(of_another.check(&answer), Err(Unanswered::OtherDigest));
    }

    #[test]
    fn whatever_comes_is_an_answer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300), keep in any::<prop::sample::Index>()) {
        prop_assert!(query().check(&bytes).is_err());
        // The same behind the beginning of a good one.
        let whole = Answer::default().whole();
        let mixed = [&whole[..keep.index(whole.len())], &bytes].concat();
        let _ = query().check(&mixed);
    }
}
