//! The world of the model and its steps: a clock, reviewers who sign, a server in the attacker's hands, two agents that
//! crash.
//!
//! The server keeps nothing: at any step it can show any agent whatever exists by then or can be made with its keys.

use super::documents::{
    Catalog, Keys, Leaf, Person, REVIEWERS, RootName, Statement, THRESHOLD, Timestamp, removed,
};
use super::rules::{Bug, Disk, OFFLINE_HOLD, Offer, Rules, Stored};

/// How much of the world there is.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) ticks: u8,
    /// Numbers that timestamps have.
    pub(super) numbers: u8,
    pub(super) statements: Vec<Statement>,
    /// Whose keys the attacker may have, besides nobody's; every one makes two worlds.
    pub(super) stolen: Vec<Option<Person>>,
    /// Steps from the beginning of a world.
    pub(super) depth: usize,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now: u8,
    pub(super) stolen: Option<Person>,
    /// Honest signatures on each statement.
    pub(super) signatures: [Keys; Statement::ALL.len()],
    /// Honest signatures on the second trust root.
    pub(super) root: Keys,
    pub(super) agents: [Agent; 2],
}

/// One agent on its node, whose number is its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Agent {
    /// Outlives crashes.
    pub(super) disk: Disk,
    /// Does not.
    pub(super) run: Run,
    /// What the node was made into, and why. Outlives crashes.
    pub(super) applied: Option<Evidence>,
    /// The highest serials that were ever on the disk and applied: what the properties compare with.
    pub(super) highest: (u8, u8),
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Run {
    Idle,
    /// Something was accepted, and nobody but this process knows it.
    Decided {
        disk: Disk,
        evidence: Option<Evidence>,
    },
    /// It was written down, and is to be applied.
    Persisted {
        evidence: Evidence,
    },
    /// It was applied, and is to be written down: only with the bug.
    Unwritten {
        disk: Disk,
    },
}

/// Why an agent believes that its node must be so. The properties judge it by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Evidence {
    pub(super) catalog: Catalog,
    pub(super) statement: Statement,
    pub(super) signatures: Keys,
    /// How many signers the rules counted.
    pub(super) tally: u8,
    /// The trust root on the disk.
    pub(super) root: RootName,
    /// The time was past the end of the statement or of the trust root, hold included.
    pub(super) late: bool,
}

/// One step. Offers that are refused change nothing and are no steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Tick,
    Sign(Statement, Keys),
    SignRoot(Keys),
    Walk(usize, RootName),
    Decide(usize, Offer),
    Reload(usize),
    Persist(usize),
    Apply(usize),
    Crash(usize),
}

impl World {
    /// Nobody has signed anything yet, and the agents have just enrolled.
    pub(super) fn new(stolen: Option<Person>) -> Self {
        let agent = Agent { disk: Disk::ENROLLED, run: Run::Idle, applied: None, highest: (0, 0) };
        let signatures = [Keys::NONE; Statement::ALL.len()];
        Self { now: 0, stolen, signatures, root: Keys::NONE, agents: [agent.clone(), agent] }
    }

    /// Two releases and the second trust root are there, signed by all honest people, authors included.
    pub(super) fn released(stolen: Option<Person>) -> Self {
        let mut world = Self::new(stolen);
        let all = world.honest().map(Keys::of).fold(Keys::NONE, Keys::with);
        for statement in [Statement::First, Statement::Second] {
            world.signatures[statement as usize] = all;
        }
        world.root = all.without(Keys::of(removed(stolen)));
        world
    }

    /// The signatures of reviewers that a server can show on a statement: the honest ones, and those of the stolen keys.
    pub(super) fn available(&self, statement: Statement) -> Keys {
        self.signatures[statement as usize].with(self.stolen_keys())
    }

    /// What the server shows of them: all, or any that are no more than a threshold. What lies between adds nothing,
    /// since one signature never makes another count less.
    fn shown(&self, statement: Statement) -> impl Iterator<Item = Keys> {
        let all = self.available(statement);
        all.subsets().filter(move |some| *some == all || some.len() <= THRESHOLD)
    }

    pub(super) fn stolen_keys(&self) -> Keys {
        self.stolen.map_or(Keys::NONE, Keys::of)
    }

    fn honest(&self) -> impl Iterator<Item = Person> {
        let stolen = self.stolen;
        REVIEWERS.into_iter().filter(move |person| Some(*person) != stolen)
    }

    /// Honest people sign what is honest, in its time, once what it builds on is released, and one statement for each
    /// serial: their command line's ledger sees to it. An author may sign too, and must not count.
    fn may_sign(&self, statement: Statement, person: Person) -> bool {
        let (created, expires) = statement.life();
        let rules = Rules { bug: None, stolen: self.stolen };
        let released =
            |before: Statement| rules.tally(self.available(before), Some(before.author())) >= THRESHOLD;
        let ledger = Statement::ALL
            .into_iter()
            .filter(|other| other.seq() == statement.seq() && *other != statement)
            .all(|other| self.signatures[other as usize].among(Keys::of(person)).is_empty());
        statement.is_honest()
            && (created..=expires).contains(&self.now)
            && statement.prev().is_none_or(released)
            && ledger
    }

    /// The steps of the people.
    pub(super) fn signing(&self, bounds: &Bounds, steps: &mut Vec<Step>) {
        for person in self.honest() {
            for &statement in bounds.statements.iter().filter(|s| self.may_sign(**s, person)) {
                let missing = Keys::of(person).without(self.signatures[statement as usize]);
                steps.extend(missing.each().map(|key| Step::Sign(statement, key)));
            }
            let signs = person != removed(self.stolen) && self.root.among(Keys::of(person)).is_empty();
            steps.extend(Keys::of(person).each().take(usize::from(signs)).map(Step::SignRoot));
        }
    }

    /// The steps of an agent that begins a run, with whatever the server shows it.
    pub(super) fn beginning(&self, at: usize, rules: Rules, bounds: &Bounds, steps: &mut Vec<Step>) {
        let disk = &self.agents[at].disk;
        for root in [RootName::First, RootName::Second, RootName::Forged] {
            if rules.walk(disk.root, root, self.root_signatures(root)).is_ok() {
                steps.push(Step::Walk(at, root));
            }
        }
        for &statement in &bounds.statements {
            for timestamp in timestamps(statement, self.now, bounds) {
                for signatures in self.shown(statement) {
                    let mut offer = Offer { timestamp, statement, signatures, part: None };
                    if rules.release(disk, &offer, self.now).is_err() {
                        continue;
                    }
                    steps.push(Step::Decide(at, offer));
                    for part in parts(bounds) {
                        offer.part = Some(part);
                        if rules.own_catalog(node(at), statement, part.0, part.1).is_ok() {
                            steps.push(Step::Decide(at, offer));
                        }
                    }
                }
            }
        }
        if matches!(rules.reload(node(at), disk, self.now), Ok(Some(_))) {
            steps.push(Step::Reload(at));
        }
    }

    /// The attacker signs any trust root with all that it has; honest people sign the second alone.
    pub(super) fn root_signatures(&self, root: RootName) -> Keys {
        let own = self.stolen_keys().with(Keys::SERVER).with(Keys::MALLORY);
        match root {
            RootName::First => own.with(Keys::REVIEWERS),
            RootName::Second => own.with(self.root),
            RootName::Forged => own,
        }
    }
}

/// What a node is called.
pub(super) fn node(at: usize) -> u8 {
    u8::try_from(at).unwrap()
}

/// The timestamps for a statement: made just now, too long ago, and in the future.
fn timestamps(names: Statement, now: u8, bounds: &Bounds) -> impl Iterator<Item = Timestamp> {
    let ages = [Some(now), now.checked_sub(2), Some(now + 1)];
    (1..=bounds.numbers).flat_map(move |n| {
        ages.into_iter().flatten().map(move |created| Timestamp { n, names, created, root: 1 })
    })
}

/// Every leaf with every catalog.
pub(super) fn parts(bounds: &Bounds) -> impl Iterator<Item = (Leaf, Catalog)> {
    let catalogs: Vec<Catalog> =
        bounds.statements.iter().flat_map(|&of| [0, 1].map(|node| Catalog { node, of })).collect();
    let leaves: Vec<Leaf> =
        catalogs.iter().flat_map(|&catalog| [0, 1].map(|node| Leaf { node, catalog })).collect();
    leaves.into_iter().flat_map(move |leaf| catalogs.clone().into_iter().map(move |catalog| (leaf, catalog)))
}

impl Agent {
    /// The state after an offer was accepted, in the memory of the run.
    pub(super) fn decide(&mut self, rules: Rules, now: u8, offer: &Offer) {
        let before = self.disk.accepted.filter(|stored| stored.statement == offer.statement);
        // An offer without a part does not take away the part that is already there.
        let part = offer.part.or(before.and_then(|stored| stored.part));
        let stored = Stored { statement: offer.statement, signatures: offer.signatures, part };
        let disk = Disk { root: self.disk.root, timestamp: Some(offer.timestamp), accepted: Some(stored) };
        let evidence = offer.part.map(|(_, catalog)| self.evidence(rules, now, &stored, catalog, 0));
        self.run = Run::Decided { disk, evidence };
    }

    pub(super) fn reload(&mut self, rules: Rules, now: u8) {
        let Some(stored) = self.disk.accepted else { return };
        let Some((_, catalog)) = stored.part else { return };
        self.run = Run::Persisted { evidence: self.evidence(rules, now, &stored, catalog, OFFLINE_HOLD) };
    }

    fn evidence(&self, rules: Rules, now: u8, stored: &Stored, catalog: Catalog, hold: u8) -> Evidence {
        let Stored { statement, signatures, .. } = *stored;
        let root = self.disk.root.fields(rules.stolen);
        let tally = rules.tally(signatures.among(root.keys), Some(statement.author()));
        let late = now > statement.life().1 || now > root.expires + hold;
        Evidence { catalog, statement, signatures, tally, root: self.disk.root, late }
    }

    pub(super) fn persist(&mut self) {
        match std::mem::replace(&mut self.run, Run::Idle) {
            Run::Decided { disk, evidence } => {
                self.write(disk);
                self.run = evidence.map_or(Run::Idle, |evidence| Run::Persisted { evidence });
            }
            Run::Unwritten { disk } => self.write(disk),
            other => self.run = other,
        }
    }

    fn write(&mut self, disk: Disk) {
        self.disk = disk;
        self.highest.0 = self.highest.0.max(disk.seq());
    }

    pub(super) fn apply(&mut self) {
        let (evidence, then) = match &self.run {
            Run::Persisted { evidence } => (*evidence, Run::Idle),
            Run::Decided { disk, evidence: Some(evidence) } => (*evidence, Run::Unwritten { disk: *disk }),
            Run::Idle | Run::Decided { .. } | Run::Unwritten { .. } => return,
        };
        self.applied = Some(evidence);
        self.highest.1 = self.highest.1.max(evidence.statement.seq());
        self.run = then;
    }

    /// The steps of an agent in the middle of a run; it may crash before each.
    pub(super) fn going_on(&self, at: usize, bug: Option<Bug>, steps: &mut Vec<Step>) {
        let early = bug == Some(Bug::PersistAfterApply);
        let next = match &self.run {
            Run::Idle => return,
            Run::Decided { evidence: Some(_), .. } if early => Step::Apply(at),
            Run::Decided { .. } | Run::Unwritten { .. } => Step::Persist(at),
            Run::Persisted { .. } => Step::Apply(at),
        };
        steps.extend([next, Step::Crash(at)]);
    }
}
