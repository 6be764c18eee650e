//! Push: operators bring signed triggers, nodes wait for theirs and say how they fare.
//!
//! Verifying here only spares nodes the noise and tells operators early; nodes believe nothing of it (D23).

use super::access::Caller;
use super::app::App;
use super::body::{After, Body};
use super::error::ApiError;
use super::hub::Live;
use super::trust::{self, TrustError};
use crate::model::wire::{
    NodeInfo, PushAccepted, PushEvent, PushEvents, Selection, Signed, TriggerState, Triggers,
};
use crate::model::{NodeName, Stamp};
use crate::signing::root::Root;
use crate::signing::{Envelope, Trigger, Verified, Withdrawn, document, query, trigger, verify};
use crate::store::NodeState;
use crate::store::push::{NewEvent, NewTrigger, TriggerKept};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use std::sync::Arc;

/// Characters of a node's message that are kept.
const MESSAGE: usize = 500;

/// An operator's trigger.
pub(super) async fn push(
    State(app): State<App>,
    Body(signed): Body<Signed>,
) -> Result<Json<PushAccepted>, ApiError> {
    app.admit_stranger()?;
    let root = current_root(&app)?;
    let trigger = match judge((&root, &revoked(&app, &root)?), &Envelope::from(signed.clone()), app.now()) {
        Ok(trigger) => trigger,
        Err(why) => {
            app.audit_stranger("push-refused", &why).await;
            return Err(ApiError::Forbidden(why));
        }
    };
    let new = NewTrigger {
        id: trigger.id.clone(),
        operator: trigger.operator.clone(),
        signed: signed.clone(),
        received: app.now(),
        expires: trigger.expires,
    };
    let n = match app.database.add_trigger(&new, app.limits.triggers).await? {
        TriggerKept::Kept(n) => n,
        TriggerKept::Known => return Err(ApiError::Conflict("this trigger is known already".to_owned())),
        TriggerKept::TooMany => return Err(ApiError::TooMany),
    };
    let detail = format!("trigger {} to {} nodes until {}", new.id, trigger.nodes.len(), new.expires);
    app.audit(&format!("operator {}", new.operator), "push", &detail).await;
    let connected = trigger.nodes.iter().filter(|node| app.hub.connected(node)).cloned().collect();
    app.hub.add(live(n, signed, &trigger));
    Ok(Json(PushAccepted { id: new.id, connected }))
}

/// Puts the triggers that have not expired back into the hub after a start. Each is verified again.
pub(super) async fn resume(app: &App) -> Result<(), ApiError> {
    app.hub.resume(app.database.last_trigger().await?);
    let now = app.now();
    let Ok(root) = current_root(app) else { return Ok(()) };
    let withdrawn = revoked(app, &root)?;
    for row in app.database.live_triggers(now).await? {
        if let Ok(trigger) = judge((&root, &withdrawn), &Envelope::from(row.signed.clone()), now) {
            app.hub.add(live(row.n, row.signed, &trigger));
        }
    }
    Ok(())
}

/// Whether an operator may send this trigger now.
fn judge(
    (root, withdrawn): (&Verified<Root>, &Withdrawn),
    envelope: &Envelope,
    now: Stamp,
) -> Result<Verified<Trigger>, String> {
    let trigger: Verified<Trigger> =
        verify(root, withdrawn, envelope).map_err(|refusal| refusal.to_string())?;
    let skew = i64::try_from(root.limits().skew).unwrap_or(0);
    if now < trigger.issued.plus(-skew) || now > trigger.expires {
        return Err(format!("the trigger is valid from {} to {}", trigger.issued, trigger.expires));
    }
    match trigger.nodes.iter().find(|node| !trigger::in_scope(root, &trigger.operator, node)) {
        Some(node) => Err(format!("`{}` may not ask `{node}` to run", trigger.operator)),
        None => Ok(trigger),
    }
}

fn live(n: u64, signed: Signed, trigger: &Trigger) -> Live {
    Live { n, nodes: trigger.nodes.iter().cloned().collect(), signed, expires: trigger.expires }
}

/// The triggers for the node that asks; waits for one if there is none.
pub(super) async fn triggers(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    After(after): After,
) -> Json<Triggers> {
    let _held = app.hub.hold(&caller.name);
    let mut news = app.hub.watch_triggers();
    let end = tokio::time::Instant::now() + app.limits.trigger_poll;
    loop {
        news.mark_unchanged();
        let (next, triggers) = app.hub.triggers(&caller.name, after, app.now());
        if !triggers.is_empty() {
            return Json(Triggers { next, triggers });
        }
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return Json(Triggers { next, triggers }) },
            () = tokio::time::sleep_until(end) => return Json(Triggers { next, triggers }),
            () = app.stopping() => return Json(Triggers { next, triggers }),
        }
    }
}

/// What a node says of a trigger that names it.
pub(super) async fn state(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Body(state): Body<TriggerState>,
) -> Result<StatusCode, ApiError> {
    let document = app.database.trigger_document(&id).await?.ok_or(ApiError::NotFound)?;
    // It was verified when it came; here it only tells who may speak of it.
    let trigger: Trigger = document::read_untrusted(document.as_bytes()).map_err(|_| ApiError::NotFound)?;
    if !trigger.nodes.contains(&caller.name) {
        app.audit(&format!("node {}", caller.name), "forbidden", &format!("state of trigger {id}")).await;
        return Err(ApiError::Forbidden("this trigger does not name you".to_owned()));
    }
    let event =
        PushEvent { node: caller.name.clone(), state: state.state, message: one_line(&state.message) };
    let new = NewEvent { trigger: id, event, at: app.now() };
    app.database.add_event(&new, app.limits.events).await?;
    app.hub.event();
    Ok(StatusCode::NO_CONTENT)
}

/// What nodes said of a push, to whoever knows its random id.
pub(super) async fn events(
    State(app): State<App>,
    Path(id): Path<String>,
    After(after): After,
) -> Result<Json<PushEvents>, ApiError> {
    if app.database.trigger_document(&id).await?.is_none() {
        return Err(ApiError::NotFound);
    }
    let mut news = app.hub.watch_events();
    let end = tokio::time::Instant::now() + app.limits.push_poll;
    loop {
        news.mark_unchanged();
        let (next, events) = app.database.events(&id, after).await?;
        if !events.is_empty() {
            return Ok(Json(PushEvents { next, events }));
        }
        let waited = tokio::select! {
            changed = news.changed() => changed.is_ok(),
            () = tokio::time::sleep_until(end) => false,
            () = app.stopping() => false,
        };
        if !waited {
            return Ok(Json(PushEvents { next, events }));
        }
    }
}

/// The nodes that an operator may push.
pub(super) async fn select(
    State(app): State<App>,
    Body(signed): Body<Signed>,
) -> Result<Json<Selection>, ApiError> {
    app.admit_stranger()?;
    let root = current_root(&app)?;
    let query = match query::accept(&root, &revoked(&app, &root)?, &Envelope::from(signed), app.now()) {
        Ok(query) => query,
        Err(refusal) => {
            let why = refusal.to_string();
            app.audit_stranger("select-refused", &why).await;
            return Err(ApiError::Forbidden(why));
        }
    };
    let known = app.database.nodes_in(NodeState::Accepted).await?;
    let mine = |name: &NodeName| trigger::in_scope(&root, &query.operator, name);
    let info = |node: crate::store::Node| NodeInfo {
        connected: app.hub.connected(&node.name),
        node: node.name,
        last_seen: node.last_seen,
        seq: node.seq,
        facts: node.facts,
    };
    let nodes = known.into_iter().filter(|node| mine(&node.name)).map(info).collect();
    Ok(Json(Selection { nodes }))
}

fn revoked(app: &App, root: &Root) -> Result<Withdrawn, ApiError> {
    trust::revoked(&app.publication, root).map_err(|error| ApiError::Internal(Box::new(error)))
}

fn current_root(app: &App) -> Result<Arc<Verified<Root>>, ApiError> {
    app.trust.current(&app.publication).map_err(|error| match error {
        TrustError::NotInstalled => ApiError::Conflict("this server has no trust root yet".to_owned()),
        other => ApiError::Internal(Box::new(other)),
    })
}

/// A node's words, fit for one line of an operator's terminal (D46).
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE).collect()
}

#[cfg(test)]
mod tests;
