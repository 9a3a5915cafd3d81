# Put into the maintainer scripts by packaging/build, in place of the line #SETTINGS#.

# Whether $1 was a conffile of an earlier version (up to 0.1.0), and nobody has changed it.
is_as_shipped() {
    sum=$(dpkg-query --show --showformat='${Conffiles}\n' "$DPKG_MAINTSCRIPT_PACKAGE" |
        sed -n "s|^ $1 \([0-9a-f]\{32\}\).*|\1|p")
    [ -n "$sum" ] && [ -f "$1" ] && [ ! -L "$1" ] && echo "$sum  $1" | md5sum --check --status
}

# The settings in /etc are the operator's from the first installation to the purge: dpkg neither compares them with
# what a later version ships nor asks about them. What is shipped, with every default, is in /usr/share/fieldlink.
begin_settings() {
    file=/etc/fieldlink/$1
    if [ -L "$file" ] || { [ -e "$file" ] && ! is_as_shipped "$file"; }; then
        return 0
    fi
    mkdir -p /etc/fieldlink
    # Whole or not at all, also on a full disk.
    install -m 644 "/usr/share/fieldlink/templates/$1" "$file.new"
    mv -f "$file.new" "$file"
}

# Runs a check-config. Settings that this version cannot use are for the operator to mend: apt goes on, and says so.
check_settings() {
    if said=$("$@" 2>&1); then
        return 0
    fi
    echo "$DPKG_MAINTSCRIPT_PACKAGE: this version cannot use the settings that are here:" >&2
    echo "$said" | sed 's/^/  /' >&2
    return 1
}

# Whether the service was stopped by its operator before this upgrade; preinst has left a mark.
was_stopped() {
    mark=/run/$DPKG_MAINTSCRIPT_PACKAGE.stopped
    [ -e "$mark" ] && rm -f "$mark"
}
