//! What an operator may change, by the shipped examples, as these say it themselves.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::{Client, Person, Site};
use fieldlink_tests::programs::eventually;

const EXAMPLES: &str = "/usr/share/doc/fieldlink-agent/examples";
const DROP_INS: &str = "/etc/systemd/system/fieldlink-session@.service.d";

#[test]
fn another_account_takes_the_place_of_the_support_user() {
    let Some(site) = Site::boot() else { return };
    let scanner = &site.scanner;
    scanner.shell("useradd --create-home --shell /bin/bash service && echo kept >/home/service/kept");
    scanner.shell(&format!("mkdir -p {DROP_INS} && cp {EXAMPLES}/support-user.conf {DROP_INS}/"));
    scanner.shell("echo 'support_user = \"service\"' >>/etc/fieldlink/agent.toml");
    scanner.shell("systemctl daemon-reload && systemctl restart fieldlink-agent");
    scanner.shell(&format!(
        "cp {EXAMPLES}/support-user.rules /etc/polkit-1/rules.d/10-fieldlink-support-user.rules"
    ));
    scanner.shell(
        "systemctl mask user@$(id -u service).service; echo service | tee -a /etc/cron.deny /etc/at.deny",
    );
    let _other = scanner.start_as(Person::Account("service"), &["sleep", "1030"]);

    let mut call = site.call();
    assert_eq!(call.output_of("id -un; cat ~/kept").trim(), "service\nkept");
    // The bus lets this account through; the agent itself refuses it first.
    let name = "com.navvis.Fieldlink1";
    for method in ["Access.Start", "Session.End", "Access.GetCredentials"] {
        let line = format!(
            "dbus-send --system --print-reply --dest={name} /com/navvis/Fieldlink1 {name}.{method} 2>&1"
        );
        let output = call.try_to(&line);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(&format!("{name}.Error.SupportEngineer")), "{method}: {said}");
        assert!(said.contains("works for the support engineer"), "{method}: {said}");
    }
    let support = Client::as_person(scanner, Person::Account("service"));
    assert_eq!(support.code_of(&["end"]), Some(4));
    call.output_of("setsid nohup sleep 1031 >/dev/null 2>&1 & true");
    site.client().run(&["end"]);
    call.wait_until_ended();
    eventually("what the session started is gone", PATIENCE, || {
        !scanner.processes_of("service").contains("sleep 1031")
    });
    assert!(scanner.processes_of("service").contains("sleep 1030"), "others of this account go on");
    assert!(scanner.has("/home/service/kept"));
}

#[test]
fn log_directories_are_opened_and_closed_again_and_scan_data_stays_closed() {
    let Some(site) = Site::boot() else { return };
    let scanner = &site.scanner;
    scanner.shell("mkdir -p /var/log/scanner /srv/scans && chmod 750 /var/log/scanner /srv/scans");
    scanner.shell("umask 027; echo earlier >/var/log/scanner/a.log; echo points >/srv/scans/one");
    let call = site.call();
    assert!(!call.try_to("cat /var/log/scanner/a.log").status.success(), "closed by default");
    let place = "/etc/tmpfiles.d/fieldlink-log-directories.conf";
    scanner
        .shell(&format!("cp {EXAMPLES}/log-directories.conf {place} && systemd-tmpfiles --create {place}"));
    scanner.shell("umask 027; echo later >/var/log/scanner/b.log");
    assert_eq!(call.output_of("cat /var/log/scanner/a.log /var/log/scanner/b.log"), "earlier\nlater\n");
    for line in ["cat /srv/scans/one", "ls /srv/scans", "echo x >>/var/log/scanner/a.log"] {
        assert!(!call.try_to(line).status.success(), "{line}");
    }
    scanner.shell(&format!(
        "rm {place}; setfacl -R -x user:fieldlink-support -x default:user:fieldlink-support /var/log/scanner"
    ));
    assert!(!call.try_to("cat /var/log/scanner/b.log").status.success(), "closed again");
    call.end();
}
