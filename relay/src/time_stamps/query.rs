//! What an authority is asked, and which answer counts: RFC 3161 in DER.
//!
//! Only so much of the answer is read as says that it is to this question. The rest is the token's signature and
//! certificates, which stay as they are.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use fieldlink_protocol::ids::SumsDigest;
use fieldlink_protocol::secret::random_bytes;

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// The explicit tag `[0]`, with which both layers of CMS wrap what they carry.
const CONTENT: Tag = Tag::ContextSpecific { number: TagNumber(0), constructed: true };
/// The last status with which a token comes: granted, or granted with modifications.
const GRANTED_WITH_MODIFICATIONS: u32 = 1;

/// A question, which an answer is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    digest: [u8; 32],
    nonce: u64,
}

/// Why an answer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Not DER, or not what RFC 3161 says.
    #[error("it is no time stamp in DER")]
    Malformed,
    /// Without a token.
    #[error("the authority gives none (status {0})")]
    Refused(u32),
    /// Of something else.
    #[error("it is of another hash")]
    OtherDigest,
    /// To another question.
    #[error("it has not the nonce that it was asked with")]
    OtherNonce,
}

impl From<der::Error> for Unanswered {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// `TimeStampReq`.
#[derive(Sequence)]
struct Request<'a> {
    version: u8,
    message_imprint: Imprint<'a>,
    nonce: u64,
    certificate_wanted: bool,
}

/// `MessageImprint`.
#[derive(Sequence)]
struct Imprint<'a> {
    algorithm: Algorithm<'a>,
    digest: &'a OctetStringRef,
}

/// `AlgorithmIdentifier`. For SHA-256 the parameters are `NULL` or left out.
#[derive(Sequence)]
struct Algorithm<'a> {
    name: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

impl Query {
    /// Asks for `digest`, with a nonce of its own.
    pub(super) fn new(digest: &SumsDigest) -> Self {
        Self { digest: *digest.as_bytes(), nonce: u64::from_ne_bytes(random_bytes()) }
    }

    /// The question as it is sent. The authority's certificates are wanted in the answer, so that it can be checked with
    /// the root alone.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let algorithm = Algorithm { name: SHA_256, parameters: Some(AnyRef::NULL) };
        let digest = OctetStringRef::new(&self.digest).expect("32 bytes are few enough");
        let request = Request {
            version: 1,
            message_imprint: Imprint { algorithm, digest },
            nonce: self.nonce,
            certificate_wanted: true,
        };
        request.to_der().expect("it is small")
    }

    /// Whether `answer`, a whole `TimeStampResp`, is a yes to this question.
    pub(super) fn check(&self, answer: &[u8]) -> Result<(), Unanswered> {
        let mut reader = SliceReader::new(answer)?;
        let stamped = reader.sequence(|response| {
            let status = response.sequence(|status| first(status, u32::decode))?;
            if status > GRANTED_WITH_MODIFICATIONS {
                skip_rest(response)?;
                return Err(Unanswered::Refused(status));
            }
            Ok(signed_content(response)?)
        })?;
        reader.finish()?;
        self.check_stamped(stamped)
    }

    /// `TSTInfo`.
    fn check_stamped(&self, stamped: &[u8]) -> Result<(), Unanswered> {
        let mut reader = SliceReader::new(stamped)?;
        let (digest, nonce) = reader.sequence(|info| {
            let (_version, _policy) = (u8::decode(info)?, AnyRef::decode(info)?);
            let imprint = Imprint::decode(info)?;
            let (_serial_number, _time) = (AnyRef::decode(info)?, AnyRef::decode(info)?);
            let is_ours = imprint.algorithm.name == SHA_256
                && imprint.algorithm.parameters.is_none_or(AnyRef::is_null)
                && imprint.digest.as_bytes() == self.digest;
            Ok::<_, der::Error>((is_ours, nonce(info)?))
        })?;
        reader.finish()?;
        match (digest, nonce == Some(self.nonce)) {
            (false, _) => Err(Unanswered::OtherDigest),
            (true, false) => Err(Unanswered::OtherNonce),
            (true, true) => Ok(()),
        }
    }
}

/// What is signed, from a `ContentInfo` with `SignedData` in it. All other parts of that are left to those who check it.
fn signed_content<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], der::Error> {
    let signed = reader.sequence(|token| content(token, SIGNED_DATA))?;
    let mut reader = SliceReader::new(signed)?;
    let stamped = reader.sequence(|signed| {
        let (_version, _digests) = (u8::decode(signed)?, AnyRef::decode(signed)?);
        first(signed, |signed| signed.sequence(|inner| content(inner, TST_INFO)))
    })?;
    reader.finish()?;
    Ok(<&OctetStringRef>::from_der(stamped)?.as_bytes())
}

/// What stands behind the name of its type.
fn content<'a>(reader: &mut SliceReader<'a>, name: ObjectIdentifier) -> Result<&'a [u8], der::Error> {
    if ObjectIdentifier::decode(reader)? != name {
        return Err(Tag::ObjectIdentifier.value_error().to_error());
    }
    let content = AnyRef::decode(reader)?;
    content.tag().assert_eq(CONTENT)?;
    Ok(content.value())
}

/// The number behind the time. Accuracy and order may stand before it, names and extensions behind.
fn nonce(reader: &mut SliceReader<'_>) -> Result<Option<u64>, der::Error> {
    let mut nonce = None;
    while !reader.is_finished() {
        let part = AnyRef::decode(reader)?;
        if part.tag() == Tag::Integer {
            nonce = part.decode_as::<u64>().ok();
        }
    }
    Ok(nonce)
}

/// The first part of something; the others are passed over.
fn first<'a, T>(
    reader: &mut SliceReader<'a>,
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, der::Error>,
) -> Result<T, der::Error> {
    let first = read(reader)?;
    skip_rest(reader)?;
    Ok(first)
}

fn skip_rest(reader: &mut SliceReader<'_>) -> Result<(), der::Error> {
    while !reader.is_finished() {
        AnyRef::decode(reader)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
