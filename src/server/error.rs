//! How the server fails: towards whoever runs it, and towards whoever asks over HTTPS.

use crate::model::wire::Problem;
use crate::repo::RepoError;
use crate::store::{PublishError, StoreError};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the server cannot be made, opened or run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A file could not be used.
    #[error("cannot {doing} `{}`", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// There is something already where a server was to be made.
    #[error("`{}` is not empty: a server is never made over something else", .0.display())]
    NotEmpty(PathBuf),
    /// The settings make no sense.
    #[error("`{}` is not a server's settings", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: Box<toml::de::Error>,
    },
    /// The settings cannot be changed.
    #[error("cannot change `{}`", .path.display())]
    ConfigEdit {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: Box<toml_edit::TomlError>,
    },
    /// Not a name that a certificate can carry.
    #[error("`{}` is neither a DNS name nor an address", .0.escape_default())]
    HostName(String),
    /// A server without a name.
    #[error("a server needs a name or address by which agents reach it")]
    NoHostName,
    /// A key or certificate could not be made.
    #[error("cannot make or read a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A PEM file makes no sense.
    #[error("cannot read a PEM file")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The TLS library refuses the certificate or key.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The TLS library refuses the node authority.
    #[error("cannot verify certificates of nodes")]
    ClientVerifier(#[source] rustls::server::VerifierBuilderError),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// The timestamp role's key is none.
    #[error("cannot read the timestamp key")]
    NoTimestampKey(#[source] crate::signing::KeyError),
    /// A key of OpenSSH's format could not be written.
    #[error("cannot make the timestamp key")]
    TimestampKey(#[source] crate::signing::KeyError),
    /// A port could not be opened.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The repository of the site failed.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The publication directory failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl ServerError {
    /// For `map_err` behind an operation on a file.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { doing, path, cause }
    }
}

/// The answer to a request that is not fulfilled. What went wrong inside is logged, never sent.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The request makes no sense.
    Malformed(String),
    /// More bytes than the route takes.
    TooLarge,
    /// No certificate, where one is needed.
    Unauthenticated,
    /// Understood, and not allowed.
    Forbidden(String),
    /// There is no such thing, or not for this node.
    NotFound,
    /// The route is not asked in this way.
    Method,
    /// It contradicts something that is there.
    Conflict(String),
    /// Too often.
    TooMany,
    /// Not now.
    Busy,
    /// The server's fault.
    Internal(Box<dyn Error + Send + Sync>),
}

/// Seconds after which a client may try again.
const RETRY: u64 = 5;

impl ApiError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let error = match self {
            Self::Malformed(text) | Self::Forbidden(text) | Self::Conflict(text) => text,
            Self::TooLarge => "the request is too large".to_owned(),
            Self::Unauthenticated => "this needs the certificate of an enrolled node".to_owned(),
            Self::NotFound => "there is no such thing here".to_owned(),
            Self::Method => "this route is not asked in this way".to_owned(),
            Self::TooMany => "too many requests".to_owned(),
            Self::Busy => "the server is busy".to_owned(),
            Self::Internal(cause) => {
                tracing::error!(error = &*cause, "a request failed");
                "the server failed; its log says why".to_owned()
            }
        };
        let mut response = (status, Json(Problem { error })).into_response();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<ServerError> for ApiError {
    fn from(error: ServerError) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        Self::Internal(Box::new(error))
    }
}
