use proptest::prelude::*;

use super::*;

fn requests() -> impl Strategy<Value = Request> {
    let id = any::<u64>().prop_map(RequestId);
    let program = prop_oneof![
        Just(ProgramKind::Shell {}),
        Just(ProgramKind::Sftp {}),
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(|command| ProgramKind::Exec { command }),
    ];
    let target = prop_oneof![
        (any::<String>(), any::<u16>()).prop_map(|(host, port)| ConnectTarget::Tcp { host, port }),
        (any::<String>(), any::<u16>()).prop_map(|(host, port)| ConnectTarget::Own { host, port }),
        any::<String>().prop_map(|path| ConnectTarget::Unix { path }),
    ];
    prop_oneof![
        (id.clone(), program, terminals(), any::<Vec<(String, String)>>()).prop_map(
            |(id, program, terminal, environment)| Request::Start { id, program, terminal, environment }
        ),
        (id.clone(), target).prop_map(|(id, target)| Request::Connect { id, target }),
        id.prop_map(|id| Request::Signal { id, name: ProgramSignal::Usr1 }),
        any::<u64>().prop_map(|sequence| Request::Ping { sequence }),
        Just(Request::End {}),
    ]
}

fn terminals() -> impl Strategy<Value = Option<TerminalRequest>> {
    let size = any::<(u16, u16, u16, u16)>().prop_map(|(columns, rows, pixel_width, pixel_height)| {
        TerminalSize { columns, rows, pixel_width, pixel_height }
    });
    proptest::option::of(
        (any::<String>(), size, any::<Vec<(u8, u32)>>()).prop_map(|(term, size, modes)| TerminalRequest {
            term,
            size,
            modes,
        }),
    )
}

fn events() -> impl Strategy<Value = Event> {
    let id = any::<u64>().prop_map(RequestId);
    let status = prop_oneof![
        any::<u8>().prop_map(|code| ExitStatus::Code { code }),
        (any::<String>(), any::<bool>())
            .prop_map(|(name, core_dumped)| ExitStatus::Signal { name, core_dumped }),
    ];
    prop_oneof![
        any::<(u32, String, String, String, String)>().prop_map(|(version, user, home, shell, hostname)| {
            Event::Ready(Welcome { version, user, home, shell, hostname })
        }),
        (id.clone(), any::<u32>()).prop_map(|(id, pid)| Event::Started { id, pid }),
        id.clone().prop_map(|id| Event::Connected { id }),
        (id.clone(), any::<String>()).prop_map(|(id, message)| Event::Failed {
            id,
            reason: FailReason::TimedOut,
            message
        }),
        (id, status).prop_map(|(id, status)| Event::Exited { id, status }),
        any::<u64>().prop_map(|sequence| Event::Pong { sequence }),
    ]
}

proptest! {
    #[test]
    fn requests_survive_the_wire(request in requests()) {
        if let Ok(packet) = encode(&request) {
            prop_assert_eq!(decode::<Request>(&packet).expect("own packet"), request);
        }
    }

    #[test]
    fn events_survive_the_wire(event in events()) {
        let packet = encode(&event).expect("small");
        prop_assert_eq!(decode::<Event>(&packet).expect("own packet"), event);
    }

    #[test]
    fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode::<Event>(&bytes);
        let _ = decode::<Request>(&bytes);
    }
}

#[test]
fn unknown_fields_are_refused_everywhere() {
    for text in [
        r#"{"type":"end","extra":1}"#,
        r#"{"type":"ping","sequence":1,"extra":1}"#,
        r#"{"type":"connect","id":1,"target":{"type":"unix","path":"/x","extra":1}}"#,
        r#"{"type":"start","id":1,"program":{"type":"shell","extra":1},"terminal":null,"environment":[]}"#,
        r#"{"type":"signal","id":1,"name":"STOP"}"#,
    ] {
        assert!(decode::<Request>(text.as_bytes()).is_err(), "{text}");
    }
    let ready = r#"{"type":"ready","version":1,"user":"u","home":"h","shell":"s","hostname":"n","extra":1}"#;
    assert!(decode::<Event>(ready.as_bytes()).is_err());
}

#[test]
fn the_longest_ssh_command_fits() {
    let command = vec![0xff; 40 * 1024];
    let request = Request::Start {
        id: RequestId(u64::MAX),
        program: ProgramKind::Exec { command },
        terminal: None,
        environment: Vec::new(),
    };
    assert!(encode(&request).is_ok());
}

#[test]
fn signals_are_known_by_their_ssh_names() {
    assert_eq!(ProgramSignal::from_name("USR1"), Some(ProgramSignal::Usr1));
    assert_eq!(ProgramSignal::from_name("SIGINT"), None);
    assert_eq!(ProgramSignal::from_name("int"), None);
}
