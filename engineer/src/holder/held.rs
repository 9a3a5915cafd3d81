//! A session that is open, until it has ended or is left.

use std::time::Duration;

use fieldlink_protocol::reason::Reason;
use tokio::time::timeout;

use crate::end::{End, Told};
use crate::exit::{Failure, Kind, SSH_FAILED};
use crate::front_link::{FrontLink, SshEnd};
use crate::platform::Signal;
use crate::progress::{Console, Progress};
use crate::session::{Keeping, Session, Stop, Stops};
use crate::ssh_config::check::{self, Standing};
use crate::words::say;

/// How long it may take to see whether plain ssh works. Meanwhile nothing else is listened to.
const LOOKING: Duration = Duration::from_secs(2);

/// What happened first while ssh ran.
enum Happened {
    Ssh(SshEnd),
    Over(End),
    Stopped(Stop),
}

/// A session that is open.
pub(super) struct Held<'a> {
    pub(super) session: Session,
    pub(super) stops: &'a mut Stops,
    pub(super) console: &'a Console,
    pub(super) front: &'a mut FrontLink,
    /// Set if the scanner restarts, and the session is to be come back to.
    pub(super) restarts: &'a mut bool,
}

impl Held<'_> {
    /// Says how other programs can use the session.
    pub(super) async fn offer(&mut self) {
        let Self { session, console, .. } = self;
        let (config, looking) = (session.ssh_config(), session.plain_ssh());
        let looked = tokio::select! {
            biased;
            // The end is told by what comes next.
            _ = session.ended(console) => return,
            looked = timeout(LOOKING, looking) => looked,
        };
        // Who waits for a shell is not kept by one that takes its time.
        let (standing, trouble) =
            looked.unwrap_or_else(|_| (Err(anyhow::Error::msg(say!("plain-ssh-not-tried"))), None));
        let names = session.names();
        console.say(&how_to_use(&config.display().to_string(), &names, &standing, trouble.as_deref()));
    }

    /// Holds the session until it ends or the engineer ends it.
    pub(super) async fn hold(mut self) -> Result<u8, Failure> {
        tokio::select! {
            biased;
            end = self.session.ended(self.console) => self.over(&end).await,
            stop = self.stops.next() => self.stopped(stop).await,
        }
    }

    /// Has a shell opened in the front's terminal, and ends the session with it. Says first how other programs can use
    /// the session: that is looked for while ssh starts.
    pub(super) async fn shell(mut self) -> Result<u8, Failure> {
        self.start_ssh().await;
        self.offer().await;
        let ssh = match self.follow_ssh().await {
            Happened::Ssh(ssh) => ssh,
            Happened::Over(end) => return self.over(&end).await,
            Happened::Stopped(stop) => return self.stopped(stop).await,
        };
        if ssh.code == SSH_FAILED
            && let Some(end) = self.session.end_behind_a_lost_connection(self.console).await
        {
            return self.over(&end).await;
        }
        if ssh.failed {
            return self.keep(ssh).await;
        }
        self.wait_for_others(ssh.code).await
    }

    /// Has one command run, and ends the session with it.
    pub(super) async fn command(mut self) -> Result<u8, Failure> {
        self.start_ssh().await;
        let ssh = match self.follow_ssh().await {
            Happened::Ssh(ssh) => ssh,
            Happened::Over(end) => return self.over(&end).await,
            Happened::Stopped(stop) => return self.stopped(stop).await,
        };
        if ssh.code == SSH_FAILED
            && let Some(end) = self.session.end_behind_a_lost_connection(self.console).await
        {
            return self.over(&end).await;
        }
        if ssh.failed && !self.session.was_connected() {
            return self.leave(ssh.code, &say!("ssh-got-no-connection")).await;
        }
        self.part_quietly(Reason::EngineerEnded, ssh.code).await?;
        Ok(ssh.code)
    }

    /// A session that is watched from here: it goes on for the others when whoever watches has seen enough.
    pub(super) async fn view(mut self) -> Result<u8, Failure> {
        self.front.start_view(self.session.socket()).await;
        self.console.hide(true);
        let happened = self.follow_ssh().await;
        self.console.hide(false);
        match happened {
            Happened::Ssh(_) => {
                self.part(Reason::EngineerEnded, 0).await?;
                Ok(0)
            }
            Happened::Over(end) => self.over(&end).await,
            Happened::Stopped(stop) => self.end(stop).await,
        }
    }

    async fn start_ssh(&mut self) {
        self.front.start_ssh(self.session.ssh_config(), self.session.alias()).await;
    }

    /// Lets the ssh that was started have its connection and the terminal, until something happens.
    async fn follow_ssh(&mut self) -> Happened {
        self.console.mute(true);
        self.session.raise_curtain();
        let happened = tokio::select! {
            biased;
            end = self.session.ended(self.console) => Happened::Over(end),
            stop = self.stops.next() => Happened::Stopped(stop),
            ssh = self.front.ssh_end() => Happened::Ssh(ssh),
        };
        let is_left_alone = match &happened {
            Happened::Ssh(_) => true,
            Happened::Stopped(stop) => stop.is_hang_up(),
            Happened::Over(_) => false,
        };
        if !is_left_alone {
            self.front.stop_ssh().await;
        }
        self.console.mute(false);
        happened
    }

    /// A shell has ended with `code`. Other connections keep the session, and nothing else does.
    async fn wait_for_others(mut self, code: u8) -> Result<u8, Failure> {
        let open = self.session.other_connections();
        if open > 0 {
            self.console.say(&say!("shell-closed", count = open as u64));
            tokio::select! {
                biased;
                end = self.session.unused(self.console) => if let Some(end) = end {
                    return self.over(&end).await;
                },
                stop = self.stops.next() => if stop.is_hang_up() {
                    return self.stopped(stop).await;
                },
            }
        }
        self.part(Reason::EngineerEnded, code).await?;
        Ok(code)
    }

    /// ssh failed, and not the session: that goes on, as long as the engineer is there to end it.
    async fn keep(self, ssh: SshEnd) -> Result<u8, Failure> {
        if !self.front.is_attended() {
            return self.leave(ssh.code, &say!("ssh-failed")).await;
        }
        self.console.say(&say!("session-goes-on", id = self.session.id().to_string()));
        self.hold().await
    }

    /// Leaves the session to the process that comes back to it.
    async fn leave(self, code: u8, why: &str) -> Result<u8, Failure> {
        let id = self.session.id();
        self.session.release().await?;
        let message = say!("session-left", why = why, id = id.to_string());
        self.console.say(&say!("program-says", message = message));
        Ok(code)
    }

    /// The session ended, and not by this engineer; or it waits for the scanner to restart.
    async fn over(self, end: &End) -> Result<u8, Failure> {
        // The relay says so, too, to a program that was out of reach when the scanner did.
        if end.reason == Reason::Restarting && end.told >= Told::Relay {
            *self.restarts = true;
            self.session.await_restart().await?;
            return Ok(0);
        }
        let Self { session, console, stops, front, .. } = self;
        console.tell(&Progress::ended(end));
        let code = Kind::SessionOver.code();
        session.clear_up(end, Keeping { console, stops, front: (front, code) }).await?;
        Ok(code)
    }

    /// The terminal is gone. Connections from other terminals go on; after them the session is left.
    async fn hung_up(mut self) -> Result<u8, Failure> {
        while self.session.other_connections() > 0 {
            tokio::select! {
                biased;
                end = self.session.unused(self.console) => if let Some(end) = end {
                    return self.over(&end).await;
                },
                stop = self.stops.next() => match stop {
                    // The shell and the kernel both tell of one terminal's end.
                    Stop::Signal(Signal::HangUp) => {}
                    Stop::FrontGone => break,
                    stop => return self.end(stop).await,
                },
            }
        }
        self.leave(Signal::HangUp.exit_code(), &say!("terminal-gone")).await
    }

    async fn stopped(self, stop: Stop) -> Result<u8, Failure> {
        match stop {
            stop if stop.is_hang_up() => self.hung_up().await,
            stop => self.end(stop).await,
        }
    }

    /// Ends the session, as `stop` wants.
    async fn end(self, stop: Stop) -> Result<u8, Failure> {
        let code = code_of(stop);
        self.part(reason(stop), code).await?;
        Ok(code)
    }

    /// Ends the session from here, says so, and keeps its report.
    async fn part(self, reason: Reason, code: u8) -> anyhow::Result<()> {
        self.console.tell(&Progress::ended(&End::new(reason, Told::Here)));
        self.part_quietly(reason, code).await
    }

    async fn part_quietly(self, reason: Reason, code: u8) -> anyhow::Result<()> {
        let Self { session, console, stops, front, .. } = self;
        session.end(reason, Keeping { console, stops, front: (front, code) }).await
    }
}

/// How other programs can use the session: by plain ssh under `names` if that is safe, or with the session's own
/// `config`; and through another shell if `trouble` with the engineer's own keeps ssh from its connection.
fn how_to_use(
    config: &str,
    names: &[String],
    standing: &anyhow::Result<Standing>,
    trouble: Option<&str>,
) -> String {
    let shell = if trouble.is_some() { "SHELL=/bin/sh " } else { "" };
    let own = say!("use-own-config", shell = shell, config = config);
    let mut text = match standing {
        Ok(Standing::Confirmed) => {
            let one_or_another =
                |names: String, name| say!("one-name-or-another", names = names, name = name);
            let names = names.iter().cloned().reduce(one_or_another).unwrap_or_default();
            say!("use-by-name", shell = shell, names = names)
        }
        Ok(Standing::NotIncluded) => format!("{own}\n{}", say!("plain-ssh-not-installed")),
        Ok(Standing::Weakened(differences)) => {
            format!("{own}\n{}", say!("plain-ssh-differs", advice = check::advice(differences)))
        }
        Err(error) => format!("{own}\n({error:#})"),
    };
    if let Some(trouble) = trouble {
        text.push_str(&format!("\n{}", say!("own-shell-in-the-way", trouble = trouble)));
    }
    text
}

fn reason(stop: Stop) -> Reason {
    match stop {
        Stop::Requested | Stop::Signal(Signal::Interrupt) => Reason::EngineerEnded,
        Stop::FrontGone | Stop::Signal(Signal::Terminate | Signal::HangUp) => Reason::EngineerStopped,
    }
}

/// Ctrl-C and `end` are how a session is meant to end.
fn code_of(stop: Stop) -> u8 {
    match stop {
        Stop::Requested | Stop::Signal(Signal::Interrupt) => 0,
        Stop::Signal(signal) => signal.exit_code(),
        Stop::FrontGone => Signal::HangUp.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh_config::check::Difference;

    #[test]
    fn engineers_read_the_command_that_works() {
        let names = ["scanner-1".to_owned(), "ticket-T-7".to_owned()];
        let shown = |standing, trouble| how_to_use("/run/x/ssh_config", &names, &standing, trouble);
        let confirmed = shown(Ok(Standing::Confirmed), None);
        assert_eq!(
            confirmed,
            "from other terminals: ssh scanner-1, or ticket-T-7 (scp, sftp, rsync, git … likewise)"
        );
        let loud = shown(Ok(Standing::Confirmed), Some("it prints"));
        assert!(
            loud.contains("SHELL=/bin/sh ssh scanner-1, or ") && loud.ends_with("here: it prints)"),
            "{loud}"
        );
        let difference = Difference { option: "forwardagent".into(), added: Vec::new() };
        let weakened = shown(Ok(Standing::Weakened(vec![difference])), None);
        assert!(weakened.contains("ssh -F /run/x/ssh_config scanner") && weakened.contains("forwardagent"));
        let failed = shown(Err(anyhow::anyhow!("no answer")), None);
        assert!(failed.ends_with("(no answer)"), "{failed}");
    }
}
