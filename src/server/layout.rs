//! Where things are in the server's directory. No I/O.

use std::path::{Path, PathBuf};

/// The server's directory.
#[derive(Debug, Clone)]
pub struct Layout {
    directory: PathBuf,
}

impl Layout {
    /// The layout of `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The directory itself.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The bare repository of the site.
    #[must_use]
    pub fn repository(&self) -> PathBuf {
        self.directory.join("site.git")
    }

    /// The publication directory.
    #[must_use]
    pub fn publication(&self) -> PathBuf {
        self.directory.join("publish")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.directory.join("server.db")
    }

    /// The server's settings.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory.join("config.toml")
    }

    /// Certificate authorities and the server's certificate.
    #[must_use]
    pub fn tls(&self) -> PathBuf {
        self.directory.join("tls")
    }

    /// The certificate of the authority behind the server's certificate.
    #[must_use]
    pub fn server_ca(&self) -> PathBuf {
        self.tls().join("server-ca.pem")
    }

    /// The key of that authority.
    #[must_use]
    pub fn server_ca_key(&self) -> PathBuf {
        self.tls().join("server-ca.key")
    }

    /// The certificate of the authority behind the nodes' certificates.
    #[must_use]
    pub fn node_ca(&self) -> PathBuf {
        self.tls().join("node-ca.pem")
    }

    /// The key of that authority.
    #[must_use]
    pub fn node_ca_key(&self) -> PathBuf {
        self.tls().join("node-ca.key")
    }

    /// The server's certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.tls().join("server.pem")
    }

    /// The server's key.
    #[must_use]
    pub fn certificate_key(&self) -> PathBuf {
        self.tls().join("server.key")
    }

    /// The directory of the timestamp role.
    #[must_use]
    pub fn timestamp(&self) -> PathBuf {
        self.directory.join("timestamp")
    }

    /// The private key of the timestamp role, in OpenSSH's format.
    #[must_use]
    pub fn timestamp_key(&self) -> PathBuf {
        self.timestamp().join("key")
    }

    /// The public half, as one line.
    #[must_use]
    pub fn timestamp_public_key(&self) -> PathBuf {
        self.timestamp().join("key.pub")
    }
}
