//! A relay behind nginx, with the configuration that the README shows.

use std::net::TcpListener;
use std::process::Command;

use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::{Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use tempfile::TempDir;

const EXAMPLE: &str = include_str!("../../../packaging/examples/relay/nginx.conf");

struct Front {
    _directory: TempDir,
    _process: Running,
    url: String,
}

impl Front {
    /// `None`, and a line that says so, where nginx is missing.
    fn before(relay: &Relay) -> Option<Self> {
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists());
        let Some(program) = program else {
            eprintln!("skipped: nginx is missing");
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("free");
        let certificates = relay.certificates();
        let server = EXAMPLE
            .replace("listen [::]:443 ssl http2;", "")
            .replace("listen 443 ssl", &format!("listen {free} ssl"))
            .replace("127.0.0.1:8443", relay.address())
            .replace("/etc/nginx/fieldlink/front.crt", &certificates.chain.display().to_string())
            .replace("/etc/nginx/fieldlink/front.key", &certificates.key.display().to_string())
            .replace("/etc/nginx/fieldlink/relay-ca.pem", &certificates.authority.display().to_string())
            .replace("relay.example.com", "localhost");
        let base = directory.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {base}/{kind};\n"))
            .concat();
        let text = format!(
            "daemon off;\npid {base}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{server}}}\n"
        );
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, text).expect("written");
        let mut command = Command::new(program);
        command.arg("-p").arg(directory.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        let process = Running::start("nginx", &mut command);
        eventually("nginx listens", PATIENCE, || std::net::TcpStream::connect(free).is_ok());
        Some(Self { _directory: directory, _process: process, url: format!("wss://{free}") })
    }
}

#[test]
fn nginx_with_the_readmes_configuration_passes_everything_on() {
    let relay = Relay::start();
    let Some(front) = Front::before(&relay) else { return };
    let scanner = Scanner::start_at(&front.url, relay.authority(), ScannerOptions::default());
    let engineer = Engineer::enrolled(&relay, "Ada");
    engineer.redirect_to(&front.url);
    let call = engineer.call(&scanner);
    assert_eq!(call.output_of("echo through"), "through\n");
    assert_eq!(call.output_of("head -c 3000000 /dev/zero | wc -c").trim(), "3000000");
    call.end();
    assert_eq!(relay.audit()[0]["device_address"], "127.0.0.1");
}
