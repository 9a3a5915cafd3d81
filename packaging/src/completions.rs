//! Completions for bash, zsh and fish.

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::Command;
use clap_complete::{Shell, generate};

use crate::programs;

/// The file that a shell looks for, by the program's name.
type FileName = fn(&str) -> String;

/// The shells, and the name of a program's file in each.
const SHELLS: [(Shell, FileName); 3] = [
    (Shell::Bash, |program| program.to_owned()),
    (Shell::Zsh, |program| format!("_{program}")),
    (Shell::Fish, |program| format!("{program}.fish")),
];

/// Writes the completions of every program below `dir`.
pub(crate) fn write(dir: &Path) -> anyhow::Result<()> {
    for (shell, file_name) in SHELLS {
        let dir = dir.join(shell.to_string());
        fs::create_dir_all(&dir).with_context(|| format!("could not make {}", dir.display()))?;
        for program in programs::all() {
            let path = dir.join(file_name(program.command.get_name()));
            fs::write(&path, script(program.command, shell))
                .with_context(|| format!("could not write {}", path.display()))?;
        }
    }
    Ok(())
}

fn script(command: Command, shell: Shell) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut shown(&command), name, &mut script);
    script
}

/// The command without what `--help` hides: clap_complete would offer that, too.
fn shown(command: &Command) -> Command {
    let subcommands = command.get_subcommands().filter(|command| !command.is_hide_set());
    // clap takes names that live for ever; this program ends in a moment.
    let name: &'static str = command.get_name().to_owned().leak();
    let mut shown =
        Command::new(name).args(command.get_arguments().cloned()).subcommands(subcommands.map(shown));
    if command.get_version().is_some() {
        shown = shown.version(env!("CARGO_PKG_VERSION"));
    }
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_the_commands_of_every_program() {
        for (shell, _) in SHELLS {
            for program in programs::all() {
                let command =
                    program.command.get_subcommands().next().expect("commands").get_name().to_owned();
                let script = String::from_utf8(script(program.command, shell)).expect("text");
                assert!(script.contains(&command), "{shell} does not know {command}");
                assert!(!script.contains("proxy"), "{shell} offers what ssh alone calls");
            }
        }
    }
}
