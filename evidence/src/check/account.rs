//! The account, line by line.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use fieldlink_identity::TrustedKey;
use fieldlink_protocol::ids::SessionId;

use super::contents::{Contents, PIECE, open, read_key, read_pieces};
use super::plain::Plain;
use super::problem::Problem;
use crate::chain::{Chain, ChainError, Head, LONGEST_LINE};
use crate::digest::{Digest, Hasher};
use crate::event::Seal;
use crate::files::Files;
use crate::names::EVENTS;
use crate::receipt::Receipt;

/// What a line has, in this order.
const MEMBERS: [&str; 5] = ["seq", "prev", "time", "boot_ms", "event"];

/// An account that is whole, and what its events say that is checked elsewhere.
pub(super) struct Account {
    pub(super) session: SessionId,
    /// The device's name.
    pub(super) device: String,
    pub(super) head: Head,
    pub(super) closed_late: bool,
    pub(super) proofs: Vec<ProofEvent>,
    anchor_keys: Vec<String>,
    /// The hash of each line.
    lines: Vec<Digest>,
    seals: BTreeMap<String, Vec<SealEvent>>,
}

/// An engineer's proof, as an event tells of it.
pub(super) struct ProofEvent {
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) seat: u64,
    pub(super) person: Plain,
    pub(super) certified: Plain,
    /// Whether they asked to join a session that was there. Their request has an identifier of its own.
    pub(super) is_guest: bool,
}

struct SealEvent {
    line: u64,
    seal: Seal,
}

/// What the first event says.
struct Beginning {
    session: SessionId,
    device: String,
    anchor_keys: Vec<String>,
}

impl Account {
    /// Follows the account from its first line to its last.
    pub(super) fn check(files: &dyn Files, contents: &Contents) -> Result<Self, Problem> {
        let mut reader =
            Reader { lines: BufReader::with_capacity(PIECE, open(files, EVENTS)?), chain: Chain::default() };
        let (first, digest) = reader.next()?.ok_or(Problem::NoEvents)?;
        let Beginning { session, device, anchor_keys } = begin(&first, &contents.device_line)?;
        let head = Head { seq: 0, digest };
        let (proofs, seals) = (Vec::new(), BTreeMap::new());
        let mut account = Self {
            session,
            device,
            head,
            closed_late: false,
            proofs,
            anchor_keys,
            lines: vec![digest],
            seals,
        };
        let mut last = first;
        while let Some((event, digest)) = reader.next()? {
            account.lines.push(digest);
            account.follow(&event)?;
            last = event;
        }
        account.head = Head { seq: account.events() - 1, digest: account.lines[account.lines.len() - 1] };
        account.close(&last, contents)?;
        Ok(account)
    }

    /// How many lines it has.
    pub(super) fn events(&self) -> u64 {
        self.lines.len() as u64
    }

    /// The hash of the line with this number, counted from 0.
    pub(super) fn line(&self, seq: u64) -> Option<Digest> {
        self.lines.get(usize::try_from(seq).ok()?).copied()
    }

    /// How many lines the receipt stands for, if it is of this account.
    pub(super) fn covered(&self, receipt: &Receipt) -> Option<u64> {
        Some(self.lines.iter().rposition(|line| receipt.is_of(line))? as u64 + 1)
    }

    /// The relay's keys that the first event names.
    pub(super) fn anchor_keys(&self) -> Result<Vec<TrustedKey>, Problem> {
        self.anchor_keys.iter().map(|line| read_key(line).ok_or(Problem::AnchorKey)).collect()
    }

    /// Takes what is checked elsewhere out of an event behind the first.
    fn follow(&mut self, event: &Plain) -> Result<(), Problem> {
        let line = self.events();
        let wrong = |what| Problem::Event { line, what };
        match event.text("type").ok_or(wrong("the event has no type"))? {
            "record-began" => return Err(wrong("a second record-began")),
            "terminal-sealed" => {
                let (file, seal) =
                    event.text("file").zip(read_seal(event)).ok_or(wrong("the seal is none"))?;
                self.seals.entry(file.to_owned()).or_default().push(SealEvent { line, seal });
            }
            "consent-asked" | "let-in-by-pin" => self.take_proof(event, false)?,
            "guest-let-in" => self.take_proof(event, true)?,
            "leave-asked" => {
                let leave = event.get("leave").ok_or(wrong("there is no leave"))?;
                if leave.text("kind").ok_or(wrong("the leave has no kind"))? == "guest" {
                    self.take_proof(leave, true)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_proof(&mut self, asked: &Plain, is_guest: bool) -> Result<(), Problem> {
        let line = self.events();
        let wrong = |what| Problem::Event { line, what };
        let certified = match asked.get("certified").ok_or(wrong("certified is missing"))? {
            Plain::Null => return Ok(()),
            certified => certified.clone(),
        };
        let seat = asked.natural("seat").ok_or(wrong("the seat is none"))?;
        let person = asked.get("person").ok_or(wrong("person is missing"))?.clone();
        self.proofs.push(ProofEvent { line, seat, person, certified, is_guest });
        Ok(())
    }

    /// Checks that the last event closes the record, and names all files as they are.
    fn close(&mut self, last: &Plain, contents: &Contents) -> Result<(), Problem> {
        let line = self.events();
        if last.text("type") != Some("record-closed") {
            return Err(Problem::Open(line));
        }
        let wrong = |what| Problem::Event { line, what };
        self.closed_late = last.truth("late").ok_or(wrong("late is missing"))?;
        let Some(Plain::Object(files)) = last.get("files") else { return Err(wrong("files are missing")) };
        if let Some((extra, _)) =
            files.iter().find(|(name, _)| name == EVENTS || contents.seal(name).is_none())
        {
            return Err(Problem::Close(format!("{extra:?}")));
        }
        let closed = |name: &str| files.iter().find(|(known, _)| known == name).map(|(_, seal)| seal);
        let fits = |name: &str, seal| {
            closed(name).is_some_and(|said| said.names().len() == 2 && read_seal(said) == Some(seal))
        };
        match contents.without_account().find(|(name, seal)| !fits(name, *seal)) {
            Some((name, _)) => Err(Problem::Close(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Checks what recordings were while they grew: one pass over each.
    pub(super) fn check_seals(&self, files: &dyn Files, contents: &Contents) -> Result<(), Problem> {
        self.seals.iter().try_for_each(|(file, events)| {
            let [first, ..] = &events[..] else { return Ok(()) };
            let broken = |event: &SealEvent| Problem::Seal {
                file: file.clone(),
                size: event.seal.size,
                line: event.line,
            };
            let whole = contents.seal(file).ok_or_else(|| broken(first))?;
            let mut ordered: Vec<&SealEvent> = events.iter().collect();
            ordered.sort_by_key(|event| event.seal.size);
            if let Some(longer) = ordered.iter().find(|event| event.seal.size > whole.size) {
                return Err(broken(longer));
            }
            check_recording(files, file, &ordered, broken)
        })
    }
}

/// Checks seals that are in the order of their sizes, and reach no further than the file.
fn check_recording(
    files: &dyn Files,
    file: &str,
    ordered: &[&SealEvent],
    broken: impl Fn(&SealEvent) -> Problem,
) -> Result<(), Problem> {
    let (mut hasher, mut waiting) = (Hasher::default(), ordered.iter().peekable());
    read_pieces(files, file, |mut piece| {
        while let Some(event) = waiting.peek() {
            let wanted = usize::try_from(event.seal.size - hasher.size()).unwrap_or(usize::MAX);
            let Some((sealed, rest)) = piece.split_at_checked(wanted) else { break };
            hasher.push(sealed);
            piece = rest;
            if hasher.digest() != event.seal.sha256 {
                return Err(broken(event));
            }
            waiting.next();
        }
        hasher.push(piece);
        Ok(())
    })?;
    // An empty file has no piece.
    let left = waiting.find(|event| event.seal != Seal { size: hasher.size(), sha256: hasher.digest() });
    left.map_or(Ok(()), |event| Err(broken(event)))
}

/// Reads lines that continue each other.
struct Reader<'a> {
    lines: BufReader<Box<dyn Read + 'a>>,
    chain: Chain,
}

impl Reader<'_> {
    /// The event of the next line and the line's hash; none at the end.
    fn next(&mut self) -> Result<Option<(Plain, Digest)>, Problem> {
        let mut line = Vec::new();
        let most = LONGEST_LINE as u64 + 1;
        let read = self.lines.by_ref().take(most).read_until(b'\n', &mut line);
        if read.map_err(|error| Problem::unreadable(EVENTS, &error))? == 0 {
            return Ok(None);
        }
        let number = self.chain.head().map_or(1, |head| head.seq + 2);
        let wrong = |why| Problem::Line { line: number, why };
        let event = read_event(&line).ok_or(wrong(ChainError::Form))?;
        self.chain.follow(&line).map_err(wrong)?;
        let head = self.chain.head().ok_or(wrong(ChainError::Form))?;
        Ok(Some((event, head.digest)))
    }
}

/// The event of a line, if the line is written as an agent writes it.
fn read_event(line: &[u8]) -> Option<Plain> {
    let entry = Plain::read(line).filter(|entry| entry.names() == MEMBERS)?;
    entry.text("time").zip(entry.natural("boot_ms"))?;
    let Plain::Object(mut members) = entry else { return None };
    members.pop().map(|(_, event)| event)
}

/// What the first event says, if it is that of this device.
fn begin(event: &Plain, device_line: &str) -> Result<Beginning, Problem> {
    let wrong = |what| Problem::Event { line: 1, what };
    if event.text("type") != Some("record-began") {
        return Err(wrong("the account does not begin with record-began"));
    }
    if event.natural("format") != Some(1) {
        return Err(wrong("the record has another format than 1, which this program knows"));
    }
    if event.text("random").and_then(|random| random.parse::<Digest>().ok()).is_none() {
        return Err(wrong("random is not 32 bytes in hexadecimal"));
    }
    let device = event.get("device").ok_or(wrong("device is missing"))?;
    if device.text("key") != Some(device_line) {
        return Err(wrong("the device's key is another than that in device.pub"));
    }
    let session = event.text("session").and_then(|session| session.parse().ok());
    let anchor_keys = event.texts("anchor_keys").ok_or(wrong("anchor_keys is no list of keys"))?;
    Ok(Beginning {
        session: session.ok_or(wrong("session is no session's identifier"))?,
        device: device.text("name").ok_or(wrong("the device has no name"))?.to_owned(),
        anchor_keys: anchor_keys.into_iter().map(str::to_owned).collect(),
    })
}

fn read_seal(value: &Plain) -> Option<Seal> {
    let (size, sha256) = value.natural("size").zip(value.text("sha256"))?;
    Some(Seal { size, sha256: sha256.parse().ok()? })
}
