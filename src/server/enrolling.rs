//! `POST /v1/enroll`: a node asks for its certificate, as often as it likes, until it is answered.

use super::app::App;
use super::authority::{self, NodeRequest};
use super::body::Body;
use super::error::ApiError;
use crate::model::Digest;
use crate::model::wire::{EnrollAnswer, EnrollRequest};
use crate::signing::PublicKey;
use crate::store::enrol::{Application, EnrolRefusal, Enrolment};
use axum::Json;
use axum::extract::State;

/// Answers a request for a certificate.
pub(super) async fn enroll(
    State(app): State<App>,
    Body(request): Body<EnrollRequest>,
) -> Result<Json<EnrollAnswer>, ApiError> {
    app.admit_stranger()?;
    let wanted = match authority::read_request(&request.csr) {
        Ok(wanted) if wanted.name == request.node => wanted,
        Ok(_) => return Err(ApiError::Malformed("the certificate request is for another name".to_owned())),
        Err(error) => return Err(ApiError::Malformed(error.to_string())),
    };
    let report_key = PublicKey::parse(&request.report_key)
        .map_err(|error| ApiError::Malformed(format!("report key: {error}")))?;
    if report_key.application().is_some() {
        return Err(ApiError::Malformed("a report key must not need a touch".to_owned()));
    }
    let application = Application {
        name: wanted.name.clone(),
        key: wanted.fingerprint,
        report_key: report_key.to_line(),
        token: request.token.map(|token| Digest::of(token.as_bytes())),
        now: app.now(),
    };
    settle(&app, &wanted, &application).await.map(Json)
}

async fn settle(
    app: &App,
    wanted: &NodeRequest,
    application: &Application,
) -> Result<EnrollAnswer, ApiError> {
    let actor = format!("node {}", wanted.name);
    let key = format!("key {}", wanted.fingerprint);
    match app.database.enrol(application).await? {
        Enrolment::Accepted(node) => {
            let issued = app.nodes.issue_node(wanted, application.now)?;
            app.database.set_certificate(&node, &issued.serial, issued.expires).await?;
            app.audit(&actor, "certificate", &format!("{key} serial {}", issued.serial)).await;
            Ok(EnrollAnswer::Issued(issued.pem))
        }
        Enrolment::Waiting => Ok(EnrollAnswer::Pending(wanted.fingerprint)),
        Enrolment::Refused(EnrolRefusal::TooManyWaiting) => Err(ApiError::TooMany),
        Enrolment::Refused(
            why @ (EnrolRefusal::NameHeldByAnotherKey
            | EnrolRefusal::Denied
            | EnrolRefusal::Removed
            | EnrolRefusal::AnotherReportKey
            | EnrolRefusal::Token),
        ) => {
            app.audit_stranger("enrolment-refused", &format!("{actor} {key}: {why}")).await;
            Ok(EnrollAnswer::Denied(why.to_string()))
        }
    }
}

#[cfg(test)]
mod tests;
