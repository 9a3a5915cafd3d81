//! A scanner whose disk is full, or cannot be written, can be helped all the same.

use fieldlink_tests::container::{ContainerOptions, Person, Site, SiteOptions};

const AGENT: &str = "fieldlink-agent.service";

/// A session begins, works and ends; also when the agent was started only now.
fn check_sessions(site: &Site) {
    for is_new in [false, true] {
        if is_new {
            site.scanner.run(&["systemctl", "restart", AGENT]);
        }
        let mut watch = site.client().watch();
        let call = site.call();
        assert_eq!(call.output_of("id -un; exit").trim(), "fieldlink-support");
        watch.until_state("active");
        let ended_by_client = is_new;
        if ended_by_client {
            site.client().run(&["end"]);
            let mut call = call;
            let ended = call.wait_until_ended();
            assert!(ended.contains("client-ended"), "{ended}");
        } else {
            call.end();
        }
        let off = watch.until_state("off");
        let code = if ended_by_client { "client-ended" } else { "engineer-ended" };
        assert_eq!(off["notice"]["code"], code, "{off}");
        assert_eq!(site.scanner.processes_of("fieldlink-support"), "");
    }
}

#[test]
fn a_full_disk_stops_no_session() {
    let scanner = ContainerOptions { disk: Some("700m"), ..ContainerOptions::default() };
    let Some(site) = Site::boot_with(SiteOptions { scanner, ..SiteOptions::default() }) else { return };
    // The client's account is made before, which needs room.
    assert_eq!(site.client().state(), "off");
    for size in ["1M", "4k", "1"] {
        let fill = format!("dd if=/dev/zero of=/var/filler-{size} bs={size} 2>&1; true");
        assert!(site.scanner.shell(&fill).contains("No space left on device"), "{size}");
    }
    for directory in ["/var/lib", "/etc", "/home/client"] {
        let write = format!("echo text >{directory}/one-more");
        assert!(!site.scanner.shell_command(Person::Root, &write).status().expect("it runs").success());
    }
    check_sessions(&site);
}

#[test]
fn a_var_that_cannot_be_written_stops_no_session() {
    let Some(site) = Site::boot() else { return };
    assert_eq!(site.client().state(), "off");
    site.scanner.shell("mount --bind /var /var && mount -o remount,bind,ro /var");
    let write = site.scanner.output_as(Person::Root, &["touch", "/var/lib/one-more"]);
    assert!(!write.status.success());
    check_sessions(&site);
}
