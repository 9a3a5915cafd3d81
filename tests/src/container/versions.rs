//! Packages of other versions, made out of those that were built: their programs do the same, all else differs.

use super::{Container, Package, Packages};

/// What every file that a package ships differs in; `$version` is the version.
const DIFFERENT: &str = r#"
for program in usr/bin/* usr/libexec/fieldlink/*; do [ ! -e $program ] || echo >>$program; done
for file in usr/share/fieldlink/*.* usr/share/fieldlink/templates/* usr/lib/pam.d/*; do
  [ ! -e $file ] || sed -i "1i # Another text, of version $version." $file
done
sed -i "s/^\(Description=.*\)/\1 ($version)/" lib/systemd/system/* 2>/dev/null || true
[ ! -e lib/systemd/system/fieldlink-session.socket ] ||
  sed -i 's/^\[Socket\]/[Socket]\nBacklog=64/' lib/systemd/system/fieldlink-session.socket
[ ! -e usr/share/pam-configs/fieldlink-support ] ||
  sed -i "s/^Name: .*/& $version/" usr/share/pam-configs/fieldlink-support
mv usr/share/fish/vendor_completions.d usr/share/fish/completions
for page in usr/share/man/man1/*.1.gz; do mv $page ${page%.1.gz}-moved.1.gz; done
sed -i 's/= 0;$/= 0; # another/' usr/share/fieldlink/needrestart.conf 2>/dev/null || true
"#;

/// Defaults that only this version has.
const DEFAULTS: &str = r#"
[ ! -e usr/share/fieldlink/agent.toml ] || sed -i 's/^#: idle_seconds = .*/#: idle_seconds = 900/' usr/share/fieldlink/agent.toml
[ ! -e usr/share/fieldlink/relay.toml ] || sed -i 's/^#connections = .*/#connections = 30000/' usr/share/fieldlink/relay.toml
"#;

/// As 0.1.0 was laid out: what operators edit came from dpkg, and its scripts began none of it.
const LAYOUT_OF_0_1_0: &str = r#"
mkdir -p etc/fieldlink
for file in usr/share/fieldlink/agent.toml usr/share/fieldlink/relay.toml; do [ ! -e $file ] || cp $file etc/fieldlink; done
if [ -e usr/lib/pam.d ]; then
  mkdir -p etc/pam.d etc/needrestart/conf.d
  mv usr/lib/pam.d/fieldlink-session etc/pam.d
  mv usr/share/fieldlink/needrestart.conf etc/needrestart/conf.d/fieldlink.conf
fi
rm -rf usr/share/fieldlink DEBIAN/preinst
find etc -type f -printf '/%p\n' >DEBIAN/conffiles
sed -i -e 's/^    begin_settings .*/    :/; /^    begin_needrestart$/d; /^    leave_pam_to_vendor$/d' DEBIAN/postinst
"#;

impl Container {
    /// Puts a package here that differs in everything from the one that was built; its path. `change` is a further
    /// line of shell that is run where its files are.
    pub fn another_version(&self, package: Package, version: &str, change: &str) -> String {
        let path = Packages::built().copy_to(self, package);
        self.repack(&path, version, &format!("version={version}; {DIFFERENT}\n{DEFAULTS}\n{change}"))
    }

    /// Puts a package here that is older than the one that was built and has its settings where 0.1.0 had them.
    pub fn version_with_conffiles(&self, package: Package) -> String {
        let path = Packages::built().copy_to(self, package);
        self.repack(&path, "0.0.9", LAYOUT_OF_0_1_0.trim_end())
    }

    /// Installs package files with `apt`, as unattended upgrades do; what that printed, and whether it succeeded.
    pub fn try_to_install(&self, paths: &[&str]) -> (String, bool) {
        // apt's own account cannot read in /root, and would say so.
        let options = "-y --no-install-recommends --allow-downgrades -o APT::Sandbox::User=root";
        let line =
            format!("DEBIAN_FRONTEND=noninteractive apt-get install {options} {} 2>&1", paths.join(" "));
        let output = self.output_as(super::Person::Root, &["bash", "-c", &line]);
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success())
    }

    /// How dpkg sees a package: its version, and nothing else unless something is left to do.
    pub fn installed_version(&self, package: Package) -> String {
        let format = "--showformat=${Version} ${db:Status-Status}";
        let shown = self.run(&["dpkg-query", "--show", format, package.name()]);
        shown.trim_end_matches(" installed").to_owned()
    }
}
