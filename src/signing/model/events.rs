//! The model against the real `decide`, as `conformance` does it, where people take signatures back, an emergency is
//! released and a server keeps two logs.

use super::conformance::{
    ALL, after, in_model, in_truth, make, name, offer, real, rules, signed, tick, word,
};
use super::documents::{Keys, Log, Person, Statement, Timestamp as Word};
use super::rules::{Disk, Offer};
use crate::model::wire::Signed;
use crate::signing::document::Envelope;
use crate::signing::testing::who;
use crate::signing::{State, Withdrawal, learn};

/// Both worlds after they learned that these people took back their signatures on a statement.
fn without((disk, state): (Disk, State), statement: Statement, people: &[Person]) -> (Disk, State) {
    let mut list = disk.withdrawn;
    let mut entries = state.withdrawals().clone();
    for person in people {
        list[statement as usize] = list[statement as usize].with(Keys::of(*person));
        let withdrawal = Withdrawal {
            document: "withdraw".into(),
            v: 1,
            repo: state.root().repo(),
            environment: state.environment().clone(),
            release: make(statement).statement.id(),
            by: who(name(*person)),
            created: tick(0),
            reason: "again".into(),
        };
        let key = Keys::of(*person).each().next().unwrap();
        let Envelope { bytes, signatures } = signed::<Withdrawal>(withdrawal.encode(), key);
        entries = entries.with(Signed { document: String::from_utf8(bytes).unwrap(), signatures });
    }
    assert_eq!(rules().learn(&disk, &list), Ok(()));
    let first = offer(Statement::First, ALL, 9);
    let shown = crate::signing::Offer {
        timestamp: word(first.timestamp, &entries),
        withdrawals: Some(entries.encode()),
        ..real(&first, &state)
    };
    (Disk { withdrawn: list, ..disk }, learn(&state, &shown, tick(0)).unwrap())
}

/// Withdrawals, emergencies and logs by name.
#[test]
fn s8_the_model_judges_withdrawals_emergencies_and_logs_as_decide_does() {
    use Statement::{Emergency, First, Second};
    let (alice, bob, carol, grace) = (Keys::ALICE, Keys::BOB, Keys::CAROL, Keys::GRACE);
    let one = || after(&[offer(First, ALL, 1)]);
    let two = || after(&[offer(First, ALL, 1), offer(Second, ALL, 2)]);
    let good = offer(Second, ALL, 2);
    let help = offer(Emergency, grace, 3);
    let ratified = |ratification| Offer { ratification, ..help };
    let with = |offer: Offer, log| Offer { timestamp: Word { log, ..offer.timestamp }, ..offer };
    let at = |offer: Offer, created| Offer { timestamp: Word { created, ..offer.timestamp }, ..offer };
    let seen = |log| after(&[with(offer(First, ALL, 1), log)]);
    let back = |statement, people: &[Person]| without(one(), statement, people);
    let cases = [
        ("one took it back", back(Second, &[Person::Bob]), offer(Second, alice.with(bob), 2), 0, "WITHDRAWN"),
        ("one, and two are left", back(Second, &[Person::Bob]), good, 0, "accept"),
        ("two took it back", back(Second, &[Person::Bob, Person::Carol]), good, 0, "WITHDRAWN"),
        ("another was taken back", back(First, &[Person::Bob, Person::Carol]), good, 0, "accept"),
        (
            "the author took it back",
            back(First, &[Person::Alice]),
            offer(First, alice.with(bob), 2),
            0,
            "SELF_APPROVAL",
        ),
        (
            "the accepted one was taken back",
            back(First, &[Person::Bob]),
            offer(First, ALL, 2),
            0,
            "WITHDRAWN",
        ),
        ("an emergency", two(), help, 0, "accept"),
        ("an emergency by others", two(), offer(Emergency, ALL, 3), 0, "THRESHOLD"),
        ("an emergency by nobody", two(), offer(Emergency, Keys::NONE, 3), 0, "UNSIGNED"),
        ("an emergency at its end", two(), at(help, 1), 1, "accept"),
        ("an emergency after its end", two(), at(help, 1), 2, "UNRATIFIED"),
        ("ratified after its end", two(), at(ratified(alice.with(carol)), 1), 2, "accept"),
        ("ratified by its author", two(), at(ratified(alice.with(bob)), 1), 2, "UNRATIFIED"),
        ("ratified by two keys of one", two(), at(ratified(alice.with(Keys::ALICE_TOO)), 1), 2, "UNRATIFIED"),
        ("a log", one(), with(good, Log::One), 0, "accept"),
        ("the same log", seen(Log::Two), with(good, Log::Two), 0, "accept"),
        ("a longer log", seen(Log::One), with(good, Log::Two), 0, "accept"),
        ("a shorter log", seen(Log::Two), with(good, Log::One), 0, "LOG_ROLLBACK"),
        ("no log any more", seen(Log::One), good, 0, "LOG_ROLLBACK"),
        ("another past", seen(Log::One), with(good, Log::Other), 0, "LOG_FORK"),
        ("another log", seen(Log::Two), with(good, Log::Other), 0, "LOG_FORK"),
    ];
    for (case, (disk, state), offer, now, expected) in cases {
        assert_eq!(in_truth(&state, &offer, now), expected, "{case}: decide");
        assert_eq!(in_model(&disk, &offer, now), expected, "{case}: the model");
    }
}
