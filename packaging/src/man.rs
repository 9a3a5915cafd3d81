//! Man pages: one per program and one per subcommand.

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::programs::{self, Program};

/// Writes the pages of every program below `dir`.
pub(crate) fn write(dir: &Path) -> anyhow::Result<()> {
    for program in programs::all() {
        let dir = dir.join(program.command.get_name());
        fs::create_dir_all(&dir).with_context(|| format!("could not make {}", dir.display()))?;
        let mut command = program.command.clone().disable_help_subcommand(true);
        command.build();
        pages(&command, None, &program, &dir)?;
    }
    Ok(())
}

/// Writes the page of `command`, which is the whole program's if it has no `parent`, and those below it.
fn pages(command: &Command, parent: Option<&str>, program: &Program, dir: &Path) -> anyhow::Result<()> {
    let name = Man::new(command.clone()).get_filename();
    let this = page_name(&name);
    for subcommand in shown(command) {
        pages(subcommand, Some(&this), program, dir)?;
    }
    let path = dir.join(name);
    fs::write(&path, page(command, parent, program)?)
        .with_context(|| format!("could not write {}", path.display()))
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set())
}

/// `fieldlink-connect.1` as pages refer to it.
fn page_name(file: &str) -> String {
    format!("{}(1)", file.trim_end_matches(".1"))
}

fn page(command: &Command, parent: Option<&str>, program: &Program) -> anyhow::Result<Vec<u8>> {
    // What stands above and below a page; without a name, clap_mangen puts the last word of the command there.
    let source = concat!("Fieldlink ", env!("CARGO_PKG_VERSION"));
    // It would run the lines of the text behind the help together.
    let bare = command.clone().after_help(None::<&str>).after_long_help(None::<&str>);
    let mut page = Vec::new();
    Man::new(bare).manual("Fieldlink").source(source).render(&mut page)?;
    let mut sections = Roff::new();
    let behind = command.get_after_long_help().or_else(|| command.get_after_help());
    behind.iter().for_each(|text| lines(&mut sections, &text.to_string()));
    if parent.is_none() {
        list(&mut sections, "EXAMPLES", program.examples);
    }
    list(&mut sections, "FILES", program.files);
    see_also(&mut sections, command, parent, program);
    sections.to_writer(&mut page)?;
    Ok(page)
}

/// The tables behind the help, line by line. Files have a section of their own.
fn lines(sections: &mut Roff, text: &str) {
    for table in text.split("\n\n").filter(|table| !table.starts_with("Files")) {
        let title = if table.starts_with("Exit codes") { "EXIT STATUS" } else { "NOTES" };
        sections.control("SH", [title]).control("nf", []);
        for line in table.lines().filter(|line| *line != "Exit codes:") {
            sections.text([roman(line)]);
        }
        sections.control("fi", []);
    }
}

fn list(sections: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    if !rows.is_empty() {
        sections.control("SH", [title]);
    }
    for (what, about) in rows {
        sections.control("TP", []).text([bold(*what)]).text([roman(*about)]);
    }
}

fn see_also(sections: &mut Roff, command: &Command, parent: Option<&str>, program: &Program) {
    let below = shown(command).map(|below| page_name(&Man::new(below.clone()).get_filename()));
    let mut pages: Vec<String> = parent.into_iter().map(str::to_owned).chain(below).collect();
    if parent.is_none() {
        pages.extend(program.related.iter().map(|&page| page.to_owned()));
    }
    if !pages.is_empty() {
        sections.control("SH", ["SEE ALSO"]).text([roman(pages.join(", "))]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A whole page, as text, of the program `name`.
    fn rendered(name: &str) -> String {
        let program =
            programs::all().into_iter().find(|program| program.command.get_name() == name).expect(name);
        let mut command = program.command.clone().disable_help_subcommand(true);
        command.build();
        String::from_utf8(page(&command, None, &program).expect("a page")).expect("text")
    }

    #[test]
    fn a_page_tells_of_commands_and_files() {
        let page = rendered("fieldlink-relay");
        for part in
            [".SH NAME", "fieldlink\\-relay", "check\\-config", ".SH FILES", "/etc/fieldlink/relay.toml"]
        {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
    }

    #[test]
    fn the_engineers_page_has_what_a_first_reader_looks_for() {
        let page = rendered("fieldlink-connect");
        for part in [
            ".SH EXAMPLES",
            ".SH \"EXIT STATUS\"",
            ".SH \"SEE ALSO\"",
            "fieldlink\\-connect\\-run(1), ",
            "ssh_config(5)",
            "without it nothing can be called",
            ".nf",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(!page.contains("Optional.") && !page.contains("Files, each in"), "{page}");
    }

    #[test]
    fn every_program_and_command_that_is_shown_has_a_page() {
        let dir = std::env::temp_dir().join(format!("fieldlink-man-{}", std::process::id()));
        write(&dir).expect("pages");
        for page in
            ["fieldlink-relay/fieldlink-relay-engineer-add.1", "fieldlink-connect/fieldlink-connect-run.1"]
        {
            assert!(dir.join(page).exists(), "{page}");
        }
        let proxy =
            fs::read_to_string(dir.join("fieldlink-connect/fieldlink-connect-proxy.1")).expect("a page");
        assert!(proxy.contains("stdio") && !proxy.contains("closed"), "what is hidden is in {proxy}");
        fs::remove_dir_all(&dir).expect("removed");
    }
}
