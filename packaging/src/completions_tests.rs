use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command as Program, Stdio};

use super::*;

/// Prints what bash offers for each line of its input, a line each.
const BASH: &str = r#"
while IFS= read -r line; do
    [[ $line == *' ' ]] && end=' ' || end=
    read -ra COMP_WORDS <<<"$line"
    [[ $end ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    source "$1/bash/${COMP_WORDS[0]}"
    function=$(complete -p "${COMP_WORDS[0]}") function=${function#*-F } function=${function%% *}
    COMPREPLY=()
    "$function" "${COMP_WORDS[0]}" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
    echo "${COMPREPLY[*]}"
done
"#;

/// The same with fish, which does it itself.
const FISH: &str = r#"
for file in $argv[1]/fish/*.fish; source $file; end
while read -l line
    complete --do-complete "$line" | string replace -r '\t.*' '' | string join ' '
end
"#;

/// The same with zsh, which only completes in a terminal: another zsh in one, whose `compadd` tells.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PS2= RPS1= PROMPT_EOL_MARK=; fpath=($1/zsh \$fpath); autoload -U compinit; compinit -u -D"
zpty -w shell 'compadd() { local -a hits; builtin compadd -O hits "$@"; all+=($hits); builtin compadd "$@" }
tell() { local -a all; _main_complete; print -r -- "@""@${(j: :)all}@@"; compstate[list]= compstate[insert]= }
zle -C tell complete-word tell; bindkey "^I" tell; bindkey "^U" kill-whole-line; print rea""dy'
zpty -r shell output '*ready*'
while IFS= read -r line; do
    zpty -w -n shell "$line"$'\t'
    zpty -r shell output '*@@*@@*'
    output=${output#*@@}
    print -r -- ${output%@@*}
    zpty -w -n shell $'\025'
done
zpty -d shell
"#;

/// A directory with all completions, removed when dropped.
struct Written(PathBuf);

impl Written {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("fieldlink-completions-{name}-{}", std::process::id()));
        write(&dir).expect("written");
        fs::create_dir_all(dir.join("empty")).expect("made");
        Self(dir)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A command line before the cursor, and what must be offered there, exactly.
type Case = (String, BTreeSet<String>);

fn cases(command: &Command, path: &str, cases: &mut Vec<Case>) {
    let options = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let options = options.filter_map(|argument| argument.get_long()).map(|long| format!("--{long}"));
    cases.push((format!("{path} --"), options.collect()));
    let subcommands: Vec<_> = command.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    let names: BTreeSet<_> = subcommands.iter().map(|command| command.get_name().to_owned()).collect();
    for subcommand in subcommands.iter().filter(|command| command.get_name() != "help") {
        let name = subcommand.get_name();
        self::cases(subcommand, &format!("{path} {name}"), cases);
        // What begins like it.
        let begin = &name[..1];
        let alike = names.iter().filter(|name| name.starts_with(begin)).cloned().collect();
        cases.push((format!("{path} {begin}"), alike));
    }
}

fn all_cases() -> Vec<Case> {
    let mut all = Vec::new();
    for program in programs::all() {
        let mut command = program.command;
        command.build();
        let name = command.get_name().to_owned();
        cases(&command, &name, &mut all);
    }
    all
}

/// Has `shell` complete every line, and compares.
fn check(shell: &str, arguments: &[&str], script: &str) {
    let written = Written::new(shell);
    let mut program = Program::new(shell);
    program.args(arguments).arg(script);
    // What follows a script is numbered from 0 by bash and zsh.
    program.args((shell != "fish").then_some(shell)).arg(&written.0);
    // Where no file could be offered.
    program.current_dir(written.0.join("empty"));
    let child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        // Not eprintln: the test harness hides that of a test that passes.
        let _ =
            writeln!(std::io::stderr(), "skipped  completion in {shell}: it is not installed (make setup)");
        return;
    };
    let cases = all_cases();
    let lines: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    child.stdin.take().expect("taken over").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let offered: Vec<BTreeSet<_>> =
        said.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect();
    assert_eq!(offered.len(), cases.len(), "{said}{errors}");
    for ((line, mut expected), offered) in cases.into_iter().zip(offered) {
        // Options with one letter begin with a dash as well, and some shells offer the commands, too.
        let offered: BTreeSet<_> =
            offered.into_iter().map(|word| word.trim_end_matches('=').to_owned()).collect();
        expected.retain(|word| word != "--");
        assert_eq!(offered, expected, "{shell}: {line}: {errors}");
    }
}

#[test]
fn bash_completes_every_command() {
    check("bash", &["--norc", "-c"], BASH);
}

#[test]
fn zsh_completes_every_command() {
    check("zsh", &["-f", "-c"], ZSH);
}

#[test]
fn fish_completes_every_command() {
    check("fish", &["--no-config", "-c"], FISH);
}

#[test]
fn what_help_hides_is_not_offered() {
    let written = Written::new("hidden");
    for (shell, file_name) in SHELLS {
        let path = written.0.join(shell.to_string()).join(file_name("fieldlink-connect"));
        assert!(!fs::read_to_string(path).expect("there").contains("--closed"), "{shell}");
    }
}
