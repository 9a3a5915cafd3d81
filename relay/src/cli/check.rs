//! `check-config`: what the operator should hear before a customer does.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::config::Config;
use crate::tls::{self, Expected, Finding, Weight};

/// Checks what `config`, read from `file`, names.
pub(super) fn check(
    file: &Path,
    config: &Config,
    name: Option<String>,
    ca_file: Option<PathBuf>,
) -> anyhow::Result<()> {
    let name = name.or_else(|| config.public_name.clone());
    let (_, judgement) = tls::examine(config, &Expected { name, ca_file })?;
    let certificate = config.certificate.display();
    eprintln!("{certificate}: for {}; until {}", judgement.names.join(", "), judgement.until);
    for Finding { weight, text } in &judgement.findings {
        let word = match weight {
            Weight::Notice => "note",
            Weight::Warning => "warning",
            Weight::Doubt | Weight::Useless => "problem",
        };
        eprintln!("{certificate}: {word}: {text}");
    }
    if judgement.findings.iter().any(|finding| matches!(finding.weight, Weight::Doubt | Weight::Useless)) {
        bail!("clients will refuse the certificate: see above");
    }
    super::state::check(config)?;
    eprintln!("{}: good", file.display());
    Ok(())
}
