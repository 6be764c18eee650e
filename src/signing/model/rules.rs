//! The rules of `decide`, `walk` and `reload` over the model's documents, with the same order of steps and the same codes.
//!
//! One planted bug at most changes a rule: what the checker must find.

use super::documents::{Catalog, Keys, Leaf, Person, RootFields, RootName, Statement, Timestamp};

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
}

/// What is on an agent's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) root: RootName,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) accepted: Option<Stored>,
}

/// The accepted release with what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stored {
    pub(super) statement: Statement,
    pub(super) signatures: Keys,
    pub(super) part: Option<(Leaf, Catalog)>,
}

impl Disk {
    pub(super) const ENROLLED: Self = Self { root: RootName::First, timestamp: None, accepted: None };

    pub(super) fn seq(&self) -> u8 {
        self.accepted.map_or(0, |stored| stored.statement.seq())
    }
}

/// What a server hands out, but for trust roots: the agent walks those first, and writes each down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Offer {
    pub(super) timestamp: Timestamp,
    pub(super) statement: Statement,
    pub(super) signatures: Keys,
    pub(super) part: Option<(Leaf, Catalog)>,
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
        self.release(disk, offer, now)?;
        let Some((leaf, catalog)) = offer.part else { return Ok(Verdict::Unassigned) };
        let catalog = self.own_catalog(node, offer.statement, leaf, catalog)?;
        let known = disk.accepted.is_some_and(|stored| stored.statement == offer.statement);
        Ok(if known { Verdict::Unchanged(catalog) } else { Verdict::Accept(catalog) })
    }

    /// Everything about an offer but the node's own part.
    pub(super) fn release(self, disk: &Disk, offer: &Offer, now: u8) -> Result<(), &'static str> {
        let root = disk.root.fields(self.stolen);
        self.not_after(now, root.expires, "ROOT_EXPIRED")?;
        self.timestamp(disk, offer.timestamp, now)?;
        let statement = offer.statement;
        if statement != offer.timestamp.names {
            return Err("MIX");
        }
        self.signed(disk.root, statement, offer.signatures)?;
        order(disk, statement)?;
        let (created, expires) = statement.life();
        if created > now {
            return Err("FUTURE");
        }
        self.not_after(now, expires, "RELEASE_EXPIRED")
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
        if timestamp.root > root.version { Err("ROOT_MISSING") } else { Ok(()) }
    }

    fn not_after(self, now: u8, end: u8, code: &'static str) -> Result<(), &'static str> {
        if now > end && self.bug != Some(Bug::DropExpiry) { Err(code) } else { Ok(()) }
    }

    fn signed(self, root: RootName, statement: Statement, signatures: Keys) -> Result<(), &'static str> {
        let root = if self.bug == Some(Bug::OldRoot) { RootName::First } else { root }.fields(self.stolen);
        if signatures.among(root.keys.with(root.others)).is_empty() {
            return Err("UNSIGNED");
        }
        let valid = signatures.among(root.keys);
        if self.tally(valid, Some(statement.author())) >= root.threshold {
            return Ok(());
        }
        let with_authors = self.tally(valid, None) >= root.threshold;
        Err(if with_authors { "SELF_APPROVAL" } else { "THRESHOLD" })
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
    pub(super) fn reload(self, node: u8, disk: &Disk, now: u8) -> Result<Option<Catalog>, &'static str> {
        let (Some(stored), Some(timestamp)) = (disk.accepted, disk.timestamp) else { return Err("STATE") };
        self.signed(disk.root, stored.statement, stored.signatures)?;
        let Some((leaf, catalog)) = stored.part else { return Ok(None) };
        let catalog = self.own_catalog(node, stored.statement, leaf, catalog)?;
        let root = disk.root.fields(self.stolen);
        let until = timestamp.expires().min(root.expires) + OFFLINE_HOLD;
        let end = until.min(stored.statement.life().1);
        Ok((now <= end || self.bug == Some(Bug::DropExpiry)).then_some(catalog))
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
