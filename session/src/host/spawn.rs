//! Starting a program on a terminal or on pipes.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pty_process::blocking::Command as TerminalCommand;

use super::environment::{Account, Environment};
use super::terminal;
use crate::wire::{ProgramKind, TerminalRequest};

// Where distributions keep it; the first that is there is taken.
const SFTP_SERVERS: [&str; 3] =
    ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];

/// What the agent wants started.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) program: ProgramKind,
    pub(super) terminal: Option<TerminalRequest>,
    pub(super) environment: Vec<(String, String)>,
}

/// A program that runs, and the descriptors for the agent.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) child: Child,
    pub(super) descriptors: Vec<OwnedFd>,
}

#[derive(Debug)]
struct Plan {
    program: PathBuf,
    name: OsString,
    arguments: Vec<OsString>,
    environment: Environment,
    directory: PathBuf,
}

/// Starts a program in a process group of its own, with default signals and nothing inherited.
pub(super) fn spawn(wanted: &Wanted, account: &Account) -> io::Result<Spawned> {
    let plan = plan(wanted, account)?;
    match &wanted.terminal {
        Some(request) => on_terminal(plan, request),
        None => on_pipes(plan),
    }
}

fn plan(wanted: &Wanted, account: &Account) -> io::Result<Plan> {
    let shell = account.shell();
    let (program, name, arguments) = match &wanted.program {
        // A leading dash makes it a login shell.
        ProgramKind::Shell {} => (shell.to_owned(), dashed(shell), Vec::new()),
        ProgramKind::Exec { command } => {
            let command = OsString::from_vec(command.clone());
            let name = file_name(shell).to_owned();
            (shell.to_owned(), name, vec!["-c".into(), command])
        }
        ProgramKind::Sftp {} => {
            let server = sftp_server()?;
            (server.to_owned(), "sftp-server".into(), Vec::new())
        }
    };
    Ok(Plan {
        program,
        name,
        arguments,
        environment: account.environment(&wanted.environment),
        directory: account.directory().to_owned(),
    })
}

fn on_terminal(mut plan: Plan, request: &TerminalRequest) -> io::Result<Spawned> {
    let (master, slave) = terminal::open(request)?;
    let path = nix::unistd::ttyname(&slave)?;
    plan.environment.insert("SSH_TTY".into(), path.into());
    if terminal::is_plain_name(&request.term) {
        let term = OsString::from(&request.term);
        plan.environment.insert("TERM".into(), term);
    }
    let child = TerminalCommand::new(&plan.program)
        .arg0(&plan.name)
        .args(&plan.arguments)
        .env_clear()
        .envs(&plan.environment)
        .current_dir(&plan.directory)
        .spawn(slave)
        .map_err(|error| named(&plan.program, terminal::io_error(error)))?;
    Ok(Spawned { child, descriptors: vec![master.into()] })
}

fn on_pipes(plan: Plan) -> io::Result<Spawned> {
    let mut child = Command::new(&plan.program)
        .arg0(&plan.name)
        .args(&plan.arguments)
        .env_clear()
        .envs(&plan.environment)
        .current_dir(&plan.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| named(&plan.program, error))?;
    let ends: [Option<OwnedFd>; 3] = [
        child.stdin.take().map(OwnedFd::from),
        child.stdout.take().map(OwnedFd::from),
        child.stderr.take().map(OwnedFd::from),
    ];
    let descriptors = ends.into_iter().flatten().collect();
    Ok(Spawned { child, descriptors })
}

fn sftp_server() -> io::Result<&'static Path> {
    let mut places = SFTP_SERVERS.iter().map(Path::new);
    places.find(|path| path.exists()).ok_or_else(|| {
        let message = "could not find sftp-server: install openssh-sftp-server on the scanner";
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

fn named(program: &Path, error: io::Error) -> io::Error {
    let message = format!("could not start {}: {error}", program.display());
    io::Error::new(error.kind(), message)
}

fn dashed(shell: &Path) -> OsString {
    let name = [b"-", file_name(shell).as_bytes()].concat();
    OsString::from_vec(name)
}

fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or(path.as_os_str())
}
