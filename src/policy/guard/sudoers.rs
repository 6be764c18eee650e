//! Rules of sudo: whom they make root.

/// Whether a rule of sudo lets somebody but root and the usual groups of administrators do everything
/// without being asked.
pub(super) fn for_everything(line: &str) -> bool {
    let shell = |command: &str| {
        let program = command.trim().rsplit(' ').next().unwrap_or("");
        let name = program.rsplit('/').next().unwrap_or("");
        let directories = ["/", "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/tmp/"];
        ROOT_SHELLS.contains(&name)
            || directories.contains(&program)
            || program.starts_with("/tmp/")
            || program.ends_with("/bin/*")
    };
    let Some((who, what)) = line.split_once('=') else { return false };
    let user = who.split_whitespace().next().unwrap_or("");
    let commands = what.rsplit(':').next().unwrap_or("").trim();
    let all = what.split([':', ',', ')']).map(str::trim).any(|c| c == "ALL") && commands.starts_with("ALL");
    let asked = !what.contains("NOPASSWD") && !ANYBODY.contains(&user);
    let everything = all || (what.contains("NOPASSWD") && commands.split(',').any(shell));
    !line.starts_with('#') && everything && !asked && !matches!(user, "root" | "Defaults")
}

/// Programs that give whoever may run them as root a shell of root, or any file.
const ROOT_SHELLS: [&str; 36] = [
    "sh", "bash", "dash", "zsh", "ksh", "csh", "tcsh", "fish", "ash", "busybox", "su", "sudo", "env", "vi",
    "vim", "nano", "emacs", "ed", "less", "more", "man", "find", "awk", "gawk", "perl", "python", "python3",
    "ruby", "lua", "tee", "cp", "mv", "dd", "visudo", "chmod", "chown",
];

/// Users of a rule of sudo who are everybody, or services that are open to everybody.
const ANYBODY: [&str; 10] =
    ["ALL", "%users", "%ALL", "nobody", "www-data", "apache", "nginx", "daemon", "guest", "%guest"];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: bool) {
        assert_eq!(for_everything(line), expected, "{line}");
    }

    #[test]
    fn rules_that_make_somebody_root_are_told_from_narrow_ones() {
        check("deploy ALL=(ALL) NOPASSWD: ALL", true);
        check("ALL ALL=(ALL:ALL) ALL", true);
        check("www-data ALL=(root) NOPASSWD: /usr/bin/vim", true);
        check("deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart app", false);
        check("backup ALL=(root) NOPASSWD: /usr/bin/rsync", false);
        check("%ops ALL=(ALL:ALL) ALL", false);
        check("root ALL=(ALL) NOPASSWD: ALL", false);
    }
}
