//! The report as an object for programs.
//!
//! Its members keep their names and meanings; a later version may add further ones. Texts are as the record holds them, and
//! whoever shows them has to make them harmless. Times are RFC 3339 in UTC, by the device's clock; what is not known is `null`.
//!
//! | member | holds |
//! |---|---|
//! | `format` | 1 |
//! | `session`, `device`, `terms` | as the first line of the record holds them; `device.fingerprint` is its key's |
//! | `ticket`, `partner` | of the engineer with whom the session began |
//! | `began`, `ended`, `seconds` | `ended` has `time`, `reason` (a code), `party` and `hearsay` |
//! | `outcome`, `verdict` | what the engineer and the client said last |
//! | `people`, `watchers` | who took part; `role` is asked, owner, former, further or observer |
//! | `questions` | `seat` is of who asked, `question` and `answer` as the record holds them |
//! | `checklists`, `channels`, `files`, `changes`, `notes`, `conversation` | in order; `changes` are those of names and attributes that file transfers made |
//! | `health` | at the `start` and the `end`, as `fieldlink health --json` gives it |
//! | `gaps` | each with its `kind` |
//! | `head`, `receipt` | the last line and the twelve words of it |
//! | `earlier_receipts` | those of earlier ends, before the record was opened again |

use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::reason::{Party, Reason};
use serde_json::{Value, json};

use super::account::{Account, End};
use super::channels::Channel;
use super::checklists::{Checklist, Progress};
use super::exchanges::{Exchange, Matter, Reply};
use super::facts::fingerprint;
use super::gaps::Gap;
use super::people::{Attendee, Role, Watcher};
use crate::{Event, Receipt, Stamp};

/// The report of `account` as JSON.
pub fn json(account: &Account) -> String {
    let device = &account.device;
    let first = account.first().map(|first| &first.person);
    let verdict = account.verdict.as_ref();
    let report = json!({
        "format": 1,
        "session": account.session,
        "device": {
            "name": device.name,
            "key": device.key,
            "software": device.software,
            "fingerprint": fingerprint(account),
        },
        "terms": account.terms,
        "ticket": first.map(|person| &person.ticket),
        "partner": first.and_then(|person| person.partner.as_ref()),
        "began": account.began.as_ref().map(time),
        "ended": account.ended.as_ref().map(ended),
        "seconds": account.seconds(),
        "outcome": account.outcome,
        "verdict": verdict.map(|said| json!({ "verdict": said.verdict, "words": said.words })),
        "people": of_all(&account.people, attendee),
        "watchers": of_all(&account.watchers, watcher),
        "questions": of_all(&account.exchanges, exchange),
        "health": { "start": account.health.start, "end": account.health.end },
        "checklists": of_all(&account.checklists, checklist),
        "channels": of_all(&account.channels, channel),
        "files": of_all(&account.transfers, |transfer| with_time(&transfer.at, json!(transfer.file))),
        "changes": of_all(&account.changes, |(at, change)| with_time(at, json!(change))),
        "notes": account.entries.iter().filter_map(|entry| note(&entry.at, &entry.event)).collect::<Value>(),
        "conversation": account.entries.iter().filter_map(|entry| chat(&entry.at, &entry.event)).collect::<Value>(),
        "gaps": of_all(&account.gaps, gap),
        "head": { "seq": account.head.seq, "sha256": account.head.digest },
        "receipt": Receipt::of(&account.head.digest).to_string(),
        "earlier_receipts": of_all(&account.earlier, |head| json!(Receipt::of(&head.digest).to_string())),
    });
    format!("{report:#}\n")
}

fn of_all<T>(items: &[T], item: impl Fn(&T) -> Value) -> Value {
    items.iter().map(item).collect()
}

fn time(at: &Stamp) -> &str {
    &at.time
}

fn with_time(at: &Stamp, mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.insert("time".into(), json!(time(at)));
    }
    value
}

fn ended(End { at, reason, hearsay }: &End) -> Value {
    json!({ "time": at.time, "reason": reason, "party": party(*reason), "hearsay": hearsay })
}

fn party(reason: Reason) -> &'static str {
    match reason.party() {
        Party::Client => "client",
        Party::Engineer => "engineer",
        Party::Scanner => "device",
        Party::Relay => "relay",
    }
}

fn left(left: Option<&(Stamp, Reason)>) -> Value {
    left.map_or(Value::Null, |(at, reason)| json!({ "time": at.time, "reason": reason }))
}

fn attendee(attendee: &Attendee) -> Value {
    let role = match attendee.role {
        Role::Asked => "asked",
        Role::Owner => "owner",
        Role::Former => "former",
        Role::Further => "further",
        Role::Observer => "observer",
    };
    json!({
        "seat": attendee.seat,
        "name": attendee.person.name,
        "company": attendee.person.company,
        "engineer": attendee.person.engineer,
        "role": role,
        "certificate": attendee.certified,
        "came": attendee.came.as_ref().map(time),
        "left": left(attendee.left.as_ref()),
    })
}

fn watcher(watcher: &Watcher) -> Value {
    let came = watcher.came.as_ref().map(time);
    json!({ "id": watcher.id, "name": watcher.name, "came": came, "left": left(watcher.over.as_ref()) })
}

fn exchange(exchange: &Exchange) -> Value {
    let (seat, question) = match &exchange.matter {
        Matter::Entry { seat, .. } => (None, json!({ "kind": "entry", "seat": seat })),
        Matter::Question { seat, question } => (Some(seat), json!(question)),
        Matter::Leave(leave) => (None, json!(leave)),
    };
    let answer = exchange.reply.as_ref().map(reply);
    json!({ "time": exchange.at.time, "seat": seat, "question": question, "answer": answer })
}

/// Without what would let somebody in, even if the record held it.
fn reply(reply: &Reply) -> Value {
    match reply {
        Reply::Answer(Answer::Link { .. }) => json!({ "kind": "link" }),
        Reply::Answer(Answer::JoinCode { seconds, .. }) => json!({ "kind": "join-code", "seconds": seconds }),
        Reply::Answer(answer) => json!(answer),
        Reply::Consent(consent) => json!({ "kind": consent }),
        Reply::Withdrawn => json!({ "kind": "withdrawn" }),
    }
}

fn checklist(list: &Checklist) -> Value {
    let progress = match list.progress {
        Progress::Open => "open",
        Progress::Finished => "finished",
        Progress::Stopped => "stopped",
    };
    let seen = of_all(
        &list.seen,
        |seen| json!({ "time": seen.at.time, "number": seen.number, "step": seen.step, "title": seen.title, "settled": seen.settled }),
    );
    json!({
        "name": list.name,
        "title": list.title,
        "maker": list.maker,
        "steps": list.steps,
        "seen": seen,
        "progress": progress,
    })
}

fn channel(channel: &Channel) -> Value {
    let over = channel.over.as_ref().map(|over| {
        json!({ "time": over.at.time, "outcome": over.outcome, "input": over.input, "output": over.output })
    });
    json!({
        "channel": channel.number,
        "time": channel.at.time,
        "seat": channel.seat,
        "program": channel.program,
        "refused": channel.refused,
        "recording": channel.recording,
        "over": over,
    })
}

fn note(at: &Stamp, event: &Event) -> Option<Value> {
    let Event::Noted { text, by_client } = event else { return None };
    Some(json!({ "time": at.time, "text": text, "by_client": by_client }))
}

fn chat(at: &Stamp, event: &Event) -> Option<Value> {
    let Event::Chat { from, text } = event else { return None };
    Some(json!({ "time": at.time, "seat": from, "text": text }))
}

fn gap(gap: &Gap) -> Value {
    match gap {
        Gap::Died { at } => json!({ "kind": "died", "time": at.time }),
        Gap::Restarted { at } => json!({ "kind": "restarted", "time": at.time }),
        Gap::RecordingStopped { at, why } => {
            json!({ "kind": "recording-stopped", "time": at.time, "why": why })
        }
        Gap::ChannelsUnrecorded { at } => json!({ "kind": "channels-unrecorded", "time": at.time }),
        Gap::EventsLost { at, count } => json!({ "kind": "events-lost", "time": at.time, "count": count }),
        Gap::TransfersLost { at, channel } => {
            json!({ "kind": "transfers-lost", "time": at.time, "channel": channel })
        }
        Gap::ClockStep { at, seconds } => {
            json!({ "kind": "clock-step", "time": at.time, "seconds": seconds })
        }
        Gap::Unreadable { lines } => json!({ "kind": "unreadable", "lines": lines }),
        Gap::Unknown { lines } => json!({ "kind": "unknown", "lines": lines }),
        Gap::Broken { line } => json!({ "kind": "broken", "line": line }),
        Gap::Cut { line } => json!({ "kind": "cut", "line": line }),
        Gap::Unclosed => json!({ "kind": "unclosed" }),
    }
}
