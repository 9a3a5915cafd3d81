//! An engineer proves who they are to the service, as it is installed.

use fieldlink_tests::PATIENCE;
use fieldlink_tests::container::Site;
use fieldlink_tests::programs::{eventually, run_with_input};

/// Makes an authority and a certificate on the engineer's computer, and has it used.
const CERTIFY: &str = "umask 077 && cd ~ && ssh-keygen -q -t ed25519 -N '' -C 'Scans Ltd engineers' -f authority \
     && ssh-keygen -q -t ed25519 -N '' -C '' -f ada \
     && ssh-keygen -q -s authority -I 'Grace Hopper (Scans Ltd)' -n grace@scans.example -z 7 -V -5m:+8h ada.pub \
     && fieldlink-connect certificate use ada-cert.pub >&2 && cat authority.pub";

/// Has the engineer certified, and the scanner trust who did it; its public key.
fn trust_an_authority(site: &Site) -> String {
    let client = site.client();
    let made = run_with_input(&mut site.engineer().program(&["sh", "-c", CERTIFY]), b"");
    let authority = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let section = format!("[engineers]\nauthority = [\"{authority}\"]\nprincipals = [\"*@scans.example\"]\n");
    let settings = site.scanner.read("/etc/fieldlink/agent.toml") + &section;
    site.scanner.write("/etc/fieldlink/agent.toml", settings + "revoked = \"/etc/fieldlink/revoked.krl\"\n");
    site.scanner.run(&["systemctl", "restart", "fieldlink-agent.service"]);
    eventually("the agent is there", PATIENCE, || client.code_of(&["status"]) == Some(0));
    authority
}

#[test]
fn the_service_believes_the_certificate_and_keeps_what_was_signed() {
    let Some(site) = Site::boot() else { return };
    let client = site.client();
    let authority = trust_an_authority(&site);

    // There is no list yet, and without one nobody comes in.
    let pair = client.start();
    let mut refused = site.engineer().start_connecting(&pair);
    assert_eq!(refused.wait_for_end().code(), Some(222), "{}", refused.transcript());
    assert!(refused.transcript().contains("list of revoked certificates"), "{}", refused.transcript());
    site.scanner.write("/tmp/authority.pub", format!("{authority}\n"));
    let revoke = |line: &str| {
        let make = "ssh-keygen -q -k -f /etc/fieldlink/revoked.krl -s /tmp/authority.pub -";
        site.scanner.shell(&format!("echo '{line}' | {make}"));
    };
    revoke("serial: 8");

    let mut watch = client.watch();
    let holder = site.engineer().start_connecting(&pair);
    let asked = watch.until_state("asking");
    let text = asked["question"]["text"].as_str().expect("a question");
    assert!(
        text.starts_with(
            "The name is certified by Scans Ltd engineers. Allow Grace Hopper (Scans Ltd), ticket"
        ),
        "{text}"
    );
    let property = ["busctl", "get-property", "com.navvis.Fieldlink1", "/com/navvis/Fieldlink1"];
    let authority_shown =
        site.scanner.run(&[&property[..], &["com.navvis.Fieldlink1.Session", "Authority"]].concat());
    assert_eq!(authority_shown.trim(), "s \"Scans Ltd engineers\"");
    client.run(&["allow"]);
    let call = site.engineer().begin(&pair, holder);
    assert_eq!(watch.until_state("active")["engineer"], "Grace Hopper");

    // Root can verify what was signed, with what every computer has; the engineer cannot read it.
    let signers = format!("grace@scans.example cert-authority {authority}\n");
    site.scanner.write("/tmp/allowed_signers", signers);
    let verified = site.scanner.shell(
        "cd /run/fieldlink-agent && ssh-keygen -Y verify -f /tmp/allowed_signers -I grace@scans.example \
         -n fieldlink-engage@v1 -s engaged.sig < engaged",
    );
    assert!(verified.starts_with("Good"), "{verified}");
    assert!(!call.try_to("cat /run/fieldlink-agent/engaged").status.success());
    let log = site.scanner.shell("journalctl --unit fieldlink-agent --no-pager");
    assert!(log.contains("grace@scans.example") && log.contains("Grace Hopper (Scans Ltd)"), "{log}");
    call.end();

    // What was revoked a moment ago does not come in.
    watch.until_state("off");
    revoke("serial: 7");
    let pair = client.start();
    let mut refused = site.engineer().start_connecting(&pair);
    assert_eq!(refused.wait_for_end().code(), Some(222), "{}", refused.transcript());
    assert!(refused.transcript().contains("was revoked"), "{}", refused.transcript());
    assert_eq!(client.status()["wrong_tries"], 0);
}
