//! The options that stand in every block, and those that may come out as they like.
//!
//! In an ssh_config the first value wins, so what a block sets is settled, wherever the engineer's own
//! configuration says otherwise further down. What a block cannot settle is compared ([`super::check`]).

/// Options whose value is the same for every session. An ssh that does not know one of them cannot be told to
/// do what it stands for either, and is not given it (see [`super::dialect`]).
pub(super) const FIXED: &[(&str, &str)] = &[
    ("Port", "22"),
    ("ProxyUseFdpass", "yes"),
    ("IdentitiesOnly", "yes"),
    ("IdentityAgent", "none"),
    ("AddKeysToAgent", "no"),
    ("CertificateFile", "none"),
    ("PKCS11Provider", "none"),
    ("GlobalKnownHostsFile", "/dev/null"),
    ("KnownHostsCommand", "none"),
    ("RevokedHostKeys", "none"),
    ("StrictHostKeyChecking", "yes"),
    ("NoHostAuthenticationForLocalhost", "no"),
    ("CheckHostIP", "no"),
    ("UpdateHostKeys", "no"),
    ("VerifyHostKeyDNS", "no"),
    ("HostKeyAlgorithms", "ssh-ed25519"),
    ("PubkeyAcceptedAlgorithms", "ssh-ed25519"),
    ("PreferredAuthentications", "publickey"),
    ("PubkeyAuthentication", "yes"),
    ("PasswordAuthentication", "no"),
    ("KbdInteractiveAuthentication", "no"),
    ("HostbasedAuthentication", "no"),
    ("GSSAPIAuthentication", "no"),
    ("GSSAPIDelegateCredentials", "no"),
    // With it the scanner would prove itself by Kerberos instead of its host key. Debian and Fedora have it.
    ("GSSAPIKeyExchange", "no"),
    ("NumberOfPasswordPrompts", "0"),
    ("ForwardAgent", "no"),
    ("ForwardX11", "no"),
    ("ForwardX11Trusted", "no"),
    ("Tunnel", "no"),
    ("GatewayPorts", "no"),
    ("ClearAllForwardings", "no"),
    ("PermitLocalCommand", "no"),
    ("CanonicalizeHostname", "no"),
    ("Ciphers", "aes128-gcm@openssh.com,aes256-gcm@openssh.com"),
    ("MACs", "hmac-sha2-256-etm@openssh.com"),
    ("RekeyLimit", "default 0"),
    ("Compression", "no"),
    ("VersionAddendum", "none"),
    // The pipe knows who is alive; a stalled upload would look like a dead server. The greeting may take as long
    // as an interruption of the session.
    ("ServerAliveInterval", "0"),
    ("TCPKeepAlive", "no"),
    ("ConnectTimeout", "300"),
    ("ConnectionAttempts", "1"),
    ("ChannelTimeout", "none"),
    // Every ssh has a pipe of its own, so sharing one connection gains nothing and costs lines of noise.
    ("ControlMaster", "no"),
    ("ControlPath", "none"),
    ("ControlPersist", "no"),
    // What a command reads, writes and returns is the command's alone.
    ("RemoteCommand", "none"),
    ("RequestTTY", "auto"),
    ("SessionType", "default"),
    ("StdinNull", "no"),
    ("ForkAfterAuthentication", "no"),
    ("BatchMode", "no"),
    ("VisualHostKey", "no"),
    ("LogLevel", "INFO"),
    ("LogVerbose", "none"),
    ("EscapeChar", "~"),
    ("EnableEscapeCommandline", "no"),
    ("SendEnv", "LANG LC_*"),
];

/// Options that change neither whom ssh trusts nor what a command does over one of our connections, in
/// `ssh -G`'s spelling.
pub(super) const HARMLESS: &[&str] = &[
    // Of a connection over the network, which a proxy command has in ssh's place.
    "addressfamily",
    "bindaddress",
    "bindinterface",
    "ipqos",
    "serveralivecountmax",
    // Of names, which are not looked up.
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "tag",
    // Of files of host keys that are not written, and certificates and keys of kinds that are not taken.
    "hashknownhosts",
    "casignaturealgorithms",
    "requiredrsasize",
    "fingerprinthash",
    "warnweakcrypto",
    // Of ways to log in that are off.
    "hostbasedacceptedalgorithms",
    "hostbasedkeytypes",
    "enablesshkeysign",
    "kbdinteractivedevices",
    "challengeresponseauthentication",
    "securitykeyprovider",
    "gssapikexalgorithms",
    "gssapitrustdns",
    "gssapirenewalforcesrekey",
    "gssapiclientidentity",
    "gssapiserveridentity",
    // Of features that are off.
    "forwardx11timeout",
    "xauthlocation",
    "tunneldevice",
    "localcommand",
    // Of forwardings that the engineer asks for on the command line.
    "exitonforwardfailure",
    "permitremoteopen",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    // Of the time between keystrokes, which the scanner's SSH server does not take part in.
    "obscurekeystroketiming",
    // Of this computer's own log, and of how a configuration is read.
    "syslogfacility",
    "ignoreunknown",
];

/// Environment variables that may be sent besides the block's: language, and what a terminal can show.
/// Distributions send them to every host, and the scanner takes none but the first two.
const HARMLESS_VARIABLES: &[&str] = &["LANG", "LC_*", "LANGUAGE", "XMODIFIERS", "COLORTERM", "NO_COLOR"];

/// Variables that may be set to a value for the far side: a terminal's name that more computers know.
const HARMLESS_SETTINGS: &[&str] = &["TERM", "COLORTERM", "NO_COLOR"];

/// Whether the variables that `pattern` stands for may be sent.
pub(super) fn may_be_sent(pattern: &str) -> bool {
    HARMLESS_VARIABLES.contains(&pattern) || pattern.starts_with("LC_")
}

/// Whether the variable `name` may be set.
pub(super) fn may_be_set(name: &str) -> bool {
    HARMLESS_SETTINGS.contains(&name)
}

/// Options that gather values from everywhere: what stands below a block is added to the block's.
pub(super) fn gathers(option: &str) -> bool {
    matches!(
        option,
        "identityfile"
            | "certificatefile"
            | "sendenv"
            | "setenv"
            | "localforward"
            | "remoteforward"
            | "dynamicforward"
    )
}
