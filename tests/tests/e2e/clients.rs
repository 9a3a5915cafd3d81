//! SSH programs other than OpenSSH's. Those that read no ssh_config are told what `ssh-port --json` prints, and
//! nothing else; the rest find the sessions through the Include line.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::programs::{Running, run_with_input};
use fieldlink_tests::{Engineer, Home, Relay, Scanner};
use serde_json::Value;

/// A port of `fieldlink-connect ssh-port`, and what it printed.
struct Port {
    running: Running,
    json: String,
    facts: Value,
}

impl Port {
    fn open(engineer: &Engineer) -> Self {
        let mut command = engineer.connect();
        let mut running = Running::start("ssh-port", command.args(["ssh-port", "--json"]));
        let json = running.wait_for("known_hosts");
        let facts = serde_json::from_str(&json).expect("JSON");
        Self { running, json, facts }
    }

    fn text(&self, name: &str) -> &str {
        self.facts[name].as_str().expect("text")
    }

    fn number(&self) -> u16 {
        self.facts["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port")
    }
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A program that `tests/setup` installs; `None`, and one line that says so, where it is not there.
fn installed(name: &str) -> Option<PathBuf> {
    let own = in_repository("target/clients/bin").join(name);
    let search = || {
        std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.exists())
    };
    let found = if own.exists() { Some(own) } else { search().filter(|_| name != "python") };
    if found.is_none() {
        // Not eprintln: the test harness hides that of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped  a test with {name}: tests/setup could not install it");
    }
    found
}

fn must(command: &mut Command) -> Output {
    let output = run_with_input(command, b"");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{said}\n{errors}");
    output
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::read(a).expect("readable") == std::fs::read(b).expect("readable")
}

/// Runs one of the scripts in tests/clients over the port, and over a proxy command if it can.
fn run_script(name: &str, ways: &[&str]) {
    let Some(python) = installed("python") else { return };
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let _call = engineer.call(&scanner);
    let port = Port::open(&engineer);
    for way in ways {
        let mut script = engineer.program(&python.display().to_string());
        script
            .arg(in_repository("tests/clients").join(name))
            .arg(&port.json)
            .arg(scanner.directory())
            .arg(way);
        assert_eq!(must(&mut script).stdout, b"done\n", "{name} {way}");
    }
}

#[test]
fn paramiko_runs_commands_and_copies() {
    run_script("paramiko_client.py", &["port", "proxy"]);
}

#[test]
fn asyncssh_runs_commands_and_copies() {
    run_script("asyncssh_client.py", &["port", "proxy"]);
}

#[test]
fn fabric_runs_commands_and_copies() {
    run_script("fabric_client.py", &["port"]);
}

/// Plays the playbook on `host`.
fn play(mut ansible: Command, engineer: &Engineer, scanner: &Scanner, host: &str, words: &[String]) {
    let at = |name: &str| engineer.home().join(name);
    let far = scanner.directory().join(format!("from-ansible-{}", words.len()));
    random_file(&at("near"), 300_001);
    ansible
        .env("ANSIBLE_LOCAL_TEMP", at("ansible"))
        .env("ANSIBLE_HOME", at("ansible"))
        .env("ANSIBLE_REMOTE_TEMP", scanner.directory().join("ansible"))
        .env("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3")
        .env("ANSIBLE_HOST_KEY_CHECKING", "True")
        .args(["-i", &format!("{host},"), "-e"])
        .arg(format!("near={} far={} back={}", at("near").display(), far.display(), at("back").display()))
        .args(words)
        .arg(in_repository("tests/clients/playbook.yml"));
    must(&mut ansible);
    assert!(same(&at("near"), &far) && same(&at("near"), &at("back")));
    std::fs::remove_file(at("back")).expect("ours");
}

/// As it is without settings: the system's ssh, one connection for all tasks (ControlPersist).
#[test]
fn ansible_plays_a_playbook_with_plain_ssh() {
    let Some(ansible) = installed("ansible-playbook") else { return };
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let Some(home) = Home::of(&engineer) else { return };
    let _call = engineer.call(&scanner);
    must(home.connect().args(["ssh-config", "--install"]));
    play(home.program(&ansible), &engineer, &scanner, "scanner", &[]);
}

#[test]
fn ansible_plays_a_playbook_with_paramiko() {
    let Some(ansible) = installed("ansible-playbook") else { return };
    let plugin = run_with_input(
        Command::new(ansible.with_file_name("ansible-doc")).args(["-t", "connection", "paramiko_ssh"]),
        b"",
    );
    if !plugin.status.success() {
        let _ = writeln!(std::io::stderr(), "skipped  Ansible with Paramiko: this version has it no more");
        return;
    }
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let _call = engineer.call(&scanner);
    let port = Port::open(&engineer);
    let ssh = engineer.home().join(".ssh");
    std::fs::create_dir(&ssh).expect("made");
    std::fs::write(ssh.join("known_hosts"), format!("{}\n", port.text("known_hosts"))).expect("written");
    let set = |name: &str, value: &str| ["-e".to_owned(), format!("ansible_{name}={value}")];
    let words = [
        set("port", &port.number().to_string()),
        set("user", port.text("user")),
        set("ssh_private_key_file", port.text("key_file")),
        ["-c".into(), "paramiko_ssh".into()],
    ];
    let program = engineer.program(&ansible.display().to_string());
    play(program, &engineer, &scanner, port.text("host"), &words.concat());
}

#[test]
fn rclone_copies_over_the_port() {
    let Some(rclone) = installed("rclone") else { return };
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let _call = engineer.call(&scanner);
    let port = Port::open(&engineer);
    let (near, far, back) =
        (engineer.home().join("near"), scanner.directory().join("far"), engineer.home().join("back"));
    std::fs::create_dir(&near).expect("made");
    random_file(&near.join("one"), 3_000_001);
    random_file(&near.join("two"), 1);
    let remote = format!(
        ":sftp,host={},port={},user={},key_file={},known_hosts_file={},disable_hashcheck=true,shell_type=unix:{}",
        port.text("host"),
        port.number(),
        port.text("user"),
        port.text("key_file"),
        port.text("known_hosts_file"),
        far.display()
    );
    let near = near.display().to_string();
    let back = back.display().to_string();
    for (from, to) in [(&near, &remote), (&remote, &back)] {
        must(engineer.program(&rclone.display().to_string()).args([
            "--config",
            "/dev/null",
            "copy",
            from,
            to,
        ]));
    }
    for name in ["one", "two"] {
        assert!(same(&Path::new(&near).join(name), &Path::new(&back).join(name)), "{name}");
    }
}

#[test]
fn lftp_finds_the_session_by_its_name() {
    let Some(lftp) = installed("lftp") else { return };
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let Some(home) = Home::of(&engineer) else { return };
    let _call = engineer.call(&scanner);
    must(home.connect().args(["ssh-config", "--install"]));
    let (near, far, back) =
        (engineer.home().join("near"), scanner.directory().join("far"), engineer.home().join("back"));
    random_file(&near, 3_000_001);
    let commands = format!(
        "set cmd:fail-exit yes; open sftp://scanner; put {} -o {}; get {} -o {}",
        near.display(),
        far.display(),
        far.display(),
        back.display()
    );
    must(home.program(&lftp).args(["--norc", "-c", &commands]));
    assert!(same(&near, &far) && same(&near, &back));
}

/// libssh2 before 1.11, which has no AES-GCM, is what curl has on Debian 12 and Ubuntu 22.04.
#[test]
fn curl_copies_over_the_port() {
    let Some(curl) = installed("curl") else { return };
    if !String::from_utf8_lossy(&must(Command::new(&curl).arg("--version")).stdout).contains(" sftp") {
        let _ = writeln!(std::io::stderr(), "skipped  a test with curl: this one has no sftp");
        return;
    }
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let _call = engineer.call(&scanner);
    let port = Port::open(&engineer);
    let (near, far, back) =
        (engineer.home().join("near"), scanner.directory().join("far"), engineer.home().join("back"));
    random_file(&near, 3_000_001);
    let url = format!("sftp://{}:{}{}", port.text("host"), port.number(), far.display());
    let run = |fingerprint: &str, words: &[&str]| {
        let mut curl = engineer.program(&curl.display().to_string());
        curl.args(["--silent", "--show-error", "--user", &format!("{}:", port.text("user"))]);
        curl.args(["--key", port.text("key_file"), "--pubkey", &format!("{}.pub", port.text("key_file"))]);
        // Without it, and without a known_hosts file, curl takes any host key.
        run_with_input(curl.args(["--hostpubsha256", fingerprint]).args(words), b"")
    };
    let (near_text, back_text) = (near.display().to_string(), back.display().to_string());
    let stranger = run(&"A".repeat(43), &["--upload-file", &near_text, &url]);
    assert!(!stranger.status.success() && !far.exists(), "another host key was accepted");
    let fingerprint = port.text("fingerprint").strip_prefix("SHA256:").expect("a kind");
    for words in [["--upload-file", &near_text, &url], ["--output", &back_text, &url]] {
        let output = run(fingerprint, &words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(same(&near, &far) && same(&near, &back));
}

/// The port is this user's alone, and ends with the session.
#[test]
fn another_user_gets_nothing_from_the_port() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut call = engineer.call(&scanner);
    let mut port = Port::open(&engineer);
    let greeting = |mut stream: TcpStream| {
        let mut text = [0; 19];
        std::io::Read::read_exact(&mut stream, &mut text)
            .map(|()| String::from_utf8_lossy(&text).into_owned())
    };
    let address = ("127.0.0.1", port.number());
    let ours = greeting(TcpStream::connect(address).expect("it listens")).expect("a greeting");
    assert_eq!(ours, "SSH-2.0-fieldlink\r\n");
    if nix::unistd::geteuid().is_root() {
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{}; cat <&3", port.number());
        let mut stranger = Command::new("setpriv");
        stranger.args(["--reuid", "65534", "--clear-groups", "bash", "-c", &script]);
        assert_eq!(must(&mut stranger).stdout, b"");
        port.running.wait_for("another user's");
    }
    let known_hosts = PathBuf::from(port.text("known_hosts_file"));
    assert!(known_hosts.exists());
    call.holder.signal(nix::sys::signal::Signal::SIGTERM);
    call.wait_until_ended();
    assert_eq!(port.running.wait_for_end().code(), Some(217), "{}", port.running.transcript());
    assert!(!known_hosts.exists());
}
