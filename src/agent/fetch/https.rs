//! HTTPS to one server: a blocking client with caps, a deadline and no redirects.

use super::deadline::{Deadline, too_slow};
use super::names::Names;
use super::tls::{TlsConnector, Trust, config};
use super::{Answer, FetchError, LIMITS, Source, Want};
use crate::agent::identity::ClientCertificate;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::http::{self, StatusCode};
use ureq::unversioned::transport::{Connector, TcpConnector};

/// Bytes of a buffer of a connection. Four of them are filled with zeroes for each, and a TLS record has no more.
const BUFFER: usize = 16 << 10;

/// A client of one server. Its copies share its connection, which is kept between two requests.
#[derive(Debug, Clone)]
pub struct Https {
    agent: ureq::Agent,
    base: String,
    deadline: Option<Deadline>,
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// How.
    pub method: Method<'a>,
    /// The path and query, with its first slash.
    pub path: &'a str,
    /// The most bytes of an answer.
    pub cap: u64,
    /// How long to wait for it, at most.
    pub patience: Duration,
}

/// How something is asked.
#[derive(Debug, Clone, Copy)]
pub enum Method<'a> {
    /// For a document; not if the copy with this tag is still the one.
    Get(Option<&'a str>),
    /// With a JSON document.
    Post(&'a [u8]),
}

impl Https {
    /// A client of the server at `base` (`https://host:port`).
    ///
    /// # Errors
    /// When `base` is no such address, or the node's certificate cannot be used.
    pub fn new(base: &str, trust: Trust, certificate: Option<ClientCertificate>) -> Result<Self, FetchError> {
        let base = address(base)?;
        let config = config(trust, certificate).map_err(|cause| unreachable(&base, cause))?;
        let settings = ureq::config::Config::builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .max_response_header_size(16 << 10)
            .timeout_connect(Some(Duration::from_secs(10)))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .build();
        let connector = ().chain(TcpConnector::default()).chain(TlsConnector { config: Arc::new(config) });
        let agent = ureq::Agent::with_parts(settings, connector, Names::default());
        Ok(Self { agent, base, deadline: None })
    }

    /// The same with a deadline over all of its requests.
    #[must_use]
    pub const fn until(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sends a request; statuses other than 200, 304 and 404 are errors.
    ///
    /// # Errors
    /// When there is no such answer whole, within the cap and in time.
    pub fn send(&self, request: &Request<'_>) -> Result<Answer, FetchError> {
        let begun = Instant::now();
        let mut response = self.call(request).map_err(|cause| self.failed(request.path, cause))?;
        match response.status() {
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::CREATED => {
                let header = response.headers().get(http::header::ETAG);
                let etag = header.and_then(|tag| tag.to_str().ok()).map(str::to_owned);
                let bytes = self.body(&mut response, request, begun)?;
                Ok(Answer::Bytes { bytes, etag })
            }
            StatusCode::NO_CONTENT => Ok(Answer::Bytes { bytes: Vec::new(), etag: None }),
            StatusCode::NOT_MODIFIED => Ok(Answer::Same),
            StatusCode::NOT_FOUND => {
                rest(&mut response);
                Ok(Answer::Missing)
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Err(FetchError::Busy { from: self.base.clone(), retry_after: retry_after(&response) })
            }
            status => Err(self.refused(status, request.path, &mut response)),
        }
    }

    fn call(&self, request: &Request<'_>) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let url = format!("{}{}", self.base, request.path);
        let patience = self.deadline.map_or(request.patience, |d| d.left().min(request.patience));
        match request.method {
            Method::Get(etag) => {
                let get = self.agent.get(url).config().timeout_global(Some(patience)).build();
                match etag {
                    Some(tag) => get.header(http::header::IF_NONE_MATCH, tag).call(),
                    None => get.call(),
                }
            }
            Method::Post(body) => {
                let post = self.agent.post(url).config().timeout_global(Some(patience)).build();
                post.header(http::header::CONTENT_TYPE, "application/json").send(body)
            }
        }
    }

    fn body(
        &self,
        response: &mut http::Response<ureq::Body>,
        request: &Request<'_>,
        begun: Instant,
    ) -> Result<Vec<u8>, FetchError> {
        let mut reader = response.body_mut().as_reader();
        let (mut bytes, mut chunk) = (Vec::new(), [0; 16 << 10]);
        loop {
            let read = reader
                .read(&mut chunk)
                .map_err(|cause| self.failed(request.path, ureq::Error::from(cause)))?;
            if read == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&chunk[..read]);
            let (path, from) = (request.path.to_owned(), self.base.clone());
            if bytes.len() as u64 > request.cap {
                return Err(FetchError::TooLong { path, from, cap: request.cap });
            }
            if too_slow(bytes.len() as u64, begun.elapsed(), LIMITS.rate) {
                return Err(FetchError::TooSlow { path, from });
            }
        }
    }

    fn refused(
        &self,
        status: StatusCode,
        path: &str,
        response: &mut http::Response<ureq::Body>,
    ) -> FetchError {
        let problem = serde_json::from_slice::<crate::model::wire::Problem>(&rest(response));
        let said = problem.map(|p| p.error).unwrap_or_else(|_| status.to_string());
        let message = said.escape_default().to_string();
        let (path, from) = (path.to_owned(), self.base.clone());
        FetchError::Refused { path, from, status: status.as_u16(), message }
    }

    fn failed(&self, path: &str, cause: ureq::Error) -> FetchError {
        let (path, from) = (path.to_owned(), self.base.clone());
        match cause {
            ureq::Error::Timeout(_) => FetchError::TooSlow { path, from },
            ureq::Error::Rustls(rustls::Error::InvalidCertificate(_)) => FetchError::Authority { from },
            ureq::Error::Io(cause) if is_certificate(&cause) => FetchError::Authority { from },
            cause => unreachable(&from, cause),
        }
    }
}

impl Source for Https {
    fn name(&self) -> &str {
        &self.base
    }

    fn get(&self, want: &Want<'_>) -> Result<Answer, FetchError> {
        let path = format!("/pub/{}", want.path);
        let patience = Duration::from_secs(300);
        self.send(&Request { method: Method::Get(want.etag), path: &path, cap: want.cap, patience })
    }
}

/// The beginning of what comes with a status. To hear a short text out leaves the connection to the next request: one
/// more would cost both sides a handshake.
fn rest(response: &mut http::Response<ureq::Body>) -> Vec<u8> {
    let mut text = Vec::new();
    drop(response.body_mut().as_reader().take(4 << 10).read_to_end(&mut text));
    text
}

/// How long the server asks to be left alone, in seconds, at most an hour.
fn retry_after(response: &http::Response<ureq::Body>) -> Option<Duration> {
    let header = response.headers().get(http::header::RETRY_AFTER)?;
    let seconds: u64 = header.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}

/// A refused certificate comes out of the handshake wrapped in an I/O error.
fn is_certificate(cause: &std::io::Error) -> bool {
    let inner = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

fn unreachable(from: &str, cause: impl std::error::Error + Send + Sync + 'static) -> FetchError {
    FetchError::Unreachable { from: from.to_owned(), cause: Box::new(cause) }
}

fn address(base: &str) -> Result<String, FetchError> {
    let bad = || FetchError::Address(base.to_owned());
    let base = base.trim_end_matches('/');
    let uri: http::Uri = base.parse().map_err(|_| bad())?;
    let whole = uri.scheme_str() == Some("https") && uri.host().is_some_and(|h| !h.is_empty());
    if whole && uri.path().trim_matches('/').is_empty() && uri.query().is_none() && !base.contains('@') {
        Ok(base.to_owned())
    } else {
        Err(bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_https_addresses_are_spoken_to() {
        for good in ["https://deploy.example", "https://127.0.0.1:8140/", "https://[::1]:8140"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["", "deploy.example", "http://deploy.example", "https://a/b", "https://u:p@a", "https://"]
        {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
