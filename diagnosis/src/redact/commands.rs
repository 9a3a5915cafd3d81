//! Secrets in command lines, and as words that stand beside each other.

use super::names::{PASSWORDS, PROSE, name};
use super::rule::{Rule, rule};

/// Words behind which a secret may stand in a sentence.
const SAID: &str = r"\b(?:pass(?:word|wd|phrase)|passwort|kennwort|psk|pin|secret|token)";

/// All of them.
pub(super) fn rules() -> Vec<Rule> {
    let name = name();
    let harmless = [
        format!(r#"--?[\w.-]*{name}\s+["']?(?P<secret>[^\s"'-][^\s"']*)"#),
        format!(r#"{SAID}\s+(?:is|was|ist|war|lautet|set to)\s+["'\[]?(?P<secret>[^\s"',;\]]+)"#),
        format!(r#"(?:^|[^-\w]){PASSWORDS}\s+["'\[](?P<secret>[^"'\r\n\]]+)["'\]]"#),
        format!(r#"(?:^|[^-\w]){PASSWORDS}\s+for\s+[^\s:]+:\s*["']?(?P<secret>[^\s"']+)"#),
        format!(r#"(?:^|[^-\w]){PASSWORDS}\s+(?P<secret>[^\s"',;:=()\[\]|-][^\s"',;]*)"#),
        // nmcli's properties.
        r"\b(?:802-11-wireless-security|wifi-sec|wireless-security|802-1x|gsm|cdma|wireguard|vpn|pppoe|adsl|macsec|wpan)\.[\w.-]*(?:key|psk|pass|pin|secret)[\w.-]*\s+(?P<secret>\S+)".to_owned(),
    ];
    let certain = [
        // A user and a password in one argument: curl, smbclient and their like.
        r#"(?:^|[\s"'])(?:-u|-U|--user|--proxy-user)[ =]?["']?[^\s:%"'=]+[:%](?P<secret>[^\s"']+)"#,
        r#"\b(?:sshpass|mysql\w*|mariadb\w*|docker\s+login|podman\s+login|smbclient|ipmitool|snmp\w+)\b[^\r\n]*?\s-[pPaA]\s?["']?(?P<secret>[^\s"'-][^\s"']*)"#,
        r#"\bssh-keygen\b[^\r\n]*?\s-[NP]\s+["']?(?P<secret>[^\s"'-][^\s"']*)"#,
        r"\s/p:(?P<secret>\S+)",
        r"\b(?:echo|printf)\s+(?P<secret>[^|\r\n]+)\|\s*(?:sudo\s+)?(?:chpasswd|passwd|cryptsetup|sudo\s+-S|docker\s+login)",
        // Wi-Fi: wpa_passphrase, iwconfig and iw, UCI, what QR codes have, and a key beside a network's name.
        r#"\bwpa_passphrase\s+(?:"[^"\r\n]*"|'[^'\r\n]*'|\S+)\s+(?P<secret>[^\r\n]+)"#,
        r"\bkey\s+(?:[0-9]:|[sd]:)+(?P<secret>\S+)",
        r#"\boption\s+\w*key\w*\s+["']?(?P<secret>[^"'\s]+)"#,
        r"WIFI:[^\r\n]*?\bP:(?P<secret>(?:\\.|[^;\\\r\n])+)",
        r#"ssid[^\r\n]*?\bkey["']?\s*[:=]\s*["']?(?P<secret>[^"'\s,;}]+)"#,
    ];
    let harmless = harmless.iter().map(|pattern| rule(pattern, Some(&PROSE)));
    harmless.chain(certain.iter().map(|pattern| rule(pattern, None))).collect()
}
