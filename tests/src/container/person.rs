//! The account and the session that a command in a container runs in.

use std::sync::{Mutex, PoisonError};

use super::Container;
use crate::PATIENCE;
use crate::programs::eventually;

/// An account in a container, and how it is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person<'a> {
    /// The administrator.
    Root,
    /// The end client, logged in at the screen: for logind an active local session.
    Client,
    /// The same account, logged in from elsewhere: a session without a seat.
    Away,
    /// An account, without a session of its own.
    Account(&'a str),
}

/// The account of the end client.
pub const CLIENT: &str = "client";

const AT_THE_SCREEN: &str = "XDG_SEAT=seat0 XDG_SESSION_TYPE=x11 XDG_SESSION_CLASS=user";
const FROM_ELSEWHERE: &str = "XDG_SESSION_TYPE=tty XDG_SESSION_CLASS=user";

/// Joins the control group of a session, by which logind and polkit tell what belongs to it, and becomes its user.
const JOIN: &str = r#"
scope=$1 user=$2; shift 2
groups=$(find /sys/fs/cgroup -path "*$scope/cgroup.procs")
[ -n "$groups" ] || { echo "the session $scope is over" >&2; exit 99; }
for group in $groups; do echo $$ >"$group" || exit 99; done
exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --pdeathsig=KILL "$@""#;

/// Becomes a user.
const BECOME: &str = r#"
user=$1; shift
exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --pdeathsig=KILL "$@""#;

/// The sessions that were opened since the last boot: their control groups.
#[derive(Default)]
pub(super) struct Logins {
    client: Mutex<Option<String>>,
    away: Mutex<Option<String>>,
}

impl Logins {
    pub(super) fn forget(&self) {
        for login in [&self.client, &self.away] {
            *login.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Container {
    /// The words that have `person` run what follows them.
    pub(super) fn become_person(&self, person: Person<'_>) -> Vec<String> {
        match person {
            Person::Root => words(&["setpriv", "--pdeathsig=KILL"]),
            Person::Account(user) => become_account(user),
            Person::Client => join(&self.session(&self.logins.client, "fieldlink-test-desk", AT_THE_SCREEN)),
            Person::Away => join(&self.session(&self.logins.away, "fieldlink-test-away", FROM_ELSEWHERE)),
        }
    }

    /// The control group of a session of the client, which is opened if there is none.
    fn session(&self, login: &Mutex<Option<String>>, unit: &str, variables: &str) -> String {
        let mut login = login.lock().unwrap_or_else(PoisonError::into_inner);
        login.get_or_insert_with(|| self.log_in(unit, variables)).clone()
    }

    /// Logs the client in, as a display manager would, and has something keep the session open.
    fn log_in(&self, unit: &str, variables: &str) -> String {
        self.shell(&format!(
            "id -u {CLIENT} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {CLIENT}"
        ));
        self.run(&[
            "systemd-run",
            "--quiet",
            &format!("--unit={unit}"),
            &format!("--property=User={CLIENT}"),
            "--property=PAMName=login",
            &format!("--property=Environment={variables}"),
            "sleep",
            "infinity",
        ]);
        let mut scope = None;
        eventually("the client is logged in", PATIENCE, || {
            scope = self.scope_of(unit).filter(|scope| self.is_active(scope));
            scope.is_some()
        });
        scope.expect("just found")
    }

    /// Whether logind says that a session and its user are there: it does so a moment after the process joined
    /// the control group, and polkit reads what it wrote down.
    fn is_active(&self, scope: &str) -> bool {
        let session = scope.rsplit(['/', '-']).next().and_then(|last| last.strip_suffix(".scope"));
        let session = session.unwrap_or_else(|| panic!("no scope of a session: {scope}"));
        let states = self.output_as(
            Person::Root,
            &[
                "sh",
                "-c",
                "loginctl show-session --property=State \"$1\" && loginctl show-user --property=State \"$2\"",
                "states",
                session,
                CLIENT,
            ],
        );
        String::from_utf8_lossy(&states.stdout).lines().filter(|line| *line == "State=active").count() == 2
    }

    /// The control group of the session that a service opened for its user, once it has.
    fn scope_of(&self, unit: &str) -> Option<String> {
        let groups = self.read(&format!("/proc/{}/cgroup", self.main_pid(unit)?));
        groups
            .lines()
            .filter_map(|line| line.rsplit(':').next())
            .find(|path| path.ends_with(".scope"))
            .map(str::to_owned)
    }
}

fn become_account(user: &str) -> Vec<String> {
    words(&["sh", "-c", BECOME, "become", user])
}

fn join(scope: &str) -> Vec<String> {
    words(&["sh", "-c", JOIN, "join", scope, CLIENT])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

impl Person<'_> {
    /// The account's name.
    pub fn user(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::Client | Self::Away => CLIENT,
            Self::Account(user) => user,
        }
    }
}
