//! Trust roots that make no sense, and walks that must not be walked.

use super::*;
use crate::model::Digest;
use crate::signing::Envelope;
use crate::signing::testing::{PEOPLE, hour, key, raw_after, raw_root, role, root, signed, who};

/// The problems of the first trust root after `change`.
fn check(change: impl FnOnce(&mut RawRoot), expected: &str) {
    let mut raw = raw_root();
    change(&mut raw);
    let text = Root::new(raw).expect_err(expected).to_string();
    assert!(text.contains(expected), "{expected} in: {text}");
}

#[test]
fn d9_a_key_belongs_to_one_person_and_stands_there_once() {
    let alice = key("alice").public().to_line();
    check(|raw| raw.principals[1].keys.push(alice.clone()), "there twice");
    check(|raw| raw.principals[0].keys.push(alice.clone()), "there twice");
    check(|raw| raw.principals[1].name = who("alice"), "principal `alice` is there twice");
    check(|raw| raw.principals[0].keys.clear(), "needs 1 to 8 keys");
    check(|raw| raw.principals[0].keys[0].push_str(" comment"), "another spelling");
    check(|raw| raw.principals[0].keys[0] = "ssh-rsa AAAA".into(), "`ssh-rsa`");
}

#[test]
fn d38_a_weak_key_never_enters_a_trust_root() {
    let weak = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    check(|raw| raw.principals[0].keys[0] = weak.into(), "weak");
}

#[test]
fn t9_thresholds_can_be_reached_and_are_not_nought() {
    check(|raw| raw.roles[1].threshold = 0, "role `release` has a threshold of nought");
    check(|raw| raw.roles[1].threshold = 4, "cannot reach");
    check(|raw| raw.roles[1].members.push(who("alice")), "names somebody twice");
    check(|raw| raw.roles[1].members.push(who("nobody")), "`nobody` of role `release` has no key");
    check(|raw| raw.roles.push(role("release", &["alice"], 1)), "role `release` is there twice");
    for missing in ["root", "release", "timestamp"] {
        let expected = format!("role `{missing}` is missing");
        check(|raw| raw.roles.retain(|role| role.name.as_str() != missing), &expected);
    }
    let mut raw = raw_root();
    raw.principals.push(RawPrincipal { name: who("w1"), keys: vec![key("w1").public().to_line()] });
    raw.roles.push(role("witness", &["w1"], 0));
    let root = Root::new(raw).unwrap();
    assert!(root.role("witness").is_none(), "witnesses without a threshold are no requirement");
}

#[test]
fn machines_have_no_vote() {
    check(|raw| raw.roles[1].members.push(who("server")), "`server` is a machine");
    check(|raw| raw.roles.push(role("witness", &["alice"], 0)), "`alice` is a machine");
    check(|raw| raw.rules[0].roles = vec!["timestamp".parse().unwrap()], "no role of reviewers");
}

#[test]
fn rules_guards_and_scopes_name_what_exists() {
    check(|raw| raw.rules[0].roles = vec!["nobody".parse().unwrap()], "`nobody`");
    check(|raw| raw.rules[0].roles.clear(), "needs paths and roles");
    check(|raw| raw.rules.clear(), "there is no rule");
    check(|raw| raw.roles[4].nodes = None, "must name nodes");
    check(|raw| raw.roles[1].nodes = Some(vec!["*".parse().unwrap()]), "must name nodes");
    let guard = Guard {
        resource: crate::model::Kind::User,
        pattern: "root".parse().unwrap(),
        role: "operator".parse().unwrap(),
    };
    check(|raw| raw.guards.push(guard), "`operator`");
}

#[test]
fn d39_the_touch_cannot_be_switched_off() {
    check(|raw| raw.require.sk_user_presence = false, "cannot be switched off");
    let mut raw = raw_root();
    raw.require.sk_user_verification = true;
    assert_eq!((root().token(), Root::new(raw).unwrap().token()), (Token::Touched, Token::Owner));
}

#[test]
fn limits_have_sense() {
    check(|raw| raw.limits.skew = 100_000, "`skew`");
    check(|raw| raw.limits.release_life = 0, "`release_life`");
    check(|raw| raw.expires = raw.created, "ends before it begins");
    check(|raw| raw.version = 0, "`prev`");
    check(|raw| raw.version = 2, "`prev`");
}

#[test]
fn every_problem_is_named_at_once() {
    let mut raw = raw_root();
    raw.roles[1].threshold = 0;
    raw.rules.clear();
    raw.limits.skew = 100_000;
    let Err(Refusal::Malformed { problems, .. }) = Root::new(raw) else { panic!("must be refused") };
    assert_eq!(problems.len(), 3, "{problems:?}");
}

#[test]
fn all_rules_that_match_apply_and_what_none_covers_is_refused() {
    let root = root();
    let names = |paths: &[&str]| {
        root.roles_for(paths.iter().copied())
            .map(|roles| roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .map_err(|refusal| refusal.to_string())
    };
    assert_eq!(names(&["modules/nginx/module.toml"]).as_deref(), Ok("release"));
    assert_eq!(names(&["modules/nginx/a", "modules/firewall/b"]).as_deref(), Ok("release security"));
    assert_eq!(names(&[]).as_deref(), Ok("release"));
    let text = names(&["modules/nginx/a", "nodes/web.toml", "data/x"]).unwrap_err();
    assert!(
        text.contains("`nodes/web.toml`") && text.contains("`data/x`") && !text.contains("nginx"),
        "{text}"
    );
}

#[test]
fn d43_only_the_pinned_trust_root_is_the_first() {
    let envelope = signed::<Root>(&raw_root(), &["alice", "bob"]);
    assert!(first(&envelope, envelope.id()).is_ok());
    assert_eq!(first(&envelope, Digest::of(b"other")).unwrap_err().code(), "ROOT_DIGEST");
    let alone = signed::<Root>(&raw_root(), &["alice"]);
    assert_eq!(first(&alone, alone.id()).unwrap_err().code(), "THRESHOLD");
    let foreign = signed::<Root>(&raw_root(), &["frank", "olga", "server"]);
    assert_eq!(first(&foreign, foreign.id()).unwrap_err().code(), "THRESHOLD");
}

/// The code of the step from the first trust root to the second after `change`, signed by `people`.
fn step(people: &[&str], change: impl FnOnce(&mut RawRoot), expected: &str) {
    let mut raw = raw_after(&raw_root());
    change(&mut raw);
    let code = next(&root(), &signed::<Root>(&raw, people)).map_or_else(|r| r.code(), |_| "");
    assert_eq!(code, expected, "{people:?}");
}

#[test]
fn t9_rotation_needs_the_old_and_the_new_threshold() {
    let new_people = |raw: &mut RawRoot| raw.roles[0] = role("root", &["dan", "frank"], 2);
    step(&["alice", "bob"], |_| {}, "");
    step(&["alice"], |_| {}, "THRESHOLD");
    step(&["dan", "frank"], new_people, "THRESHOLD");
    step(&["alice", "bob"], new_people, "THRESHOLD");
    step(&["alice", "bob", "dan"], new_people, "THRESHOLD");
    step(&["alice", "bob", "dan", "frank"], new_people, "");
}

#[test]
fn t8_roots_follow_one_by_one() {
    step(&["alice", "bob"], |raw| raw.version = 3, "ROOT_SKIPPED");
    step(&["alice", "bob"], |raw| raw.prev = Some(Digest::of(b"other")), "ROOT_FORKED");
    step(&["alice", "bob"], |raw| (raw.version, raw.prev) = (1, None), "ROOT_ROLLBACK");
    step(&["alice", "bob"], |raw| raw.repo = RepoId::new([8; 32]), "REPO");
    step(&["alice", "bob"], |raw| raw.expires = hour(1), "");
    let second = next(&root(), &signed::<Root>(&raw_after(&raw_root()), &["alice", "bob"])).unwrap();
    let again = signed::<Root>(second.fields(), &["alice", "bob"]);
    assert_eq!(next(&second, &again).unwrap_err().code(), "ROOT_ROLLBACK");
}

#[test]
fn d37_a_rotated_key_no_longer_counts() {
    let mut raw = raw_after(&raw_root());
    raw.principals[0].keys = vec![key("alice's new key").public().to_line()];
    let second = next(&root(), &signed::<Root>(&raw, &["bob", "carol"])).unwrap();
    let third = raw_after(second.fields());
    assert_eq!(next(&second, &signed::<Root>(&third, &["alice", "bob"])).unwrap_err().code(), "THRESHOLD");
    assert!(next(&second, &signed::<Root>(&third, &["alice's new key", "bob"])).is_ok());
}

#[test]
fn d42_a_trust_root_has_one_spelling() {
    let bytes = root().bytes().to_vec();
    assert_eq!(bytes, root().encode());
    let text = String::from_utf8(bytes).unwrap().replace("\"threshold\":2", "\"threshold\": 2");
    let envelope = Envelope { bytes: text.into_bytes(), signatures: Vec::new() };
    assert_eq!(first(&envelope, envelope.id()).unwrap_err().code(), "FORM");
}

#[test]
fn stock_openssh_is_told_who_may_sign_what() {
    let text = allowed_signers(&root());
    let line =
        |name: &str| text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().to_owned();
    assert!(line("alice").contains(
        "\"git,ratify.v1@countersign.dev,release.v1@countersign.dev,review.v1@countersign.dev,revoke.v1@\
         countersign.dev,root.v1@countersign.dev,withdraw.v1@countersign.dev\""
    ));
    assert!(
        line("frank").contains("\"git,review.v1@countersign.dev,revoke.v1@countersign.dev\" ssh-ed25519 ")
    );
    assert!(line("server").contains("\"revoke.v1@countersign.dev,timestamp.v1@countersign.dev\" "));
    assert!(line("olga").contains("trigger.v1@") && !line("olga").contains("release.v1@"));
    assert_eq!(text.lines().count(), 1 + PEOPLE.len());
}

#[test]
fn a_trust_root_says_60_30_and_7_days_before_its_end() {
    let root = root();
    let before = |days: i64, seconds: i64| root.urgency(root.expires().plus(-days * 86_400 - seconds));
    assert_eq!(before(60, 0), None);
    assert_eq!(before(59, 86_399), Some(Urgency::Note));
    assert_eq!(before(30, 0), Some(Urgency::Note));
    assert_eq!(before(29, 86_399), Some(Urgency::Warning));
    assert_eq!(before(7, 0), Some(Urgency::Warning));
    assert_eq!(before(6, 86_399), Some(Urgency::Urgent));
    assert_eq!(before(0, 0), Some(Urgency::Urgent));
    assert_eq!(before(0, -1), Some(Urgency::Expired));
}
