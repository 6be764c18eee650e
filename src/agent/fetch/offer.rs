//! Gathering what one source offers a node, for `signing::decide` to judge.
//!
//! What is at hand is not fetched again; what is peeked at before it is verified only says what to fetch next.

use super::{FetchError, LIMITS, Source, publication};
use crate::agent::stored::Part;
use crate::model::{Checkpoint, Digest, EnvName, NodeName};
use crate::signing::document::{Hash, read_untrusted};
use crate::signing::merkle::Leaf;
use crate::signing::release::ReleaseKind;
use crate::signing::state::AcceptedRelease;
use crate::signing::{Envelope, Offer, Refusal, Release, Timestamp};
use publication::News;
use std::sync::Arc;

/// What the node has already.
#[derive(Debug, Clone)]
pub struct AtHand {
    /// The node.
    pub node: NodeName,
    /// Its environment.
    pub environment: EnvName,
    /// The release that it accepted.
    pub accepted: Option<AcceptedRelease>,
    /// The last checkpoint of the log.
    pub checkpoint: Option<Checkpoint>,
    /// The last timestamp, and this source's tag for it.
    pub timestamp: Option<(Envelope, Option<String>)>,
    /// The digest of the list of withdrawals.
    pub withdrawals: Option<Digest>,
    /// The accepted statement.
    pub release: Option<Envelope>,
    /// The node's part of it.
    pub part: Option<Part>,
}

impl AtHand {
    /// Whether the offer is of the release at hand, with the signatures at hand, and other signatures on the same
    /// statement would help against this refusal.
    pub(in crate::agent) fn lost_signatures(&self, offer: &Offer, refusal: &Refusal) -> bool {
        let lacking = matches!(
            refusal,
            Refusal::Revoked { .. }
                | Refusal::Withdrawn { .. }
                | Refusal::Threshold { .. }
                | Refusal::Unsigned { .. }
                | Refusal::SelfApproval { .. }
                | Refusal::Guard { .. }
        );
        lacking && self.release.as_ref() == Some(&offer.release)
    }
}

/// An offer, and the source's tag for its timestamp.
#[derive(Debug)]
pub struct Gathered {
    /// The offer. Nothing in it is verified.
    pub offer: Offer,
    /// What to ask with next time.
    pub etag: Option<String>,
}

/// Gathers what `source` offers. Trust roots are walked before, so the offer has none.
///
/// # Errors
/// When a part of it cannot be had whole.
pub fn gather(source: &dyn Source, at_hand: &AtHand) -> Result<Gathered, FetchError> {
    let environment = &at_hand.environment;
    let known = at_hand.timestamp.as_ref();
    let etag = known.and_then(|(_, etag)| etag.as_deref());
    let (timestamp, etag) = match (publication::timestamp(source, environment, etag)?, known) {
        (News::Timestamp(envelope, etag), _) => (envelope, etag),
        (News::Same, Some((envelope, etag))) => (envelope.clone(), etag.clone()),
        (News::Same, None) => return Err(malformed(source, format!("timestamp/{environment}.json"))),
    };
    let peek: Timestamp = read_untrusted(&timestamp.bytes)
        .map_err(|_| malformed(source, format!("timestamp/{environment}.json")))?;
    let log_proof = match (at_hand.checkpoint, peek.checkpoint()) {
        (Some(from), Some(to)) if from.size < to.size => publication::log_proof(source, from, to)?,
        _ => Vec::new(),
    };
    let offer = match at_hand.accepted.filter(|accepted| accepted.id == peek.release) {
        Some(_) => confirmed(source, at_hand, timestamp)?,
        None => newer(source, at_hand, (timestamp, peek.seq))?,
    };
    let news = peek.withdrawn.filter(|_| peek.withdrawn != at_hand.withdrawals);
    let emergency = read_untrusted::<Release>(&offer.release.bytes)
        .is_ok_and(|release| release.kind == ReleaseKind::BreakGlass);
    let ratification =
        if emergency { publication::ratification(source, environment, peek.seq)? } else { Vec::new() };
    let release_log_proof = release_log_proof(source, (at_hand, &peek), &offer.release)?;
    let withdrawals = news.map(|digest| publication::withdrawals(source, digest)).transpose()?;
    let offer = Offer { log_proof, release_log_proof, withdrawals, ratification, ..offer };
    Ok(Gathered { offer, etag })
}

/// The proof that the timestamp's log continues the one that a release names which is new to the node.
fn release_log_proof(
    source: &dyn Source,
    (at_hand, peek): (&AtHand, &Timestamp),
    release: &Envelope,
) -> Result<Vec<Hash>, FetchError> {
    if at_hand.accepted.is_some_and(|accepted| accepted.id == release.id()) {
        return Ok(Vec::new());
    }
    let named = read_untrusted::<Release>(&release.bytes).ok().and_then(|release| release.log);
    match (named, peek.checkpoint()) {
        (Some(from), Some(to)) if from.size < to.size => publication::log_proof(source, from, to),
        _ => Ok(Vec::new()),
    }
}

/// The accepted release again: its parts are at hand, and are fetched only if one was lost.
fn confirmed(source: &dyn Source, at_hand: &AtHand, timestamp: Envelope) -> Result<Offer, FetchError> {
    match (&at_hand.release, &at_hand.part, at_hand.accepted) {
        (Some(release), Some(Part { leaf, catalog }), _) => Ok(Offer {
            roots: Vec::new(),
            timestamp,
            withdrawals: None,
            log_proof: Vec::new(),
            release_log_proof: Vec::new(),
            release: release.clone(),
            ratification: Vec::new(),
            chain: Vec::new(),
            leaf: Some(leaf.clone()),
            catalog: catalog.clone(),
        }),
        (_, _, Some(accepted)) => newer(source, at_hand, (timestamp, accepted.seq)),
        (_, _, None) => Err(malformed(source, "timestamp".to_owned())),
    }
}

fn newer(
    source: &dyn Source,
    at_hand: &AtHand,
    (timestamp, seq): (Envelope, u64),
) -> Result<Offer, FetchError> {
    let environment = &at_hand.environment;
    let release = publication::release(source, environment, seq)?;
    let chain = chain(source, at_hand, seq)?;
    let leaf = publication::leaf(source, environment, seq, &at_hand.node)?;
    let catalog = match leaf.as_deref().map(Leaf::decode) {
        Some(Ok(parsed)) if parsed.node == at_hand.node => catalog(source, at_hand, &parsed)?,
        // `decide` says what is wrong with it.
        Some(Ok(_) | Err(_)) | None => Arc::default(),
    };
    Ok(Offer {
        roots: Vec::new(),
        timestamp,
        withdrawals: None,
        log_proof: Vec::new(),
        release_log_proof: Vec::new(),
        release,
        ratification: Vec::new(),
        chain,
        leaf,
        catalog,
    })
}

/// The statements between the accepted release and number `seq`, ascending.
fn chain(source: &dyn Source, at_hand: &AtHand, seq: u64) -> Result<Vec<Vec<u8>>, FetchError> {
    let Some(accepted) = at_hand.accepted else { return Ok(Vec::new()) };
    let between = accepted.seq.saturating_add(1)..seq;
    let too_many = between.end.saturating_sub(between.start) > LIMITS.chain;
    // A jump that long is refused anyway, as a chain with nothing in it.
    if too_many {
        Ok(Vec::new())
    } else {
        between.map(|n| publication::statement(source, &at_hand.environment, n)).collect()
    }
}

fn catalog(source: &dyn Source, at_hand: &AtHand, leaf: &Leaf) -> Result<Arc<Vec<u8>>, FetchError> {
    let same = |bytes: &&Arc<Vec<u8>>| Digest::of(bytes) == leaf.catalog;
    match at_hand.part.as_ref().map(|part| &part.catalog).filter(same) {
        Some(catalog) => Ok(catalog.clone()),
        None => Ok(publication::catalog(source, leaf.catalog, leaf.length)?.into()),
    }
}

fn malformed(source: &dyn Source, path: String) -> FetchError {
    FetchError::Form { path, from: source.name().to_owned(), what: "timestamp" }
}
