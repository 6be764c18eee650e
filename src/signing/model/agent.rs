//! An agent of the model in its runs: what it has in memory, what it writes down, what it makes of its node.

use super::documents::{Keys, List, Log, Statement};
use super::rules::{Bug, Disk, Enforced, OFFLINE_HOLD, Offer, Rules, Stored};
use super::system::{Agent, Evidence, Run, Step};

impl Agent {
    /// The state after an offer was accepted, in the memory of the run.
    pub(super) fn decide(&mut self, rules: Rules, now: u8, offer: &Offer) {
        let before = self.disk.accepted.filter(|stored| stored.statement == offer.statement);
        // An offer without a part does not take away the part that is already there.
        let part = offer.part.or(before.and_then(|stored| stored.part));
        let Offer { statement, signatures, ratification, .. } = *offer;
        let stored = Stored { statement, signatures, ratification, part };
        let fallback = match rules.is_alone(self.disk.root, statement, ratification) {
            false => None,
            true if before.is_some() => self.disk.fallback,
            true => self.disk.fallback.or(self.disk.accepted),
        };
        let disk = Disk { timestamp: Some(offer.timestamp), accepted: Some(stored), fallback, ..self.disk };
        let evidence = offer
            .part
            .map(|(_, catalog)| self.evidence(rules, now, &Enforced { stored, catalog, back: false }, 0));
        self.run = Run::Decided { disk, evidence };
    }

    pub(super) fn reload(&mut self, rules: Rules, at: u8, now: u8) {
        let Ok(Some(enforced)) = rules.reload(at, &self.disk, now) else { return };
        self.run = Run::Persisted { evidence: self.evidence(rules, now, &enforced, OFFLINE_HOLD) };
    }

    fn evidence(&self, rules: Rules, now: u8, enforced: &Enforced, hold: u8) -> Evidence {
        let Enforced { stored: Stored { statement, signatures, ratification, .. }, catalog, back } =
            *enforced;
        let root = self.disk.root.fields(rules.stolen);
        let emergency = statement.is_emergency();
        let votes = if emergency { ratification } else { signatures };
        let counted = votes.among(root.keys).without(rules.withdrawn(&self.disk, statement));
        Evidence {
            catalog,
            statement,
            votes,
            emergency: emergency && !signatures.among(Keys::GRACE).is_empty(),
            withdrawn: self.disk.withdrawn[statement as usize],
            tally: rules.tally(counted, Some(statement.author())),
            root: self.disk.root,
            late: now > statement.life().1 || now > root.expires + hold,
            over: emergency && now > Statement::EMERGENCY_END,
            back,
        }
    }

    /// A list of withdrawals is written down at once, whatever becomes of the rest.
    pub(super) fn learn(&mut self, list: List) {
        self.disk.withdrawn = list;
        self.told = std::array::from_fn(|at| self.told[at].with(list[at]));
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
        let log = |disk: &Disk| disk.timestamp.map_or(Log::None, |timestamp| timestamp.log);
        self.misled |= !log(&disk).continues(log(&self.disk));
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
