//! What the scanner's owner permits an engineer: `[policy]` of `agent.toml`.

use anyhow::ensure;
use fieldlink_protocol::policy::{Function, Permission};
use serde::Deserialize;

/// What gives an engineer a program on the device, or a way to one: whoever has that reads and writes files with it.
const WIDE: [Function; 3] = [Function::Shell, Function::Exec, Function::Forward];

/// A permission for every function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    shell: Permission,
    exec: Permission,
    upload: Permission,
    download: Permission,
    forward: Permission,
    operations: Permission,
    restart: Permission,
    guests: Permission,
    diagnostics: Permission,
}

impl Default for Policy {
    fn default() -> Self {
        let (open, asked) = (Permission::Allowed, Permission::Ask);
        Self {
            shell: open,
            exec: open,
            upload: open,
            download: open,
            forward: open,
            operations: asked,
            restart: asked,
            guests: asked,
            diagnostics: asked,
        }
    }
}

impl Policy {
    /// What is permitted of `function`.
    pub fn of(&self, function: Function) -> Permission {
        match function {
            Function::Shell => self.shell,
            Function::Exec => self.exec,
            Function::Upload => self.upload,
            Function::Download => self.download,
            Function::Forward => self.forward,
            Function::Operations => self.operations,
            Function::Restart => self.restart,
            Function::Guests => self.guests,
            Function::Diagnostics => self.diagnostics,
        }
    }

    /// The functions that have this permission.
    pub fn with(&self, permission: Permission) -> impl Iterator<Item = Function> {
        Function::ALL.into_iter().filter(move |function| self.of(*function) == permission)
    }

    /// An error if it promises what cannot be kept.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for files in [Function::Upload, Function::Download] {
            for wide in WIDE {
                ensure!(
                    self.of(files) >= self.of(wide),
                    "policy.{files} = \"{}\" cannot be kept while policy.{wide} = \"{}\": {} (set policy.{wide} to \
                     \"{}\" too, or policy.{files} to \"{}\")",
                    self.of(files).name(),
                    self.of(wide).name(),
                    around(files, wide),
                    self.of(files).name(),
                    self.of(wide).name(),
                );
            }
        }
        Ok(())
    }
}

/// How `files` go around what is closed.
fn around(files: Function, wide: Function) -> &'static str {
    match (wide, files) {
        (Function::Forward, _) => "a forwarded port reaches programs that read and write files",
        (_, Function::Upload) => "commands write files, too (cat > file)",
        _ => "commands read files, too (cat file)",
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::settings;

    use super::*;

    fn parse(text: &str) -> Policy {
        settings::parse(text).expect("a policy")
    }

    #[test]
    fn every_function_can_have_every_value() {
        for function in Function::ALL {
            for permission in [Permission::Never, Permission::Ask, Permission::Allowed] {
                let policy = parse(&format!("{function} = {:?}", permission.name()));
                assert_eq!(policy.of(function), permission);
                assert!(policy.with(permission).any(|with| with == function));
            }
        }
        assert!(settings::parse::<Policy>("screen = \"never\"").is_err());
        assert!(settings::parse::<Policy>("shell = \"no\"").is_err());
    }

    #[test]
    fn what_a_shell_could_do_all_the_same_is_not_promised() {
        for files in ["upload", "download"] {
            for value in ["never", "ask"] {
                for wide in ["shell", "exec", "forward"] {
                    let closed = ["shell", "exec", "forward"].map(|name| {
                        let value = if name == wide { "allowed" } else { "never" };
                        format!("{name} = \"{value}\"\n")
                    });
                    let policy = parse(&format!("{files} = \"{value}\"\n{}", closed.concat()));
                    let error = policy.check().expect_err(wide).to_string();
                    assert!(error.contains(&format!("policy.{files} = \"{value}\"")), "{error}");
                    assert!(error.contains(&format!("policy.{wide} = \"allowed\"")), "{error}");
                }
            }
        }
        let closed = "shell = \"never\"\nexec = \"never\"\nforward = \"never\"\n";
        for files in ["upload = \"never\"", "download = \"ask\"", "upload = \"never\"\ndownload = \"never\""]
        {
            parse(&format!("{closed}{files}")).check().expect(files);
        }
        parse("shell = \"ask\"\nexec = \"ask\"\nforward = \"never\"\nupload = \"ask\"")
            .check()
            .expect("as strict");
        Policy::default().check().expect("nothing is closed");
    }
}
