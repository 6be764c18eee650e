//! Run reports: signed by the node's own key, which the trust root does not know and the server does.

use super::document;
use super::key::{PublicKey, SigningKey};
use super::refusal::Refusal;
use super::sshsig;
use super::verified::Verified;
use crate::model::canonical;
use crate::model::report::Report;

/// The purpose of a node's signatures.
pub const NAMESPACE: &str = "report.v1@countersign.dev";
/// Bytes of a report, at most (D46).
pub const MAX_BYTES: usize = 4 << 20;

/// The canonical bytes of a report and the node's signature over them.
#[must_use]
pub fn sign(key: &SigningKey, report: &Report) -> (Vec<u8>, String) {
    let bytes = canonical::encode(report);
    let signature = sshsig::sign(key, NAMESPACE, &bytes);
    (bytes, signature)
}

/// Verifies a report by the key of the node that it must come from (D26).
///
/// # Errors
/// When the signature is another's or the bytes are no report.
pub fn verify(key: &PublicKey, bytes: &[u8], signature: &str) -> Result<Verified<Report>, Refusal> {
    document::check_size("report", MAX_BYTES, bytes)?;
    if sshsig::verify(key, NAMESPACE, bytes, signature).is_err() {
        return Err(Refusal::Unsigned { what: "report" });
    }
    let report: Report = document::read_raw("report", MAX_BYTES, bytes)?;
    Ok(Verified::new(report, bytes, Vec::new()))
}
