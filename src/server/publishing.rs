//! `GET /pub/…`: the publication directory, to each node what is its own (T14).
//!
//! Any web server could hand these files out; this one adds who may see which, and conditional answers.

use super::access::Caller;
use super::app::App;
use super::error::ApiError;
use super::ownership::Own;
use crate::model::{Digest, EnvName, NodeName};
use crate::signing::log::{Tile, note};
use crate::store::durable;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::path::PathBuf;
use std::sync::Arc;

/// A file whose content never changes may be kept for a year.
const FOREVER: &str = "private, max-age=31536000, immutable";
const ASK_AGAIN: &str = "private, no-cache";

/// A version of the trust root or its signatures. Public: who has no certificate yet needs it most.
pub(super) async fn root(
    State(app): State<App>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (stem, _) = signed_name(&file).ok_or(ApiError::NotFound)?;
    number(stem).ok_or(ApiError::NotFound)?;
    send(&app, File { path: format!("root/{file}").into(), keep: ASK_AGAIN, tag: None }, &headers).await
}

/// The timestamp of an environment or its signatures.
pub(super) async fn timestamp(
    State(app): State<App>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (stem, _) = signed_name(&file).ok_or(ApiError::NotFound)?;
    stem.parse::<EnvName>().map_err(|_| ApiError::NotFound)?;
    send(&app, File { path: format!("timestamp/{file}").into(), keep: ASK_AGAIN, tag: None }, &headers).await
}

/// A list of withdrawals that a timestamp names.
pub(super) async fn withdrawals(
    State(app): State<App>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = Digest::from_hex(&digest).map_err(|_| ApiError::NotFound)?;
    let path = format!("withdrawals/{digest}").into();
    send(&app, File { path, keep: FOREVER, tag: Some(wanted) }, &headers).await
}

/// The signed checkpoint of the log, or hashes of it. Entries name other nodes, and are for auditors with a mirror.
pub(super) async fn log(
    State(app): State<App>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let keep = match Tile::parse(&path) {
        Some(tile) if tile.level.is_some() => FOREVER,
        None if path == note::NAME => ASK_AGAIN,
        Some(_) | None => return Err(ApiError::NotFound),
    };
    send(&app, File { path: PathBuf::from("log").join(path), keep, tag: None }, &headers).await
}

/// The statement of a release or its signatures.
pub(super) async fn statement(
    State(app): State<App>,
    Path((env, seq, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let release = release(&env, &seq)?;
    let keep = match file.as_str() {
        "statement.json" => FOREVER,
        // Late signatures are added to the containers.
        "signatures.json" | "ratification.json" => ASK_AGAIN,
        _ => return Err(ApiError::NotFound),
    };
    send(&app, File { path: release.join(file), keep, tag: None }, &headers).await
}

/// The node's own leaf of a release.
pub(super) async fn leaf(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((env, seq, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let release = release(&env, &seq)?;
    let name = file.strip_suffix(".json").and_then(|name| name.parse::<NodeName>().ok());
    if name.ok_or(ApiError::NotFound)? != caller.name {
        return Err(refuse(&app, &caller, &format!("leaf {file}")).await);
    }
    send(&app, File { path: release.join("leaf").join(file), keep: FOREVER, tag: None }, &headers).await
}

/// A catalog of the node's own.
pub(super) async fn catalog(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = Digest::from_hex(&digest).map_err(|_| ApiError::NotFound)?;
    if !own(&app, &caller).await?.catalogs.contains(&wanted) {
        return Err(refuse(&app, &caller, &format!("catalog {wanted}")).await);
    }
    send(&app, File { path: format!("catalog/{digest}").into(), keep: FOREVER, tag: Some(wanted) }, &headers)
        .await
}

/// A file's content that a catalog of the node's own names.
pub(super) async fn blob(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = Digest::from_hex(&digest).map_err(|_| ApiError::NotFound)?;
    if !own(&app, &caller).await?.blobs.contains(&wanted) {
        return Err(refuse(&app, &caller, &format!("blob {wanted}")).await);
    }
    send(&app, File { path: format!("blob/{digest}").into(), keep: FOREVER, tag: Some(wanted) }, &headers)
        .await
}

/// A file of the publication, about to be sent.
struct File {
    path: PathBuf,
    keep: &'static str,
    /// The digest of the content, where the name tells it.
    tag: Option<Digest>,
}

async fn send(app: &App, file: File, headers: &HeaderMap) -> Result<Response, ApiError> {
    let _turn = app.gate.try_acquire().map_err(|_| ApiError::Busy)?;
    if let Some(tag) = file.tag
        && matches(headers, tag)
    {
        return Ok(unchanged(tag, file.keep));
    }
    let path = app.publication.directory().join(&file.path);
    let read = tokio::task::spawn_blocking(move || durable::read(&path)).await?;
    let content = read.map_err(|error| ApiError::Internal(Box::new(error)))?.ok_or(ApiError::NotFound)?;
    let tag = file.tag.unwrap_or_else(|| Digest::of(&content));
    if matches(headers, tag) {
        return Ok(unchanged(tag, file.keep));
    }
    let kind = match file.path.iter().next().and_then(|folder| folder.to_str()) {
        Some("blob") => "application/octet-stream",
        Some("log") if file.path.ends_with(note::NAME) => "text/plain; charset=utf-8",
        Some("log") => "application/octet-stream",
        Some(_) | None => "application/json",
    };
    let mut response = content.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    tagged(response.headers_mut(), tag, file.keep);
    Ok(response)
}

fn unchanged(tag: Digest, keep: &'static str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    tagged(response.headers_mut(), tag, keep);
    response
}

fn tagged(headers: &mut HeaderMap, tag: Digest, keep: &'static str) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", tag.hex())) {
        headers.insert(header::ETAG, tag);
    }
}

/// Whether the client has the content with this digest. A weak tag says the same of unchanging bytes.
fn matches(headers: &HeaderMap, tag: Digest) -> bool {
    let wanted = format!("\"{}\"", tag.hex());
    let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut each = tags.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    each.any(|one| one == "*" || one == wanted)
}

async fn own(app: &App, caller: &Caller) -> Result<Arc<Own>, ApiError> {
    let (app, node) = (app.clone(), caller.name.clone());
    Ok(tokio::task::spawn_blocking(move || app.ownership.of(&node)).await??)
}

async fn refuse(app: &App, caller: &Caller, what: &str) -> ApiError {
    app.audit(&format!("node {}", caller.name), "forbidden", what).await;
    ApiError::Forbidden("this is not yours".to_owned())
}

/// Splits `7.json` or `7.signatures.json`.
fn signed_name(file: &str) -> Option<(&str, &str)> {
    file.strip_suffix(".signatures.json")
        .map(|stem| (stem, "signatures"))
        .or_else(|| file.strip_suffix(".json").map(|stem| (stem, "document")))
}

/// A serial in its one spelling: no sign, no leading zero.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

fn release(env: &str, seq: &str) -> Result<PathBuf, ApiError> {
    let env: EnvName = env.parse().map_err(|_| ApiError::NotFound)?;
    let seq = number(seq).ok_or(ApiError::NotFound)?;
    Ok(PathBuf::from("release").join(env.as_str()).join(seq.to_string()))
}

#[cfg(test)]
mod tests;
