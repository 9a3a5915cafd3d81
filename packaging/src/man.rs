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
    for Program { command, files } in programs::all() {
        let dir = dir.join(command.get_name());
        fs::create_dir_all(&dir).with_context(|| format!("could not make {}", dir.display()))?;
        let mut command = command.disable_help_subcommand(true);
        command.build();
        pages(&command, files, &dir)?;
    }
    Ok(())
}

fn pages(command: &Command, files: &[(&str, &str)], dir: &Path) -> anyhow::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        pages(subcommand, files, dir)?;
    }
    // What stands above and below a page; without a name, clap_mangen puts the last word of the command there.
    let source = concat!("Fieldlink ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).manual("Fieldlink").source(source);
    let path = dir.join(man.get_filename());
    fs::write(&path, page(&man, files)?).with_context(|| format!("could not write {}", path.display()))
}

fn page(man: &Man, files: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    let mut section = Roff::new();
    section.control("SH", ["FILES"]);
    for (file, about) in files {
        section.control("TP", []).text([bold(*file)]).text([roman(*about)]);
    }
    section.to_writer(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A whole page, as text, of the program `name`.
    fn rendered(name: &str) -> String {
        let program =
            programs::all().into_iter().find(|program| program.command.get_name() == name).expect(name);
        String::from_utf8(page(&Man::new(program.command), program.files).expect("a page")).expect("text")
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
