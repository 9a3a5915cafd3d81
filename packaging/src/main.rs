//! `fieldlink-packaging`: writes what the packages ship about the programs: man pages and completions, from the
//! very definitions that the programs parse with, and the licences of what they contain.

#![warn(missing_docs)]

mod completions;
mod licences;
mod man;
mod programs;

use std::path::PathBuf;

use clap::Parser;

/// Writes man pages, shell completions and licences for the packages.
#[derive(Parser)]
#[command(name = "fieldlink-packaging", version)]
enum Arguments {
    /// Write man pages, as DIR/PROGRAM/PAGE.1.
    Man {
        /// Where to. Made if it is missing.
        dir: PathBuf,
    },
    /// Write completions, as DIR/SHELL/FILE under the name that the shell looks for.
    Completions {
        /// Where to. Made if it is missing.
        dir: PathBuf,
    },
    /// Write the licences of the libraries that a crate's programs contain. Run it in the checkout.
    Licences {
        /// The crate.
        package: String,
        /// Where to.
        file: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Man { dir } => man::write(&dir),
        Arguments::Completions { dir } => completions::write(&dir),
        Arguments::Licences { package, file } => licences::write(&package, &file),
    }
}
