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
    // For bash clap_complete writes a dash in the program's name in two different ways, and then misses its own
    // commands. What the name has in place of the dash goes to the one line that is not about itself.
    let written = if shell == Shell::Bash { name.replace('-', "_") } else { name.clone() };
    let mut script = Vec::new();
    generate(shell, &mut shown(&command), written.clone(), &mut script);
    if written == name {
        return script;
    }
    let script = String::from_utf8_lossy(&script);
    let lines = script.lines().map(|line| match line.trim_start().strip_prefix("complete ") {
        Some(_) => {
            line.strip_suffix(&written).map_or_else(|| line.to_owned(), |line| format!("{line}{name}"))
        }
        None => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect::<String>().into_bytes()
}

/// The command without what `--help` hides, which clap_complete would offer, too. Words of which none can be
/// guessed are left out where a command could stand as well: in zsh they would take its place.
fn shown(command: &Command) -> Command {
    let subcommands = || command.get_subcommands().filter(|command| !command.is_hide_set());
    let has_commands = subcommands().next().is_some();
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let arguments = arguments.filter(|argument| !(has_commands && argument.is_positional()));
    // clap takes names that live for ever; this program ends in a moment.
    let name: &'static str = command.get_name().to_owned().leak();
    let mut shown = Command::new(name).args(arguments.cloned()).subcommands(subcommands().map(shown));
    if command.get_version().is_some() {
        shown = shown.version(env!("CARGO_PKG_VERSION"));
    }
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    shown
}

#[cfg(test)]
#[path = "completions_tests.rs"]
mod tests;
