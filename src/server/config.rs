//! `config.toml` of the server: the names it is reached by, and the trust root that it was given.

use super::ServerError;
use crate::model::Digest;
use crate::store::durable::{self, Access};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use std::path::Path;

/// The server's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Names and addresses that its certificate carries.
    pub names: Vec<String>,
    /// The digest of version 1 of the trust root, once one is installed.
    pub root: Option<Digest>,
    /// Seconds between two runs of its agents: who reports nothing for twice as long is silent (T13).
    pub run_interval: u32,
}

/// Seconds between two runs of an agent that nobody told otherwise.
const RUN_INTERVAL: u32 = 1800;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    names: Vec<String>,
    root: Option<Digest>,
    #[serde(default = "run_interval")]
    run_interval: u32,
}

const fn run_interval() -> u32 {
    RUN_INTERVAL
}

impl Config {
    /// Settings for a server that is reached by `names`.
    ///
    /// # Errors
    /// When there is none, or one is neither a DNS name nor an address.
    pub fn new(names: Vec<String>) -> Result<Self, ServerError> {
        match names.iter().find(|name| ServerName::try_from(name.as_str()).is_err()) {
            Some(bad) => Err(ServerError::HostName(bad.clone())),
            None if names.is_empty() => Err(ServerError::NoHostName),
            None => Ok(Self { names, root: None, run_interval: RUN_INTERVAL }),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing or makes no sense.
    pub fn load(path: &Path) -> Result<Self, ServerError> {
        let text = std::fs::read_to_string(path).map_err(ServerError::io("read", path))?;
        let raw: RawConfig = toml::from_str(&text)
            .map_err(|cause| ServerError::Config { path: path.to_owned(), cause: Box::new(cause) })?;
        Ok(Self { root: raw.root, run_interval: raw.run_interval, ..Self::new(raw.names)? })
    }

    /// The text of a new file.
    #[must_use]
    pub fn text(&self) -> String {
        let names = toml::Value::from(self.names.clone());
        format!(
            "# Names and addresses by which agents reach this server. Its certificate carries them.\nnames = {names}\n\
             # Seconds between two runs of its agents. Who reports nothing for twice as long is called silent.\n\
             run_interval = {}\n",
            self.run_interval
        )
    }
}

/// Writes the digest of the first trust root into the file, and keeps the rest as it is.
///
/// # Errors
/// When the file cannot be read or written.
pub fn pin_root(path: &Path, root: Digest) -> Result<(), ServerError> {
    let text = std::fs::read_to_string(path).map_err(ServerError::io("read", path))?;
    let mut document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|cause| ServerError::ConfigEdit { path: path.to_owned(), cause: Box::new(cause) })?;
    document["root"] = toml_edit::value(root.to_string());
    let text = document.to_string();
    durable::replace(path, text.as_bytes(), Access::Public).map_err(ServerError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_pin_is_added() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("config.toml");
        let config = Config::new(vec!["puppet.example".into(), "10.0.0.1".into()]).unwrap();
        std::fs::write(&path, config.text()).unwrap();
        assert_eq!(Config::load(&path).unwrap(), config);
        // As servers wrote it that knew no interval yet.
        std::fs::write(&path, "# Names\nnames = [\"puppet.example\", \"10.0.0.1\"]\n").unwrap();
        assert_eq!(Config::load(&path).unwrap(), config);
        pin_root(&path, Digest::of(b"root")).unwrap();
        assert_eq!(Config::load(&path).unwrap().root, Some(Digest::of(b"root")));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("# Names"));
    }

    #[test]
    fn names_must_be_names() {
        assert!(matches!(Config::new(vec![]), Err(ServerError::NoHostName)));
        assert!(matches!(Config::new(vec!["a b".into()]), Err(ServerError::HostName(_))));
    }
}
