//! What every rendering says of a session at its beginning, in words.

use fieldlink_identity::TrustedKey;

use super::account::Account;
use super::people::{Attendee, Role, Watcher};
use super::words::{Words, shown};
use crate::{Event, Stamp};

/// Names and values, in order.
pub(super) type Facts = Vec<(String, String)>;

/// How the case stands, in one sentence.
pub(super) fn result(account: &Account, words: &Words) -> String {
    let result = account.outcome.as_ref().map(|outcome| outcome.result.name());
    words.say(&format!("result-{}", result.unwrap_or("none")))
}

/// Who, when and for how long, in one line.
pub(super) fn brief(account: &Account, words: &Words) -> String {
    let leaders = account.leaders().into_iter().map(|leader| &leader.person);
    let leaders = leaders.map(|person| format!("{} ({})", shown(&person.name), shown(&person.company)));
    let leaders = Some(leaders.collect::<Vec<_>>().join(", ")).filter(|leaders| !leaders.is_empty());
    let began = account.began.as_ref().map(|at| words.date_time(at));
    let lasted = account.seconds().map(|seconds| words.duration(seconds));
    [leaders, began, lasted].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// When, where and why.
pub(super) fn facts(account: &Account, words: &Words) -> Facts {
    let mut facts = Facts::new();
    let mut add = |label: &str, value: String| facts.push((words.say(label), value));
    if let Some(first) = account.first() {
        add("label-ticket", shown(&first.person.ticket));
        if let Some(partner) = &first.person.partner {
            add("label-partner", shown(partner));
        }
    }
    add("label-device", shown(&account.device.name));
    let began = account.began.as_ref();
    add("label-began", began.map_or_else(|| words.say("not-begun"), |at| words.date_time(at)));
    let ended = account.ended.as_ref();
    add("label-ended", ended.map_or_else(|| words.say("unended"), |end| words.date_time(&end.at)));
    if let Some(seconds) = account.seconds() {
        add("label-lasted", words.duration(seconds));
    }
    let why = ended.map(|end| words.cause(end.reason, end.hearsay));
    add("label-why", why.unwrap_or_else(|| words.say("not-ended")));
    if let Some(end) = ended {
        add("label-by", words.party(end.reason, end.hearsay));
    }
    add("label-software", shown(&account.device.software));
    add("label-session", account.session.to_string());
    facts
}

/// What the client was told before they said yes.
pub(super) fn terms(account: &Account, words: &Words) -> Facts {
    let terms = &account.terms;
    let minutes = words.say_with("minutes", &[("count", u64::from(terms.minutes).into())]);
    let days = words.say_with("days", &[("count", u64::from(terms.retention_days).into())]);
    let reaches: Vec<String> = terms.reaches.iter().map(|place| shown(place)).collect();
    let reaches = if reaches.is_empty() { words.say("reaches-device") } else { reaches.join(", ") };
    let mut facts = vec![
        (words.say("label-minutes"), minutes),
        (words.say("label-asks"), words.functions(&terms.asks)),
        (words.say("label-never"), words.functions(&terms.never)),
        (words.say("label-reaches"), reaches),
        (words.say("label-retention"), days),
    ];
    if let Some(language) = &terms.language {
        facts.push((words.say("label-language"), words.named("language", language)));
    }
    facts
}

/// The part of an engineer.
pub(super) fn role(attendee: &Attendee, words: &Words) -> String {
    words.say(match attendee.role {
        Role::Asked => "role-refused",
        Role::Owner => "role-owner",
        Role::Former => "role-former",
        Role::Further => "role-further",
        Role::Observer => "role-observer",
    })
}

/// What proves an engineer's name, and what the proof says of itself.
pub(super) fn proof(attendee: &Attendee, words: &Words) -> (String, Option<String>) {
    let Some(certified) = attendee.certified.as_deref() else { return (words.proof(None), None) };
    let mut proof = words.proof(Some(certified));
    if certified.user_verified {
        proof = format!("{proof}, {}", words.say("proof-user-verified"));
    }
    let detail = [
        ("key", (&certified.key_id).into()),
        ("serial", certified.serial.to_string().into()),
        ("fingerprint", (&certified.fingerprint).into()),
    ];
    (proof, Some(words.say_with("proof-detail", &detail)))
}

/// Since when and until when somebody was there.
pub(super) fn presence(attendee: &Attendee, words: &Words) -> (String, String) {
    let left = attendee.left.as_ref().map(|(at, _)| at);
    span(attendee.came.as_ref(), left, words)
}

/// Since when and until when somebody watched.
pub(super) fn watched(watcher: &Watcher, words: &Words) -> (String, String) {
    let over = watcher.over.as_ref().map(|(at, _)| at);
    span(watcher.came.as_ref(), over, words)
}

fn span(came: Option<&Stamp>, left: Option<&Stamp>, words: &Words) -> (String, String) {
    let time = |at: Option<&Stamp>| at.map_or_else(|| "–".to_owned(), |at| words.date_time(at));
    (time(came), time(left))
}

/// What a reader compares a record with: the device's key, the end of the account, and what the relay signed of it last.
pub(super) fn proofs(account: &Account, words: &Words) -> Facts {
    let head = account.head;
    let mut proofs = vec![
        (
            words.say("label-fingerprint"),
            fingerprint(account).unwrap_or_else(|| words.say("unknown-fingerprint")),
        ),
        (words.say("label-head"), words.say_with("head-line", &[("seq", head.seq.into())])),
        (words.say("label-head-hash"), head.digest.to_string()),
    ];
    let anchor = account.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Anchored { seq, time } => Some((*seq, Stamp { time: time.clone(), boot_ms: 0 })),
        _ => None,
    });
    if let Some((seq, at)) = anchor {
        let anchor = [("seq", seq.into()), ("time", words.date_time(&at).into())];
        proofs.push((words.say("label-anchor"), words.say_with("anchor-line", &anchor)));
    }
    proofs
}

/// The fingerprint of the device's key, if the key can be read.
pub(super) fn fingerprint(account: &Account) -> Option<String> {
    TrustedKey::from_line(&account.device.key).ok().map(|key| key.fingerprint())
}
