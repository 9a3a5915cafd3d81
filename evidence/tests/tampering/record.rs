//! A real record, closed, resumed and closed again, and what it takes to forge one.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use fieldlink_evidence::*;
use fieldlink_identity::{Certificate, Proof, SigningKey, Statement};
use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{AgentKey, EngineerId, QuestionId, RunId, SessionId};
use fieldlink_protocol::pairing::PairingContext;
use fieldlink_protocol::reason::Reason;

pub(crate) type Contents = BTreeMap<String, Vec<u8>>;

/// A record, and everything that a reader, or who has taken the device over, has beside it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) files: Contents,
    /// The device's key, which root has.
    pub(crate) device: SigningKey,
    /// The relay's, which nobody else has.
    pub(crate) relay: SigningKey,
    pub(crate) session: SessionId,
    /// What the reader has: anchors, the receipt's head, and keys.
    pub(crate) outside: Vec<KeptAnchor>,
    pub(crate) receipt: Option<Digest>,
    pub(crate) device_key: Option<String>,
    pub(crate) anchor_key: Option<String>,
}

/// Built once: `ssh-keygen` takes its time.
pub(crate) fn honest() -> Case {
    static CASE: LazyLock<Case> = LazyLock::new(|| build("scanner-7", ["ed25519", "ecdsa"]));
    CASE.clone()
}

/// Another session's.
pub(crate) fn another() -> Case {
    static CASE: LazyLock<Case> = LazyLock::new(|| build("scanner-8", ["rsa", "ecdsa"]));
    CASE.clone()
}

/// `kinds` are those of the engineers' keys.
fn build(name: &str, kinds: [&str; 2]) -> Case {
    let device = SigningKey::generate(name).expect("a key");
    let relay = SigningKey::generate("relay").expect("a key");
    let session = SessionId::random();
    let mut case = Case {
        files: Contents::new(),
        session,
        outside: Vec::new(),
        receipt: None,
        device_key: None,
        anchor_key: None,
        device,
        relay,
    };
    let line = case.device.public_line().expect("a line");
    case.put("device.pub", format!("{line}\n"));
    for (number, sizes) in [(1, [300, 900]), (2, [0, 500])] {
        case.put(&format!("terminal-{number}.cast"), cast(number));
        assert!(sizes.iter().all(|size| *size < case.files[&format!("terminal-{number}.cast")].len()));
    }
    case.put("diagnostics-before.txt", "disk: 40 % full\n");
    let events = events(&mut case, name, kinds, line);
    let mut chain = Chain::default();
    let written: Vec<u8> = events.into_iter().flat_map(|event| chain.append(stamp(), event)).collect();
    let written = String::from_utf8(written).expect("text");
    let events = written.lines().map(event_of).collect();
    case.close(events, |_, line| line);
    let last = case.heads().len() - 1;
    let anchors = case.anchors([3, 9, last]);
    case.put_anchors(&anchors);
    case
}

fn stamp() -> Stamp {
    Stamp::new(UNIX_EPOCH + Duration::from_secs(1_796_056_800), Duration::from_millis(7))
}

fn cast(number: u8) -> Vec<u8> {
    let shape = TerminalShape { cols: 80, rows: 24 };
    let (mut writer, mut bytes) = CastWriter::begin(shape, "shell", Duration::ZERO, 1_796_056_800);
    for line in 0..20u8 {
        let shown = format!("{number}.{line}: scanning\u{1b}[1m ä€\r\n");
        bytes.extend(writer.output(Duration::from_millis(line.into()), shown.as_bytes()).unwrap_or_default());
    }
    bytes.extend(writer.exit(Duration::from_secs(1), 0));
    bytes
}

fn events(case: &mut Case, name: &str, kinds: [&str; 2], key: String) -> Vec<Event> {
    let anchor_keys = vec![case.relay.public_line().expect("a line")];
    let random = Digest::of(name.as_bytes()).to_string();
    let device = Device { name: name.into(), key, software: "fieldlink-agent 0.2.0".into() };
    let terms = Terms {
        language: Some("en".into()),
        minutes: 60,
        never: Vec::new(),
        asks: Vec::new(),
        reaches: Vec::new(),
        retention_days: 90,
    };
    let (ada, proof) = engineer(case, 0, kinds[0], case.session);
    let (bob, guest_proof) = engineer(case, 1, kinds[1], SessionId::random());
    let opened = |channel| Event::ChannelOpened { channel, seat: 0, program: Program::Shell {} };
    let seal = |case: &Case, number: u8, size: usize| {
        let file = format!("terminal-{number}.cast");
        let seal = Seal { size: size as u64, sha256: Digest::of(&case.files[&file][..size]) };
        Event::TerminalSealed { file, seal }
    };
    let began = |channel: u64| Event::TerminalBegan {
        channel,
        file: format!("terminal-{channel}.cast"),
        shape: TerminalShape { cols: 80, rows: 24 },
    };
    let (let_in, let_in_proof) = (bob.clone(), guest_proof.clone());
    let guest = Use::Guest { seat: 1, person: bob, observes: false, certified: Some(guest_proof) };
    let transferred = Transferred {
        channel: 2,
        direction: Direction::Upload,
        path: "/tmp/calibration.bin".into(),
        size: 4,
        sha256: Some(Digest::of(b"1234")),
        complete: true,
    };
    let path = "/tmp/calibration.bin".into();
    let change = Change::Attributes { path, permissions: Some(0o640), user: None, group: None, size: None };
    let changed = FileChange { channel: 2, change, result: ChangeResult::Refused { status: 3 } };
    let id = QuestionId::random();
    vec![
        Event::RecordBegan { format: 1, session: case.session, random, device, terms, anchor_keys },
        Event::ConsentAsked { person: ada, seat: 0, certified: Some(proof) },
        Event::ConsentGiven { seat: 0 },
        Event::SessionBegan { seconds: 3600 },
        opened(1),
        began(1),
        seal(case, 1, 300),
        opened(2),
        began(2),
        seal(case, 2, 0),
        seal(case, 1, 900),
        seal(case, 2, 500),
        Event::Chat { from: None, text: "grüße \u{2028} \u{7f} \"quoted\" \\ \u{1f600} \t".into() },
        Event::FileTransferred(transferred),
        Event::FileChanged(changed),
        Event::LeaveAsked { id, leave: guest },
        Event::LeaveAnswered { id, consent: Consent::Yes },
        Event::GuestLetIn { person: let_in, seat: 2, observes: true, certified: Some(let_in_proof) },
        Event::SessionEnded { reason: Reason::ClientEnded, hearsay: false },
        Event::RecordClosed { files: BTreeMap::new(), late: true },
        Event::RecordResumed { why: Resumption::Verdict, torn: 0 },
        Event::VerdictGiven { verdict: "solved".into(), words: "thank you".into() },
    ]
}

/// An engineer who proves themselves, with a key that `ssh-keygen` made and another one certified.
fn engineer(case: &mut Case, seat: u64, kind: &str, session: SessionId) -> (Person, Box<Certified>) {
    let workshop = tempfile::tempdir().expect("a directory");
    let path = |name: &str| workshop.path().join(name).to_str().expect("plain paths").to_owned();
    for (name, kind) in [("ca", "ed25519"), ("key", kind)] {
        keygen(&["-q", "-N", "", "-t", kind, "-C", name, "-f", &path(name)]);
    }
    keygen(&[
        "-q",
        "-s",
        &path("ca"),
        "-I",
        "Ada (Scans Ltd)",
        "-n",
        "ada@scans.example",
        "-z",
        "7",
        &path("key.pub"),
    ]);
    let read = |name: &str| fs::read_to_string(path(name)).expect("readable");
    let certificate = Certificate::from_openssh(&read("key-cert.pub")).expect("a certificate");
    let (id, run) = (EngineerId::random(), RunId::random());
    let context = PairingContext {
        session,
        run,
        support_id: "000000000".parse().expect("a valid ID"),
        engineer: EngineerIdentity { id, name: "Ada".into(), company: "Scans Ltd".into() },
        ticket: "T-1".into(),
        partner: None,
        certificate: certificate.hash(),
    };
    let statement = Statement::new(&context, &AgentKey::random(), &[7; 96]);
    fs::write(path("statement"), statement.as_bytes()).expect("written");
    keygen(&[
        "-q",
        "-Y",
        "sign",
        "-f",
        &path("key"),
        "-n",
        fieldlink_identity::NAMESPACE,
        &path("statement"),
    ]);
    let proof = Proof::new(certificate.clone(), statement, &read("statement.sig")).expect("it fits");
    let names = ["statement", "statement.sig", "cert.pub"].map(|part| format!("engineer-{seat}.{part}"));
    case.put(&names[0], proof.statement().as_bytes());
    case.put(&names[1], proof.armoured());
    case.put(&names[2], read("key-cert.pub"));
    let [statement, signature, certificate_file] = names;
    let person = Person {
        name: "Ada".into(),
        company: "Scans Ltd".into(),
        ticket: "T-1".into(),
        partner: None,
        engineer: id,
        run,
    };
    let certified = Certified {
        statement,
        signature,
        certificate: certificate_file,
        authority: "Scans Ltd engineers".into(),
        authority_fingerprint: certificate.authority_fingerprint(),
        key_id: certificate.key_id(),
        serial: certificate.serial(),
        principal: "ada@scans.example".into(),
        fingerprint: certificate.fingerprint(),
        user_verified: false,
    };
    (person, Box::new(certified))
}

fn keygen(arguments: &[&str]) {
    let output = Command::new("ssh-keygen").args(arguments).output().expect("ssh-keygen");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What stands behind `"event":` in a line.
fn event_of(line: &str) -> String {
    let (_, event) = line.split_once("\"event\":").expect("an event");
    event.strip_suffix('}').expect("an end").to_owned()
}

impl Case {
    pub(crate) fn put(&mut self, name: &str, content: impl AsRef<[u8]>) {
        self.files.insert(name.to_owned(), content.as_ref().to_vec());
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.files[name].clone()).expect("text")
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.text("events.jsonl").lines().map(|line| format!("{line}\n")).collect()
    }

    /// The hashes of the lines.
    pub(crate) fn heads(&self) -> Vec<Digest> {
        self.lines().iter().map(|line| Digest::of(line.as_bytes())).collect()
    }

    /// The events, as JSON, without the one that closes the record.
    pub(crate) fn events(&self) -> Vec<String> {
        let mut events: Vec<String> = self.lines().iter().map(|line| event_of(line.trim_end())).collect();
        events.pop();
        events
    }

    /// What the relay signs of the line `seq`.
    pub(crate) fn anchor(&self, seq: usize) -> KeptAnchor {
        self.anchors([seq]).remove(0)
    }

    /// What the relay signs of the lines `seqs`.
    pub(crate) fn anchors(&self, seqs: impl IntoIterator<Item = usize>) -> Vec<KeptAnchor> {
        let heads = self.heads();
        let anchor = |seq: usize| {
            let head = Head { seq: seq as u64, digest: heads[seq] };
            let time = "2026-12-01T00:00:00Z".to_owned();
            let line = Anchor { session: self.session, head, time }.to_string();
            let signature = self.relay.sign(ANCHOR_NAMESPACE, format!("{line}\n").as_bytes());
            KeptAnchor { line, signature: signature.expect("signed") }
        };
        seqs.into_iter().map(anchor).collect()
    }

    pub(crate) fn put_anchors(&mut self, anchors: &[KeptAnchor]) {
        let line = |anchor| serde_json::to_string(anchor).expect("JSON") + "\n";
        let lines: String = anchors.iter().map(line).collect();
        self.put("anchors.jsonl", lines);
    }

    /// Writes the whole account anew from `events`, closes it over the files as they are, and signs it: what root on the
    /// device can do. `edit` may change each line before it is hashed.
    pub(crate) fn close(&mut self, mut events: Vec<String>, edit: impl Fn(usize, String) -> String) {
        events.push(self.closing());
        self.chain(events, edit);
    }

    /// The event that closes the record, of the files as they are.
    pub(crate) fn closing(&self) -> String {
        let seal = |bytes: &Vec<u8>| Seal { size: bytes.len() as u64, sha256: Digest::of(bytes) };
        let others = self.listed().filter(|(name, _)| *name != "events.jsonl");
        let files = others.map(|(name, bytes)| (name.clone(), seal(bytes))).collect();
        serde_json::to_string(&Event::RecordClosed { files, late: false }).expect("JSON")
    }

    /// As [`Self::close`], and `events` have the one that closes the record.
    pub(crate) fn chain(&mut self, events: Vec<String>, edit: impl Fn(usize, String) -> String) {
        let (mut prev, mut account) = (Digest::NONE, String::new());
        for (seq, event) in events.into_iter().enumerate() {
            let time = "2026-12-01T00:00:00.000Z";
            let line = format!(
                "{{\"seq\":{seq},\"prev\":\"{prev}\",\"time\":\"{time}\",\"boot_ms\":7,\"event\":{event}}}\n"
            );
            let line = edit(seq, line);
            prev = Digest::of(line.as_bytes());
            account += &line;
        }
        self.put("events.jsonl", account);
        self.sign();
    }

    /// Lists all files as they are, and signs that.
    pub(crate) fn sign(&mut self) {
        let mut manifest = Manifest::default();
        self.listed().for_each(|(name, bytes)| manifest.add(name.clone(), Digest::of(bytes)));
        self.sign_manifest(manifest.to_string());
    }

    pub(crate) fn sign_manifest(&mut self, manifest: String) {
        let signature = self.device.sign(EVIDENCE_NAMESPACE, manifest.as_bytes()).expect("signed");
        self.put("SHA256SUMS", manifest);
        self.put("SHA256SUMS.sig", signature);
    }

    fn listed(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> {
        let beside = ["SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.tsr", "anchors.jsonl"];
        self.files.iter().filter(move |(name, _)| !beside.contains(&name.as_str()))
    }

    /// Writes the files into a directory.
    pub(crate) fn write(&self, directory: &Path) {
        for (name, bytes) in &self.files {
            fs::write(directory.join(name), bytes).expect("written");
        }
    }

    /// How often each line is in the anchors.
    pub(crate) fn anchor_lines(&self) -> HashMap<Vec<u8>, usize> {
        let mut lines = HashMap::new();
        let anchors = self.files.get("anchors.jsonl").map(Vec::as_slice).unwrap_or_default();
        for line in anchors.split_inclusive(|byte| *byte == b'\n') {
            *lines.entry(line.to_vec()).or_default() += 1;
        }
        lines
    }
}
