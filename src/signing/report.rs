//! Run reports: signed by the node's own key, which the trust root does not know and the server does.

use super::document;
use super::key::{PublicKey, SigningKey};
use super::refusal::Refusal;
use super::sshsig;
use super::verified::Verified;
use crate::model::report::Report;
use crate::model::{Digest, canonical};

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

/// Where a chain of reports does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Break {
    /// It is not what the node signed.
    #[error("report number {place} in order of arrival is not the node's: {cause}")]
    Refused {
        /// Its place, counted from 1.
        place: u64,
        /// Why not.
        #[source]
        cause: Refusal,
    },
    /// Reports are missing.
    #[error("after report {after} comes report {got}: those between are missing")]
    Gap {
        /// The counter before; 0 at the beginning.
        after: u64,
        /// The counter that comes next.
        got: u64,
    },
    /// The counter went back: the node's state was restored, or its key is used twice (D27).
    #[error("after report {after} comes report {got}: the node's counter went back")]
    Back {
        /// The counter before.
        after: u64,
        /// The counter that comes next.
        got: u64,
    },
    /// It follows another report than the one that is kept.
    #[error("report {counter} does not name the report before it")]
    Fork {
        /// Its counter.
        counter: u64,
    },
}

/// What a chain of reports amounts to.
#[derive(Debug, Default)]
pub struct Chain {
    /// Reports looked at.
    pub reports: u64,
    /// Counter and digest of the last one, to compare with what the node itself says.
    pub last: Option<(u64, Digest)>,
    /// Where it does not hold, in order.
    pub breaks: Vec<Break>,
}

impl Chain {
    /// Adds the next report in order of arrival. Only its bytes are believed, and only for the signature (D26).
    pub fn add(&mut self, key: &PublicKey, bytes: &[u8], signature: &str) {
        self.reports += 1;
        let report = match verify(key, bytes, signature) {
            Ok(report) => report,
            Err(cause) => return self.breaks.push(Break::Refused { place: self.reports, cause }),
        };
        let (after, prev) = self.last.map_or((0, None), |(counter, id)| (counter, Some(id)));
        let got = report.counter;
        if got <= after {
            self.breaks.push(Break::Back { after, got });
        } else if got > after + 1 {
            self.breaks.push(Break::Gap { after, got });
        } else if report.prev != prev {
            self.breaks.push(Break::Fork { counter: got });
        }
        self.last = Some((got, report.id()));
    }
}
