//! What can be signed in the model: people, keys, release statements, trust roots, timestamps, leaves and catalogs.
//!
//! A document is its name: what is in it follows from the name alone, as the bytes follow from a digest.

/// The reviewers, and an author who is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Person {
    Alice,
    Bob,
    Carol,
    Frank,
}

pub(super) const REVIEWERS: [Person; 3] = [Person::Alice, Person::Bob, Person::Carol];

/// Signatures of a role that are enough.
pub(super) const THRESHOLD: u8 = 2;

/// A set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Keys(pub(super) u8);

impl Keys {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALICE: Self = Self(1);
    pub(super) const ALICE_TOO: Self = Self(2);
    pub(super) const BOB: Self = Self(4);
    pub(super) const CAROL: Self = Self(8);
    /// The timestamp key, which the attacker has.
    pub(super) const SERVER: Self = Self(16);
    /// A key that the attacker made.
    pub(super) const MALLORY: Self = Self(32);
    /// The key for emergencies, which is Grace's.
    pub(super) const GRACE: Self = Self(64);
    pub(super) const REVIEWERS: Self = Self(15);

    /// Alice has two, one on each of her machines.
    pub(super) const fn of(person: Person) -> Self {
        match person {
            Person::Alice => Self(3),
            Person::Bob => Self::BOB,
            Person::Carol => Self::CAROL,
            Person::Frank => Self::NONE,
        }
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn among(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn len(self) -> u8 {
        u8::try_from(self.0.count_ones()).unwrap()
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn each(self) -> impl Iterator<Item = Self> {
        (0..8).map(|bit| Self(1 << bit)).filter(move |key| !self.among(*key).is_empty())
    }

    /// Every set of some of these keys.
    pub(super) fn subsets(self) -> impl Iterator<Item = Self> {
        (0..=self.0).filter(move |bits| bits & !self.0 == 0).map(Self)
    }
}

/// A release statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    First,
    Second,
    /// A second candidate for the serial of `Second`, just as honest.
    Rival,
    Third,
    /// The attacker's own, after no release, after `First` and after `Second`.
    Forged,
    ForgedSecond,
    ForgedThird,
    /// Grace's, after `Second`, for the first node.
    Emergency,
}

/// For each statement, keys: whose signatures on it were taken back.
pub(super) type List = [Keys; Statement::ALL.len()];

impl Statement {
    pub(super) const ALL: [Self; 8] = [
        Self::First,
        Self::Second,
        Self::Rival,
        Self::Third,
        Self::Forged,
        Self::ForgedSecond,
        Self::ForgedThird,
        Self::Emergency,
    ];
    /// The node that emergencies are for.
    pub(super) const SCOPE: u8 = 0;

    pub(super) const fn seq(self) -> u8 {
        match self {
            Self::First | Self::Forged => 1,
            Self::Second | Self::Rival | Self::ForgedSecond => 2,
            Self::Third | Self::ForgedThird | Self::Emergency => 3,
        }
    }

    pub(super) const fn prev(self) -> Option<Self> {
        match self {
            Self::First | Self::Forged => None,
            Self::Second | Self::Rival | Self::ForgedSecond => Some(Self::First),
            Self::Third | Self::ForgedThird | Self::Emergency => Some(Self::Second),
        }
    }

    /// The attacker names whomever it likes.
    pub(super) const fn author(self) -> Person {
        match self {
            Self::First => Person::Alice,
            Self::Rival | Self::Emergency => Person::Bob,
            _ => Person::Frank,
        }
    }

    pub(super) const fn is_honest(self) -> bool {
        !matches!(self, Self::Forged | Self::ForgedSecond | Self::ForgedThird)
    }

    pub(super) const fn is_emergency(self) -> bool {
        matches!(self, Self::Emergency)
    }

    /// The tick after which an emergency is over, unless it was ratified.
    pub(super) const EMERGENCY_END: u8 = 1;

    /// The ticks in which it was made and after which it has expired; an emergency, if it was ratified.
    pub(super) const fn life(self) -> (u8, u8) {
        match self {
            Self::First => (0, 1),
            Self::Second | Self::Rival => (0, 2),
            Self::Third => (1, 3),
            Self::Forged | Self::ForgedSecond | Self::ForgedThird | Self::Emergency => (0, 9),
        }
    }
}

/// A trust root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum RootName {
    First,
    /// The next one, without the person whose keys were stolen (or without Carol, who leaves).
    Second,
    /// The attacker's own, with its own key as everybody.
    Forged,
}

/// What a trust root says.
#[derive(Debug, Clone, Copy)]
pub(super) struct RootFields {
    pub(super) version: u8,
    /// The keys of its reviewers, who are its root role as well.
    pub(super) keys: Keys,
    /// Other keys that it knows.
    pub(super) others: Keys,
    pub(super) threshold: u8,
    pub(super) expires: u8,
}

impl RootName {
    pub(super) fn fields(self, stolen: Option<Person>) -> RootFields {
        let others = Keys::SERVER.with(Keys::GRACE);
        let all = Keys::REVIEWERS;
        match self {
            Self::First => RootFields { version: 1, keys: all, others, threshold: THRESHOLD, expires: 2 },
            Self::Second => {
                let keys = all.without(Keys::of(removed(stolen)));
                RootFields { version: 2, keys, others, threshold: THRESHOLD, expires: 9 }
            }
            Self::Forged => RootFields { version: 2, keys: Keys::MALLORY, others, threshold: 1, expires: 9 },
        }
    }
}

/// Whom the second trust root no longer has.
pub(super) fn removed(stolen: Option<Person>) -> Person {
    stolen.unwrap_or(Person::Carol)
}

/// A timestamp, signed by the key that the attacker has: any that can be written exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Timestamp {
    pub(super) n: u8,
    pub(super) names: Statement,
    pub(super) created: u8,
    /// The version of the trust root that it was made under.
    pub(super) root: u8,
    /// The log that it names.
    pub(super) log: Log,
}

/// A log. The attacker can write any, and two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Log {
    /// A server that keeps none.
    None,
    One,
    /// `One` and one more entry.
    Two,
    /// As long as `Two`, with another past.
    Other,
}

impl Log {
    pub(super) const fn size(self) -> u8 {
        match self {
            Self::None => 0,
            Self::One => 1,
            Self::Two | Self::Other => 2,
        }
    }

    /// Whether there is a proof that it begins with all of `old`.
    pub(super) fn continues(self, old: Self) -> bool {
        self == old || matches!((old, self), (Self::None, _) | (Self::One, Self::Two))
    }
}

impl Timestamp {
    pub(super) const fn expires(self) -> u8 {
        self.created + 1
    }
}

/// What one node must be, out of one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Catalog {
    pub(super) node: u8,
    pub(super) of: Statement,
}

/// A leaf with its proof. It is in the tree of its catalog's release, if it names the catalog's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Leaf {
    pub(super) node: u8,
    pub(super) catalog: Catalog,
}

impl Leaf {
    pub(super) fn is_in(self, statement: Statement) -> bool {
        self.catalog.of == statement && self.node == self.catalog.node
    }
}
