//! What the client, the engineer and a program read when something is wrong with what stands at the relay's
//! address: the operator's slips, a relay that is down behind its front, boxes that read along.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use fieldlink_tests::programs::{path_of, run_with_input, without_proxies};
use fieldlink_tests::{Engineer, Relay};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};

const NEW: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
const OLD: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

type Authority = CertifiedIssuer<'static, KeyPair>;
type Chain = (Vec<CertificateDer<'static>>, KeyPair);

fn parameters(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("valid names");
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = parameters(&[], name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

fn root(name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority(name), key()).expect("a root")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn signed(parameters: CertificateParams, issuer: &Authority) -> Chain {
    let key = key();
    let certificate = parameters.signed_by(&key, issuer).expect("a certificate");
    (vec![certificate.der().clone()], key)
}

fn self_signed(parameters: CertificateParams) -> Chain {
    let key = key();
    (vec![parameters.self_signed(&key).expect("a certificate").der().clone()], key)
}

/// What stands at the relay's address, for as long as the test's process lives.
fn front((chain, key): Chain, versions: &[&'static SupportedProtocolVersion], answer: &str) -> SocketAddr {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key);
    let config = Arc::new(config.expect("they fit"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        while let Ok((tcp, _)) = listener.accept() {
            let (config, answer) = (config.clone(), answer.clone());
            std::thread::spawn(move || {
                let connection = rustls::ServerConnection::new(config).expect("TLS");
                let mut tls = rustls::StreamOwned::new(connection, tcp);
                if tls.read(&mut [0; 4096]).is_ok() {
                    let _ = tls.write_all(answer.as_bytes());
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                }
            });
        }
    });
    address
}

fn http(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

struct Device {
    directory: tempfile::TempDir,
}

impl Device {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path
    }

    /// Runs `check-network` against `relay`, with `ca_file`, where the system's trust store is `public`.
    fn check(&self, relay: &str, ca_file: Option<&Path>, public: &Path) -> (i32, serde_json::Value) {
        let ca_file = ca_file.map_or_else(String::new, |path| format!("ca_file = \"{}\"\n", path.display()));
        let config = self.write("agent.toml", &format!("relay = \"{relay}\"\n{ca_file}"));
        let mut command = Command::new(path_of("fieldlink-agent"));
        let bus = format!("unix:path={}", self.directory.path().join("none").display());
        without_proxies(&mut command).env("DBUS_SYSTEM_BUS_ADDRESS", bus).env("SSL_CERT_FILE", public);
        command.args(["check-network", "--json", "--config"]).arg(&config);
        let output = run_with_input(&mut command, b"");
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().expect("it exited"), report)
    }
}

#[track_caller]
fn expect((code, report): (i32, serde_json::Value), wanted: &str, engineer: &str) {
    let number: i32 = wanted[1..].parse().expect("a number");
    assert_eq!(report["code"].as_str(), Some(wanted), "{report:#}");
    assert_eq!(code, 10 + number, "{report:#}");
    let line = report["engineer"].as_str().expect("a line");
    assert!(line.contains(engineer), "{engineer}: {line}");
    let sentence = report["sentence"].as_str().expect("a sentence");
    if wanted != "N8" {
        assert!(!sentence.contains("This network does not let"), "{sentence}");
        assert!(sentence.to_lowercase().contains("tell your support contact"), "{sentence}");
    }
}

#[test]
fn an_operators_slip_is_told_as_the_support_sides() {
    let device = Device::new();
    let (own, public) = (root("Try Root"), root("Public Root"));
    let ca_file = device.write("ca.pem", &own.pem());
    let public = device.write("public.pem", &public.pem());
    let middle = CertifiedIssuer::signed_by(authority("Try Issuing"), key(), &own).expect("an intermediate");
    let names = &["127.0.0.1"];
    let mut flagged = authority("127.0.0.1");
    flagged.subject_alt_names = parameters(names, "").subject_alt_names;
    let mut expired = parameters(names, "server");
    // Some weeks ago: after a year, the clock would be suspect.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let date = fieldlink_protocol::timestamp::utc(now - 40 * 86_400);
    let number = |from: usize, until: usize| date[from..until].parse::<i32>().expect("a date");
    expired.not_after = rcgen::date_time_ymd(number(0, 4), number(5, 7) as u8, number(8, 10) as u8);
    for (chain, words) in [
        (self_signed(parameters(names, "by hand")), "self-signed"),
        (self_signed(flagged), "CA:TRUE"),
        (signed(parameters(&[], "127.0.0.1"), &own), "subjectAltName"),
        (signed(parameters(names, "server"), &middle), "whole chain"),
        (signed(parameters(&["other.test"], "server"), &own), "other.test"),
        (signed(expired, &own), "has expired"),
    ] {
        let url = format!("wss://{}", front(chain, NEW, ""));
        expect(device.check(&url, Some(&ca_file), &public), "N11", words);
    }
    let old = front(signed(parameters(names, "server"), &own), OLD, "");
    expect(device.check(&format!("wss://{old}"), Some(&ca_file), &public), "N11", "TLS 1.3 is needed");
}

#[test]
fn a_missing_ca_file_is_not_told_as_an_interception_and_an_interception_is() {
    let device = Device::new();
    let (own, public, reading) = (root("Try Root"), root("Public Root"), root("Reading Box"));
    let ca_file = device.write("ca.pem", &own.pem());
    let public = device.write("public.pem", &public.pem());
    let names = &["127.0.0.1"];
    let relay = format!("wss://{}", front(signed(parameters(names, "server"), &own), NEW, ""));
    expect(device.check(&relay, None, &public), "N12", "ca_file");
    let (mut chain, key) = signed(parameters(names, "server"), &reading);
    chain.push(reading.der().clone());
    let boxed = format!("wss://{}", front((chain, key), NEW, ""));
    expect(device.check(&boxed, Some(&ca_file), &public), "N8", "“Reading Box”");
    let portal = format!("wss://{}", front(self_signed(parameters(&["portal.test"], "portal")), NEW, ""));
    expect(device.check(&portal, Some(&ca_file), &public), "N8", "not for the relay");
    let old = format!("wss://{}", front(self_signed(parameters(&["portal.test"], "portal")), OLD, ""));
    expect(device.check(&old, Some(&ca_file), &public), "N8", "reads along");
}

#[test]
fn a_front_says_whether_the_relay_is_down_or_something_else_is_there() {
    let device = Device::new();
    let own = root("Try Root");
    let ca_file = device.write("ca.pem", &own.pem());
    let relay = Relay::start();
    let credential = relay.add_engineer("Ada", "Scans");
    for (answer, code, words, exit) in [
        (http("502 Bad Gateway"), "N13", "the relay behind it is down (HTTP status 502)", 210),
        (http("503 Service Unavailable"), "N13", "the relay behind it is down", 210),
        (http("504 Gateway Timeout"), "N13", "the relay behind it is down", 210),
        (http("429 Too Many Requests"), "N13", "takes no more requests", 221),
        (http("302 Found\r\nLocation: https://elsewhere.test/"), "N14", "sends us elsewhere", 210),
        (http("401 Unauthorized"), "N14", "does not let us through (HTTP status 401)", 210),
        (http("403 Forbidden"), "N14", "does not let us through", 210),
        (http("404 Not Found"), "N14", "no relay at this address", 210),
        (http("200 OK"), "N14", "not as a fieldlink relay", 210),
        ("SSH-2.0-\u{1b}[2J\r\n".to_owned(), "N14", "not as a fieldlink relay", 210),
    ] {
        let url =
            format!("wss://{}", front(signed(parameters(&["127.0.0.1"], "server"), &own), NEW, &answer));
        expect(device.check(&url, Some(&ca_file), &ca_file), code, words);
        let output = Engineer::new().try_to_log_in(&url, &ca_file, &credential);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{message}");
        assert!(message.contains(words) && !message.contains('\u{1b}'), "{message}");
    }
}
