use std::io::Seek;

use fieldlink_protocol::ids::{OperationId, SessionId};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::*;
use crate::TURN;
use crate::record::Records;
use crate::request::SEALS;

fn operation(records: &Path, script: &str) -> Operation {
    let command = ["/bin/sh", "-c", script].map(Into::into).to_vec();
    Operation { name: "update".into(), command, records: records.to_owned() }
}

fn request(operation: &str, file: bool) -> Request {
    Request {
        version: VERSION,
        id: OperationId::from_bytes([1; 16]),
        operation: operation.into(),
        session: SessionId::from_bytes([2; 16]),
        engineer: "Ada".into(),
        file,
    }
}

/// What comes of a request, and what the agent is answered.
async fn serve(operation: &Operation, request: &Request, file: Option<OwnedFd>) -> (Option<Outcome>, Reply) {
    let (ours, theirs) = packet::pair().expect("a pair");
    let descriptors: Vec<_> = file.iter().map(AsFd::as_fd).collect();
    let bytes = serde_json::to_vec(request).expect("text");
    packet::send(ours.as_fd(), &bytes, &descriptors, MsgFlags::empty()).expect("sent");
    let outcome = operation.serve(&theirs).await.ok();
    let answer = packet::receive(&ours, MsgFlags::empty(), LONGEST).expect("answered");
    (outcome, serde_json::from_slice(&answer.bytes).expect("a reply"))
}

fn sealed(text: &str) -> OwnedFd {
    let memory = memfd_create(c"test", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("memory");
    let mut file = std::fs::File::from(memory);
    file.write_all(text.as_bytes()).expect("room");
    file.rewind().expect("seekable");
    fcntl(&file, FcntlArg::F_ADD_SEALS(SEALS)).expect("sealed");
    file.into()
}

#[tokio::test]
async fn the_program_reads_the_file_and_everything_about_it_is_on_the_record() {
    let _turn = TURN.lock().await;
    let directory = tempfile::tempdir().expect("a directory");
    let script = "cat; echo; echo \"$FIELDLINK_OPERATION $FIELDLINK_HAS_FILE\" >&2; echo ::fieldlink progress 70; exit 3";
    let operation = operation(directory.path(), script);
    let (outcome, reply) = serve(&operation, &request("update", true), Some(sealed("the update"))).await;
    assert_eq!(reply, Reply::Started {});
    let stage = Stage::Over { end: OperationEnd::Failed { code: 3 } };
    assert_eq!(outcome, Some(Outcome::Ran(stage)));
    let records = Records::at(directory.path());
    let record = records.read().expect("readable").expect("there");
    assert_eq!((record.stage, record.percent, record.engineer.as_str()), (stage, Some(70), "Ada"));
    assert_eq!(records.output(0, 100).expect("there"), b"the update\nupdate 1\n");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_reason_and_runs_nothing() {
    let _turn = TURN.lock().await;
    let directory = tempfile::tempdir().expect("a directory");
    let operation = operation(directory.path(), "touch ran");
    let ordinary = || Some(tempfile::tempfile().expect("a file").into());
    let old = Request { version: 0, ..request("update", false) };
    for (request, file, why) in [
        (request("format", false), None, "this unit does the operation \"update\", not \"format\""),
        (request("update", true), None, "came with 0 files"),
        (request("update", false), Some(sealed("x")), "came with 1 files"),
        (request("update", true), ordinary(), "file that came with the request"),
        (old, None, "version 0, not 1"),
    ] {
        let (outcome, reply) = serve(&operation, &request, file).await;
        let Reply::Refused { why: said } = reply else { panic!("{reply:?}") };
        assert!(outcome.is_none() && said.contains(why), "{said}");
    }
    assert_eq!(Records::at(directory.path()).read().expect("readable"), None);
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_starts_nothing() {
    let _turn = TURN.lock().await;
    let directory = tempfile::tempdir().expect("a directory");
    let operation = operation(directory.path(), "touch ran");
    let (ours, theirs) = packet::pair().expect("a pair");
    let bytes = serde_json::to_vec(&request("update", false)).expect("text");
    packet::send(ours.as_fd(), &bytes, &[], MsgFlags::empty()).expect("sent");
    drop(ours);
    let refused = operation.serve(&theirs).await.expect_err("it is too late").to_string();
    assert!(refused.contains("came too late"), "{refused}");
    assert_eq!(Records::at(directory.path()).read().expect("readable"), None);
}

#[tokio::test]
async fn there_is_one_at_a_time() {
    let _turn = TURN.lock().await;
    let directory = tempfile::tempdir().expect("a directory");
    let other = Recorder::take(directory.path()).expect("ours").expect("free");
    let operation = operation(directory.path(), "true");
    let (outcome, reply) = serve(&operation, &request("update", false), None).await;
    assert_eq!((outcome, reply), (Some(Outcome::NotStarted), Reply::Busy {}));
    drop(other);
    assert_eq!(serve(&operation, &request("update", false), None).await.1, Reply::Started {});
}

#[tokio::test]
async fn it_goes_on_after_a_restart_once_and_only_if_it_wanted_to() {
    let _turn = TURN.lock().await;
    let directory = tempfile::tempdir().expect("a directory");
    let first = operation(directory.path(), "echo ::fieldlink restart; echo ::fieldlink continues");
    assert_eq!(first.go_on().await.expect("readable"), Outcome::Nothing);
    let (outcome, _) = serve(&first, &request("update", false), None).await;
    assert_eq!(outcome, Some(Outcome::Ran(Stage::AfterRestart {})));
    let record = Records::at(directory.path()).read().expect("readable").expect("there");
    assert!(record.restart);
    let second = operation(directory.path(), "echo finished");
    let over = Stage::Over { end: OperationEnd::Succeeded {} };
    assert_eq!(second.go_on().await.expect("run"), Outcome::Ran(over));
    assert_eq!(second.go_on().await.expect("run"), Outcome::Nothing);
    let output = Records::at(directory.path()).output(0, 100).expect("there");
    assert_eq!(String::from_utf8_lossy(&output), "finished\n");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_has_failed() {
    let _turn = TURN.lock().await;
    let directory = tempfile::tempdir().expect("a directory");
    let mut operation = operation(directory.path(), "");
    operation.command = vec!["/nonexistent/update".into()];
    let (outcome, _) = serve(&operation, &request("update", false), None).await;
    let stage = Stage::Over { end: OperationEnd::Failed { code: CANNOT_START } };
    assert_eq!(outcome, Some(Outcome::Ran(stage)));
    let output = Records::at(directory.path()).output(0, 200).expect("there");
    assert!(String::from_utf8_lossy(&output).contains("could not start /nonexistent/update"));
}
