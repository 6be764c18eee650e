//! The list of resource types: a type is one line here, and everything that must know all types follows from it.

use super::nature::{Deed, Fault, Nature, Need};
use super::{
    AptRepository, Archive, Attr, Augeas, Content, Cron, Exec, File, Group, Host, Hostname, IniSetting,
    KernelModule, KeySetting, LineInFile, Locale, Mount, Nftables, Notify, Package, Purge, Service,
    SshAuthorizedKey, Swap, Sysctl, SystemdUnit, Tidy, Timezone, User, YumRepository,
};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! resource_types {
    ($($(#[$doc:meta])+ $kind:ident,)+) => {
        /// A resource type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])+ $kind,)+
        }

        impl Kind {
            /// All types, in the order in which documents list them.
            pub const ALL: [Self; [$(Kind::$kind),+].len()] = [$(Kind::$kind),+];

            /// The name used in modules, references and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => <$kind as Nature>::NAME,)+
                }
            }

            /// What it is, in a few words.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Self::$kind => <$kind as Nature>::DOC,)+
                }
            }

            /// The attributes of this type, without the metaparameters.
            #[must_use]
            pub const fn attrs(self) -> &'static [Attr] {
                match self {
                    $(Self::$kind => <$kind as Nature>::ATTRS,)+
                }
            }

            /// The attribute that the title stands for where it is not set.
            #[must_use]
            pub const fn title_attr(self) -> Option<&'static str> {
                match self {
                    $(Self::$kind => <$kind as Nature>::TITLE,)+
                }
            }

            /// A resource of this type in a module: the title, and attributes with a line each.
            #[must_use]
            pub const fn example(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$kind => <$kind as Nature>::EXAMPLE,)+
                }
            }

            /// The attributes that a node can be asked for: what `audit` may name.
            #[must_use]
            pub const fn told(self) -> &'static [&'static str] {
                match self {
                    $(Self::$kind => <$kind as Nature>::TOLD,)+
                }
            }

            /// Whether resources of this type do something on a refresh.
            #[must_use]
            pub const fn answers(self) -> bool {
                match self {
                    $(Self::$kind => <$kind as Nature>::ANSWERS,)+
                }
            }
        }

        /// The type of a resource and its attributes.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Spec {
            $($(#[$doc])+ $kind($kind),)+
        }

        impl Spec {
            /// The resource type.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)+
                }
            }

            /// A resource of type `kind` from its attributes under their own names.
            ///
            /// # Errors
            /// When they are not what the type has.
            pub fn read(kind: Kind, attributes: serde_json::Value) -> Result<Self, serde_json::Error> {
                match kind {
                    $(Kind::$kind => serde_json::from_value(attributes).map(Self::$kind),)+
                }
            }

            /// What it manages, as a word and a name: only one resource of a catalog may.
            #[must_use]
            pub fn thing(&self) -> Option<(&'static str, String)> {
                match self {
                    $(Self::$kind(one) => one.thing(),)+
                }
            }

            /// The names by which an effect guard of its type knows it, besides the title.
            #[must_use]
            pub fn names(&self) -> Vec<String> {
                match self {
                    $(Self::$kind(one) => one.names(),)+
                }
            }

            /// The files that it writes.
            #[must_use]
            pub fn paths(&self) -> Vec<String> {
                match self {
                    $(Self::$kind(one) => one.paths(),)+
                }
            }

            /// The folder below which it may change anything, whatever it is called.
            #[must_use]
            pub fn sweeps(&self) -> Option<&str> {
                match self {
                    $(Self::$kind(one) => one.sweeps(),)+
                }
            }

            /// What it comes after by itself.
            #[must_use]
            pub fn needs(&self) -> Vec<Need<'_>> {
                match self {
                    $(Self::$kind(one) => one.needs(),)+
                }
            }

            /// The path that is there once it was applied.
            #[must_use]
            pub fn provides(&self) -> Option<&str> {
                match self {
                    $(Self::$kind(one) => one.provides(),)+
                }
            }

            /// Everything that it makes a node do.
            #[must_use]
            pub fn deeds(&self) -> Vec<Deed<'_>> {
                match self {
                    $(Self::$kind(one) => one.deeds(),)+
                }
            }

            /// The contents of files in it.
            #[must_use]
            pub fn contents(&self) -> Vec<&Content> {
                match self {
                    $(Self::$kind(one) => one.contents(),)+
                }
            }

            /// What the shapes of its attributes do not show to be wrong.
            #[must_use]
            pub fn faults(&self) -> Vec<Fault> {
                match self {
                    $(Self::$kind(one) => one.faults(),)+
                }
            }
        }
    };
}

resource_types! {
    /// A file, directory or symbolic link.
    File,
    /// A package of the distribution.
    Package,
    /// A system service.
    Service,
    /// A command.
    Exec,
    /// A user account.
    User,
    /// A group.
    Group,
    /// An entry of a crontab.
    Cron,
    /// A message in the run's log.
    Notify,
    /// One line of a file that others write too.
    LineInFile,
    /// One setting of a file with sections.
    IniSetting,
    /// One value of a TOML, JSON or YAML file.
    KeySetting,
    /// Parts of a file through a lens.
    Augeas,
    /// A key with which somebody may log in.
    SshAuthorizedKey,
    /// An entry of `/etc/hosts`.
    Host,
    /// A setting of the kernel.
    Sysctl,
    /// A module of the kernel.
    KernelModule,
    /// A file system in its place.
    Mount,
    /// Swap space.
    Swap,
    /// The name of the node itself.
    Hostname,
    /// The time zone of the node.
    Timezone,
    /// The language of the node's programs.
    Locale,
    /// A unit of systemd.
    SystemdUnit,
    /// Where apt gets packages from.
    AptRepository,
    /// Where dnf, yum and zypper get packages from.
    YumRepository,
    /// What is in a tar or zip archive.
    Archive,
    /// The whole packet filter.
    Nftables,
    /// Old or large files that are removed from a folder.
    Tidy,
    /// What no resource of its type names.
    Purge,
}

impl Kind {
    /// The type of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_name_everywhere() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(Kind::named(kind.name()), Some(kind));
            assert!(kind.title_attr().is_none_or(|title| kind.attrs().iter().any(|a| a.name == title)));
        }
    }
}
