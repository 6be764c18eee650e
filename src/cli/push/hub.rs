//! An operator's conversation with the server: who is there, run now, what came of it.

use crate::agent::fetch::{Answer, FetchError, Https, LIMITS, Method, Request};
use crate::cli::{Failure, keys};
use crate::model::digest::hex;
use crate::model::wire::{PushAccepted, PushEvents, Selection, Signed};
use crate::model::{NodeName, Principal, Stamp};
use crate::signing::query::Query;
use crate::signing::trigger::{Action, Trigger};
use crate::signing::{Document, RepoId};
use std::path::PathBuf;
use std::time::Duration;

/// Seconds that a query or trigger is good for.
const WINDOW: i64 = 300;
const PATIENCE: Duration = Duration::from_secs(30);
/// A selection holds the facts of every node.
const SELECTION: u64 = 256 << 20;

/// Who asks, with which key.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    pub(super) name: Principal,
    pub(super) key: PathBuf,
}

/// The server, as an operator speaks to it.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) client: Https,
    pub(super) operator: Operator,
    pub(super) repo: RepoId,
}

/// What nodes are asked to do.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) action: Action,
    pub(super) min_seq: u64,
    pub(super) reason: String,
}

impl Hub {
    /// The nodes that the server knows.
    pub(super) fn select(&self, now: Stamp) -> Result<Selection, Failure> {
        let query = Query {
            document: Query::TYPE.into(),
            v: 1,
            repo: self.repo,
            id: random_id()?,
            operator: self.operator.name.clone(),
            created: now,
            expires: now.plus(WINDOW),
        };
        let signed = self.sign(Query::NAMESPACE, query.encode())?;
        self.post("/v1/select", &signed, SELECTION)
    }

    /// Signs one trigger for exactly these nodes and hands it to the server.
    pub(super) fn push(
        &self,
        nodes: &[NodeName],
        order: &Order,
        now: Stamp,
    ) -> Result<PushAccepted, Failure> {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        let trigger = Trigger {
            document: Trigger::TYPE.into(),
            v: 1,
            repo: self.repo,
            id: random_id()?,
            operator: self.operator.name.clone(),
            nodes,
            action: order.action,
            min_seq: order.min_seq,
            issued: now,
            expires: now.plus(WINDOW),
            reason: order.reason.clone(),
        };
        let signed = self.sign(Trigger::NAMESPACE, trigger.encode())?;
        let accepted: PushAccepted = self.post("/v1/push", &signed, LIMITS.answer)?;
        if accepted.id == trigger.id {
            Ok(accepted)
        } else {
            Err(Failure::refused("the server answered for another trigger than the one it was given"))
        }
    }

    /// What the nodes said of a trigger since event `after`.
    pub(super) fn events(&self, id: &str, after: u64) -> Result<PushEvents, Failure> {
        let path = format!("/v1/push/{id}?after={after}");
        let request =
            Request { method: Method::Get(None), path: &path, cap: LIMITS.answer, patience: PATIENCE };
        self.answer(&request)
    }

    fn sign(&self, namespace: &str, bytes: Vec<u8>) -> Result<Signed, Failure> {
        let signature = keys::sign(&self.operator.key, namespace, &bytes)?;
        let document = String::from_utf8(bytes).map_err(|e| Failure::from_error(&e))?;
        Ok(Signed { document, signatures: vec![signature] })
    }

    fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &Signed,
        cap: u64,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body)?;
        self.answer(&Request { method: Method::Post(&body), path, cap, patience: PATIENCE })
    }

    fn answer<T: serde::de::DeserializeOwned>(&self, request: &Request<'_>) -> Result<T, Failure> {
        match self.client.send(request)? {
            Answer::Bytes { bytes, .. } => Ok(serde_json::from_slice(&bytes)?),
            Answer::Same | Answer::Missing => {
                Err(FetchError::Missing { path: request.path.to_owned(), from: "the server".to_owned() }
                    .into())
            }
        }
    }
}

fn random_id() -> Result<String, Failure> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|e| Failure::refused(format!("no randomness: {e}")))?;
    Ok(hex(&id))
}
