//! Who may use a route. Each route of the table names one of these, so none is open by oversight.

use super::app::App;
use super::error::ApiError;
use super::tls::Peer;
use crate::model::Stamp;
use crate::store::{Node, NodeState};
use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody: what it tells is public.
    Open,
    /// Whoever sends a certificate request that its own key signed; the handler judges it.
    Request,
    /// Whoever sends a document that an operator signed; the handler verifies it.
    Operator,
    /// Whoever knows the random id of a push.
    PushId,
    /// An enrolled and accepted node, by its certificate.
    Node,
}

/// The accepted node that asks. Only [`admit_node`] makes one.
#[derive(Debug, Clone)]
pub(super) struct Caller(Node);

impl std::ops::Deref for Caller {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.0
    }
}

/// A node is recorded as seen at most once in so many seconds, so that reading does not become writing.
const SEEN_EVERY: i64 = 30;

/// Lets accepted nodes pass, and nobody else. The database decides anew at each request, so that a
/// denied or removed node is out at once.
pub(super) async fn admit_node(
    State(app): State<App>,
    Extension(peer): Extension<Option<Peer>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let peer = peer.ok_or(ApiError::Unauthenticated)?;
    let now = app.now();
    if now >= peer.expires {
        // The handshake checked this, but a connection may outlive its certificate.
        return Err(ApiError::Unauthenticated);
    }
    let node = match app.database.node(&peer.node, &peer.key).await? {
        Some(node) if node.state == NodeState::Accepted => node,
        Some(_) | None => {
            let actor = format!("node {}", peer.node);
            app.audit(&actor, "not-accepted", &format!("key {} {}", peer.key, request.uri().path())).await;
            return Err(ApiError::Forbidden("this node is not accepted here".to_owned()));
        }
    };
    if node.last_seen.is_none_or(|seen: Stamp| now.since(seen) >= SEEN_EVERY) {
        app.database.seen(&node, now).await?;
    }
    request.extensions_mut().insert(Caller(node));
    Ok(next.run(request).await)
}

/// Counts and logs a request, and ends it when it takes too long.
pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let response = match tokio::time::timeout(app.limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Busy.into_response(),
    };
    let status = response.status().as_u16();
    tracing::debug!(%method, route, status, "request");
    app.gauge.count(&route, status);
    response
}
