//! Ports, sockets, and what editors do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;

use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, Scanner, ScannerOptions};

/// Answers every connection with what it reads, until `connections` have been served.
fn echo_server(connections: usize) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let mut served = Vec::new();
        for stream in listener.incoming().take(connections) {
            served.push(std::thread::spawn(move || {
                let mut stream = stream.expect("a connection");
                let mut text = Vec::new();
                stream.read_to_end(&mut text).expect("readable");
                stream.write_all(&text).expect("writable");
            }));
        }
        for thread in served {
            thread.join().expect("served");
        }
    });
    (port, server)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn exchange(port: u16, text: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.write_all(text).expect("writable");
    stream.shutdown(std::net::Shutdown::Write).expect("half open");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("readable");
    answer
}

fn listening(call: &Call<'_>, arguments: &[&str], port: u16) -> Running {
    let mut command = call.tool("ssh");
    command.args(["-N"]).args(arguments).arg(&call.alias);
    let running = Running::start("ssh", &mut command);
    wait_for_port(port);
    running
}

fn wait_for_port(port: u16) {
    let hexadecimal = format!(":{port:04X} ");
    eventually("the port is listened on", PATIENCE, || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        table.lines().any(|line| line.contains(&hexadecimal) && line.contains(" 0A "))
    });
}

#[test]
fn ports_and_sockets_of_the_scanner_can_be_reached() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let (target, server) = echo_server(2);
    let (near, near_socket) = (free_port(), free_port());
    let path = scanner.directory().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let unix = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("readable");
        stream.write_all(text.to_uppercase().as_bytes()).expect("writable");
    });
    let forwards = [format!("{near}:127.0.0.1:{target}"), format!("{near_socket}:{}", path.display())];
    let _forward = listening(&call, &["-L", &forwards[0], "-L", &forwards[1]], near_socket);
    wait_for_port(near);
    assert_eq!(exchange(near, b"hello"), b"hello");
    let long = vec![0xa5; 3_000_000];
    assert_eq!(exchange(near, &long), long);
    assert_eq!(exchange(near_socket, b"shout"), b"SHOUT");
    server.join().expect("served");
    unix.join().expect("served");
}

#[test]
fn other_hosts_are_refused_unless_they_are_allowed() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = Scanner::start(&relay);
    let call = engineer.call(&scanner);
    let refused = |call: &Call<'_>, target: &str| {
        let mut command = call.tool("ssh");
        command.args(["-W", target, &call.alias]);
        let output = run_with_input(&mut command, b"");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // An address that nothing routes to (TEST-NET-1): it must be refused before it is dialled.
    let (success, reason) = refused(&call, "192.0.2.1:80");
    assert!(!success && reason.contains("not allowed by this scanner"), "{reason}");
    let (success, reason) = refused(&call, &format!("127.0.0.1:{}", free_port()));
    assert!(!success && reason.contains("open failed"), "{reason}");
    call.end();

    let (target, server) = echo_server(1);
    let options = ScannerOptions {
        forward: format!("allow = [\"ip6-localhost:{target}\", \"localhost.localdomain:*\"]"),
        ..Default::default()
    };
    let scanner = Scanner::start_with(&relay, options);
    let call = engineer.call(&scanner);
    let (success, reason) = refused(&call, "localhost.localdomain:1");
    assert!(!success && !reason.contains("not allowed"), "allowed, though it leads nowhere: {reason}");
    let mut command = call.tool("ssh");
    command.args(["-W", &format!("localhost:{target}"), &call.alias]);
    assert_eq!(run_with_input(&mut command, b"ping").stdout, b"ping");
    server.join().expect("served");
}

/// However the scanner is called, it is the scanner; an address that it does not have is not.
#[test]
fn every_name_of_the_scanner_itself_leads_to_it() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let own = nix::unistd::gethostname().expect("a name").into_string().expect("text");
    let names =
        ["0.0.0.0", "127.1", "2130706433", "localhost.", "[::ffff:127.0.0.1]", &own, &format!("{own}.local")];
    let (target, server) = echo_server(names.len());
    let through = |target: &str| {
        let mut command = call.tool("ssh");
        command.args(["-W", target, &call.alias]);
        run_with_input(&mut command, b"ping")
    };
    for name in names {
        let output = through(&format!("{name}:{target}"));
        assert_eq!(output.stdout, b"ping", "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    server.join().expect("served");
    for elsewhere in ["192.0.2.1", "[::ffff:192.0.2.1]", "3221225985", "[2001:db8::1]"] {
        let output = through(&format!("{elsewhere}:{target}"));
        let reason = String::from_utf8_lossy(&output.stderr);
        assert!(reason.contains("not allowed by this scanner"), "{elsewhere}: {reason}");
    }
}

#[test]
fn forward_uses_a_connection_each_and_says_why_not() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let _call = engineer.call(&scanner);
    let (target, server) = echo_server(8);
    let near = free_port();
    let mut command = engineer.connect();
    command.args(["forward", &format!("{near}:127.0.0.1:{target}")]);
    let mut forward = Running::start("forward", &mut command);
    forward.wait_for("forwarding");
    std::thread::scope(|scope| {
        for number in 0..8u8 {
            scope.spawn(move || assert_eq!(exchange(near, &vec![number; 100_000]), vec![number; 100_000]));
        }
    });
    server.join().expect("served");
    let mut command = engineer.connect();
    let elsewhere = free_port();
    command.args(["forward", &format!("{elsewhere}:192.0.2.1:80")]);
    let mut refused = Running::start("forward", &mut command);
    refused.wait_for("forwarding");
    assert!(exchange(elsewhere, b"x").is_empty());
    refused.wait_for("not allowed by this scanner");
}

/// Whether a forward of this session has a connection ahead.
fn has_one_ahead(session: &Path) -> bool {
    let is_socket = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("ahead."))
    };
    std::fs::read_dir(session).is_ok_and(|mut entries| entries.any(is_socket))
}

/// SSH connections that the engineer's one session has open.
fn open_connections(engineer: &Engineer) -> u64 {
    let output = engineer.connect().args(["status", "--json"]).output().expect("it runs");
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    status["sessions"][0]["connections"].as_u64().expect("a number")
}

#[test]
fn a_use_of_a_forward_that_has_none_ahead_counts_once() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let _call = engineer.call(&scanner);
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (near, target) = (free_port(), server.local_addr().expect("an address"));
    // An ssh that cannot share its connection.
    let path =
        engineer.path_with("ssh", "case \"$*\" in *\" -M \"*) exit 255; esac; exec /usr/bin/ssh \"$@\"");
    let mut command = engineer.connect();
    command.args(["forward", &format!("{near}:{target}")]).env("PATH", path);
    let mut forward = Running::start("forward", &mut command);
    forward.wait_for("forwarding");
    let _near = TcpStream::connect(("127.0.0.1", near)).expect("it listens");
    let (_far, _) = server.accept().expect("it leads there");
    assert_eq!(open_connections(&engineer), 1);
}

#[test]
fn forward_has_a_connection_ahead_which_keeps_no_session_before_it_is_used() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let _call = engineer.call(&scanner);
    let session = engineer.runtime().join(scanner.digits());
    let open = || open_connections(&engineer);
    let (target, server) = echo_server(2);
    let near = free_port();
    let mut command = engineer.connect();
    command.args(["forward", &format!("{near}:127.0.0.1:{target}")]);
    let mut forward = Running::start("forward", &mut command);
    forward.wait_for("forwarding");
    eventually("one is ahead", PATIENCE, || has_one_ahead(&session));
    assert_eq!(open(), 0, "nobody uses it");
    // Without the key nobody makes another one.
    let (key, aside) = (session.join("id_ed25519"), session.join("aside"));
    std::fs::rename(&key, &aside).expect("ours");
    let mut stream = TcpStream::connect(("127.0.0.1", near)).expect("it listens");
    eventually("it is used", PATIENCE, || open() == 1);
    stream.write_all(b"hello").expect("writable");
    stream.shutdown(std::net::Shutdown::Write).expect("half open");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("readable");
    assert_eq!(answer, b"hello");
    eventually("it is used no more", PATIENCE, || open() == 0);
    assert!(exchange(near, b"x").is_empty(), "there is no other");
    forward.wait_for("Permission denied");
    std::fs::rename(&aside, &key).expect("ours");
    assert_eq!(exchange(near, b"again"), b"again");
    server.join().expect("served");
    forward.signal(nix::sys::signal::Signal::SIGTERM);
    forward.wait_for_end();
    eventually("nothing is left of it", PATIENCE, || !has_one_ahead(&session));
}

/// What an editor's remote mode does: a shell that stays, a SOCKS proxy, and many connections to a
/// server that it started on the scanner.
#[test]
fn an_editors_remote_mode_works() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let (target, server) = echo_server(40);
    let socks = free_port();
    let mut command = call.tool("ssh");
    command.args(["-T", "-D", &format!("127.0.0.1:{socks}"), &call.alias, "sh"]);
    let mut editor = Running::start("ssh", &mut command);
    wait_for_port(socks);
    editor.type_line("uname -s; echo ready-$((1+1))");
    editor.wait_for("ready-2");
    std::thread::scope(|scope| {
        for number in 0..40u8 {
            scope.spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", socks)).expect("it listens");
                // SOCKS5 (RFC 1928): no authentication, CONNECT to 127.0.0.1:target.
                stream.write_all(&[5, 1, 0]).expect("writable");
                let mut reply = [0; 2];
                stream.read_exact(&mut reply).expect("readable");
                let port = target.to_be_bytes();
                stream.write_all(&[5, 1, 0, 1, 127, 0, 0, 1, port[0], port[1]]).expect("writable");
                let mut reply = [0; 10];
                stream.read_exact(&mut reply).expect("readable");
                assert_eq!(reply[1], 0, "connected");
                stream.write_all(&[number; 10_000]).expect("writable");
                stream.shutdown(std::net::Shutdown::Write).expect("half open");
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).expect("readable");
                assert_eq!(answer, [number; 10_000]);
            });
        }
    });
    server.join().expect("served");
    editor.type_line("echo still-$((1+1))");
    editor.wait_for("still-2");
    editor.type_line("exit 5");
    assert_eq!(editor.wait_for_end().code(), Some(5));
}
