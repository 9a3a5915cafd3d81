//! `ssh-config`: how to use plain ssh with a scanner, and whether that is safe as things are.

use fieldlink_protocol::support_id::SupportId;

use crate::config::Directories;
use crate::exit::Failure;
use crate::runtime_dir::RuntimeDirectory;
use crate::ssh_config::check::{self, Standing};
use crate::ssh_config::{alias, include_line};

pub(super) async fn run() -> Result<u8, Failure> {
    let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
    let line = include_line(runtime.path()).map_err(anyhow::Error::from)?;
    println!("# the first line of ~/.ssh/config, before every Host and Match:\n{line}");
    match runtime.sessions()?.first() {
        Some(&id) => judge(&runtime, id).await,
        None => {
            eprintln!("no session is open: run this again while one is, to check that it works");
            Ok(0)
        }
    }
}

async fn judge(runtime: &RuntimeDirectory, id: SupportId) -> Result<u8, Failure> {
    let name = alias(id);
    let standing = check::check(&runtime.session(id).join("ssh_config"), &name).await?;
    let (text, code) = match standing {
        Standing::Confirmed => (format!("checked: ssh {name} is safe to use"), 0),
        Standing::NotIncluded => ("checked: the line is not there yet".into(), 1),
        Standing::Weakened(option) => {
            (format!("checked: your configuration changes {option} for it: move the line to the top"), 1)
        }
    };
    eprintln!("{text}");
    Ok(code)
}
