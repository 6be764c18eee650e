//! The package managers that a `package` may name: what their packages and versions are called, and what they offer.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageManager {
    /// apt and dpkg.
    Apt,
    /// dnf and rpm.
    Dnf,
    /// zypper and rpm.
    Zypper,
    /// apk of Alpine.
    Apk,
    /// pacman of Arch.
    Pacman,
    /// Packages of Python.
    Pip,
    /// Programs of Node.js, installed for the whole machine.
    Npm,
    /// Packages of Ruby.
    Gem,
    /// Snaps.
    Snap,
    /// Flatpaks, installed for the whole machine.
    Flatpak,
}

impl PackageManager {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Apt,
        Self::Dnf,
        Self::Zypper,
        Self::Apk,
        Self::Pacman,
        Self::Pip,
        Self::Npm,
        Self::Gem,
        Self::Snap,
        Self::Flatpak,
    ];
    /// Their names in modules, in the same order.
    pub const NAMES: &'static [&'static str] =
        &["apt", "dnf", "zypper", "apk", "pacman", "pip", "npm", "gem", "snap", "flatpak"];

    /// The name in modules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Zypper => "zypper",
            Self::Apk => "apk",
            Self::Pacman => "pacman",
            Self::Pip => "pip",
            Self::Npm => "npm",
            Self::Gem => "gem",
            Self::Snap => "snap",
            Self::Flatpak => "flatpak",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|manager| manager.name() == name)
    }

    /// Those that may be a distribution's own, of which a package that names none means the one of its node.
    pub fn of_distributions() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|manager| !manager.is_apart())
    }

    /// Whether it is beside the distribution's own.
    #[must_use]
    pub const fn is_apart(self) -> bool {
        matches!(self, Self::Pip | Self::Npm | Self::Gem | Self::Snap | Self::Flatpak)
    }

    /// Whether it can remove what it keeps of a package that it removes: configuration files, or a copy of its data.
    #[must_use]
    pub const fn purges(self) -> bool {
        matches!(self, Self::Apt | Self::Apk | Self::Pacman | Self::Snap)
    }

    /// Whether it can hold a package in its version by itself.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Apt | Self::Dnf | Self::Zypper | Self::Snap | Self::Flatpak)
    }

    /// Whether several packages are installed in one transaction.
    #[must_use]
    pub const fn takes_many(self) -> bool {
        matches!(self, Self::Apt)
    }

    /// Whether of two versions one is newer.
    #[must_use]
    pub const fn orders(self) -> bool {
        !matches!(self, Self::Flatpak)
    }

    /// The words of a command that installs.
    #[must_use]
    pub const fn install(self) -> &'static [&'static str] {
        match self {
            Self::Apt => &["apt-get", "install"],
            Self::Dnf => &["dnf", "install"],
            Self::Zypper => &["zypper", "install"],
            Self::Apk => &["apk", "add"],
            Self::Pacman => &["pacman", "-S"],
            Self::Pip => &["pip3", "install"],
            Self::Npm => &["npm", "install", "--global"],
            Self::Gem => &["gem", "install"],
            Self::Snap => &["snap", "install"],
            Self::Flatpak => &["flatpak", "install", "--system"],
        }
    }

    /// The words of a command that removes.
    #[must_use]
    pub const fn remove(self) -> &'static [&'static str] {
        match self {
            Self::Apt => &["apt-get", "remove"],
            Self::Dnf | Self::Zypper => &["rpm", "-e"],
            Self::Apk => &["apk", "del"],
            Self::Pacman => &["pacman", "-R"],
            Self::Pip => &["pip3", "uninstall"],
            Self::Npm => &["npm", "uninstall", "--global"],
            Self::Gem => &["gem", "uninstall"],
            Self::Snap => &["snap", "remove"],
            Self::Flatpak => &["flatpak", "uninstall", "--system"],
        }
    }

    /// Whether this names one package: no option, pattern, group, order to remove, path or address.
    #[must_use]
    pub fn is_name(self, name: &str) -> bool {
        let begins = |more: &str| name.starts_with(|c: char| c.is_ascii_alphanumeric() || more.contains(c));
        let plain = |more: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
        let lower = || !name.chars().any(|c| c.is_ascii_uppercase());
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        let good = match self {
            Self::Apt => begins("") && plain("+.-:") && lower() && !ends(&["-", "+"]) || is_plus(name),
            Self::Dnf | Self::Zypper => begins("") && plain("+._-") && !ends(&[".rpm", "-"]),
            // apk takes whatever has `.apk` in it for a file.
            Self::Apk => begins("") && plain("+._-") && !name.contains(".apk"),
            Self::Pacman => begins("_") && plain("._+-") && lower(),
            // pip takes what ends like an archive for a file.
            Self::Pip => begins("") && plain("._-") && !ends(&["-", "_", "."]) && !is_archive(name),
            Self::Npm => {
                let whole = match name.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
                    Some(Some((scope, name))) => is_npm(scope) && is_npm(name),
                    Some(None) => false,
                    None => is_npm(name),
                };
                whole && !is_archive(name)
            }
            Self::Gem => begins("") && plain("._-") && !ends(&[".gem"]),
            // With `_` it is one of several of a snap.
            Self::Snap => begins("") && plain("-_") && lower() && !ends(&["-", "_"]),
            Self::Flatpak => {
                begins("_")
                    && plain("._-")
                    && !ends(&[".", ".flatpak", ".flatpakref", ".flatpakrepo"])
                    && name.split('.').filter(|part| !part.is_empty()).count() > 2
            }
        };
        good && (1..=214).contains(&name.len())
    }

    /// Whether this is one version: no range, option or path.
    #[must_use]
    pub fn is_version(self, version: &str) -> bool {
        let more = match self {
            Self::Apt => "",
            Self::Dnf | Self::Zypper => "^_",
            Self::Apk | Self::Gem => "_",
            Self::Pacman => "_@",
            Self::Pip => "!_",
            Self::Npm => return is_semantic(version),
            // Revisions are numbers of the store.
            Self::Snap => {
                return (1..=9).contains(&version.len()) && version.chars().all(|c| c.is_ascii_digit());
            }
            Self::Flatpak => return is_commit(version),
        };
        (1..=128).contains(&version.len())
            && version.starts_with(|c: char| c.is_ascii_digit())
            && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+:~-".contains(c) || more.contains(c))
    }

    /// The name under which it lists a package of this name.
    #[must_use]
    pub fn listed(self, name: &str) -> Cow<'_, str> {
        if self != Self::Pip {
            return Cow::Borrowed(name);
        }
        // PEP 503: runs of `-`, `_` and `.` are one `-`.
        let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
        Cow::Owned(words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-"))
    }
}

/// A name that really ends with `+`, and not an order to apt to install the rest of it.
fn is_plus(name: &str) -> bool {
    name.strip_suffix("++").is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    })
}

fn is_npm(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
}

/// `1.2.3`, with what may follow.
fn is_semantic(version: &str) -> bool {
    let numbers: Vec<&str> = version.split(['-', '+']).next().unwrap_or_default().split('.').collect();
    let number = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    version.len() <= 128
        && numbers.len() == 3
        && numbers.iter().all(number)
        && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c))
}

/// A whole commit: a part of one could be another one's too.
fn is_commit(version: &str) -> bool {
    version.len() == 64 && version.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["whl", "zip", "tar", "gz", "bz2", "xz", "lz", "lzma", "tgz", "tbz", "txz", "tlz"]
        .iter()
        .any(|ending| name.rsplit_once('.').is_some_and(|(_, last)| last == *ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_an_option_a_pattern_an_order_a_path_or_an_address() {
        let good: [(PackageManager, &[&str]); 10] = [
            (PackageManager::Apt, &["nginx", "g++", "libc6:i386", "python3.11", "0ad", "libstdc++6"]),
            (PackageManager::Dnf, &["httpd", "glibc.i686", "perl-libs", "PackageKit", "libstdc++"]),
            (PackageManager::Zypper, &["apache2", "libstdc++6", "yast2-core"]),
            (PackageManager::Apk, &["nginx", "py3-pip", "g++", "so_x"]),
            (PackageManager::Pacman, &["nginx", "gtk2+extra", "_x", "python-pip"]),
            (PackageManager::Pip, &["requests", "Flask", "ruamel.yaml", "zope.interface", "a"]),
            (PackageManager::Npm, &["pm2", "@angular/cli", "socket.io", "lodash.get"]),
            (PackageManager::Gem, &["rails", "ruby-shadow", "RedCloth", "net-ssh"]),
            (PackageManager::Snap, &["core22", "multipass", "lxd_test", "0ad"]),
            (PackageManager::Flatpak, &["org.gnome.Builder", "com.example.App.Locale", "_org.x-y.Z_1"]),
        ];
        for (manager, names) in good {
            for name in names {
                assert!(manager.is_name(name), "{manager:?} {name}");
            }
        }
        let bad = [
            "",
            "-y",
            "--index-url=http://x/",
            "nginx-;",
            "^nginx",
            "nginx$",
            "nginx=1",
            "a/b",
            "./a.deb",
            "a b",
            "a*",
            "@group",
            "!name",
            "~name",
            "git+https://x/y",
            "https://x/y",
            "..",
            ".",
            "/etc/x.rpm",
            "a\n",
            "user/repo",
            "@a/b/c",
            "@/b",
            "x@1",
            "x:1:2 ",
            "a[b]",
            "<b",
            ".virtual",
            "file:x/y",
        ];
        for manager in PackageManager::ALL {
            for name in bad {
                assert!(!manager.is_name(name), "{manager:?} {name:?}");
            }
        }
    }

    #[test]
    fn what_one_of_them_would_take_for_something_else_is_no_name_there() {
        for (manager, name) in [
            (PackageManager::Apt, "nginx-"),
            (PackageManager::Apt, "nginx+"),
            (PackageManager::Dnf, "x.rpm"),
            (PackageManager::Apk, "x.apk"),
            (PackageManager::Pip, "x.whl"),
            (PackageManager::Pip, "X.TAR.GZ"),
            (PackageManager::Npm, "x.tgz"),
            (PackageManager::Gem, "x.gem"),
            (PackageManager::Gem, "x:1"),
            (PackageManager::Snap, "x.snap"),
            (PackageManager::Snap, "./x"),
            (PackageManager::Snap, "x-"),
            (PackageManager::Flatpak, "flathub"),
            (PackageManager::Flatpak, "org.x.flatpakref"),
            (PackageManager::Flatpak, "org..x"),
            (PackageManager::Flatpak, "org.x.Y/x86_64/stable"),
        ] {
            assert!(!manager.is_name(name), "{manager:?} {name}");
        }
    }

    #[test]
    fn a_version_is_never_a_range() {
        let commit = &"0123456789abcdef".repeat(4);
        for manager in PackageManager::ALL {
            let good: &[&str] = match manager {
                PackageManager::Npm => &["1.2.3-4"],
                PackageManager::Snap => &["1", "12345"],
                PackageManager::Flatpak => &[commit],
                _ => &["1.2.3-4", "1", "1.0~rc1"],
            };
            for version in ["1.2.3-4", "1", "12345", "1.0~rc1", commit] {
                let may = good.contains(&version) || good.len() == 3 && version.len() != 4;
                assert_eq!(manager.is_version(version), may, "{manager:?} {version}");
            }
            for bad in ["", "^1", ">1", "1 || 2", "1,2", "1/2", "*", "latest", "-1", "1=2"] {
                assert!(!manager.is_version(bad), "{manager:?} {bad}");
            }
        }
    }

    #[test]
    fn names_are_known_both_ways() {
        for (manager, name) in PackageManager::ALL.into_iter().zip(PackageManager::NAMES) {
            assert_eq!((manager.name(), PackageManager::named(name)), (*name, Some(manager)));
            assert_eq!(serde_json::to_value(manager).unwrap(), *name);
        }
        assert_eq!(PackageManager::Pip.listed("Zope_.Interface"), "zope-interface");
    }
}
