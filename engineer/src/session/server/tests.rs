use super::*;
use crate::local_socket::client;

/// A server without a session behind it.
pub(super) struct Served {
    pub(super) resources: tempfile::TempDir,
    pub(super) state: watch::Sender<State>,
    pub(super) transcript: watch::Sender<Transcript>,
    ends: mpsc::Receiver<()>,
    pub(super) over: CancellationToken,
    gone: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

pub(super) fn serve() -> Served {
    let resources = tempfile::tempdir().expect("a directory");
    let (state, watched) = watch::channel(State::Pairing);
    let transcript = watch::Sender::new(Transcript::default());
    let (end, ends) = mpsc::channel(1);
    let (over, gone) = (CancellationToken::new(), CancellationToken::new());
    let server = Server {
        id: "572400000".parse().expect("valid"),
        directory: resources.path().to_owned(),
        ticket: "T-1".into(),
        relay: "wss://relay.example.com".into(),
        state: watched,
        open: watch::channel(Open::default()).0,
        turns: InFlightLimit::default(),
        transcript: transcript.clone(),
        client: watch::Sender::default(),
        views: Views::default(),
        observes: false,
        curtain: CancellationToken::new(),
        end,
        over: over.clone(),
        gone: gone.clone(),
    };
    let listener = LocalListener::bind(&resources.path().join("s")).expect("bound");
    Served { resources, state, transcript, ends, over, gone, task: tokio::spawn(server.run(listener)) }
}

impl Served {
    pub(super) fn ask(&self, request: Request) -> tokio::task::JoinHandle<io::Result<Reply>> {
        let path = self.resources.path().join("s");
        tokio::task::spawn_blocking(move || client::ask(&path, request).map(|(_, reply)| reply))
    }
}

#[tokio::test]
async fn says_how_things_stand_and_why_there_is_no_connection() {
    let served = serve();
    let status = served.ask(Request::Status).await.expect("no panic").expect("a reply");
    let Reply::Status(status) = status else { panic!("{status:?}") };
    assert_eq!((status.state.as_str(), status.connections), ("pairing", 0));
    let pipe = Request::Pipe { purpose: Purpose::Other };
    served.state.send_replace(State::Asking { until: Instant::now() });
    let refused = served.ask(pipe.clone()).await.expect("no panic").expect("a reply");
    let reason = "the client has not allowed the session yet; wait for it".to_owned();
    assert_eq!(refused, Reply::Refused { reason });
    served.state.send_replace(State::Ended(End::new(Reason::TimeUp, Told::Scanner)));
    let refused = served.ask(pipe).await.expect("no panic").expect("a reply");
    let reason = "the session is over: the agreed time is over".to_owned();
    assert_eq!(refused, Reply::Refused { reason });
}

#[tokio::test]
async fn an_end_is_asked_for_and_told_when_nothing_is_left() {
    let mut served = serve();
    let (ending, watching) = (served.ask(Request::End), served.ask(Request::Watch));
    served.ends.recv().await.expect("asked");
    served.state.send_replace(State::Ended(End::new(Reason::EngineerEnded, Told::Here)));
    served.over.cancel();
    assert!(!ending.is_finished());
    served.gone.cancel();
    let reply = ending.await.expect("no panic").expect("a reply");
    assert!(matches!(&reply, Reply::Ended { reason, .. } if reason == "engineer-ended"), "{reply:?}");
    // A program that was not yet served when it ended sees the socket close.
    let _ = watching.await.expect("no panic");
    served.task.await.expect("the server ends");
}

#[tokio::test]
async fn junk_and_endless_requests_are_dropped() {
    let served = serve();
    for junk in [&b"\n"[..], b"{}\n", &[b'x'; 3 * LINE]] {
        let path = served.resources.path().join("s");
        let mut stream = tokio::net::UnixStream::connect(path).await.expect("connected");
        let _ = stream.write_all(junk).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
    }
}
