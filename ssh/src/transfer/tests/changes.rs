//! What is changed beside the bytes of files.

use super::*;

const UNSUPPORTED: u8 = 8;

/// What was changed, the files that are over, and whether the account ended.
fn changes(said: &Said, size: usize) -> (Vec<Changed>, Vec<Transfer>, bool) {
    let (mut changed, mut over, mut is_lost) = (Vec::new(), Vec::new(), false);
    let mut transfers = Transfers::default();
    let mut see = |seen: Seen<'_>| match seen {
        Seen::Changed(change) => changed.push(change),
        Seen::Over(transfer) => over.push(transfer),
        Seen::Lost => is_lost = true,
        Seen::Data { .. } => {}
    };
    for (way, bytes) in said {
        bytes.chunks(size).for_each(|piece| transfers.push(*way, piece, &mut see));
    }
    transfers.end(&mut see);
    (changed, over, is_lost)
}

fn two(one: &[u8], other: &[u8]) -> Vec<u8> {
    named(one, &named(other, b""))
}

fn extended(id: u32, name: &[u8], rest: &[u8]) -> Vec<u8> {
    packet(200, id, &named(name, rest))
}

/// Permissions 0640, as OpenSSH's client sets them.
const PERMISSIONS: &[u8] = &[0, 0, 0, 4, 0, 0, 0x81, 0xa0];

/// Every request that changes something, under a number each, and what it is.
fn every_change() -> Vec<(Vec<u8>, Change)> {
    let (a, b) = (|| b"/tmp/a".to_vec(), || b"/tmp/b".to_vec());
    let set = |attributes| Change::Attributes { path: a(), attributes };
    let permissions = Attributes { permissions: Some(0o100_640), ..Attributes::default() };
    let everything =
        [&[0, 0, 0, 15][..], &12u64.to_be_bytes(), &[0, 0, 3, 232, 0, 0, 0, 100], &PERMISSIONS[4..], &[0; 8]]
            .concat();
    let all = Attributes { size: Some(12), owner: Some((1000, 100)), permissions: Some(0o100_640) };
    vec![
        (packet(18, 10, &two(b"/tmp/a", b"/tmp/b")), Change::Rename { from: a(), to: b() }),
        (
            extended(11, b"posix-rename@openssh.com", &two(b"/tmp/a", b"/tmp/b")),
            Change::Rename { from: a(), to: b() },
        ),
        (packet(13, 12, &named(b"/tmp/a", b"")), Change::Remove { path: a() }),
        (packet(14, 13, &named(b"/tmp/a", &[0; 4])), Change::MakeDirectory { path: a() }),
        (packet(15, 14, &named(b"/tmp/a", b"")), Change::RemoveDirectory { path: a() }),
        // OpenSSH's order.
        (packet(20, 15, &two(b"/tmp/a", b"/tmp/b")), Change::SymbolicLink { target: a(), path: b() }),
        (
            extended(16, b"hardlink@openssh.com", &two(b"/tmp/a", b"/tmp/b")),
            Change::HardLink { target: a(), path: b() },
        ),
        (packet(9, 17, &named(b"/tmp/a", PERMISSIONS)), set(permissions)),
        (packet(9, 18, &named(b"/tmp/a", &everything)), set(all)),
        (extended(19, b"lsetstat@openssh.com", &named(b"/tmp/a", PERMISSIONS)), set(permissions)),
        // Of the file that `opening` opens.
        (packet(10, 20, &named(b"h", PERMISSIONS)), set(permissions)),
    ]
}

fn id_of(packet: &[u8]) -> u32 {
    u32::from_be_bytes(packet[5..9].try_into().expect("four bytes"))
}

#[test]
fn every_change_is_told_with_what_came_of_it() {
    for code in [0, 2, 3, 4, UNSUPPORTED] {
        let mut said = opening(2);
        for (request, _) in every_change() {
            said.push((Way::Input, request.clone()));
            said.push((Way::Output, status(id_of(&request), code)));
        }
        let (changed, _, is_lost) = changes(&said, 1000);
        let told = every_change().into_iter();
        let expected: Vec<_> =
            told.map(|(_, change)| Changed { change, status: Some(code.into()) }).collect();
        assert_eq!((changed, is_lost), (expected, false));
        assert_eq!(changes(&said, 1).0.len(), every_change().len());
    }
}

/// The channel may end before the server has said anything, and everything may be sent before anything is answered.
#[test]
fn what_is_not_answered_is_told_all_the_same() {
    let mut said = opening(2);
    said.extend(every_change().into_iter().map(|(request, _)| (Way::Input, request)));
    said.push((Way::Output, status(12, 0)));
    let (changed, ..) = changes(&said, 1000);
    assert_eq!((changed.len(), changed[0].is_done()), (every_change().len(), true), "as it is answered");
    assert!(changed[1..].iter().all(|changed| changed.status.is_none()));
    let expected = every_change().into_iter().map(|(_, change)| change);
    let expected: Vec<_> = expected.filter(|change| !matches!(change, Change::Remove { .. })).collect();
    let told: Vec<_> = changed.into_iter().skip(1).map(|changed| changed.change).collect();
    assert_eq!(told, expected);
}

#[test]
fn what_changes_nothing_has_no_entry() {
    let times = [&[0, 0, 0, 8][..], &[0; 8]].concat();
    let mut said = opening(2);
    let asked = [
        packet(9, 30, &named(b"/tmp/a", &times)),
        packet(10, 31, &named(b"no such handle", &times)),
        packet(17, 32, &named(b"/tmp/a", b"")),
        packet(11, 33, &named(b"/tmp", b"")),
        extended(34, b"statvfs@openssh.com", &named(b"/", b"")),
        extended(35, b"fsync@openssh.com", &named(b"h", b"")),
        extended(36, b"limits@openssh.com", b""),
    ];
    for request in asked {
        said.push((Way::Input, request.clone()));
        said.push((Way::Output, status(id_of(&request), 0)));
    }
    assert_eq!(changes(&said, 1000).0, []);
    assert!(!changes(&said, 1000).2);
}

/// The bytes do not pass the channel, so their hash is not known; the account does not take the file for an empty one.
#[test]
fn what_the_device_copies_is_told_and_has_no_hash() {
    let mut said = opening(1);
    said.push((Way::Input, packet(3, 2, &named(b"/tmp/b", &[0, 0, 0, 2, 0, 0, 0, 0]))));
    said.push((Way::Output, packet(102, 2, &named(b"i", b""))));
    let copy = named(b"h", &[&[0; 16][..], &named(b"i", &[0; 8])].concat());
    said.push((Way::Input, extended(3, b"copy-data", &copy)));
    said.push((Way::Output, status(3, 0)));
    let (changed, over, is_lost) = changes(&said, 1000);
    let change = Change::Copy { from: b"/tmp/a".into(), to: b"/tmp/b".into() };
    assert_eq!((changed, is_lost), (vec![Changed { change, status: Some(0) }], false));
    assert_eq!(over[1].written, Some(Moved { bytes: 0, is_contiguous: false }));
}

#[test]
fn what_is_not_understood_ends_the_account_and_what_was_asked_before_is_told() {
    let ask = |request: Vec<u8>| vec![(Way::Input, request)];
    let cut = |mut request: Vec<u8>| {
        request.pop();
        request[3] -= 1;
        ask(request)
    };
    let answered =
        |id, answer| vec![(Way::Input, extended(id, b"new@example.com", b"")), (Way::Output, answer)];
    let cases: [(&str, Said); 8] = [
        ("a path that is cut", cut(packet(13, 30, &named(b"/tmp/a", b"")))),
        ("one path for two", ask(packet(18, 30, &named(b"/tmp/a", b"")))),
        ("attributes that are cut", cut(packet(9, 30, &named(b"/tmp/a", PERMISSIONS)))),
        ("no attributes", ask(packet(9, 30, &named(b"/tmp/a", b"")))),
        ("an extension without a name", ask(packet(200, 30, &[0, 0, 0, 9]))),
        ("attributes of a handle that is not known", ask(packet(10, 30, &named(b"x", PERMISSIONS)))),
        ("something new that the server knows", answered(30, status(30, 0))),
        ("a number that is in use", ask(packet(13, 9, &named(b"/tmp/b", b"")))),
    ];
    let removal = Changed { change: Change::Remove { path: b"/tmp/a".into() }, status: None };
    for (what, more) in cases {
        let mut said = opening(2);
        said.push((Way::Input, packet(13, 9, &named(b"/tmp/a", b""))));
        said.extend(more);
        let (changed, over, is_lost) = changes(&said, 1000);
        assert!(is_lost && over.len() == 1, "{what}");
        assert_eq!(changed, std::slice::from_ref(&removal), "{what}");
    }
    let mut said = opening(2);
    said.extend(answered(30, status(30, UNSUPPORTED)));
    assert!(!changes(&said, 1000).2, "it does not know it, either");
    // An answer that is none to a removal.
    said.push((Way::Input, packet(13, 31, &named(b"/tmp/a", b""))));
    said.push((Way::Output, packet(102, 31, &named(b"j", b""))));
    assert_eq!((changes(&said, 1000).0, changes(&said, 1000).2), (vec![removal], true));
}

#[test]
fn the_longest_paths_are_told_and_many_of_them_are_bounded() {
    let (from, to) = (vec![b'x'; 4096], vec![b'y'; 4096]);
    let rename = |id| (Way::Input, packet(18, id, &two(&from, &to)));
    let (changed, _, is_lost) = changes(&vec![rename(1), (Way::Output, status(1, 0))], 1000);
    let change = Change::Rename { from: from.clone(), to: to.clone() };
    assert_eq!((changed, is_lost), (vec![Changed { change, status: Some(0) }], false));
    let (changed, _, is_lost) = changes(&(0..1000).map(rename).collect(), usize::MAX);
    assert!(is_lost && changed.len() < 140, "{}", changed.len());
}

fn any_paths() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let path = || prop::collection::vec(any::<u8>(), 0..80);
    (path(), path())
}

proptest! {
    /// However the streams are cut, whatever the paths, and in whichever order it is answered: each change is told once.
    #[test]
    fn each_change_is_told_once(
        paths in prop::collection::vec((any_paths(), 0u8..9), 1..12),
        order in any::<prop::sample::Index>(),
        size in 1usize..60,
    ) {
        let requests = (10..).zip(&paths).map(|(id, ((one, other), _))| (Way::Input, packet(18, id, &two(one, other))));
        let mut answers: Vec<_> =
            (10..).zip(&paths).map(|(id, (_, code))| (Way::Output, status(id, *code))).collect();
        let first = order.index(answers.len());
        answers.rotate_left(first);
        let said: Said = opening(2).into_iter().chain(requests).chain(answers).collect();
        let mut expected: Vec<_> = paths.iter().map(|((from, to), code)| Changed {
            change: Change::Rename { from: from.clone(), to: to.clone() },
            status: Some((*code).into()),
        }).collect();
        expected.rotate_left(first);
        let (changed, _, is_lost) = changes(&said, size);
        prop_assert!(!is_lost);
        prop_assert_eq!(changed, expected);
    }
}
