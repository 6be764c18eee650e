//! Keys and thresholds that change from one version to the next: the suite's sequences under its names.

use super::repo::{Client, Repo};
use crate::drill::paper::{key, name};
use countersign::signing::root::{RawPrincipal, RawRoot};

/// A version: who has the role, how many must sign, who signed.
type Version = (&'static [usize], u32, &'static [usize]);

const ALL: &[usize] = &[0, 1, 2, 3, 4];
const NEXT: &[usize] = &[0, 1, 3, 4, 5];

/// Sequences of trust roots, and whether the last one follows.
const ROOTS: &[(&str, &[Version], bool)] = &[
    ("1-of-1-key-rotation", &[(&[1], 1, &[1]), (&[2], 1, &[2, 1]), (&[2], 1, &[2])], true),
    (
        "1-of-1-key-rotation-unused-signatures",
        &[(&[1], 1, &[3, 1, 4]), (&[2], 1, &[3, 2, 1, 4]), (&[2], 1, &[3, 2, 4])],
        true,
    ),
    (
        "3-of-5-sign-with-different-keycombos",
        &[(ALL, 3, &[0, 2, 4]), (ALL, 3, &[0, 4, 1]), (ALL, 3, &[0, 1, 3]), (ALL, 3, &[0, 1, 3])],
        true,
    ),
    ("3-of-5-one-key-rotated", &[(ALL, 3, &[0, 2, 4]), (NEXT, 3, &[0, 4, 1])], true),
    (
        "3-of-5-one-key-rotated-with-intermediate-step",
        &[(ALL, 3, &[0, 2, 4]), (NEXT, 3, &[0, 2, 4, 5]), (NEXT, 3, &[0, 4, 5])],
        true,
    ),
    (
        "3-of-5-all-keys-rotated-with-intermediate-step",
        &[
            (ALL, 3, &[0, 2, 4]),
            (&[5, 6, 7, 8, 9], 3, &[0, 2, 4, 5, 6, 7]),
            (&[5, 6, 7, 8, 9], 3, &[5, 6, 7]),
        ],
        true,
    ),
    ("1-of-3-threshold-increase-to-2-of-3", &[(&[1, 2, 3], 1, &[1]), (&[1, 2, 3], 2, &[1, 2])], true),
    (
        "2-of-3-threshold-decrease-to-1-of-3",
        &[(&[1, 2, 3], 2, &[1, 2]), (&[1, 2, 3], 1, &[1, 2]), (&[1, 2, 3], 1, &[1])],
        true,
    ),
    ("1-of-2-threshold-increase-to-2-of-2", &[(&[1], 1, &[1]), (&[1, 2], 2, &[1, 2])], true),
    ("1-of-1-key-rotation-fail-not-signed-with-old-key", &[(&[1], 1, &[1]), (&[2], 1, &[2, 3, 4])], false),
    ("1-of-1-key-rotation-fail-not-signed-with-new-key", &[(&[1], 1, &[1]), (&[2], 1, &[1, 3, 4])], false),
    (
        "3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys",
        &[(ALL, 3, &[0, 2, 4]), (NEXT, 3, &[0, 2, 4])],
        false,
    ),
    (
        "3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys",
        &[(ALL, 3, &[0, 2, 4]), (NEXT, 3, &[0, 4, 5])],
        false,
    ),
    (
        "1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached",
        &[(&[1, 2, 3], 1, &[1]), (&[1, 2, 3], 2, &[2])],
        false,
    ),
    (
        "2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-eached",
        &[(&[1, 2, 3], 2, &[1, 2]), (&[1, 2, 3], 1, &[1])],
        false,
    ),
];

/// A new trust root for another role, and whether what is signed so is taken.
const OTHERS: &[(&str, Version, bool)] = &[
    ("1-of-1-key-rotation", (&[2], 1, &[2]), true),
    ("1-of-1-key-rotation-unused-signatures", (&[1], 1, &[3, 1, 4]), true),
    ("1-of-1-key-rotation-fail-not-signed-with-new-key", (&[2], 1, &[1, 3, 4]), false),
    ("3-of-5-one-key-signature-wrong-not-signed-with-3-expected-keys", (NEXT, 3, &[0, 2, 4]), false),
    ("2-of-5-one-key-signature-mising-threshold-not-reached", (NEXT, 3, &[0, 4]), false),
    ("3-of-5-sign-first-combo", (ALL, 3, &[0, 2, 4]), true),
    ("3-of-5-sign-second-combo", (ALL, 3, &[0, 4, 1]), true),
    ("3-of-5-sign-third-combo", (ALL, 3, &[0, 1, 3]), true),
    ("3-of-5-sign-fourth-combo", (ALL, 3, &[1, 2, 3]), true),
    ("3-of-5-sign-fifth-combo", (ALL, 3, &[2, 3, 4]), true),
];

/// The names of the cases, for the page.
pub(super) fn cases() -> impl Iterator<Item = String> {
    let roots = ROOTS.iter().map(|(case, _, _)| format!("test_root_rotation[{case}]"));
    roots.chain(OTHERS.iter().map(|(case, _, _)| format!("test_non_root_rotations[{case}]")))
}

fn people(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| format!("p{number}")).collect()
}

/// Gives a role to these people, ten of whom have keys.
fn give(root: &mut RawRoot, role: usize, (members, threshold, _): Version) {
    for person in people(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
        if root.principals.iter().all(|principal| principal.name.as_str() != person) {
            let keys = vec![key(&person).public().to_line()];
            root.principals.push(RawPrincipal { name: name(&person), keys });
        }
    }
    root.roles[role].members = people(members).iter().map(|person| name(person)).collect();
    root.roles[role].threshold = threshold;
}

#[test]
fn test_root_rotation() {
    for (case, versions, follows) in ROOTS {
        let (first, later) = versions.split_first().unwrap();
        let mut repo = Repo::with_root(&people(first.2), |root| give(root, 0, *first));
        let client = Client::of(&repo);
        for version in later {
            repo.signers[0] = people(version.2);
            repo.publish_root(|root| give(root, 0, *version));
        }
        let last = versions.len() as u64;
        assert_eq!(client.refresh(&repo) == "ok", *follows, "{case}");
        assert_eq!(client.trusted().0, if *follows { last } else { last - 1 }, "{case}");
    }
}

#[test]
fn test_non_root_rotations() {
    for (case, version, follows) in OTHERS {
        for (role, title) in [(1, "release"), (3, "timestamp")] {
            let mut repo = Repo::new();
            let client = Client::of(&repo);
            assert_eq!(repo.root.roles[role].name.as_str(), title);
            repo.publish_root(|root| give(root, role, *version));
            repo.signers[if role == 1 { 1 } else { 2 }] = people(version.2);
            repo.release = None;
            repo.publish("one");
            assert_eq!(client.refresh(&repo) == "ok", *follows, "{case}: {title}");
            assert_eq!(
                client.trusted(),
                if *follows { (2, Some(2), Some(1)) } else { (2, None, None) },
                "{case}"
            );
        }
    }
}
