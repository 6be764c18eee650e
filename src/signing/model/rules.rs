//! The rules of `decide`, `walk` and `reload` over the model's documents, with the same order of steps and the same codes.
//!
//! One planted bug at most changes a rule: what the checker must find.

use super::documents::{Catalog, Keys, Leaf, List, Log, Person, RootFields, RootName, Statement, Timestamp};

/// Ticks that a node goes on enforcing what it has, without a word from the server.
pub(super) const OFFLINE_HOLD: u8 = 1;

/// A rule that somebody could get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// Nothing ever expires.
    DropExpiry,
    /// What was accepted is written down after it was applied.
    PersistAfterApply,
    /// Signatures are counted by key.
    CountKeys,
    /// The signatures of authors count.
    CountAuthors,
    /// Releases are judged by the trust root of the enrolment.
    OldRoot,
    /// Whose leaf it is does not matter.
    AnyLeaf,
    /// A list of withdrawals replaces the one before, whatever it lacks.
    ForgetWithdrawals,
    /// Withdrawals are kept, and their signatures counted.
    CountWithdrawn,
    /// Emergencies are for every node.
    EmergencyEverywhere,
    /// Emergencies last as long as other releases.
    EmergencyStays,
    /// A log only has to be as long as the one before.
    AnyLog,
}

/// What is on an agent's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) root: RootName,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) accepted: Option<Stored>,
    /// What was there before an emergency.
    pub(super) fallback: Option<Stored>,
    /// The list of withdrawals.
    pub(super) withdrawn: List,
}

/// The accepted release with what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stored {
    pub(super) statement: Statement,
    pub(super) signatures: Keys,
    /// Signatures that ratify it, if it is an emergency.
    pub(super) ratification: Keys,
    pub(super) part: Option<(Leaf, Catalog)>,
}

impl Disk {
    pub(super) const ENROLLED: Self = Self {
        root: RootName::First,
        timestamp: None,
        accepted: None,
        fallback: None,
        withdrawn: [Keys::NONE; Statement::ALL.len()],
    };

    pub(super) fn seq(&self) -> u8 {
        self.accepted.map_or(0, |stored| stored.statement.seq())
    }
}

/// What a server hands out, but for trust roots and withdrawals: the agent learns those first, and writes each down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Offer {
    pub(super) timestamp: Timestamp,
    pub(super) statement: Statement,
    pub(super) signatures: Keys,
    pub(super) ratification: Keys,
    pub(super) part: Option<(Leaf, Catalog)>,
}

/// What may be enforced from disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Enforced {
    pub(super) stored: Stored,
    pub(super) catalog: Catalog,
    /// An emergency is over, and it is what was there before.
    pub(super) back: bool,
}

/// What comes of an offer that is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept(Catalog),
    Unchanged(Catalog),
    Unassigned,
}

/// Who asks, and by which rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) bug: Option<Bug>,
    pub(super) stolen: Option<Person>,
}

impl Rules {
    /// The code of the first step that does not hold, or what to do.
    pub(super) fn decide(
        self,
        node: u8,
        disk: &Disk,
        offer: &Offer,
        now: u8,
    ) -> Result<Verdict, &'static str> {
        self.release(node, disk, offer, now)?;
        let Some((leaf, catalog)) = offer.part else { return Ok(Verdict::Unassigned) };
        let catalog = self.own_catalog(node, offer.statement, leaf, catalog)?;
        let known = disk.accepted.is_some_and(|stored| stored.statement == offer.statement);
        Ok(if known { Verdict::Unchanged(catalog) } else { Verdict::Accept(catalog) })
    }

    /// Everything about an offer but the node's own part.
    pub(super) fn release(self, node: u8, disk: &Disk, offer: &Offer, now: u8) -> Result<(), &'static str> {
        let root = disk.root.fields(self.stolen);
        self.not_after(now, root.expires, "ROOT_EXPIRED")?;
        self.timestamp(disk, offer.timestamp, now)?;
        let statement = offer.statement;
        if statement != offer.timestamp.names {
            return Err("MIX");
        }
        self.signed(disk, statement, offer.signatures)?;
        order(disk, statement)?;
        let (created, expires) = statement.life();
        if created > now {
            return Err("FUTURE");
        }
        if !self.is_alone(disk.root, statement, offer.ratification) {
            return self.not_after(now, expires, "RELEASE_EXPIRED");
        }
        if self.is_over(now) {
            return Err("UNRATIFIED");
        }
        self.in_scope(node)
    }

    /// Whether nobody but the role for emergencies stands behind it.
    pub(super) fn is_alone(self, root: RootName, statement: Statement, ratification: Keys) -> bool {
        let root = root.fields(self.stolen);
        let votes = ratification.among(root.keys);
        statement.is_emergency() && self.tally(votes, Some(statement.author())) < root.threshold
    }

    fn is_over(self, now: u8) -> bool {
        now > Statement::EMERGENCY_END && self.bug != Some(Bug::EmergencyStays)
    }

    fn in_scope(self, node: u8) -> Result<(), &'static str> {
        let everywhere = self.bug == Some(Bug::EmergencyEverywhere);
        if node == Statement::SCOPE || everywhere { Ok(()) } else { Err("BREAK_GLASS_SCOPE") }
    }

    /// Takes a list of withdrawals only if it keeps every entry of the one before.
    pub(super) fn learn(self, disk: &Disk, list: &List) -> Result<(), &'static str> {
        let mut both = disk.withdrawn.iter().zip(list);
        let keeps = both.all(|(old, new)| old.without(*new).is_empty());
        if keeps || self.bug == Some(Bug::ForgetWithdrawals) { Ok(()) } else { Err("WITHDRAWALS") }
    }

    /// Whose signatures on the statement count no longer.
    pub(super) fn withdrawn(self, disk: &Disk, statement: Statement) -> Keys {
        match self.bug {
            Some(Bug::CountWithdrawn) => Keys::NONE,
            _ => disk.withdrawn[statement as usize],
        }
    }

    fn timestamp(self, disk: &Disk, timestamp: Timestamp, now: u8) -> Result<(), &'static str> {
        if let Some(seen) = disk.timestamp {
            if timestamp.n < seen.n {
                return Err("TIMESTAMP_ROLLBACK");
            }
            if timestamp.n == seen.n && timestamp != seen {
                return Err("TIMESTAMP_EQUIVOCATION");
            }
        }
        if timestamp.created > now {
            return Err("FUTURE");
        }
        self.not_after(now, timestamp.expires(), "FREEZE")?;
        let root = disk.root.fields(self.stolen);
        if timestamp.root > root.version {
            return Err("ROOT_MISSING");
        }
        self.follow(disk.timestamp.map_or(Log::None, |seen| seen.log), timestamp.log)
    }

    fn follow(self, old: Log, new: Log) -> Result<(), &'static str> {
        if new.size() < old.size() {
            return Err("LOG_ROLLBACK");
        }
        if new.continues(old) || self.bug == Some(Bug::AnyLog) { Ok(()) } else { Err("LOG_FORK") }
    }

    fn not_after(self, now: u8, end: u8, code: &'static str) -> Result<(), &'static str> {
        if now > end && self.bug != Some(Bug::DropExpiry) { Err(code) } else { Ok(()) }
    }

    fn signed(self, disk: &Disk, statement: Statement, signatures: Keys) -> Result<(), &'static str> {
        let root =
            if self.bug == Some(Bug::OldRoot) { RootName::First } else { disk.root }.fields(self.stolen);
        if signatures.among(root.keys.with(root.others)).is_empty() {
            return Err("UNSIGNED");
        }
        if statement.is_emergency() {
            let alone = signatures.among(root.others).among(Keys::GRACE);
            return if alone.is_empty() { Err("THRESHOLD") } else { Ok(()) };
        }
        let (author, withdrawn) = (statement.author(), self.withdrawn(disk, statement));
        let valid = signatures.among(root.keys);
        if self.tally(valid.without(withdrawn), Some(author)) >= root.threshold {
            return Ok(());
        }
        if self.tally(valid, Some(author)) >= root.threshold {
            return Err("WITHDRAWN");
        }
        // Who is left out as an author did not take anything back.
        let left = valid.without(withdrawn.without(Keys::of(author)));
        Err(if self.tally(left, None) >= root.threshold { "SELF_APPROVAL" } else { "THRESHOLD" })
    }

    /// How many people are behind these keys, the author left out.
    pub(super) fn tally(self, valid: Keys, author: Option<Person>) -> u8 {
        let author = author.filter(|_| self.bug != Some(Bug::CountAuthors));
        let counted = valid.without(author.map_or(Keys::NONE, Keys::of));
        let spare = Keys::of(Person::Alice).among(counted) == Keys::of(Person::Alice);
        let twice = u8::from(spare && self.bug != Some(Bug::CountKeys));
        counted.len() - twice
    }

    /// The node's own catalog out of a release.
    pub(super) fn own_catalog(
        self,
        node: u8,
        statement: Statement,
        leaf: Leaf,
        catalog: Catalog,
    ) -> Result<Catalog, &'static str> {
        if leaf.node != node && self.bug != Some(Bug::AnyLeaf) {
            return Err("WRONG_NODE");
        }
        if !leaf.is_in(statement) {
            return Err("PROOF");
        }
        if leaf.catalog != catalog {
            return Err("CATALOG_ALTERED");
        }
        Ok(catalog)
    }

    /// One step from trust root to trust root.
    pub(super) fn walk(
        self,
        current: RootName,
        next: RootName,
        signatures: Keys,
    ) -> Result<(), &'static str> {
        let (old, new) = (current.fields(self.stolen), next.fields(self.stolen));
        self.root_signed(old, signatures)?;
        if new.version <= old.version {
            return Err("ROOT_ROLLBACK");
        }
        self.root_signed(new, signatures)
    }

    fn root_signed(self, root: RootFields, signatures: Keys) -> Result<(), &'static str> {
        if signatures.among(root.keys.with(root.others)).is_empty() {
            return Err("UNSIGNED");
        }
        let count = self.tally(signatures.among(root.keys), None);
        if count < root.threshold { Err("THRESHOLD") } else { Ok(()) }
    }

    /// What may be enforced from disk; `None` when it is too old.
    pub(super) fn reload(self, node: u8, disk: &Disk, now: u8) -> Result<Option<Enforced>, &'static str> {
        let (Some(accepted), Some(timestamp)) = (disk.accepted, disk.timestamp) else { return Err("STATE") };
        self.signed(disk, accepted.statement, accepted.signatures)?;
        let over = |stored: &Stored| {
            self.is_alone(disk.root, stored.statement, stored.ratification) && self.is_over(now)
        };
        let before = disk.fallback.filter(|_| over(&accepted));
        let stored = before.unwrap_or(accepted);
        self.signed(disk, stored.statement, stored.signatures)?;
        if over(&stored) {
            return Ok(None);
        }
        if self.is_alone(disk.root, stored.statement, stored.ratification) {
            self.in_scope(node)?;
        }
        let Some((leaf, catalog)) = stored.part else { return Ok(None) };
        let catalog = self.own_catalog(node, stored.statement, leaf, catalog)?;
        let root = disk.root.fields(self.stolen);
        let until = timestamp.expires().min(root.expires) + OFFLINE_HOLD;
        let end = until.min(stored.statement.life().1);
        let in_time = now <= end || self.bug == Some(Bug::DropExpiry);
        Ok(in_time.then_some(Enforced { stored, catalog, back: before.is_some() }))
    }
}

/// The serial never falls, one serial is one statement, and the chain leads here. The statements between exist, so
/// a server can show them; only the last may be one that nobody signed.
fn order(disk: &Disk, statement: Statement) -> Result<(), &'static str> {
    let Some(stored) = disk.accepted else { return Ok(()) };
    let accepted = stored.statement;
    if statement.seq() < accepted.seq() {
        return Err("ROLLBACK");
    }
    if statement.seq() == accepted.seq() {
        return if statement == accepted { Ok(()) } else { Err("EQUIVOCATION") };
    }
    let mut before = statement.prev();
    while before.is_some_and(|older| older.seq() > accepted.seq()) {
        before = before.and_then(Statement::prev);
    }
    if before == Some(accepted) { Ok(()) } else { Err("CHAIN") }
}
