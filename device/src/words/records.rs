//! What a check of a record finds, in words that need no knowledge of how records are made.

use fieldlink_evidence::{AnchorFault, AnchorFindings, Findings, Problem};

use super::Words;

impl Words {
    /// What is known of a record in which nothing is wrong, a sentence each.
    pub fn findings(&self, findings: &Findings) -> Vec<String> {
        let key = if findings.device_key_is_trusted { "verify-key-known" } else { "verify-key-told" };
        let session = findings.session.to_string();
        let mut lines = vec![
            self.say("verify-whole"),
            self.say_with(
                "verify-session",
                &[("session", session.into()), ("device", (&findings.device).into())],
            ),
            self.say_with(key, &[("key", (&findings.device_key).into())]),
        ];
        if findings.closed_late {
            lines.push(self.say("verify-closed-late"));
        }
        for engineer in &findings.engineers {
            let arguments = [
                ("engineer", (&engineer.name).into()),
                ("authority", (&engineer.authority_fingerprint).into()),
            ];
            lines.push(self.say_with("verify-engineer", &arguments));
        }
        if findings.engineers.is_empty() {
            lines.push(self.say("verify-no-engineer"));
        }
        lines.extend(self.anchored(&findings.anchors, findings));
        lines.extend(findings.receipt_covers.map(|covered| match covered == findings.events {
            true => self.say("verify-receipt-whole"),
            false => {
                let arguments = [("covered", covered.into()), ("events", findings.events.into())];
                self.say_with("verify-receipt-part", &arguments)
            }
        }));
        if findings.has_time_stamp {
            lines.push(self.say("verify-time-stamp"));
        }
        lines
    }

    fn anchored(&self, anchors: &AnchorFindings, findings: &Findings) -> Vec<String> {
        let Some(last) = &anchors.last else { return vec![self.say("verify-anchors-none")] };
        if anchors.no_keys {
            return vec![self.say("verify-anchors-unchecked")];
        }
        let time = ("time", (&last.time).into());
        let mut lines = vec![match last.head == findings.head {
            true => self.say_with("verify-anchors-whole", &[time]),
            false => {
                let event = ("event", (last.head.seq + 1).into());
                self.say_with("verify-anchors-part", &[time, event, ("events", findings.events.into())])
            }
        }];
        if anchors.keys_are_pinned {
            lines.push(self.say("verify-anchor-keys-told"));
        }
        lines
    }

    /// What is wrong with a record.
    pub fn problem(&self, problem: &Problem) -> String {
        let of_file = |id: &str, file: &str| self.say_with(id, &[("file", file.into())]);
        match problem {
            Problem::NotClosed => self.say("problem-not-closed"),
            Problem::Unreadable { file, .. } => of_file("problem-unreadable", file),
            Problem::Missing(file) => of_file("problem-missing", file),
            Problem::TooLong(file) | Problem::Hash(file) | Problem::Close(file) => {
                of_file("problem-changed", file)
            }
            Problem::Seal { file, .. } => of_file("problem-changed", file),
            Problem::Extra(file) => of_file("problem-extra", file),
            Problem::Manifest(_) | Problem::NotListed(_) => self.say("problem-list"),
            Problem::DeviceKey | Problem::DeviceSignature => self.say("problem-signature"),
            Problem::OtherDevice { .. } => self.say("problem-other-device"),
            Problem::NoEvents | Problem::Line { .. } | Problem::Event { .. } | Problem::Open(_) => {
                self.say("problem-account")
            }
            Problem::AnchorKey => self.say("problem-account"),
            Problem::Engineer { .. } => self.say("problem-engineer"),
            Problem::Anchor { fault: AnchorFault::Rewritten { time, .. }, .. } => {
                self.say_with("problem-rewritten", &[("time", time.into())])
            }
            Problem::Anchor { fault: AnchorFault::Cut { time, .. }, .. } => {
                self.say_with("problem-cut", &[("time", time.into())])
            }
            Problem::Anchor { .. } | Problem::OtherAnchors(_) => self.say("problem-anchor"),
            Problem::Receipt => self.say("problem-receipt"),
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_evidence::{AnchorSource, ChainError, Digest, Head};
    use fieldlink_protocol::ids::SessionId;

    use super::*;
    use crate::words::Language;

    fn problems() -> Vec<Problem> {
        let (file, time) = ("terminal-1.cast".to_owned(), "2026-11-30T17:36:33Z".to_owned());
        let anchor = |fault| Problem::Anchor { from: AnchorSource::Record, line: 1, fault };
        vec![
            Problem::NotClosed,
            Problem::Unreadable { file: file.clone(), error: "broken".into() },
            Problem::Missing(file.clone()),
            Problem::Hash(file.clone()),
            Problem::Seal { file: file.clone(), size: 1, line: 1 },
            Problem::Extra(file),
            Problem::NotListed("device.pub"),
            Problem::DeviceSignature,
            Problem::OtherDevice { found: String::new(), expected: String::new() },
            Problem::Line { line: 1, why: ChainError::Form },
            Problem::Engineer { line: 1, file: String::new(), why: String::new() },
            anchor(AnchorFault::Signature),
            anchor(AnchorFault::Rewritten { seq: 1, time: time.clone() }),
            anchor(AnchorFault::Cut { last: 1, seq: 2, time }),
            Problem::Receipt,
        ]
    }

    fn findings() -> Findings {
        let head = Head { seq: 8, digest: Digest::NONE };
        Findings {
            session: SessionId::random(),
            device: "scanner".into(),
            device_key: "SHA256:abc".into(),
            device_key_is_trusted: false,
            events: 9,
            head,
            closed_late: false,
            files: Default::default(),
            anchors: AnchorFindings {
                checked: 0,
                kept_outside: 0,
                last: None,
                keys_are_pinned: true,
                no_keys: false,
            },
            receipt_covers: None,
            has_time_stamp: false,
            engineers: Vec::new(),
        }
    }

    #[test]
    fn every_problem_is_told_without_the_names_of_formats() {
        for language in Language::ALL {
            let words = Words::new(language);
            for problem in problems() {
                let said = words.problem(&problem);
                assert!(!said.starts_with("problem-") && said.ends_with('.'), "{language:?}: {said}");
                assert!(!said.contains("SHA256SUMS") && !said.contains('{'), "{language:?}: {said}");
            }
        }
    }

    #[test]
    fn how_far_a_receipt_and_an_anchor_reach_is_told() {
        let words = Words::new(Language::English);
        let told = |findings: &Findings| words.findings(findings).join("\n");
        assert!(told(&findings()).contains("has signed nothing of this record"));
        let session = findings().session;
        let at = |seq| {
            let head = Head { seq, digest: Digest::NONE };
            let last =
                Some(fieldlink_evidence::Anchor { session, head, time: "2026-11-30T17:36:33Z".into() });
            let anchors = AnchorFindings { last, ..findings().anchors };
            told(&Findings { anchors, receipt_covers: Some(seq + 1), ..findings() })
        };
        assert!(at(8).contains("to its end, on 2026-11-30") && at(8).contains("everything is as it was"));
        assert!(at(4).contains("up to event 5 of 9") && at(4).contains("the first 5 of 9 events"));
    }
}
