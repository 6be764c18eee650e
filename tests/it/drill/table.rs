//! The table of all attacks, and the tests that play it and hold `docs/drill.md` against it.

use super::attack::Attack;
use super::evil::Evil;
use super::world::World;
use super::{
    content, joining, log, parts, roots, signatures, spelling, time, transport, triggers, withdrawals,
};
use crate::support::repository;
use countersign::signing::Refusal;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bar.
const LEAST: usize = 60;
/// Agents that are attacked at the same time: they wait for disks and sockets more than they compute.
const AT_ONCE: usize = 4;

/// Refusals that no attack of a server meets: agents ask for trust roots one by one, a damaged state is the disk's doing
/// (`d27_…`), emergencies take a key that lies on no server (`d33_…`), a storm takes a thousand triggers (`d25_…`), and who
/// revokes another key than their own takes nothing away (`d37_…`).
const NOT_MET: [&str; 6] = ["OTHER_KEY", "ROOT_STEPS", "STATE", "BREAK_GLASS_SCOPE", "UNRATIFIED", "STORM"];

/// Every attack, by what it is about.
fn chapters() -> Vec<(&'static str, Vec<Attack>)> {
    vec![
        ("The connection", transport::attacks()),
        ("Content", content::attacks()),
        ("Parts of different releases", parts::attacks()),
        ("Signatures", signatures::attacks()),
        ("Spelling and versions", spelling::attacks()),
        ("Age and order", time::attacks()),
        ("Signatures taken back, and keys", withdrawals::attacks()),
        ("The log", log::attacks()),
        ("Trust roots", roots::attacks()),
        ("Triggers", triggers::attacks()),
        ("Joining", joining::attacks()),
    ]
}

fn all() -> Vec<Attack> {
    chapters().into_iter().flat_map(|(_, attacks)| attacks).collect()
}

/// The table as `docs/drill.md` has it.
fn document() -> String {
    let mut text =
        String::from("| what the attacker does | rows | exit | the agent says |\n|---|---|---|---|\n");
    for (chapter, attacks) in chapters() {
        text.push_str(&format!("| **{chapter}** | | | |\n"));
        for attack in attacks {
            let (what, rows, exit, answer) = (&attack.what, attack.rows, attack.exit(), attack.answer);
            text.push_str(&format!("| {what} | {rows} | {exit} | `{answer}` |\n"));
        }
    }
    text
}

/// Plays attacks, several at the same time; what is wrong with each, in their order.
fn play(world: &World, attacks: &[Attack]) -> Vec<Vec<String>> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(vec![Vec::new(); attacks.len()]));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(attack) = attacks.get(number) else { return };
                    let wrong = attack.try_out(world, number);
                    results.lock().unwrap()[number] = wrong;
                }
            });
        }
    });
    results.into_inner().unwrap()
}

#[test]
fn t1_t9_d1_no_attack_of_the_evil_server_succeeds() {
    // Part of a name, to play only those attacks.
    let chosen = std::env::var("COUNTERSIGN_ATTACK").unwrap_or_default();
    let mut attacks = all();
    attacks.retain(|attack| attack.what.contains(&chosen));
    // A drill that never cries would be none: what is honest is taken, and that must be noticed.
    attacks.push(Attack::new("is honest", "", "REFUSED", Evil::honest));
    let mut results = play(&World::new(), &attacks);
    let noticed = results.pop().unwrap_or_default().join("\n");
    for sign in [
        "it ended with Some(2)",
        "does not say REFUSED",
        "files of the node changed",
        "`accepted` of the state moved",
    ] {
        assert!(noticed.contains(sign), "{sign} was not noticed:\n{noticed}");
    }
    let mut wrong = Vec::new();
    for (attack, problems) in attacks.iter().zip(&results) {
        let verdict = if problems.is_empty() { "refused" } else { "WRONG" };
        println!("{verdict:<8} {:<24} {:<8} {}", attack.answer, attack.rows, attack.what);
        if !problems.is_empty() {
            wrong.push(format!("{}:\n{}", attack.what, problems.join("\n")));
        }
    }
    println!("{} attacks, {} of them refused as they must be", results.len(), results.len() - wrong.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

#[test]
fn the_evil_server_has_enough_attacks_and_each_is_another() {
    let attacks = all();
    let distinct: BTreeSet<&str> = attacks.iter().map(|attack| attack.what.as_str()).collect();
    assert_eq!(distinct.len(), attacks.len());
    assert!(attacks.len() >= LEAST, "{}", attacks.len());
}

/// Every way to refuse is met, but for those that a server cannot bring about.
#[test]
fn the_evil_server_meets_every_refusal() {
    let attacks = all();
    let met: BTreeSet<&str> = attacks.iter().map(|attack| attack.answer).collect();
    let rest: Vec<&str> = Refusal::CODES.iter().copied().filter(|code| !met.contains(code)).collect();
    assert_eq!(rest, NOT_MET);
}

#[test]
fn the_page_has_every_attack_of_the_evil_server() {
    let page = |name: &str| std::fs::read_to_string(repository().join("docs").join(name)).unwrap();
    let expected = document();
    assert!(page("drill.md").contains(&expected), "docs/drill.md must have:\n{expected}");
    let rows = page("attacks.md");
    for attack in all() {
        for id in attack.rows.split(' ') {
            assert!(
                rows.contains(&format!("\n| {id} | ")),
                "{}: {id} is no row of docs/attacks.md",
                attack.what
            );
        }
    }
}
