//! The world of the model and its steps: a clock, reviewers who sign, a server in the attacker's hands, two agents that
//! crash.
//!
//! The server keeps nothing: at any step it can show any agent whatever exists by then or can be made with its keys.

use super::documents::{
    Catalog, Keys, Leaf, List, Log, Person, REVIEWERS, RootName, Statement, THRESHOLD, Timestamp, removed,
};
use super::rules::{Disk, Offer, Rules};

/// How much of the world there is.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) ticks: u8,
    /// Numbers that timestamps have.
    pub(super) numbers: u8,
    pub(super) statements: Vec<Statement>,
    /// Whose keys the attacker may have, besides nobody's; every one makes two worlds.
    pub(super) stolen: Vec<Option<Person>>,
    /// The logs that timestamps name.
    pub(super) logs: Vec<Log>,
    /// Honest people take signatures back.
    pub(super) withdrawing: bool,
    /// Begin where both agents have applied the second release, instead of where they enrolled.
    pub(super) running: bool,
    /// Only the first agent does anything.
    pub(super) alone: bool,
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
    /// What honest people took back.
    pub(super) withdrawn: List,
    /// Honest signatures that ratify the emergency.
    pub(super) ratified: Keys,
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
    /// Every withdrawal that was ever on the disk.
    pub(super) told: List,
    /// A log was written down that does not continue the one before.
    pub(super) misled: bool,
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
    /// The signatures of reviewers: on the statement, or to ratify an emergency.
    pub(super) votes: Keys,
    /// The role for emergencies signed it.
    pub(super) emergency: bool,
    /// Whose signatures on the statement the agent knows to be taken back.
    pub(super) withdrawn: Keys,
    /// How many signers the rules counted.
    pub(super) tally: u8,
    /// The trust root on the disk.
    pub(super) root: RootName,
    /// The time was past the end of the statement or of the trust root, hold included.
    pub(super) late: bool,
    /// The time was past the end of the emergency.
    pub(super) over: bool,
    /// It is what was there before an emergency that is over.
    pub(super) back: bool,
}

/// One step. Offers that are refused change nothing and are no steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Tick,
    Sign(Statement, Keys),
    SignRoot(Keys),
    Withdraw(Statement, Person),
    Ratify(Keys),
    Learn(usize, List),
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
        let none = [Keys::NONE; Statement::ALL.len()];
        let agent = Agent {
            disk: Disk::ENROLLED,
            run: Run::Idle,
            applied: None,
            highest: (0, 0),
            told: none,
            misled: false,
        };
        Self {
            now: 0,
            stolen,
            signatures: none,
            root: Keys::NONE,
            withdrawn: none,
            ratified: Keys::NONE,
            agents: [agent.clone(), agent],
        }
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

    /// The same, and both agents have applied the second release.
    pub(super) fn running(stolen: Option<Person>) -> Self {
        let mut world = Self::released(stolen);
        let (rules, of, signatures) = (Rules { bug: None, stolen }, Statement::Second, Keys::REVIEWERS);
        let timestamp = Timestamp { n: 1, names: of, created: 0, root: 1, log: Log::None };
        for (at, agent) in world.agents.iter_mut().enumerate() {
            let catalog = Catalog { node: node(at), of };
            let part = Some((Leaf { node: node(at), catalog }, catalog));
            let offer = Offer { timestamp, statement: of, signatures, ratification: Keys::NONE, part };
            agent.decide(rules, 0, &offer);
            agent.persist();
            agent.apply();
        }
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
            .all(|other| {
                let kept = self.signatures[other as usize].without(self.withdrawn[other as usize]);
                kept.among(Keys::of(person)).is_empty()
            });
        statement.is_honest()
            && !statement.is_emergency()
            && Keys::of(person).among(self.withdrawn[statement as usize]).is_empty()
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
            for &statement in bounds.statements.iter().filter(|_| bounds.withdrawing) {
                let signed = self.signatures[statement as usize].without(self.withdrawn[statement as usize]);
                if !signed.among(Keys::of(person)).is_empty() {
                    steps.push(Step::Withdraw(statement, person));
                }
            }
        }
        if bounds.statements.contains(&Statement::Emergency) {
            self.in_an_emergency(steps);
        }
    }

    /// Grace signs, and honest reviewers ratify what she signed.
    fn in_an_emergency(&self, steps: &mut Vec<Step>) {
        if self.signatures[Statement::Emergency as usize].is_empty() {
            steps.push(Step::Sign(Statement::Emergency, Keys::GRACE));
            return;
        }
        for key in self.honest().flat_map(|person| Keys::of(person).without(self.ratified).each()) {
            steps.push(Step::Ratify(key));
        }
    }

    /// The signatures that a server can show to ratify a statement: none, or all that there are.
    fn ratifications(&self, statement: Statement) -> impl Iterator<Item = Keys> {
        let all = self.ratified.with(self.stolen_keys());
        let some = Some(all).filter(|all| statement.is_emergency() && !all.is_empty());
        std::iter::once(Keys::NONE).chain(some)
    }

    /// The steps of an agent that begins a run, with whatever the server shows it.
    pub(super) fn beginning(&self, at: usize, rules: Rules, bounds: &Bounds, steps: &mut Vec<Step>) {
        let disk = &self.agents[at].disk;
        for list in [self.withdrawn, Disk::ENROLLED.withdrawn] {
            if list != disk.withdrawn && rules.learn(disk, &list).is_ok() {
                steps.push(Step::Learn(at, list));
            }
        }
        for root in [RootName::First, RootName::Second, RootName::Forged] {
            if rules.walk(disk.root, root, self.root_signatures(root)).is_ok() {
                steps.push(Step::Walk(at, root));
            }
        }
        for &statement in &bounds.statements {
            for timestamp in timestamps(statement, self.now, bounds) {
                for signatures in self.shown(statement) {
                    for ratification in self.ratifications(statement) {
                        let offer = Offer { timestamp, statement, signatures, ratification, part: None };
                        self.offered(at, offer, rules, bounds, steps);
                    }
                }
            }
        }
        if matches!(rules.reload(node(at), disk, self.now), Ok(Some(_))) {
            steps.push(Step::Reload(at));
        }
    }

    /// An offer without the node's part, and with every part that the agent would take.
    fn offered(&self, at: usize, offer: Offer, rules: Rules, bounds: &Bounds, steps: &mut Vec<Step>) {
        if rules.release(node(at), &self.agents[at].disk, &offer, self.now).is_err() {
            return;
        }
        steps.push(Step::Decide(at, offer));
        for part in parts(bounds) {
            if rules.own_catalog(node(at), offer.statement, part.0, part.1).is_ok() {
                steps.push(Step::Decide(at, Offer { part: Some(part), ..offer }));
            }
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
fn timestamps(names: Statement, now: u8, bounds: &Bounds) -> impl Iterator<Item = Timestamp> + use<'_> {
    let ages = [Some(now), now.checked_sub(2), Some(now + 1)];
    (1..=bounds.numbers).flat_map(move |n| {
        let made = move |created| {
            let log = move |log: &Log| Timestamp { n, names, created, root: 1, log: *log };
            bounds.logs.iter().map(log)
        };
        ages.into_iter().flatten().flat_map(made)
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
