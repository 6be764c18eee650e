//! Reading what a request brings: typed, with a limit, and refused in our own words.

use super::error::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The JSON body of a request. Its size limit is the route's.
pub(super) struct Body<T>(pub(super) T);

/// Where a client got to: `?after=N`, 0 without it.
pub(super) struct After(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for After {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(query) = parts.uri.query() else { return Ok(Self(0)) };
        let after = query.strip_prefix("after=").and_then(|number| number.parse().ok());
        after
            .map(Self)
            .ok_or_else(|| ApiError::Malformed("only `?after=` and a number may be asked".to_owned()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|refused| match refused.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
            _ => ApiError::Malformed(refused.body_text()),
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::Malformed(format!("not the JSON that belongs here: {error}")))
    }
}
