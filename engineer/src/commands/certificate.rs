//! `certificate`: which one proves to a scanner who the engineer is.

use std::path::Path;

use anyhow::Context;
use fieldlink_protocol::text;

use crate::args::CertificateCommand;
use crate::certificate::OwnCertificate;
use crate::config::{Config, Directories};
use crate::exit::Failure;
use crate::printing::print_answer;
use crate::words::say;

pub(super) fn run(command: &CertificateCommand) -> Result<u8, Failure> {
    let directories = Directories::from_environment()?;
    directories.config.check()?;
    let config = Config::load(&directories.config)?;
    match command {
        CertificateCommand::Show => show(&config),
        CertificateCommand::Use { file } => use_file(config, file, &directories.config),
        CertificateCommand::Forget => {
            Config { certificate: None, ..config }.store(&directories.config)?;
            print_answer(&say!("own-certificate-forgotten"));
            Ok(0)
        }
    }
}

/// A certificate that could not be used now is not taken.
fn use_file(config: Config, file: &Path, directory: &Path) -> Result<u8, Failure> {
    // As it is named: a link may lead to the next one tomorrow.
    let file = std::path::absolute(file).with_context(|| say!("could-not-open", path = file.display()))?;
    let own = OwnCertificate::load(&file)?;
    own.check()?;
    Config { certificate: Some(file), ..config }.store(directory)?;
    print(&own);
    Ok(0)
}

fn show(config: &Config) -> Result<u8, Failure> {
    let path = config.certificate.as_deref().ok_or_else(|| Failure::usage(say!("own-certificate-none")))?;
    let own = OwnCertificate::load(path)?;
    print(&own);
    own.check()?;
    Ok(0)
}

fn print(own: &OwnCertificate) {
    let certificate = own.certificate();
    let principals: Vec<_> = certificate.principals().map(text::name).collect();
    print_answer(&say!(
        "own-certificate",
        name = certificate.name(),
        company = certificate.company().unwrap_or("-"),
        principals = principals.join(", "),
        times = own.times(),
        serial = certificate.serial().to_string(),
        key = certificate.fingerprint(),
        authority = certificate.authority_fingerprint(),
        path = own.path().display()
    ));
    own.warning().inspect(|warning| print_answer(warning));
}
