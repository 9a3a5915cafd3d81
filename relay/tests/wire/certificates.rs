//! The operator's slips with certificates, as `check-config` and the start tell them: real files of the
//! openssl command line, real processes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory with a root, an intermediate below it, and what a test makes of them.
struct Workshop(TempDir);

/// Makes a request for `NAME` and has `AUTHORITY` sign it with the extensions in `x`.
const SIGN: &str = r#"
sign() { # NAME AUTHORITY DAYS
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj "/CN=$1"
  openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -days $3 -extfile x -out $1.crt
}
"#;

impl Workshop {
    fn new() -> Self {
        let workshop = Self(tempfile::tempdir().expect("a directory"));
        workshop.run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout root.key -out root.crt -subj '/CN=Try Root'
             printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n' > x; sign middle root 3650
             printf 'subjectAltName=DNS:relay.example.com,DNS:*.example.org,IP:192.0.2.1\n' > x; sign relay middle 365
             cat relay.crt middle.crt > chain.crt; cat middle.crt relay.crt > wrong-order.crt",
        );
        workshop
    }

    fn run(&self, script: &str) {
        let script = format!("set -e; {SIGN}\n{script}");
        let output =
            Command::new("sh").args(["-c", &script]).current_dir(self.0.path()).output().expect("sh runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, certificate: &str, key: &str, arguments: &[&str]) -> Output {
        self.prepare(certificate, key, arguments).output().expect("it runs")
    }

    fn prepare(&self, certificate: &str, key: &str, arguments: &[&str]) -> Command {
        let path = self.path(key);
        if path.exists() {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&path, mode).expect("our own");
        }
        let text = format!(
            "listen = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nprivate_key = \"{key}\"\nstate_directory = \"state\"\n"
        );
        let config = self.path("relay.toml");
        std::fs::write(&config, text).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldlink-relay"));
        command.args(arguments).arg("--config").arg(&config);
        command
    }

    /// What `check-config` says, and its exit code.
    fn check(&self, certificate: &str, key: &str, further: &[&str]) -> (Option<i32>, String) {
        let output = self.command(certificate, key, &[&["check-config"], further].concat());
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    }

    /// The relay cannot start with it, and says `why`. It is tried again: a renewal may be under way.
    #[track_caller]
    fn is_unusable(&self, certificate: &str, key: &str, why: &str) {
        let commands: [(&[&str], i32); 3] =
            [(&["check-config"], 1), (&["check-config", "--start"], 1), (&["serve"], 1)];
        for (command, code) in commands {
            let output = self.command(certificate, key, command);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_told = output.status.code() == Some(code) && said.contains(why);
            assert!(is_told, "{command:?} {certificate}: {said}");
        }
    }

    /// No client accepts it, and `check-config` says `why`; the relay starts all the same.
    #[track_caller]
    fn is_useless(&self, certificate: &str, key: &str, why: &str) {
        for (option, code) in [(&[][..], 1), (&["--start"], 0)] {
            let (found, said) = self.check(certificate, key, option);
            assert!(found == Some(code) && said.contains(why), "{option:?} {certificate}: {said}");
        }
        let log = self.serve(certificate, key);
        assert!(log.contains("ERROR") && log.contains(why), "{certificate}: {log}");
    }

    /// Serves until it listens, then stops it: what it logs.
    fn serve(&self, certificate: &str, key: &str) -> String {
        let mut command = self.prepare(certificate, key, &["serve", "--print-address"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut relay = command.spawn().expect("it runs");
        let mut line = String::new();
        BufReader::new(relay.stdout.take().expect("piped")).read_line(&mut line).expect("text");
        relay.kill().expect("ours");
        let output = relay.wait_with_output().expect("killed");
        let log = String::from_utf8(output.stderr).expect("text");
        assert!(line.starts_with("listening on"), "{certificate}: {log}");
        log
    }
}

#[test]
fn a_good_one_is_told_with_its_names_and_what_clients_need() {
    let workshop = Workshop::new();
    let (code, said) = workshop.check("chain.crt", "relay.key", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("for relay.example.com, *.example.org, 192.0.2.1; until 20"), "{said}");
    assert!(said.contains("note: systems do not trust CN=Try Root"), "{said}");
    let root = workshop.path("root.crt");
    let with_root: [&str; 2] = ["--ca-file", root.to_str().expect("text")];
    let (code, said) = workshop.check("chain.crt", "relay.key", &with_root);
    assert!(code == Some(0) && !said.contains("note"), "{said}");
    for name in ["relay.example.com", "any.example.org", "192.0.2.1"] {
        assert_eq!(workshop.check("chain.crt", "relay.key", &["--name", name]).0, Some(0), "{name}");
    }
    let (code, said) = workshop.check("chain.crt", "relay.key", &["--name", "other.example.com"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it is not for other.example.com, but for relay.example.com"), "{said}");
}

#[test]
fn what_is_missing_in_a_chain_is_named() {
    let workshop = Workshop::new();
    let (code, said) = workshop.check("relay.crt", "relay.key", &[]);
    assert!(code == Some(0) && said.contains("note: systems do not know CN=middle"), "{said}");
    let root = workshop.path("root.crt");
    let (code, said) = workshop.check("relay.crt", "relay.key", &["--ca-file", root.to_str().expect("text")]);
    assert!(code == Some(1) && said.contains("does not lead to the roots in the ca_file"), "{said}");
    // As public authorities issue them.
    workshop.run(
        "printf 'subjectAltName=DNS:relay.example.com\nauthorityInfoAccess=caIssuers;URI:http://pki.example.com/m.crt\n' > x
         sign public middle 365; cat public.crt root.crt > gap.crt",
    );
    let (code, said) = workshop.check("public.crt", "public.key", &[]);
    assert!(code == Some(1) && said.contains("CN=middle, which issued it, is missing: append it"), "{said}");
    assert!(said.contains("http://pki.example.com/m.crt"), "{said}");
    // If that is a root of the operator's own there is nothing wrong with it.
    let (code, said) = workshop.check("public.crt", "public.key", &["--start"]);
    assert!(code == Some(0) && said.contains("note: the certificate of CN=middle"), "{said}");
    let (code, said) = workshop.check("gap.crt", "public.key", &[]);
    assert!(code == Some(1) && said.contains("put that one's certificate second"), "{said}");
}

#[test]
fn what_no_client_accepts_is_told_and_what_no_server_can_use_is_refused() {
    let workshop = Workshop::new();
    workshop.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -out self.crt -subj /CN=relay.example.com -addext subjectAltName=DNS:relay.example.com
         : > x; sign only-cn middle 365
         printf 'subjectAltName=DNS:relay.example.com\nextendedKeyUsage=clientAuth\n' > x; sign client middle 365
         printf 'subjectAltName=DNS:relay.example.com\n' > x
         openssl req -newkey rsa:1024 -nodes -keyout short.key -out short.csr -subj /CN=short
         openssl x509 -req -in short.csr -CA middle.crt -CAkey middle.key -days 9 -extfile x -out short.crt
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes -keyout curve.key -out curve.csr -subj /CN=curve
         openssl x509 -req -in curve.csr -CA middle.crt -CAkey middle.key -days 9 -extfile x -out curve.crt
         openssl req -newkey rsa:2048 -nodes -keyout sha1.key -out sha1.csr -subj /CN=sha1
         openssl x509 -req -sha1 -in sha1.csr -CA middle.crt -CAkey middle.key -days 9 -extfile x -out sha1.crt",
    );
    workshop.is_useless("self.crt", "self.key", "CA:TRUE");
    workshop.is_useless("only-cn.crt", "only-cn.key", "no subject alternative name");
    workshop.is_useless("client.crt", "client.key", "serverAuth");
    workshop.is_useless("sha1.crt", "sha1.key", "clients do not accept (SHA-1");
    workshop.is_unusable("wrong-order.crt", "relay.key", "is number 2 in the file: put it first");
    workshop.is_unusable("chain.crt", "client.key", "the key belongs to none of the certificates");
    workshop.is_unusable("short.crt", "short.key", "could not use the certificate");
    workshop.is_unusable("curve.crt", "curve.key", "clients do not know this kind of key");
}

#[test]
fn a_certificate_of_its_own_may_be_meant() {
    let workshop = Workshop::new();
    workshop.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -out self.crt -subj /CN=relay -addext subjectAltName=DNS:relay.example.com -addext basicConstraints=critical,CA:FALSE",
    );
    let (code, said) = workshop.check("self.crt", "self.key", &[]);
    assert!(code == Some(0) && said.contains("note: it is self-signed"), "{said}");
}

#[test]
fn files_that_are_something_else_are_told_as_what_they_are() {
    let workshop = Workshop::new();
    workshop.run(
        "openssl pkey -in relay.key -aes256 -passout pass:hush -out encrypted.key
         openssl ec -in relay.key -aes128 -passout pass:hush -out old-encrypted.key
         openssl pkey -in relay.key -outform DER -out der.key; openssl x509 -in relay.crt -outform DER -out der.crt
         openssl pkey -in relay.key -pubout -out public.key
         openssl crl2pkcs7 -nocrl -certfile chain.crt -out p7.crt; openssl x509 -in relay.crt -trustout -out trusted.crt
         printf '\\357\\273\\277' | cat - chain.crt > bom.crt; printf '\\357\\273\\277' | cat - relay.key > bom.key
         iconv -f ascii -t utf-16 chain.crt > utf16.crt; : > empty.crt; : > empty.key; echo hello > text.key",
    );
    for (key, why) in [
        ("encrypted.key", "it is encrypted"),
        ("old-encrypted.key", "openssl pkey -in"),
        ("der.key", "it is DER (or PKCS #12), not PEM"),
        ("public.key", "the public half"),
        ("chain.crt", "the wrong way round"),
        ("empty.key", "it is empty"),
        ("text.key", "there is no private key in it"),
        ("none.key", "No such file"),
    ] {
        workshop.is_unusable("chain.crt", key, why);
    }
    for (certificate, why) in [
        ("der.crt", "openssl x509 -inform DER"),
        ("relay.key", "the wrong way round"),
        ("relay.csr", "the request for a certificate"),
        ("p7.crt", "PKCS #7"),
        ("trusted.crt", "OpenSSL's own form"),
        ("utf16.crt", "UTF-16"),
        ("empty.crt", "it is empty"),
    ] {
        workshop.is_unusable(certificate, "relay.key", why);
    }
    assert_eq!(workshop.check("bom.crt", "bom.key", &[]).0, Some(0), "a byte order mark does no harm");
}

#[test]
fn its_time_is_looked_at() {
    let workshop = Workshop::new();
    workshop.run("printf 'subjectAltName=DNS:relay.example.com\n' > x; sign soon middle 5");
    let (code, said) = workshop.check("soon.crt", "soon.key", &[]);
    assert_eq!(code, Some(0), "for five days, as it was ordered: {said}");
    let years =
        [((2020, 2021), "it expired at 2021-01-01"), ((2090, 2091), "it is not valid before 2090-01-01")];
    for ((from, until), why) in years {
        made_by_rcgen(workshop.0.path(), from, until);
        let (code, said) = workshop.check("dated.crt", "dated.key", &[]);
        assert!(code == Some(1) && said.contains(why) && said.contains("clock"), "{said}");
    }
    made_by_rcgen(workshop.0.path(), 2020, 1);
    let (code, said) = workshop.check("dated.crt", "dated.key", &[]);
    assert!(code == Some(0) && said.contains("warning: it expires in 9 days"), "{said}");
}

/// Valid from the beginning of one year to that of another; `until` 1: for ten days from now.
fn made_by_rcgen(directory: &Path, from: i32, until: i32) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::new(vec!["relay.example.com".to_owned()]).expect("a name");
    parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
    parameters.not_after = match until {
        1 => (std::time::SystemTime::now() + std::time::Duration::from_secs(10 * 86_400 - 60)).into(),
        year => rcgen::date_time_ymd(year, 1, 1),
    };
    let certificate = parameters.self_signed(&key).expect("a certificate");
    std::fs::write(directory.join("dated.crt"), certificate.pem()).expect("written");
    std::fs::write(directory.join("dated.key"), key.serialize_pem()).expect("written");
}
