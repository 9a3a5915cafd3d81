//! Copying files, by the stock tools.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::{Call, Engineer, Relay, Scanner};

fn same(a: &Path, b: &Path) -> bool {
    fs::read(a).expect("readable") == fs::read(b).expect("readable")
}

fn must(command: &mut Command) {
    let output = run_with_input(command, b"");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn give_it_a_past(path: &Path) {
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(path).expect("ours").set_modified(past).expect("it can be set");
    fs::set_permissions(path, fs::Permissions::from_mode(0o750)).expect("ours");
}

fn has_that_past(path: &Path) {
    let data = fs::metadata(path).expect("it is there");
    assert_eq!((data.mtime(), data.mode() & 0o777), (1_000_000_000, 0o750), "{}", path.display());
}

#[test]
fn scp_copies_both_ways_with_times_and_modes() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let (near, far) = (engineer.home().join("näher.bin"), scanner.directory().join("fern weit.bin"));
    random_file(&near, 5_000_001);
    give_it_a_past(&near);
    let remote = |path: &Path| format!("{}:{}", call.alias, path.display());
    must(call.tool("scp").args(["-pq"]).arg(&near).arg(remote(&far)));
    assert!(same(&near, &far));
    has_that_past(&far);
    let back = engineer.home().join("back.bin");
    must(call.tool("scp").args(["-pq"]).arg(remote(&far)).arg(&back));
    assert!(same(&near, &back));
    has_that_past(&back);
    // The protocol of before OpenSSH 9, and a directory.
    must(call.tool("scp").args(["-Oqr"]).arg(engineer.home()).arg(remote(&scanner.directory().join("tree"))));
    assert!(same(&near, &scanner.directory().join("tree/back.bin")));
}

#[test]
fn sftp_renames_links_and_resumes() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let (near, far) = (engineer.home(), scanner.directory().to_owned());
    random_file(&near.join("data"), 3_000_000);
    give_it_a_past(&near.join("data"));
    call.sftp(&format!(
        "put -p {n}/data {f}/one\nrename {f}/one {f}/two\nln -s {f}/two {f}/link\nmkdir {f}/dir\nchmod 700 {f}/dir\nget -p {f}/link {n}/copy\n",
        n = near.display(),
        f = far.display()
    ));
    assert!(same(&near.join("data"), &far.join("two")) && same(&near.join("data"), &near.join("copy")));
    has_that_past(&far.join("two"));
    assert_eq!(fs::read_link(far.join("link")).expect("a link"), far.join("two"));
    assert!(!far.join("one").exists());
    // Resuming: half of it is there already.
    let whole = fs::read(near.join("data")).expect("readable");
    fs::write(near.join("half"), &whole[..1_234_567]).expect("writable");
    call.sftp(&format!("reget {}/two {}/half\n", far.display(), near.display()));
    assert!(same(&near.join("data"), &near.join("half")));
    fs::write(far.join("half"), &whole[..1_234_567]).expect("writable");
    call.sftp(&format!("reput {}/data {}/half\n", near.display(), far.display()));
    assert!(same(&near.join("data"), &far.join("half")));
}

fn make_tree(root: &Path) {
    fs::create_dir_all(root.join("Ünïcode ✓/空")).expect("writable");
    random_file(&root.join("Ünïcode ✓/空/datei"), 100_000);
    random_file(&root.join("first"), 50_000);
    fs::hard_link(root.join("first"), root.join("second")).expect("the same file system");
    symlink("first", root.join("symbolic")).expect("writable");
    let sparse = File::create(root.join("holes")).expect("writable");
    sparse.write_at(b"end", 20_000_000).expect("writable");
    give_it_a_past(&root.join("first"));
}

fn rsync(call: &Call<'_>) -> Command {
    let mut command = Command::new("rsync");
    let ssh = call.tool("ssh");
    let words: Vec<_> = ssh.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    command.args(["-aHS", "-e"]).arg(format!("ssh {}", words.join(" ")));
    for (name, value) in ssh.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

#[test]
fn rsync_keeps_names_holes_and_links() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let (near, far) = (engineer.home().join("tree"), scanner.directory().join("tree"));
    make_tree(&near);
    let remote = format!("{}:{}/", call.alias, far.display());
    must(rsync(&call).arg(format!("{}/", near.display())).arg(&remote));
    let back = engineer.home().join("back");
    must(rsync(&call).arg(&remote).arg(format!("{}/", back.display())));
    for copy in [&far, &back] {
        for name in ["Ünïcode ✓/空/datei", "first", "second", "holes"] {
            assert!(same(&near.join(name), &copy.join(name)), "{name}");
        }
        has_that_past(&copy.join("first"));
        let inode = |name: &str| fs::metadata(copy.join(name)).expect("it is there").ino();
        assert_eq!(inode("first"), inode("second"), "hard links stay one file");
        assert_eq!(fs::read_link(copy.join("symbolic")).expect("a link"), Path::new("first"));
        assert!(fs::metadata(copy.join("holes")).expect("it is there").blocks() < 1000, "holes stay holes");
    }
    // A second run has nothing to send; --delete removes.
    fs::remove_file(near.join("first")).expect("ours");
    must(rsync(&call).arg("--delete").arg(format!("{}/", near.display())).arg(&remote));
    assert!(!far.join("first").exists() && far.join("second").exists());
}

#[test]
fn git_clones_and_pushes() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let origin = scanner.directory().join("origin.git");
    let git = |directory: &Path, words: &[&str]| {
        let mut command = engineer.program("git");
        let config = call.ssh_config();
        command
            .env("GIT_SSH_COMMAND", format!("ssh -F {}", config.display()))
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command.args([
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.com",
            "-c",
            "init.defaultBranch=main",
        ]);
        must(command.arg("-C").arg(directory).args(words));
    };
    git(scanner.directory(), &["init", "-q", "--bare", "origin.git"]);
    let clone = engineer.home().join("clone");
    let url = format!("{}:{}", call.alias, origin.display());
    git(&engineer.home(), &["clone", "-q", &url, "clone"]);
    random_file(&clone.join("big"), 2_000_000);
    git(&clone, &["add", "big"]);
    git(&clone, &["commit", "-qm", "add"]);
    git(&clone, &["push", "-q", "origin", "HEAD:main"]);
    git(&engineer.home(), &["clone", "-q", "-b", "main", &url, "again"]);
    assert!(same(&clone.join("big"), &engineer.home().join("again/big")));
}
