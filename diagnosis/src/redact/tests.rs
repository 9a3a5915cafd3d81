//! Secrets that were planted, and what is to stay.

use proptest::prelude::*;

use super::*;

fn redacted(text: &str) -> String {
    String::from_utf8(redact(text.as_bytes()).0).expect("text")
}

/// Every one of these has `hunter2`, or what stands in `{}`, in the place of a secret.
const PLANTED: &[&str] = &[
    "psk={}",
    "[wifi-security]\nkey-mgmt=wpa-psk\npsk={}",
    "wep-key0={}",
    "802-1x.password: {}",
    "private-key-password={}",
    "wpa_supplicant[7]: PSK - hexdump(len=32): {}",
    "network={ psk=\"{}\" }",
    "nmcli device wifi connect Site password {}",
    "nmcli connection modify Site wifi-sec.psk {}",
    "Dec 01 04:20:00 scanner app[7]: connecting with password '{}' to site",
    "https://ada:{}@example.com/path",
    "proxy http://ada:{}@10.0.0.1:3128 is used",
    "postgres://scanner:{}@db/scans?sslmode=require",
    "GET /scans?token={}&page=2 HTTP/1.1",
    "GET /scans?sig={} HTTP/1.1",
    "Authorization: Bearer {}",
    "> authorization: Basic {}",
    "Proxy-Authorization=Basic {}",
    "Cookie: session={}; theme=dark",
    "Set-Cookie: id={}; HttpOnly",
    "X-Api-Key: {}",
    "{\"user\":\"ada\",\"password\":\"{}\"}",
    "{\"clientSecret\": \"{}\"}",
    "{\"msg\":\"{\\\"password\\\":\\\"{}\\\",\\\"user\\\":\\\"ada\\\"}\"}",
    "{'token': '{}'}",
    "db_password => \"{}\"",
    "DB_PASSWORD={}",
    "export API_KEY={}",
    "AWS_SECRET_ACCESS_KEY={}",
    "password: {}",
    "  passphrase : {}",
    "login --password {} --user ada",
    "mysql --password={} scans",
    "upload --api-key \"{}\"",
    "ExecStart=/opt/scanner/sync --auth-token {}",
    "the password is {}",
    "das Passwort lautet {}",
    "PIN: {}",
    "PrivateKey = {}",
    "PresharedKey={}",
    "<password>{}</password>",
    "<ns:apiToken type=\"x\">{}</ns:apiToken>",
    "password=\"{}",
    "secret:{}",
    "account_key={};EndpointSuffix=core.windows.net",
];

/// The same, as others have thought of it.
const OTHERS: &[&str] = &[
    "sudo: ada : COMMAND=/usr/bin/curl -u ada:{} https://maker.example",
    "curl --user ada:{} x",
    "sshpass -p {} ssh scanner",
    "mysql -p{} scans",
    "docker login -u ada -p {} registry.example",
    "smbclient -U ada%{} //nas/scans",
    "xfreerdp /u:ada /p:{}",
    "ssh-keygen -t ed25519 -N {} -f key",
    "echo 'ada:{}' | chpasswd",
    "echo {} | sudo -S true",
    "openssl rsa -passin pass:{} -in key",
    "DB_PASS={}",
    "PASS={}",
    "smtp_pass: {}",
    "{\"user\":\"ada\",\"pass\":\"{}\"}",
    "GET /x?user=ada&pass={} HTTP/1.1",
    "login --pass {}",
    "pw={}",
    "//registry.npmjs.org/:_auth={}abcdefgh",
    "sessionid={}",
    "Wi-Fi key: {}",
    "Network key: {}",
    "wifi_key={}",
    "SecurityKey=\"{}\"",
    "{\"ssid\":\"Site\",\"key\":\"{}\"}",
    "iwconfig wlan0 key s:{}",
    "iw dev wlan0 connect Site key 0:{}",
    "option key '{}'",
    "wpa_passphrase MySSID {}",
    "WIFI:S:Site;T:WPA;P:{};;",
    "private key: {}",
    "  preshared key: {}",
    "API key: {}",
    "nmcli c modify wg wireguard.private-key {}",
    "map[X-Api-Key:[{}] Accept:[*/*]]",
    "{\"X-Api-Key\":[\"{}\"]}",
    "{\"Cookie\":[\"session={}\"]}",
    "{\"passwords\":[\"{}\"]}",
    "{\"credentials\":[\"ada\",\"{}\"]}",
    "Config { token: Some(\"{}\"), retries: 3 }",
    "token=b'{}'",
    "level=info msg=\"refresh token=\\\"{}\\\" ok\"",
    "{\"token\":{\"value\":\"{}\"}}",
    "<add key=\"DbPassword\" value=\"{}\"/>",
    "{\"name\":\"WIFI_PASSWORD\",\"value\":\"{}\"}",
    "<key>Password</key><string>{}</string>",
    "<password><![CDATA[{}]]></password>",
    "<password>\n  {}\n</password>",
    "config['password'] = '{}'",
    "user[password]={}",
    "user%5Bpassword%5D={}",
    "('X-Api-Key', '{}')",
    "setPassword(\"{}\")",
    "password -> {}",
    "| password | {} |",
    "\\u0022password\\u0022:\\u0022{}\\u0022",
    "&quot;password&quot;:&quot;{}&quot;",
    "password set to '{}'",
    "Password for Site: {}",
    "password [{}] rejected",
    "{\"url\":\"https:\\/\\/ada:{}@host\\/x\"}",
    "ada:{}@tcp(127.0.0.1:3306)/scans",
    "GET https://s3.example/x?X-Amz-Credential=a&X-Amz-Signature={} 200",
    "https://hooks.slack.com/services/T000/B000/{}",
    "password: |\n  {}",
    "password: >-\n  {}",
    "wifi:\n  psk:\n    {}",
    "tokens:\n  - {}",
    "tokens:\n- {}",
    "password = \"\"\"\n  {}\"\"\"",
    "wlan0: PSK (ASCII passphrase) - hexdump_ascii(len=7):\n     68 75 6e 74 65 72 32   {}",
    "Dec 01 h wpa_supplicant[7]: PSK - hexdump_ascii(len=7):\nDec 01 h wpa_supplicant[7]:      68 75   {}",
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"{}\"}",
];

#[test]
fn what_was_planted_is_left_out_and_the_rest_stays() {
    for template in PLANTED.iter().chain(OTHERS) {
        for secret in ["hunter2", "Xk9+/4Q==", "s3cr3t-with.dots_and~more"] {
            let is_told_apart =
                !(template.contains("services/") || template.contains("@tcp(")) || secret == "hunter2";
            if !is_told_apart {
                continue;
            }
            let text = format!("before {}\n{}\nafter it", "x", template.replace("{}", secret));
            let (left, count) = redact(text.as_bytes());
            let left = String::from_utf8(left).expect("text");
            assert!(
                !left.contains(secret) && left.contains("[redacted]"),
                "{template} with {secret}: {left}"
            );
            assert!(count > 0 && left.starts_with("before x\n") && left.ends_with("\nafter it"), "{left}");
        }
    }
}

#[test]
fn a_password_may_have_blanks_and_marks() {
    for text in [
        "psk=correct horse, battery;staple",
        "Dec 01 host nm[1]: psk=correct&horse, battery",
        "        password: correct, horse battery",
        "password: 'correct''s horse battery'",
        "password=1 passphrase=correct horse battery",
        "password: correct horse battery staple",
        "{\"password\":\"correct \\\"horse\\\" battery staple\"}",
        "{\"x\":\"{\\\"password\\\":\\\"correct horse battery staple\\\"}\"}",
        "https://ada:correct@horse:battery@staple.example/",
        "https://correct-horse@github.com/maker/scans.git",
        "password 'correct horse battery staple'",
    ] {
        let left = redacted(text);
        let is_left = ["correct", "horse", "battery"].iter().any(|word| left.contains(word));
        assert!(!is_left, "{left}");
    }
}

#[test]
fn what_looks_like_a_secret_is_left_out() {
    for secret in [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv",
        "glpat-abcdefghijklmnopqrst",
        "xoxb-1234567890-abcdefghij",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA1234567890abcdefghijklmnopqrstuvw",
        "sk_live_abcdefghijklmnop1234",
        "AGE-SECRET-KEY-1QQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQPQP",
        "$6$saltsalt$hashhashhashhashhash",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    ] {
        let left = redacted(&format!("it answered {secret} at once"));
        let head = secret.split([',', ' ']).next().unwrap_or(secret);
        assert!(!left.contains(head), "{left}");
    }
}

#[test]
fn private_keys_are_left_out_whole() {
    let key = |kind: &str| {
        let body: String =
            (0..20).map(|line| format!("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{line:02}\n")).collect();
        format!("-----BEGIN {kind}-----\n{body}-----END {kind}-----")
    };
    let kinds = [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
        "OpenVPN Static key V1",
    ];
    for kind in kinds {
        let key = key(kind);
        let forms = [
            key.clone(),
            key.replace('\n', "\\n"),
            key.lines().map(|line| format!("Dec 01 host app[7]: {line}\n")).collect(),
            // An excerpt that begins in it, and one that ends in it.
            key[key.len() / 2..].to_owned(),
            key[..key.len() / 2].to_owned(),
            key.replace('\n', "\r\n"),
            key.lines().map(|line| format!("    {line}\n")).collect(),
        ];
        for form in forms {
            let left = redacted(&format!("before\n{form}\nafter"));
            assert!(
                !left.contains("MIIE") && !left.contains("SC0") && left.contains("[redacted: private key]"),
                "{left}"
            );
        }
        let left = redacted(&format!("before\n{key}\nbetween\n{key}\nafter"));
        assert_eq!(left, "before\n[redacted: private key]\nbetween\n[redacted: private key]\nafter");
    }
    let public = key("PUBLIC KEY");
    assert_eq!(redacted(&public), public);
    // What is not ended takes its own lines with it, however many, and no others.
    let line = format!("{}\n", "MIIEvQIB".repeat(8));
    let open = format!("-----BEGIN PRIVATE KEY-----\n{}this is the end\nof it", line.repeat(1000));
    assert_eq!(redacted(&open), "[redacted: private key]this is the end\nof it");
    let two = format!(
        "one\n{line}{line}-----END PRIVATE KEY-----\nit is two\n{line}-----END RSA PRIVATE KEY-----\nthree"
    );
    assert!(!redacted(&two).contains("MIIE"), "{}", redacted(&two));
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "Failed password for root from 10.0.0.7 port 51234 ssh2",
        "pam_unix(sshd:auth): authentication failure; user=ada",
        "usb 1-2: Product: LiDAR",
        "GET https://example.com:8443/scans?page=2 200",
        "password authentication is not allowed",
        "{\"password\":null,\"token\":null}",
        "wlan0: WPA: Key negotiation completed with 00:11:22:33:44:55",
        "ssh://git@example.com/x",
        "the keyboard and the monkey",
        "<Token id=7> released\nline 1\nline 2",
        "std::vector<Token> resized\nline 1",
        "usage: tool --token <token>\nline 1",
        "systemd[1]: systemd-ask-password-wall.path: Deactivated successfully.",
        "systemd[1]: password-sync.service: Failed with result 'exit-code'.",
        "dbus: cookie=12 reply_cookie=0 error-message=disk full",
        "sudo: ada : TTY=pts/0 ; PWD=/home/ada ; USER=root ; COMMAND=/bin/true",
        "pam_unix(passwd:chauthtok): password changed for ada",
        "gpio pin: 17",
        "tokens:\nnot indented",
    ] {
        assert_eq!(redacted(text), text);
    }
}

/// Whoever writes a log cannot have it take for ever: each of these takes hours if a part of it is looked at anew for every
/// other part.
#[test]
fn no_log_takes_for_ever() {
    for (part, end) in [
        ("password=null ", ""),
        ("token=null ", ""),
        ("-----BEGIN PRIVATE KEY-----\n", ""),
        ("-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n"),
        ("-----END PRIVATE KEY-----\n", ""),
        ("<password>", ""),
        ("password=\\\"", ""),
        ("WIFI:", ""),
        ("name=\"password\" ", ""),
    ] {
        let text = part.repeat((256 << 10) / part.len()) + end + "\npassword=hunter2\n";
        let (left, _) = redact(text.as_bytes());
        assert!(!String::from_utf8_lossy(&left).contains("hunter2"), "{part}");
    }
}

proptest! {
    #[test]
    fn whatever_stands_before_it_a_secret_is_left_out(bytes in any::<Vec<u8>>(), secret in "[A-Za-z0-9]{6,30}") {
        redact(&bytes);
        let mut text = bytes;
        text.extend_from_slice(format!("\npassword={secret}\n").as_bytes());
        let (left, count) = redact(&text);
        let places = |text: &[u8]| text.windows(secret.len()).filter(|part| *part == secret.as_bytes()).count();
        prop_assert!(count > 0 && places(&left) < places(&text));
    }
}
