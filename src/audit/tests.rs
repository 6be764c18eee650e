//! A mirror that is whole, and the same mirror after everything that whoever owns the server could do to it.

use super::*;
use crate::model::resource::Notify;
use crate::model::wire::Signed;
use crate::model::{Meta, NodeName, Ref, Resource, Spec};
use crate::signing::log::{Edge, Entry, Tile, bundle, note};
use crate::signing::release::ReleaseKind;
use crate::signing::root::RawRoot;
use crate::signing::testing::{Published, key, publish, publish_with, raw_root, role, signed};
use crate::signing::withdraw::{Withdrawal, Withdrawals};
use crate::signing::{Envelope, Ratification, RepoId, Revocation, Root};

/// Three releases in a directory, with a log of them and of four reports.
struct Scene {
    directory: tempfile::TempDir,
    releases: Vec<Published>,
    entries: Vec<Entry>,
    pinned: Digest,
}

fn env() -> EnvName {
    "production".parse().unwrap()
}

fn web1() -> NodeName {
    "web1".parse().unwrap()
}

fn report(counter: u64) -> Entry {
    let id = |n: u64| Digest::of(format!("report {n}").as_bytes());
    Entry::report(&web1(), counter, (id(counter), (counter > 1).then(|| id(counter - 1))))
}

fn with_approvals(entry: Entry, envelope: &Envelope) -> Vec<Entry> {
    let approvals: Vec<Entry> = envelope.signatures.iter().map(|armor| entry.approval(armor)).collect();
    std::iter::once(entry).chain(approvals).collect()
}

impl Scene {
    fn new() -> Self {
        let mut releases: Vec<Published> = Vec::new();
        for seq in 1..=3 {
            let next = publish(seq, releases.last());
            releases.push(next);
        }
        Self::of(&raw_root(), releases)
    }

    /// These releases under this trust root, and a log of them with one report more.
    fn of(root: &RawRoot, releases: Vec<Published>) -> Self {
        let root = signed::<Root>(root, &["alice", "bob"]);
        let scene = Self {
            directory: tempfile::tempdir().unwrap(),
            releases,
            entries: Vec::new(),
            pinned: root.id(),
        };
        scene.envelope("root/1", &root);
        let mut entries = with_approvals(Entry::root(1, root.id()), &root);
        for (n, published) in (1..).zip(&scene.releases) {
            scene.release(published);
            let statement = &published.statement;
            entries.extend(with_approvals(
                Entry::statement(&env(), statement.seq, statement.id()),
                &published.release,
            ));
            entries.push(report(n));
        }
        entries.push(report(scene.releases.len() as u64 + 1));
        let scene = Self { entries, ..scene };
        scene.log(&scene.entries);
        scene
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.directory.path().join(path)).unwrap()
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.directory.path().join(path)).unwrap();
    }

    fn envelope(&self, stem: &str, envelope: &Envelope) {
        self.write(&format!("{stem}.json"), &envelope.bytes);
        let list = serde_json::to_vec(&envelope.signatures).unwrap();
        let container = stem.replace("/statement", "/signatures");
        let container = if container == stem { format!("{stem}.signatures") } else { container };
        self.write(&format!("{container}.json"), &list);
    }

    fn release(&self, published: &Published) {
        let place = format!("release/production/{}", published.statement.seq);
        self.envelope(&format!("{place}/statement"), &published.release);
        for leaf in &published.leaves {
            self.write(&format!("{place}/leaf/{}.json", leaf.node), &leaf.encode());
        }
        for catalog in &published.catalogs {
            let bytes = catalog.encode();
            self.write(&format!("catalog/{}", Digest::of(&bytes).hex()), &bytes);
        }
    }

    /// Publishes a log of these entries, signed with the key that lies on the server, and a timestamp that names it.
    fn log(&self, entries: &[Entry]) {
        let checkpoint = self.tiles(entries);
        let note = note::sign(&key("server"), RepoId::new([7; 32]), checkpoint);
        self.write("log/checkpoint", note.as_bytes());
        let last = self.releases.last().unwrap();
        let stamped = last.restamped(|t| (t.log_size, t.log_root) = (checkpoint.size, Some(checkpoint.root)));
        self.envelope("timestamp/production", &stamped.freshness);
    }

    fn tiles(&self, entries: &[Entry]) -> Checkpoint {
        drop(std::fs::remove_dir_all(self.directory.path().join("log")));
        let mut edge = Edge::default();
        let put = |tile: Tile, bytes: Vec<u8>| self.write(&format!("log/{}", tile.path()), &bytes);
        for entry in entries {
            edge.append(entry.hash(), put);
        }
        edge.partial().for_each(|(tile, bytes)| put(tile, bytes));
        for (index, entries) in (0..).zip(entries.chunks(256)) {
            let bytes: Vec<Vec<u8>> = entries.iter().map(Entry::encode).collect();
            let tile = Tile { level: None, index, width: u16::try_from(entries.len()).unwrap() };
            put(tile, bundle(bytes.iter().map(Vec::as_slice)));
        }
        edge.checkpoint().unwrap()
    }

    fn without(&self, gone: &Entry) -> Vec<Entry> {
        let left: Vec<Entry> = self.entries.iter().filter(|entry| *entry != gone).cloned().collect();
        assert_eq!(left.len() + 1, self.entries.len());
        left
    }

    fn mirror(&self) -> Mirror {
        Mirror::new(self.directory.path())
    }

    fn verdict(&self, seen: &[Checkpoint]) -> Verdict {
        let roots = roots(&self.mirror(), self.pinned).unwrap();
        let seen = seen.iter().map(|checkpoint| Seen { what: "a copy".into(), checkpoint: *checkpoint });
        verify(&self.mirror(), &roots, seen.collect()).unwrap()
    }

    /// The codes of all problems.
    fn check(&self, seen: &[Checkpoint], expected: &[&str]) {
        let verdict = self.verdict(seen);
        let codes: Vec<&str> = verdict.problems.iter().map(Problem::code).collect();
        assert_eq!(codes, expected, "{:?}", verdict.problems);
    }
}

fn checkpoint(entries: &[Entry]) -> Checkpoint {
    let mut edge = Edge::default();
    for entry in entries {
        edge.append(entry.hash(), |_, _| {});
    }
    edge.checkpoint().unwrap()
}

#[test]
fn a_whole_mirror_has_no_problems() {
    let scene = Scene::new();
    let verdict = scene.verdict(&[checkpoint(&scene.entries[..5]), checkpoint(&scene.entries)]);
    assert!(verdict.problems.is_empty() && verdict.remarks.is_empty(), "{verdict:?}");
    assert_eq!((verdict.root, verdict.releases), (1, vec![(env(), 3)]));
    assert_eq!(verdict.log.unwrap(), (checkpoint(&scene.entries), vec!["server".parse().unwrap()]));
    assert_eq!((verdict.entries[&EntryKind::Approval], verdict.entries[&EntryKind::Report]), (8, 4));
    // A log of several bundles is read as well.
    let mut long = scene.entries.clone();
    long.extend((5..700).map(report));
    scene.log(&long);
    scene.check(&[checkpoint(&scene.entries)], &[]);
}

/// Whoever has the server edits, deletes, inserts or cuts off entries, and does not sign that, because it would show.
#[test]
fn d50_an_edited_log_is_not_the_one_that_was_signed() {
    let scene = Scene::new();
    let note = scene.read("log/checkpoint");
    for edit in [
        (|entries: &mut Vec<Entry>| entries[4] = report(9)) as fn(&mut Vec<Entry>),
        |entries| drop(entries.remove(4)),
        |entries| entries.insert(4, report(9)),
        |entries| entries.swap(4, 5),
        |entries| entries.truncate(7),
    ] {
        let mut entries = scene.entries.clone();
        edit(&mut entries);
        scene.tiles(&entries);
        scene.write("log/checkpoint", &note);
        let verdict = scene.verdict(&[]);
        let codes: Vec<&str> = verdict.problems.iter().map(Problem::code).collect();
        assert!(codes.contains(&"LOG_EDITED") || codes.contains(&"MISSING"), "{codes:?}");
    }
}

/// The same, and signed anew with the timestamp key: then the log does not continue what anybody has seen of it.
#[test]
fn d50_an_edited_log_does_not_continue_an_earlier_checkpoint() {
    let scene = Scene::new();
    let earlier = checkpoint(&scene.entries[..12]);
    // The report that came first is taken out, and the chain is mended behind it.
    let mut rewritten = scene.without(&report(4));
    rewritten.retain(|entry| *entry != report(1));
    scene.log(&rewritten);
    let at = rewritten.iter().position(|entry| *entry == report(2)).unwrap();
    assert!(at < 12);
    scene.check(&[earlier], &["LOG_FORK"]);
    scene.check(&[], &[]);
    // Rewound to an earlier day.
    scene.log(&scene.entries[..12]);
    let later = checkpoint(&scene.entries);
    let verdict = scene.verdict(&[later]);
    assert!(
        verdict
            .problems
            .iter()
            .any(|problem| matches!(problem, Problem::History { seen, .. } if *seen == later))
    );
}

#[test]
fn d36_two_histories_are_told_by_anything_that_was_seen_of_the_other() {
    let scene = Scene::new();
    let mut other = scene.entries[..9].to_vec();
    other.push(report(2));
    other.push(report(3));
    scene.check(&[checkpoint(&scene.entries[..9]), checkpoint(&other)], &["LOG_FORK"]);
    // A timestamp from the other history, shown to somebody else.
    let there = checkpoint(&other);
    let last = scene.releases.last().unwrap();
    let stamped = last.restamped(|t| (t.log_size, t.log_root) = (there.size, Some(there.root)));
    scene.envelope("timestamp/production", &stamped.freshness);
    scene.check(&[], &["LOG_FORK"]);
}

/// Three releases, which name these logs.
fn naming(logs: [Option<Checkpoint>; 3]) -> Scene {
    let mut releases: Vec<Published> = Vec::new();
    for (seq, log) in (1..).zip(logs) {
        let next = publish(seq, releases.last());
        releases.push(next.restated(&["alice", "bob"], |s| s.log = log));
    }
    Scene::of(&raw_root(), releases)
}

/// One history for reviewers and another for nodes and auditors: the statements tell which one was signed under.
#[test]
fn d36_the_log_that_reviewers_saw_is_the_one_that_is_published() {
    // What the first two releases name can be of this very log; what they say of it does not change its length.
    let scene = naming([None, None, None]);
    let [four, five] = [4, 5].map(|size| checkpoint(&scene.entries[..size]));
    let root_alone = checkpoint(&scene.entries[..3]);
    naming([None, Some(root_alone), None]).check(&[], &["LOG_ROLLBACK"]);
    naming([None, Some(root_alone), Some(root_alone)]).check(&[], &[]);
    naming([Some(root_alone); 3]).check(&[], &[]);
    // Those two are of the log in which release 1 names nothing.
    naming([None, Some(root_alone), Some(four)]).check(&[], &[]);
    naming([None, Some(five), Some(four)]).check(&[], &["LOG_ROLLBACK"]);
    let other = Checkpoint { size: 3, root: Digest::of(b"another log") };
    naming([None, None, Some(other)]).check(&[], &["LOG_FORK"]);
    naming([None, Some(root_alone), Some(Checkpoint { size: 999, ..other })]).check(&[], &["LOG_FORK"]);
    let said = naming([None, None, Some(other)]).verdict(&[]).problems.remove(0).to_string();
    assert!(said.contains("was seen as release 3 of `production`"), "{said}");
}

#[test]
fn d36_two_statements_under_one_serial_are_named() {
    let scene = Scene::new();
    let other = publish_with(2, None, &[]).restated(&["alice", "bob"], |s| s.reason = "another".into());
    let entry = Entry::statement(&env(), 2, other.statement.id());
    let mut entries = scene.entries.clone();
    entries.push(entry);
    scene.log(&entries);
    let verdict = scene.verdict(&[]);
    let [Problem::Equivocation { number: 2, ids, .. }] = verdict.problems.as_slice() else {
        unreachable!("{verdict:?}")
    };
    assert!(ids.contains(&other.statement.id()) && ids.contains(&scene.releases[1].statement.id()));
    // The one that was published is exchanged for the other: the log still names the first.
    let scene = Scene::new();
    let prev = scene.releases[0].statement.id();
    let other = scene.releases[1].restated(&["alice", "bob"], |s| {
        (s.reason, s.prev) = ("another".into(), Some(prev));
    });
    scene.release(&other);
    let verdict = scene.verdict(&[]);
    let codes: Vec<&str> = verdict.problems.iter().map(Problem::code).collect();
    assert!(
        codes.contains(&"EQUIVOCATION") && codes.contains(&"UNLOGGED") && codes.contains(&"CHAIN"),
        "{codes:?}"
    );
}

#[test]
fn d50_what_is_published_is_in_the_log_and_the_other_way_round() {
    let scene = Scene::new();
    let second = &scene.releases[1];
    let statement = Entry::statement(&env(), 2, second.statement.id());
    scene.log(&scene.without(&statement));
    scene.check(&[], &["UNLOGGED"]);
    scene.log(&scene.without(&statement.approval(&second.release.signatures[1])));
    scene.check(&[], &["UNLOGGED"]);
    scene.log(&scene.without(&Entry::root(1, scene.pinned)));
    scene.check(&[], &["UNLOGGED"]);
    scene.write("release/production/2/waiver/1", b"a waiver");
    scene.log(&scene.entries);
    scene.check(&[], &["UNLOGGED"]);
    let mut entries = scene.entries.clone();
    entries.push(statement.waiver(b"a waiver"));
    scene.log(&entries);
    scene.check(&[], &[]);
    scene.remove("release/production/2/waiver/1");
    let mut entries = scene.entries.clone();
    entries.push(Entry::statement(&env(), 4, Digest::of(b"withheld")));
    scene.log(&entries);
    scene.check(&[], &["UNPUBLISHED"]);
}

/// The server acknowledges a report and leaves it out of the log, or takes it out later.
#[test]
fn d26_a_report_that_the_server_left_out_is_missed() {
    let scene = Scene::new();
    let left = scene.without(&report(3));
    scene.log(&left);
    scene.check(&[], &["REPORT_GAP"]);
    let verdict = scene.verdict(&[]);
    let Problem::Reports { node, have: 2, got: 4, .. } = &verdict.problems[0] else {
        unreachable!("{verdict:?}")
    };
    assert_eq!(node, "web1");
    // Who was told of a gap once is not told for ever, but of new ones.
    scene.check(&[checkpoint(&left)], &[]);
    // Another report in its place does not fit the one behind it.
    let mut other = scene.entries.clone();
    let at = other.iter().position(|entry| *entry == report(3)).unwrap();
    other[at] = Entry::report(&web1(), 3, (Digest::of(b"made up"), report(3).of));
    scene.log(&other);
    scene.check(&[], &["REPORT_GAP"]);
}

#[test]
fn d50_hashes_that_agents_would_not_get_a_proof_from_are_named() {
    let scene = Scene::new();
    let path = format!("log/{}", Tile::of(Some(0), 0, scene.entries.len() as u64).unwrap().path());
    let mut bytes = scene.read(&path);
    bytes[40] ^= 1;
    scene.write(&path, &bytes);
    scene.check(&[], &["LOG_TILE"]);
    scene.remove(&path);
    scene.check(&[], &["LOG_TILE"]);
}

#[test]
fn a_checkpoint_that_the_role_did_not_sign_is_refused() {
    let scene = Scene::new();
    let whole = checkpoint(&scene.entries);
    let note = note::sign(&key("alice"), RepoId::new([7; 32]), whole);
    scene.write("log/checkpoint", note.as_bytes());
    scene.check(&[], &["UNSIGNED"]);
    scene.remove("log/checkpoint");
    scene.check(&[], &["MISSING"]);
}

#[test]
fn d37_releases_are_judged_by_the_people_of_their_time_and_the_newest_by_those_of_now() {
    let scene = Scene::new();
    let mut raw = crate::signing::testing::raw_after(&raw_root());
    for role in &mut raw.roles {
        if role.name.as_str() == "release" {
            role.members = ["alice", "carol"].map(|name| name.parse().unwrap()).into();
        }
    }
    let second = signed::<Root>(&raw, &["alice", "bob"]);
    scene.envelope("root/2", &second);
    let mut entries = scene.entries.clone();
    entries.extend(with_approvals(Entry::root(2, second.id()), &second));
    scene.log(&entries);
    // Bob signed all three; only for the one in force that no longer counts.
    let verdict = scene.verdict(&[]);
    assert_eq!(verdict.problems.len(), 1, "{:?}", verdict.problems);
    assert!(matches!(
        &verdict.problems[0],
        Problem::Release { seq: 3, cause: Refusal::Threshold { .. }, .. }
    ));
    scene.envelope("root/4", &second);
    assert!(scene.verdict(&[]).problems.iter().any(|problem| problem.code() == "MISSING"));
    scene.envelope("root/3", &second);
    let refused = roots(&scene.mirror(), scene.pinned).unwrap_err();
    assert!(matches!(refused, AuditError::Root { version: 3, .. }), "{refused:?}");
}

/// Somebody signs that bob's key is no good any more.
fn revocation(scene: &Scene, signer: &str) -> Signed {
    let raw = Revocation {
        document: "revoke".into(),
        v: 1,
        repo: RepoId::new([7; 32]),
        key: key("bob").public().to_line(),
        created: scene.releases.last().unwrap().now(),
        reason: "lost".into(),
    };
    let envelope = signed::<Revocation>(&raw, &[signer]);
    Signed { document: String::from_utf8(envelope.bytes).unwrap(), signatures: envelope.signatures }
}

/// Bob's key says of itself that it is no good any more.
#[test]
fn d37_a_revoked_key_does_not_count_and_is_told() {
    let scene = Scene::new();
    let list = |signer: &str| Withdrawals::default().with(revocation(&scene, signer));
    scene.write("withdrawals/production.json", &list("alice").encode());
    scene.check(&[], &[]);
    scene.write("withdrawals/production.json", &list("bob").encode());
    scene.check(&[], &["REVOKED"]);
    let told = scene.verdict(&[]).remarks.join("\n");
    assert!(told.contains("of bob was revoked at") && told.contains(": lost"), "{told}");
}

/// Somebody takes their signature on a release back.
fn withdrawal(of: &Published, by: &str) -> Signed {
    let raw = Withdrawal {
        document: "withdraw".into(),
        v: 1,
        repo: RepoId::new([7; 32]),
        environment: env(),
        release: of.statement.id(),
        by: by.parse().unwrap(),
        created: of.now(),
        reason: "a second look".into(),
    };
    let envelope = signed::<Withdrawal>(&raw, &[by]);
    Signed { document: String::from_utf8(envelope.bytes).unwrap(), signatures: envelope.signatures }
}

/// Carol, who did not sign, takes back whatever she may have signed: it changes nothing but the record.
#[test]
fn d50_a_withdrawal_is_in_the_log_and_the_other_way_round() {
    let scene = Scene::new();
    let last = scene.releases.last().unwrap();
    let (none, entry) = (Withdrawals::default(), withdrawal(last, "carol"));
    let list = none.clone().with(entry.clone());
    let listed = Entry::withdrawal(&env(), &entry);
    // What the log has besides, which list the timestamp names, and which one is shown.
    let check = |more: &[Entry], [named, shown]: [&Withdrawals; 2], expected: &[&str]| {
        let entries = [&scene.entries[..], more].concat();
        scene.log(&entries);
        let whole = checkpoint(&entries);
        let stamped = last.restamped(|t| {
            (t.log_size, t.log_root, t.withdrawn) = (whole.size, Some(whole.root), named.digest());
        });
        scene.envelope("timestamp/production", &stamped.freshness);
        scene.write(&format!("withdrawals/{}", Digest::of(&named.encode()).hex()), &named.encode());
        scene.write("withdrawals/production.json", &shown.encode());
        scene.check(&[], expected);
    };
    check(&listed, [&list, &list], &[]);
    check(&[], [&list, &list], &["UNLOGGED", "UNLOGGED"]);
    check(&listed[..1], [&list, &list], &["UNLOGGED"]);
    check(&listed[1..], [&list, &list], &["UNLOGGED"]);
    // Published a moment ago, and not named by a timestamp yet.
    check(&[], [&none, &list], &[]);
    check(&listed, [&none, &list], &[]);
    // Kept from whoever made this copy.
    check(&listed, [&none, &none], &["UNPUBLISHED"]);
    // What is none has its place, too, and so has a second signature.
    let nonsense = Signed { document: "nonsense".into(), signatures: vec!["none".into()] };
    let both = list.clone().with(nonsense.clone());
    let all = [&listed[..], &Entry::withdrawal(&env(), &nonsense)].concat();
    check(&all, [&both, &both], &[]);
    check(&all, [&list, &list], &["UNPUBLISHED"]);
    let revoked = list.clone().with(revocation(&scene, "carol"));
    let logged = [&listed[..], &Entry::withdrawal(&"staging".parse().unwrap(), &revocation(&scene, "carol"))];
    check(&logged.concat(), [&revoked, &revoked], &[]);
    check(&listed, [&revoked, &revoked], &["UNLOGGED", "UNLOGGED"]);
    check(&logged.concat(), [&list, &list], &["UNPUBLISHED"]);
}

#[test]
fn d50_ratifications_signatures_and_waivers_are_in_the_log_and_the_other_way_round() {
    let scene = Scene::new();
    let statement = Entry::statement(&env(), 2, scene.releases[1].statement.id());
    let log = |more: &Entry| scene.log(&[&scene.entries[..], std::slice::from_ref(more)].concat());
    scene.write("release/production/2/ratification.json", b"[\"armour\"]");
    scene.check(&[], &["UNLOGGED"]);
    log(&statement.ratification("armour"));
    scene.check(&[], &[]);
    log(&statement.ratification("another"));
    scene.check(&[], &["UNPUBLISHED", "UNLOGGED"]);
    scene.remove("release/production/2/ratification.json");
    for hidden in [
        statement.ratification("armour"),
        statement.approval("armour"),
        statement.waiver(b"a waiver"),
        Entry::root(1, scene.pinned).approval("armour"),
    ] {
        log(&hidden);
        scene.check(&[], &["UNPUBLISHED"]);
    }
}

/// Bob takes his signature on the newest release back.
#[test]
fn d51_a_withdrawn_signature_does_not_count_and_a_list_only_grows() {
    let scene = Scene::new();
    let last = scene.releases.last().unwrap();
    let list = Withdrawals::default().with(withdrawal(last, "bob"));
    scene.write("withdrawals/production.json", &list.encode());
    scene.check(&[], &["WITHDRAWN"]);
    // Agents were told of it, and the list that is shown to others is another one.
    let whole = checkpoint(&scene.entries);
    let stamped = last.restamped(|t| {
        (t.log_size, t.log_root, t.withdrawn) = (whole.size, Some(whole.root), list.digest());
    });
    scene.envelope("timestamp/production", &stamped.freshness);
    scene.write(&format!("withdrawals/{}", list.digest().unwrap().hex()), &list.encode());
    scene.check(&[], &["WITHDRAWN", "UNLOGGED", "UNLOGGED"]);
    scene.write("withdrawals/production.json", &Withdrawals::default().encode());
    scene.check(&[], &["WITHDRAWALS"]);
    scene.write("withdrawals/production.json", b"nonsense");
    scene.check(&[], &["WITHDRAWALS", "WITHDRAWALS"]);
}

#[test]
fn t1_t9_releases_that_nobody_signed_or_that_are_gone_are_named() {
    let scene = Scene::new();
    let mut second = scene.releases[1].release.clone();
    second.signatures.truncate(1);
    scene.envelope("release/production/2/statement", &second);
    // The log has the signatures that are gone.
    scene.check(&[], &["THRESHOLD", "UNPUBLISHED"]);
    second.signatures.clear();
    scene.envelope("release/production/2/statement", &second);
    scene.check(&[], &["UNSIGNED", "UNPUBLISHED", "UNPUBLISHED"]);
    scene.remove("release/production/2/statement.json");
    let verdict = scene.verdict(&[]);
    assert_eq!(verdict.problems[0].code(), "MISSING");
    assert!(matches!(roots(&scene.mirror(), Digest::of(b"x")), Err(AuditError::Root { version: 1, .. })));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(roots(&Mirror::new(empty.path()), scene.pinned), Err(AuditError::NoPublication(_))));
}

#[test]
fn who_signed_for_a_resource_is_whoever_signed_the_release_that_made_it() {
    let (scene, resource) = (Scene::new(), "notify[hello]".parse().unwrap());
    let hello = |message: &str| Resource {
        title: "hello".into(),
        spec: Spec::Notify(Notify { message: message.into() }),
        meta: Meta::of("motd".parse().unwrap()),
    };
    let one = publish_with(1, None, &[hello("one")]);
    let two = publish_with(2, Some(&one), &[hello("two")]);
    let three = publish_with(3, Some(&two), &[hello("two")]).restated(&["bob", "carol"], |_| {});
    for published in [&one, &two, &three] {
        scene.release(published);
    }
    let roots = roots(&scene.mirror(), scene.pinned).unwrap();
    let ask =
        |seq, node: &NodeName, resource: &Ref| who(&scene.mirror(), &roots, (&env(), seq), (node, resource));
    let answer = ask(3, &web1(), &resource).unwrap();
    assert_eq!((answer.at.release.seq, answer.since.release.seq), (3, 2));
    assert_eq!(answer.since.release.signers(), ["alice", "bob"].map(|name| name.parse().unwrap()));
    assert_eq!(answer.at.release.signers(), ["bob", "carol"].map(|name| name.parse().unwrap()));
    assert_eq!(answer.since.catalog, two.leaves[1].catalog);
    assert_eq!(ask(2, &web1(), &resource).unwrap().since.release.seq, 2);
    assert_eq!(ask(1, &web1(), &resource).unwrap().since.release.seq, 1);
    let other = "notify[other]".parse().unwrap();
    assert!(matches!(ask(3, &web1(), &other), Err(WhoError::NoResource { .. })));
    assert!(matches!(ask(3, &"web9".parse().unwrap(), &resource), Err(WhoError::NoNode { .. })));
    assert!(matches!(ask(4, &web1(), &resource), Err(WhoError::Missing(_))));
    // What was altered is no evidence.
    let catalog = format!("catalog/{}", two.leaves[1].catalog.hex());
    scene.write(&catalog, &scene.read(&format!("catalog/{}", one.leaves[1].catalog.hex())));
    assert!(matches!(ask(3, &web1(), &resource), Err(WhoError::Refused { seq: 2, .. })));
}

#[test]
fn d33_an_emergency_is_told_with_whoever_ratified_it() {
    let mut raw = raw_root();
    let mut emergency = role("break-glass", &["dan"], 1);
    emergency.nodes = Some(vec!["*".parse().unwrap()]);
    raw.roles.push(emergency);
    let one = publish(1, None);
    let two = publish(2, Some(&one)).restated(&["dan"], |release| {
        release.kind = ReleaseKind::BreakGlass;
        release.expires = release.created.plus(3600);
    });
    let scene = Scene::of(&raw, vec![one, two]);
    let told = |expected: &str| {
        let verdict = scene.verdict(&[]);
        assert!(verdict.problems.is_empty(), "{:?}", verdict.problems);
        let text =
            format!("release 2 of `production` is an EMERGENCY release by dan, ratified by {expected}");
        assert!(verdict.remarks.contains(&text), "{:?}", verdict.remarks);
    };
    told("nobody");
    for (people, expected) in [(&["alice"][..], "nobody"), (&["bob", "alice"], "alice, bob")] {
        let ratification = Ratification::of(&scene.releases[1].statement);
        let list = signed::<Ratification>(&ratification, people).signatures;
        scene.write("release/production/2/ratification.json", &serde_json::to_vec(&list).unwrap());
        let second = &scene.releases[1].statement;
        let entry = Entry::statement(&env(), second.seq, second.id());
        let ratified: Vec<Entry> = list.iter().map(|armor| entry.ratification(armor)).collect();
        scene.log(&[&scene.entries[..], &ratified].concat());
        told(expected);
    }
}
