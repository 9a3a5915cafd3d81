//! `check-config`: what the operator should hear before a customer does.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::config::Config;
use crate::time_stamps::Authority;
use crate::tls::{self, Expected, Finding, Key, Weight};

/// What a check is to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Whether everything is right, and clients will accept the certificate.
    IsGood,
    /// Whether the service would start.
    Starts,
}

/// Checks what `config`, read from `file`, names.
pub(super) fn check(
    file: &Path,
    config: &Config,
    question: Question,
    name: Option<String>,
    ca_file: Option<PathBuf>,
) -> anyhow::Result<()> {
    let name = name.or_else(|| config.public_name.clone());
    let key = if question == Question::Starts { Key::HandedOver } else { Key::Own };
    let (_, judgement) = tls::examine(config, &Expected { name, ca_file }, key)?;
    let certificate = config.certificate.display();
    eprintln!("{certificate}: for {}; until {}", judgement.names.join(", "), judgement.until);
    for Finding { weight, text } in &judgement.findings {
        eprintln!("{certificate}: {}: {text}", word(question, *weight));
    }
    let is_refused =
        |finding: &Finding| matches!(finding.weight, Weight::Unclear | Weight::Doubt | Weight::Useless);
    if question == Question::IsGood && judgement.findings.iter().any(is_refused) {
        bail!("clients will refuse the certificate: see above");
    }
    Authority::of(&config.records)?;
    super::state::check(config)?;
    match question {
        Question::IsGood => eprintln!("{}: good", file.display()),
        Question::Starts => eprintln!("{}: the relay starts with it", file.display()),
    }
    Ok(())
}

fn word(question: Question, weight: Weight) -> &'static str {
    match (weight, question) {
        (Weight::Notice, _) | (Weight::Unclear, Question::Starts) => "note",
        (Weight::Warning, _) => "warning",
        (Weight::Unclear | Weight::Doubt | Weight::Useless, _) => "problem",
    }
}
