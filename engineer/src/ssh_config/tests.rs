use std::process::Command;

use proptest::prelude::*;

use super::*;

pub(super) fn host(directory: &Path) -> SshHost {
    SshHost {
        id: "000000000".parse().expect("valid"),
        session: SessionId::from_bytes([0xa5; 16]),
        user: "fieldlink-support".into(),
        directory: directory.to_owned(),
        program: "/usr/bin/fieldlink-connect".into(),
        key_exchange: "curve25519-sha256".into(),
        unsupported: unsupported(),
    }
}

/// Asked on a thread of its own, so that tests with a runtime may ask, too.
fn unsupported() -> Vec<String> {
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(dialect::unsupported()).expect("ssh is installed")
    };
    std::thread::spawn(ask).join().expect("asked")
}

#[test]
fn the_file_is_as_agreed() {
    let host = SshHost { unsupported: Vec::new(), ..host(Path::new("/run/user/1000/fieldlink/X")) };
    let expected = "\
# One Fieldlink session; this file is removed at its end.
Host scanner-000000000 scanner
    HostName scanner-000000000
    HostKeyAlias fieldlink-a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5
    User fieldlink-support
    ProxyCommand /usr/bin/fieldlink-connect proxy /run/user/1000/fieldlink/X/control.sock
    IdentityFile \"/run/user/1000/fieldlink/X/id_ed25519\"
    UserKnownHostsFile \"/run/user/1000/fieldlink/X/known_hosts\"
    KexAlgorithms curve25519-sha256
    Port 22
    ProxyUseFdpass yes
    IdentitiesOnly yes
    IdentityAgent none
    AddKeysToAgent no
    CertificateFile none
    PKCS11Provider none
    GlobalKnownHostsFile /dev/null
    KnownHostsCommand none
    RevokedHostKeys none
    StrictHostKeyChecking yes
    NoHostAuthenticationForLocalhost no
    CheckHostIP no
    UpdateHostKeys no
    VerifyHostKeyDNS no
    HostKeyAlgorithms ssh-ed25519
    PubkeyAcceptedAlgorithms ssh-ed25519
    PreferredAuthentications publickey
    PubkeyAuthentication yes
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    HostbasedAuthentication no
    GSSAPIAuthentication no
    GSSAPIDelegateCredentials no
    GSSAPIKeyExchange no
    NumberOfPasswordPrompts 0
    ForwardAgent no
    ForwardX11 no
    ForwardX11Trusted no
    Tunnel no
    GatewayPorts no
    ClearAllForwardings no
    PermitLocalCommand no
    CanonicalizeHostname no
    Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com
    MACs hmac-sha2-256-etm@openssh.com
    RekeyLimit default 0
    Compression no
    VersionAddendum none
    ServerAliveInterval 0
    TCPKeepAlive no
    ConnectTimeout 300
    ConnectionAttempts 1
    ChannelTimeout none
    ControlMaster no
    ControlPath none
    ControlPersist no
    RemoteCommand none
    RequestTTY auto
    SessionType default
    StdinNull no
    ForkAfterAuthentication no
    BatchMode no
    VisualHostKey no
    LogLevel INFO
    LogVerbose none
    EscapeChar ~
    EnableEscapeCommandline no
    SendEnv LANG LC_*
";
    assert_eq!(host.file().expect("safe"), expected);
}

#[test]
fn nothing_unsafe_gets_in() {
    let good = host(Path::new("/run/x"));
    for user in ["", "-l", "a b", "a\nProxyCommand sh", "%h", "a#", "a\"", "a\\"] {
        assert!(SshHost { user: user.into(), ..good.clone() }.file().is_err(), "{user:?}");
    }
    for key_exchange in ["", "a b", "a\nForwardAgent yes", "+x\"", "a%h"] {
        assert!(SshHost { key_exchange: key_exchange.into(), ..good.clone() }.file().is_err());
    }
    for directory in ["/run/a\"b", "/run/$HOME", "/run/a\nb", "/run/*", "/run/a\\b"] {
        assert!(SshHost { directory: directory.into(), ..good.clone() }.file().is_err(), "{directory:?}");
    }
    assert!(SshHost { program: "/opt/a\nb".into(), ..good }.file().is_err());
    assert!(include_line(Path::new("/run/a?")).is_err() && include_line(Path::new("/run/100%")).is_err());
}

/// What the local ssh makes of a configuration, or `None` where there is no ssh.
fn ssh_reads(config: &str, name: &str) -> Option<String> {
    let base = tempfile::tempdir().expect("a directory");
    let path = base.path().join("config");
    std::fs::write(&path, config).expect("written");
    let output = Command::new("ssh").arg("-F").arg(&path).args(["-G", name]).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn ssh_reads_every_option_as_it_is_meant() {
    let host = SshHost {
        program: "/opt/it's 100% \"here\"/fieldlink-connect".into(),
        ..host(Path::new("/tmp/a 100% b"))
    };
    let Some(read) = ssh_reads(&host.file().expect("safe"), "scanner") else { return };
    let has = |line: &str| assert!(read.lines().any(|read| read == line), "{line} in {read}");
    has("proxycommand '/opt/it'\\''s 100%% \"here\"/fieldlink-connect' proxy '/tmp/a 100%% b/control.sock'");
    has("identityfile /tmp/a 100%% b/id_ed25519");
    has("userknownhostsfile /tmp/a 100% b/known_hosts");
    has("sendenv LC_*");
    // ssh shows these in other words.
    let others = ["SendEnv", "RekeyLimit"];
    for (option, value) in fixed(&host.unsupported).filter(|(option, _)| !others.contains(option)) {
        let (option, value) = (option.to_lowercase(), value.as_str());
        let read = read.lines().find_map(|line| line.strip_prefix(&option)?.strip_prefix(' '));
        // Options that are off or empty may be left out, or be shown as `false`.
        let off = matches!(value, "none" | "no");
        assert!(
            read.map_or(off, |read| read == value
                || (off && matches!(read, "none" | "no" | "false"))
                || read == "true"),
            "{option} {value}: {read:?}"
        );
    }
}

proptest! {
    /// A name that is accepted is one word of one line, whatever an agent sends.
    #[test]
    fn the_account_cannot_add_a_line(user in "\\PC{0,20}|[a-z\n\" %#=-]{0,12}") {
        let good = host(Path::new("/run/x"));
        let lines = good.file().expect("safe").lines().count();
        if let Ok(file) = (SshHost { user: user.clone(), ..good }).file() {
            prop_assert_eq!(file.lines().count(), lines);
            let line = format!("    User {user}\n");
            prop_assert!(file.contains(&line) && user.split_whitespace().count() == 1);
        }
    }
}
