mod changes;

use proptest::prelude::*;

use super::*;

fn packet(kind: u8, id: u32, rest: &[u8]) -> Vec<u8> {
    [&(rest.len() as u32 + 5).to_be_bytes()[..], &[kind], &id.to_be_bytes(), rest].concat()
}

fn named(name: &[u8], rest: &[u8]) -> Vec<u8> {
    [&(name.len() as u32).to_be_bytes()[..], name, rest].concat()
}

fn write(id: u32, offset: u64, data: &[u8]) -> Vec<u8> {
    packet(6, id, &named(b"h", &[&offset.to_be_bytes()[..], &named(data, b"")].concat()))
}

fn read(id: u32, offset: u64) -> Vec<u8> {
    packet(5, id, &named(b"h", &[&offset.to_be_bytes()[..], &[0, 0, 128, 0]].concat()))
}

fn status(id: u32, code: u8) -> Vec<u8> {
    packet(101, id, &[0, 0, 0, code, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// A conversation: whose turn it is, and what they say.
type Said = Vec<(Way, Vec<u8>)>;

fn opening(flags: u8) -> Said {
    vec![
        (Way::Input, vec![0, 0, 0, 5, 1, 0, 0, 0, 3]),
        (Way::Output, vec![0, 0, 0, 5, 2, 0, 0, 0, 3]),
        (Way::Input, packet(3, 1, &named(b"/tmp/a", &[0, 0, 0, flags, 0, 0, 0, 0]))),
        (Way::Output, packet(102, 1, &named(b"h", b""))),
    ]
}

/// The bytes of both ways, and the files that were closed; the pieces are `size` bytes long at most.
fn follow(said: &Said, size: usize) -> (Vec<u8>, Vec<u8>, Vec<Transfer>, bool) {
    let (mut written, mut been_read, mut over, mut is_lost) = (Vec::new(), Vec::new(), Vec::new(), false);
    let mut transfers = Transfers::default();
    let mut see = |seen: Seen<'_>| match seen {
        Seen::Data { way: Way::Input, bytes, .. } => written.extend_from_slice(bytes),
        Seen::Data { way: Way::Output, bytes, .. } => been_read.extend_from_slice(bytes),
        Seen::Over(transfer) => over.push(transfer),
        Seen::Changed(_) => {}
        Seen::Lost => is_lost = true,
    };
    for (way, bytes) in said {
        bytes.chunks(size).for_each(|piece| transfers.push(*way, piece, &mut see));
    }
    transfers.end(&mut see);
    (written, been_read, over, is_lost)
}

#[test]
fn a_file_that_is_written_in_order_is_told_whole() {
    let mut said = opening(2 | 8 | 16);
    for (id, at, data) in [(2, 0, &b"hello "[..]), (3, 6, b"world"), (4, 11, b"")] {
        said.push((Way::Input, write(id, at, data)));
    }
    for id in 2..5 {
        said.push((Way::Output, status(id, 0)));
    }
    said.push((Way::Input, packet(4, 5, &named(b"h", b""))));
    said.push((Way::Output, status(5, 0)));
    let (written, been_read, over, is_lost) = follow(&said, 1000);
    let moved = Moved { bytes: 11, is_contiguous: true };
    let whole =
        Transfer { file: 0, path: b"/tmp/a".into(), written: Some(moved), read: None, is_complete: true };
    assert_eq!(
        (written, been_read, over, is_lost),
        (b"hello world".into(), vec![], vec![whole.clone()], false)
    );
    // Before it is closed, it is not whole.
    said.pop();
    let (_, _, over, _) = follow(&said, 1000);
    assert_eq!(over, [Transfer { is_complete: false, ..whole }]);
}

#[test]
fn what_comes_out_of_order_or_is_refused_is_said() {
    let mut said = opening(2);
    said.push((Way::Input, write(2, 100, b"later")));
    said.push((Way::Input, write(3, 0, b"first")));
    said.push((Way::Output, status(2, 0)));
    said.push((Way::Output, status(3, 4)));
    said.push((Way::Input, packet(4, 5, &named(b"h", b""))));
    said.push((Way::Output, status(5, 0)));
    let (written, _, over, _) = follow(&said, 1000);
    assert_eq!(written, b"");
    assert_eq!(over[0].written, Some(Moved { bytes: 10, is_contiguous: false }));
    assert!(!over[0].is_complete, "a write failed");
}

#[test]
fn a_file_that_is_read_in_pieces_is_told_whole() {
    let mut said = opening(1);
    said.push((Way::Input, [read(2, 0), read(3, 5), read(4, 10)].concat()));
    let data = |id, data: &[u8]| packet(103, id, &named(data, b""));
    said.push((Way::Output, [data(2, b"hello"), data(3, b"world"), status(4, 1)].concat()));
    said.push((Way::Input, packet(4, 5, &named(b"h", b""))));
    said.push((Way::Output, status(5, 0)));
    let (_, been_read, over, _) = follow(&said, 1000);
    assert_eq!(been_read, b"helloworld");
    assert_eq!(over[0].read, Some(Moved { bytes: 10, is_contiguous: true }));
    assert!(over[0].is_complete);
}

#[test]
fn what_is_no_sftp_ends_the_account_once() {
    for junk in [&[0, 0, 0, 0][..], b"GET / HTTP/1.1\r\n", &[0, 4, 0, 1, 6], &packet(6, 1, &[255; 20])] {
        let mut said = opening(2);
        said.push((Way::Input, junk.to_vec()));
        said.push((Way::Input, write(9, 0, b"no more")));
        let (written, _, over, is_lost) = follow(&said, 3);
        assert!(written.is_empty() && is_lost && over.len() == 1 && !over[0].is_complete, "{junk:?}");
    }
}

/// The handles of a server can be guessed, and so can everything be sent before anything is answered.
#[test]
fn nobody_passes_for_another_file() {
    let handle = |id| (Way::Output, packet(102, id, &named(b"h", b"")));
    let open = |id, path: &[u8]| (Way::Input, packet(3, id, &named(path, &[0, 0, 0, 2, 0, 0, 0, 0])));
    let close = |id| (Way::Input, packet(4, id, &named(b"h", b"")));
    let cases: [(&str, Said); 5] = [
        ("written before it is known", vec![open(1, b"a"), (Way::Input, write(2, 0, b"x")), handle(1)]),
        (
            "written after it is closed",
            vec![open(1, b"a"), handle(1), close(2), (Way::Input, write(3, 0, b"x"))],
        ),
        ("one number for two", vec![open(1, b"innocent"), open(1, b"evil"), handle(1), handle(1)]),
        ("one handle for two", vec![open(1, b"a"), handle(1), open(2, b"b"), handle(2)]),
        ("more than is said", {
            let mut longer = write(2, 0, b"abc");
            longer.extend(b"de");
            longer[3] += 2;
            vec![open(1, b"a"), handle(1), (Way::Input, longer)]
        }),
    ];
    for (what, said) in cases {
        let (written, _, over, is_lost) = follow(&said, 1000);
        assert!(
            is_lost && written.is_empty() && over.iter().all(|over| !over.is_complete),
            "{what}: {over:?}"
        );
    }
}

#[test]
fn what_is_asked_and_never_answered_is_bounded() {
    let path = vec![b'x'; 4096];
    let asked = (0..1000).map(|id| (Way::Input, packet(3, id, &named(&path, &[0, 0, 0, 1, 0, 0, 0, 0]))));
    assert!(follow(&asked.collect(), usize::MAX).3);
}

proptest! {
    /// However the streams are cut, the same is seen.
    #[test]
    fn cuts_change_nothing(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8), size in 1usize..40) {
        let mut said = opening(2);
        let mut at = 0;
        for (id, piece) in (2..).zip(&pieces) {
            said.push((Way::Input, write(id, at, piece)));
            said.push((Way::Output, status(id, 0)));
            at += piece.len() as u64;
        }
        let whole = follow(&said, usize::MAX);
        prop_assert_eq!(&whole.0, &pieces.concat());
        prop_assert_eq!(follow(&said, size), whole);
    }

    /// Nothing that is sent makes it fail or keep much.
    #[test]
    fn junk_is_harmless(input in prop::collection::vec(any::<u8>(), 0..400), output in prop::collection::vec(any::<u8>(), 0..400)) {
        follow(&vec![(Way::Input, input), (Way::Output, output)], 7);
    }
}
