//! The table of all routes, and the router made of it.

use super::access::{self, Access};
use super::app::App;
use super::error::ApiError;
use super::{enrolling, observing, publishing, pushing, reporting};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

/// One route.
pub(super) struct Route {
    /// The pattern of its path.
    pub(super) path: &'static str,
    /// Its method, for the test that asks every route.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the coverage test"))]
    pub(super) method: &'static str,
    /// Who may use it.
    pub(super) access: Access,
    /// Bytes of a body, at most.
    body: usize,
    handler: MethodRouter<App>,
}

/// All routes.
pub(super) fn table(app: &App) -> Vec<Route> {
    let limits = app.limits;
    let read = |path, access, handler| Route { path, method: "GET", access, body: 0, handler };
    let write = |path, access, body, handler| Route { path, method: "POST", access, body, handler };
    vec![
        read("/healthz", Access::Open, get(observing::health)),
        read("/metrics", Access::Open, get(observing::metrics)),
        read("/pub/root/{file}", Access::Open, get(publishing::root)),
        read("/pub/timestamp/{file}", Access::Node, get(publishing::timestamp)),
        read("/pub/withdrawals/{digest}", Access::Node, get(publishing::withdrawals)),
        read("/pub/log/{*path}", Access::Node, get(publishing::log)),
        read("/pub/release/{env}/{seq}/{file}", Access::Node, get(publishing::statement)),
        read("/pub/release/{env}/{seq}/leaf/{file}", Access::Node, get(publishing::leaf)),
        read("/pub/catalog/{digest}", Access::Node, get(publishing::catalog)),
        read("/pub/blob/{digest}", Access::Node, get(publishing::blob)),
        write("/v1/enroll", Access::Request, limits.enrol_body, post(enrolling::enroll)),
        write("/v1/report", Access::Node, limits.report_body, post(reporting::report)),
        read("/v1/triggers", Access::Node, get(pushing::triggers)),
        write("/v1/trigger/{id}", Access::Node, limits.state_body, post(pushing::state)),
        write("/v1/push", Access::Operator, limits.signed_body, post(pushing::push)),
        read("/v1/push/{id}", Access::PushId, get(pushing::events)),
        write("/v1/select", Access::Operator, limits.signed_body, post(pushing::select)),
    ]
}

/// The router with every route guarded as the table says.
pub(super) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for route in table(app) {
        let limited = route.handler.layer(DefaultBodyLimit::max(route.body));
        let guarded = match route.access {
            Access::Node => limited.route_layer(from_fn_with_state(app.clone(), access::admit_node)),
            Access::Open | Access::Request | Access::Operator | Access::PushId => limited,
        };
        router = router.route(route.path, guarded);
    }
    router
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::Method })
        .layer(from_fn_with_state(app.clone(), access::observe))
        .with_state(app.clone())
}

#[cfg(test)]
mod tests;
