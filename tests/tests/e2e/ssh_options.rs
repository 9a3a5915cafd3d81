//! Plain `ssh`, with whatever an engineer may have in their own configuration: it does what `ssh -F` does, or
//! `ssh-config` says which option is in the way.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::{Engineer, Home, Relay, Scanner};

/// What is run with every option: it shows all that an option can change.
const COMMAND: &str = "echo out; echo err >&2; cat; test -t 0 && echo terminal; \
    env | grep -E 'TOKEN|SSH_AUTH_SOCK|DISPLAY'; exit 7";

/// Every option of ssh_config(5), with a value that does harm where it can. Of an option that the installed ssh
/// does not know nothing is tried.
const HOSTILE: &[&str] = &[
    "AddKeysToAgent yes",
    "AddressFamily inet6",
    "BatchMode yes",
    "BindAddress 192.0.2.1",
    "BindInterface nosuch0",
    "CanonicalDomains example.com",
    "CanonicalizeFallbackLocal no",
    "CanonicalizeHostname always",
    "CanonicalizeMaxDots 5",
    "CanonicalizePermittedCNAMEs *:*",
    "CASignatureAlgorithms rsa-sha2-512",
    "CertificateFile /nowhere/certificate",
    "ChannelTimeout *=1",
    "CheckHostIP yes",
    "Ciphers aes128-ctr",
    "ClearAllForwardings yes",
    "Compression yes",
    "ConnectionAttempts 9",
    "ConnectTimeout 1",
    "ControlMaster auto",
    "ControlPath ~/.ssh/%C",
    "ControlPersist yes",
    "ControlMaster auto\n ControlPath ~/.ssh/%C\n ControlPersist 60",
    "DynamicForward 127.0.0.1:1",
    "EnableEscapeCommandline yes",
    "EnableSSHKeysign yes",
    "EscapeChar o",
    "ExitOnForwardFailure yes",
    "FingerprintHash md5",
    "ForkAfterAuthentication yes",
    "ForwardAgent yes",
    "ForwardX11 yes",
    "ForwardX11Timeout 1",
    "ForwardX11Trusted yes",
    "GatewayPorts yes",
    "GlobalKnownHostsFile /nowhere/known_hosts",
    "GSSAPIAuthentication yes",
    "GSSAPIClientIdentity ada",
    "GSSAPIDelegateCredentials yes",
    "GSSAPIKexAlgorithms gss-gex-sha1-",
    "GSSAPIKeyExchange yes",
    "GSSAPIRenewalForcesRekey yes",
    "GSSAPIServerIdentity mallory",
    "GSSAPITrustDns yes",
    "HashKnownHosts yes",
    "HostbasedAcceptedAlgorithms rsa-sha2-512",
    "HostbasedAuthentication yes",
    "HostKeyAlgorithms rsa-sha2-512",
    "HostKeyAlias elsewhere",
    "Hostname 192.0.2.1",
    "IdentitiesOnly no",
    "IdentityAgent /nowhere/agent",
    "IdentityFile /nowhere/key",
    "IgnoreUnknown *",
    "IPQoS none",
    "KbdInteractiveAuthentication yes",
    "KbdInteractiveDevices pam",
    "KexAlgorithms diffie-hellman-group14-sha256",
    "KnownHostsCommand /bin/false",
    "LocalCommand echo local",
    "PermitLocalCommand yes\n LocalCommand echo local",
    "LocalForward 127.0.0.1:1 localhost:80",
    "LogLevel DEBUG3",
    "LogLevel QUIET",
    "LogVerbose *:*:*",
    "MACs hmac-sha1",
    "NoHostAuthenticationForLocalhost yes",
    "NumberOfPasswordPrompts 3",
    "ObscureKeystrokeTiming no",
    "PasswordAuthentication yes",
    "PermitLocalCommand yes",
    "PermitRemoteOpen none",
    "PKCS11Provider /nowhere/provider.so",
    "Port 2222",
    "PreferredAuthentications password",
    "ProxyCommand false",
    "ProxyJump 192.0.2.1",
    "ProxyUseFdpass no",
    "PubkeyAcceptedAlgorithms rsa-sha2-512",
    "PubkeyAuthentication no",
    "RefuseConnection refused-by-the-engineer",
    "RekeyLimit 16 1",
    "RemoteCommand echo mine",
    "RemoteForward 9 localhost:80",
    "RequestTTY force",
    "RequiredRSASize 8192",
    "RevokedHostKeys /nowhere/revoked",
    "SecurityKeyProvider /nowhere/provider.so",
    "SendEnv *_TOKEN",
    "SendEnv LC_* COLORTERM",
    "ServerAliveCountMax 1",
    "ServerAliveInterval 1",
    "SessionType none",
    "SetEnv API_TOKEN=hush",
    "SetEnv TERM=xterm-256color",
    "StdinNull yes",
    "StreamLocalBindMask 0000",
    "StreamLocalBindUnlink yes",
    "StrictHostKeyChecking no",
    "SyslogFacility LOCAL7",
    "Tag mine",
    "TCPKeepAlive yes",
    "Tunnel yes",
    "TunnelDevice 1:1",
    "UpdateHostKeys yes",
    "User mallory",
    "UserKnownHostsFile /dev/null",
    "VerifyHostKeyDNS yes",
    "VersionAddendum hush",
    "VisualHostKey yes",
    "WarnWeakCrypto no",
    "XAuthLocation /nowhere/xauth",
];

/// What an engineer sees of one `ssh scanner COMMAND`.
fn outcome(home: &Home<'_>) -> (Option<i32>, String, String) {
    let mut ssh = home.program("ssh");
    ssh.env("GITHUB_TOKEN", "hush").args(["scanner", COMMAND]);
    let Output { status, stdout, stderr } = run_with_input(&mut ssh, b"in\no\n~.\n");
    (
        status.code(),
        String::from_utf8_lossy(&stdout).into_owned(),
        String::from_utf8_lossy(&stderr).into_owned(),
    )
}

/// What `ssh-config` says, if something is in the way.
fn complaint(home: &Home<'_>) -> Option<String> {
    let output = run_with_input(home.connect().arg("ssh-config"), b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(said)
}

/// Whether the installed ssh knows what stands in `lines`, and was built with it.
fn is_known(lines: &str) -> bool {
    let mut ssh = Command::new("ssh");
    let output = run_with_input(ssh.args(["-F", "/dev/stdin", "-G", "x"]), lines.as_bytes());
    let said = String::from_utf8_lossy(&output.stderr);
    !said.contains("Bad configuration option") && !said.contains("Unsupported option")
}

#[test]
fn every_option_does_nothing_or_is_named() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let Some(home) = Home::of(&engineer) else { return };
    let _call = engineer.call(&scanner);
    assert!(run_with_input(home.connect().args(["ssh-config", "--install"]), b"").status.success());
    let include = std::fs::read_to_string(home.ssh_config()).expect("made");
    let expected = (Some(7), "out\nin\no\n~.\n".to_owned(), "err\n".to_owned());
    assert_eq!((outcome(&home), complaint(&home)), (expected.clone(), None));
    for lines in HOSTILE.iter().filter(|lines| is_known(lines)) {
        let option = lines.split_whitespace().next().expect("a name").to_lowercase();
        for text in [format!("{include}Host *\n {lines}\n"), format!("Host *\n {lines}\n{include}")] {
            std::fs::write(home.ssh_config(), text).expect("writable");
            match complaint(&home) {
                None => assert_eq!(outcome(&home), expected, "{lines}"),
                Some(said) => assert!(said.to_lowercase().contains(&option), "{lines}: {said}"),
            }
        }
    }
}

/// The table above, against what this ssh shows of itself.
#[test]
fn no_option_of_the_installed_ssh_is_left_out() {
    let shown = run_with_input(Command::new("ssh").args(["-F", "none", "-G", "x"]), b"").stdout;
    let shown = String::from_utf8_lossy(&shown).to_lowercase();
    let tried: BTreeSet<_> = HOSTILE
        .iter()
        .flat_map(|lines| lines.lines())
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_lowercase)
        .collect();
    let missing: Vec<_> = shown
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|option| *option != "host" && !tried.contains(*option))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
