//! What must hold in every state: I1 to I5, and what belongs to withdrawals, emergencies and the log. They judge evidence
//! by counting for themselves, not by the rules.

use super::documents::{Keys, Person, REVIEWERS, RootName, Statement, THRESHOLD, removed};
use super::system::{Agent, Evidence, Run, World, node};

pub(super) const I1: &str = "I1: what is applied was signed for this node by the people who must";
pub(super) const I2: &str = "I2: serials never fall, through crashes";
pub(super) const I3: &str = "I3: nobody counts twice, and no author counts";
pub(super) const I4: &str = "I4: a removed key counts for nothing new once the trust root is there";
pub(super) const I5: &str = "I5: nothing happens that no honest reviewer signed";
pub(super) const I5_DELAY: &str = "I5: delays end when what is delayed expires";
pub(super) const WITHDRAWN: &str =
    "what was taken back counts for nothing where it is known, and is not forgotten";
pub(super) const EMERGENCY: &str = "an emergency that nobody ratified is on its nodes alone, until its end";
pub(super) const LOG: &str = "no node takes a log that does not continue the one that it has seen";
pub(super) const BACK: &str = "a node can go back to what was there before an emergency";
pub(super) const BOTH: &str = "both nodes can reach the second release under the second trust root";

/// Reviewers behind these keys, the author left out.
fn people(keys: Keys, author: Person) -> impl Iterator<Item = Person> {
    REVIEWERS.into_iter().filter(move |p| *p != author && !Keys::of(*p).among(keys).is_empty())
}

/// Enough reviewers are behind these keys, or it is an emergency by the role for those.
fn enough(keys: Keys, evidence: &Evidence) -> bool {
    evidence.emergency || reviewed(keys, evidence)
}

fn reviewed(keys: Keys, evidence: &Evidence) -> bool {
    people(keys, evidence.statement.author()).count() >= usize::from(THRESHOLD)
}

/// What the node is, and what it is about to be.
fn evidence(agent: &Agent) -> impl Iterator<Item = &Evidence> {
    let coming = match &agent.run {
        Run::Decided { evidence, .. } => evidence.as_ref(),
        Run::Persisted { evidence } => Some(evidence),
        Run::Idle | Run::Unwritten { .. } => None,
    };
    coming.into_iter().chain(&agent.applied)
}

fn every(world: &World, holds: impl Fn(usize, &Evidence) -> bool) -> bool {
    world.agents.iter().enumerate().all(|(at, agent)| evidence(agent).all(|e| holds(at, e)))
}

pub(super) fn signed_for_this_node(world: &World) -> bool {
    every(world, |at, e| {
        let included = e.catalog.of == e.statement && e.catalog.node == node(at);
        included && enough(e.votes, e)
    })
}

pub(super) fn serials_never_fall(world: &World) -> bool {
    world.agents.iter().all(|agent| {
        let applied = agent.applied.map_or(0, |e| e.statement.seq());
        let back = agent.applied.is_some_and(|e| e.back) && applied <= agent.highest.1;
        agent.disk.seq() == agent.highest.0 && (applied == agent.highest.1 || back)
    })
}

pub(super) fn people_count_once(world: &World) -> bool {
    every(world, |_, e| usize::from(e.tally) <= people(e.votes, e.statement.author()).count())
}

pub(super) fn removed_keys_are_worthless(world: &World) -> bool {
    let gone = Keys::of(removed(world.stolen));
    every(world, |_, e| e.root == RootName::First || enough(e.votes.without(gone), e))
}

/// With one reviewer's keys the attacker still needs an honest one for every release, without them all that must sign.
pub(super) fn honest_people_signed(world: &World) -> bool {
    let stolen = usize::from(world.stolen.is_some());
    let honest = |e: &Evidence| {
        let made = world.signatures[e.statement as usize];
        if e.emergency {
            return !made.among(Keys::GRACE).is_empty();
        }
        people(made.among(e.votes), e.statement.author()).count() + stolen >= usize::from(THRESHOLD)
    };
    let roots = world.agents.iter().all(|agent| agent.disk.root != RootName::Forged);
    roots && every(world, |_, e| e.statement.is_honest() && honest(e))
}

pub(super) fn delays_end(world: &World) -> bool {
    every(world, |_, e| !e.late)
}

pub(super) fn withdrawals_last(world: &World) -> bool {
    let known = |told: &[Keys], disk: &[Keys]| told.iter().zip(disk).all(|(t, d)| t.without(*d).is_empty());
    let kept = world.agents.iter().all(|agent| known(&agent.told, &agent.disk.withdrawn));
    let counts = |e: &Evidence| !e.votes.among(e.withdrawn).is_empty();
    kept && every(world, |_, e| !counts(e) || enough(e.votes.without(e.withdrawn), e))
}

pub(super) fn emergencies_stay_small(world: &World) -> bool {
    let alone = |e: &Evidence| e.emergency && !reviewed(e.votes, e);
    every(world, |at, e| !alone(e) || (node(at) == Statement::SCOPE && !e.over))
}

pub(super) fn logs_have_one_past(world: &World) -> bool {
    world.agents.iter().all(|agent| !agent.misled)
}

pub(super) fn somebody_went_back(world: &World) -> bool {
    world.agents.iter().any(|agent| agent.applied.is_some_and(|e| e.back))
}

pub(super) fn both_reach_the_second(world: &World) -> bool {
    world
        .agents
        .iter()
        .all(|agent| agent.applied.is_some_and(|e| e.statement.seq() == 2 && e.root == RootName::Second))
}
