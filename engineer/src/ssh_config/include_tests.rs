use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;

const LINE: &str = "Include \"/home/ada/.config/fieldlink/ssh_config\"";

fn ours() -> Vec<PathBuf> {
    ["/home/ada/.config/fieldlink/ssh_config", "/run/user/1000/fieldlink/ssh_config"]
        .map(PathBuf::from)
        .into()
}

#[test]
fn the_place_of_the_line_is_seen() {
    for (text, place) in [
        ("", Place::Missing),
        ("Host *\n User x\n", Place::Missing),
        (&format!("{LINE}\nHost *\n"), Place::First),
        (&format!("# mine\n\nInclude ~/.colima/ssh_config\n{LINE}\n"), Place::First),
        ("  include=/run/user/1000/fieldlink/ssh_config\n", Place::First),
        (&format!("User x\n{LINE}\n"), Place::Behind(2)),
        (&format!("Host a\n  {LINE}\n"), Place::Behind(2)),
        (&format!("# {LINE}\n"), Place::Missing),
        ("Include \"/home/ada/.config/fieldlink/ssh_config\" ~/other\n", Place::Missing),
        ("IncludeX /run/user/1000/fieldlink/ssh_config\n", Place::Missing),
    ] {
        assert_eq!(place_in(text, &ours()), place, "{text}");
    }
}

#[test]
fn the_line_is_put_first_once_and_goes_without_a_trace() {
    for text in ["", "Host *\n  User x\n", "Host *\r\n  User x\r\n", "\n\n# x", "User x"] {
        let (with, change) = installed(text, &ours(), LINE);
        assert_eq!((place_in(&with, &ours()), change), (Place::First, Change::Added), "{text:?}");
        assert_eq!(installed(&with, &ours(), LINE), (with.clone(), Change::None));
        assert_eq!(without(&with, &ours()), text, "{text:?}");
    }
    let text = format!("Host a\n  User x\n  {LINE}\n\nInclude /run/user/1000/fieldlink/ssh_config\nHost b\n");
    let (with, change) = installed(&text, &ours(), LINE);
    assert_eq!((with, change), (format!("{COMMENT}\n{LINE}\n\nHost a\n  User x\nHost b\n"), Change::Moved));
    // The line of an earlier version is replaced, where it stands as well.
    let (with, change) = installed("Include \"/run/user/1000/fieldlink/ssh_config\"\n", &ours(), LINE);
    assert_eq!((with, change), (format!("{COMMENT}\n{LINE}\n"), Change::Moved));
}

#[test]
fn a_file_keeps_its_mode_and_its_link() {
    let base = tempfile::tempdir().expect("a directory");
    let (real, path) = (base.path().join("dotfiles"), base.path().join(".ssh/config"));
    assert_eq!(install(&path, &ours(), LINE).expect("made"), Change::Added);
    let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!((mode(&path), mode(&base.path().join(".ssh"))), (0o600, 0o700));

    fs::rename(&path, &real).expect("moved");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("ours");
    symlink(&real, &path).expect("a link");
    assert_eq!(uninstall(&path, &ours()).expect("edited"), Change::Removed);
    assert_eq!(uninstall(&path, &ours()).expect("looked"), Change::None);
    assert_eq!((fs::read_to_string(&real).expect("there").as_str(), mode(&real)), ("", 0o640));
    assert!(fs::symlink_metadata(&path).expect("there").is_symlink());
    assert_eq!(fs::read_dir(base.path().join(".ssh")).expect("listed").count(), 1, "nothing else is left");

    fs::remove_file(&real).expect("ours");
    let problem = format!("{:#}", install(&path, &ours(), LINE).expect_err("it leads nowhere"));
    assert!(problem.contains("leads nowhere") && problem.contains("by hand"), "{problem}");
}

proptest! {
    /// Whatever stands in a configuration: it comes back as it was.
    #[test]
    fn nothing_else_is_touched(text in "(Host \\*|  User x|#|Include y|\\PC{0,9})?(\n(Host \\*|  User x|#|Include y|\\PC{0,9})?){0,9}") {
        let (with, _) = installed(&text, &ours(), LINE);
        prop_assert_eq!(place_in(&with, &ours()), Place::First);
        prop_assert_eq!(without(&with, &ours()), text);
    }
}
