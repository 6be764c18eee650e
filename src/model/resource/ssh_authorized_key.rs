//! `ssh_authorized_key`: a key with which somebody may log in as a user.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape, is_false};
use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// The types of keys, as they stand in the file.
const TYPES: &[&str] = &[
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
];

/// The attributes of `ssh_authorized_key` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The comment of the key, by which it is known; the title by default."),
    Presence::ATTR,
    Attr::new(
        "user",
        Shape::Text,
        "Whose account it opens. The file is `.ssh/authorized_keys` in the home directory.",
    ),
    Attr::new("target", Shape::Path, "Another file."),
    Attr::new("type", Shape::OneOf(TYPES), "The type of the key.").default("\"ssh-ed25519\""),
    Attr::new("key", Shape::Text, "The key itself, in base64. Needed unless it must be absent."),
    Attr::new("options", Shape::Texts, "What it may be used for: `no-pty`, `command=\"…\"`, `from=\"…\"`."),
    Attr::new("purge", Shape::Bool, "Remove every key of the file that no resource of the catalog names.")
        .default("false"),
];

/// The wanted state of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshAuthorizedKey {
    /// The comment of the key.
    pub name: String,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// Whose account it opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The file, where it is not the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The type of the key.
    #[serde(default = "ed25519", rename = "type")]
    pub algorithm: String,
    /// The key in base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// What it may be used for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Remove every other key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub purge: bool,
}

impl SshAuthorizedKey {
    /// The line of the file.
    #[must_use]
    pub fn line(&self) -> String {
        let options = match self.options.as_slice() {
            [] => String::new(),
            options => format!("{} ", options.join(",")),
        };
        format!("{options}{} {} {}", self.algorithm, self.key, self.name)
    }

    /// Whether a word of the file is a type of keys.
    #[must_use]
    pub fn is_type(word: &str) -> bool {
        TYPES.contains(&word)
    }

    /// The file, as far as it is known without asking the node where the user's home is.
    fn likely_path(&self) -> String {
        match (&self.target, self.user.as_deref()) {
            (Some(target), _) => target.clone(),
            (None, None | Some("root")) => "/root/.ssh/authorized_keys".into(),
            (None, Some(user)) => format!("/home/{user}/.ssh/authorized_keys"),
        }
    }
}

impl Nature for SshAuthorizedKey {
    const NAME: &'static str = "ssh_authorized_key";
    const DOC: &'static str = "a key with which somebody may log in as a user";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure", "type", "key", "options", "user"];
    const EXAMPLE: (&'static str, &'static str) = (
        "backup@example",
        "user = 'backup'\nkey = 'AAAAC3NzaC1lZDI1NTE5AAAAICkFxq1hTyi7AYXRXYOtbGKPHrOkU6Ys91GjQkVCsVMS'\noptions = ['restrict']\n",
    );

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("key", format!("{}: {}", self.likely_path(), self.name)))
    }

    fn names(&self) -> Vec<String> {
        [Some(self.name.clone()), self.user.clone(), self.target.clone()].into_iter().flatten().collect()
    }

    fn paths(&self) -> Vec<String> {
        vec![self.likely_path()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        let user = self.user.as_deref().map(Need::User);
        let target =
            self.target.as_deref().into_iter().flat_map(|path| [Need::Path(path), Need::Within(path)]);
        user.into_iter().chain(target).collect()
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        match self.ensure {
            Presence::Present => vec![Deed::hold("key", self.likely_path(), self.line() + "\n")],
            Presence::Absent => Vec::new(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.user.is_none() && self.target.is_none() {
            faults.push(Fault::new("user", "whose key it is must be said", "set `user` or `target`"));
        }
        let odd =
            |text: &str| text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control());
        if self.user.as_deref().is_some_and(|user| odd(user) || user.contains(['/', ':'])) {
            faults.push(Fault::new("user", "this is no name of an account", ""));
        }
        if self.ensure.is_present() && !self.is_key() {
            let message = format!("this is no key of type `{}`", self.algorithm);
            faults.push(Fault::new(
                "key",
                message,
                "the second word of the `.pub` file, and its first as `type`",
            ));
        }
        // A blank outside quotes would end the options, and a comma would begin another.
        let unquoted =
            |option: &str| option.split('"').step_by(2).any(|part| part.contains([' ', '\t', ',', '#']));
        for option in &self.options {
            if option.is_empty() || unquoted(option) || option.matches('"').count() % 2 == 1 {
                let message = format!("`{}` is no option of a key", option.escape_default());
                faults.push(Fault::new(
                    "options",
                    message,
                    "one element for each, its value in double quotes",
                ));
            }
        }
        faults
    }
}

impl SshAuthorizedKey {
    /// Whether the key is base64 and says of itself that it has this type (RFC 4253, section 6.6).
    fn is_key(&self) -> bool {
        let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(&self.key) else { return false };
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return false };
        let length = u32::from_be_bytes(*length) as usize;
        rest.get(..length) == Some(self.algorithm.as_bytes())
    }
}

fn ed25519() -> String {
    "ssh-ed25519".into()
}
