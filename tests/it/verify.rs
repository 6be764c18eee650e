//! `verify.sh`: stock tools find real releases good, and every altered copy bad, with the reason.

use crate::gate::{MOTD, Stage};
use crate::support::{clean, ok, repository, transcript};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::model::canonical;
use countersign::model::wire::Signed;
use countersign::model::{Digest, Stamp};
use countersign::signing::merkle::Leaf;
use countersign::signing::root::{RawRoot, ReleasePin};
use countersign::signing::{
    Document, PublicKey, Ratification, Release, Revocation, Root, SigningKey, Withdrawal, Withdrawals,
    document, sshsig,
};
use ed25519_dalek::Signer as _;
use sha2::Digest as _;
use std::path::{Path, PathBuf};
use std::process::Output;

const NODE: &str = "web1.example";
const OTHER: &str = "web2.example";
const DAY: i64 = 86_400;

/// Two releases, made by pushing and approving: the first for two nodes, the second for seven.
fn two_releases() -> Stage {
    let stage = Stage::new().released();
    let greeting = MOTD.replace("hello", "good morning");
    let more = (3..=7).map(|n| format!("nodes/web{n}.example.toml")).collect::<Vec<_>>();
    let nodes = more.iter().map(|path| (path.as_str(), "groups = [\"web\"]\n"));
    let files: Vec<_> = nodes.chain([("modules/motd/module.toml", greeting.as_str())]).collect();
    stage.clone_of("frank").propose(&files, "Greet earlier");
    for reviewer in ["alice", "carol"] {
        stage.clone_of(reviewer).ok(&["approve", "2", "--yes"]);
    }
    stage
}

/// A copy of what is published, and what the script is asked about it.
struct Copy<'a> {
    stage: &'a Stage,
    scratch: tempfile::TempDir,
    pin: String,
    seq: u64,
    node: &'static str,
    time: Option<Stamp>,
    repository: Option<PathBuf>,
}

impl<'a> Copy<'a> {
    fn of(stage: &'a Stage) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        ok(clean("cp").arg("-r").arg(stage.path("server/publish")).arg(scratch.path().join("publish")));
        let pin = stage.digest.clone();
        Self { stage, scratch, pin, seq: 2, node: NODE, time: None, repository: None }
    }

    fn check(&self) -> Output {
        let mut script = clean(repository().join("verify.sh").to_str().unwrap());
        script.arg("publish").args([&self.pin, "production", &self.seq.to_string(), self.node]);
        script.args(&self.repository).current_dir(self.scratch.path());
        if let Some(time) = self.time {
            script.env("VERIFY_TIME", time.to_string());
        }
        script.output().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join("publish").join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Published files are read-only; whoever owns the server does not care.
    fn write(&self, name: &str, bytes: &[u8]) {
        drop(std::fs::remove_file(self.path(name)));
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.bytes(name)).unwrap();
        assert!(text.contains(from), "{name} has no `{from}`");
        self.write(name, text.replacen(from, to, 1).as_bytes());
    }

    fn statement(&self) -> Release {
        document::read_untrusted(&self.bytes(STATEMENT)).unwrap()
    }

    fn key(&self, name: &str) -> SigningKey {
        SigningKey::from_openssh(&std::fs::read(self.stage.path(name)).unwrap()).unwrap()
    }

    fn sign(&self, name: &str, purpose: &str, bytes: &[u8]) -> String {
        sshsig::sign(&self.key(name), purpose, bytes)
    }

    /// Puts the signatures of these people over the statement as it is in the place of those that are there.
    fn signed_by(&self, people: &[&str]) {
        let bytes = self.bytes(STATEMENT);
        let all: Vec<String> =
            people.iter().map(|name| self.sign(name, Release::NAMESPACE, &bytes)).collect();
        self.write(SIGNATURES, &canonical::encode(&all));
    }

    /// Changes the statement, and has alice and bob sign it as if they wanted that.
    fn restated(&self, change: impl FnOnce(&mut Release)) {
        self.restated_by(&["alice", "bob"], change);
    }

    /// The same with other people.
    fn restated_by(&self, people: &[&str], change: impl FnOnce(&mut Release)) {
        let mut release = self.statement();
        change(&mut release);
        self.write(STATEMENT, &release.encode());
        self.signed_by(people);
    }

    /// Puts an entry into the list of withdrawals, signed with the key of `signer`.
    fn listed<T: Document>(&self, document: &[u8], signer: &str) {
        let signature = self.sign(signer, T::NAMESPACE, document);
        let document = String::from_utf8(document.to_vec()).unwrap();
        let list = Withdrawals::default().with(Signed { document, signatures: vec![signature] });
        self.write("withdrawals/production.json", &list.encode());
    }

    /// Somebody's signature on release 2 is taken back, by `signer`, after a change of that document.
    fn withdrawn(&self, by: &str, signer: &str, change: impl FnOnce(&mut Withdrawal)) {
        let mut withdrawal = Withdrawal {
            document: "withdraw".into(),
            v: 1,
            repo: self.root().repo,
            environment: "production".parse().unwrap(),
            release: Digest::of(&self.bytes(STATEMENT)),
            by: by.parse().unwrap(),
            created: self.statement().created,
            reason: String::new(),
        };
        change(&mut withdrawal);
        self.listed::<Withdrawal>(&withdrawal.encode(), signer);
    }

    /// Somebody's key is revoked, by the key of `signer`, after a change of that document.
    fn revoked(&self, whose: &str, signer: &str, change: impl FnOnce(&mut Revocation)) {
        let mut revocation = Revocation {
            document: "revoke".into(),
            v: 1,
            repo: self.root().repo,
            key: self.key(whose).public().to_line(),
            created: self.statement().created,
            reason: String::new(),
        };
        change(&mut revocation);
        self.listed::<Revocation>(&revocation.encode(), signer);
    }

    /// These people take over release 2, with signatures for this purpose.
    fn ratified(&self, people: &[&str], purpose: &str) {
        let bytes = Ratification::of(&self.statement()).encode();
        let all: Vec<String> = people.iter().map(|name| self.sign(name, purpose, &bytes)).collect();
        self.write("release/production/2/ratification.json", &canonical::encode(&all));
    }

    fn root(&self) -> RawRoot {
        serde_json::from_slice(&self.bytes("root/1.json")).unwrap()
    }

    /// Writes a version of the trust root, signed by these people.
    fn rooted(&self, root: &RawRoot, people: &[&str]) {
        let (bytes, version) = (canonical::encode(root), root.version);
        let all: Vec<String> = people.iter().map(|name| self.sign(name, Root::NAMESPACE, &bytes)).collect();
        self.write(&format!("root/{version}.json"), &bytes);
        self.write(&format!("root/{version}.signatures.json"), &canonical::encode(&all));
    }

    /// The next version, with a change, signed by these people.
    fn second_root(&self, people: &[&str], change: impl FnOnce(&mut RawRoot)) {
        let prev = Some(Digest::of(&self.bytes("root/1.json")));
        let mut root = RawRoot { version: 2, prev, ..self.root() };
        change(&mut root);
        self.rooted(&root, people);
    }

    /// A first trust root in which carol has this key, pinned as if it had been so from the beginning.
    fn carol_has(&mut self, key: String) {
        let mut root = self.root();
        root.principals.iter_mut().find(|p| p.name.as_str() == "carol").unwrap().keys = vec![key];
        self.rooted(&root, &["alice", "bob"]);
        self.pin = Digest::of(&canonical::encode(&root)).to_string();
    }

    fn leaf(&self, node: &str) -> Leaf {
        Leaf::decode(&self.bytes(&leaf_of(node))).unwrap()
    }

    fn catalog_of(&self, node: &str) -> String {
        format!("catalog/{}", self.leaf(node).catalog.hex())
    }

    /// A mirror of the server's repository in which the statement of release 2 is the one of this copy.
    fn mirrored(&mut self) -> PathBuf {
        let mirror = self.scratch.path().join("mirror.git");
        ok(clean("git").args(["clone", "-q", "--mirror"]).arg(self.stage.site()).arg(&mirror));
        let git = |args: &[&str]| ok(clean("git").arg("--git-dir").arg(&mirror).args(args)).trim().to_owned();
        let blob = git(&["hash-object", "-w", self.path(STATEMENT).to_str().unwrap()]);
        let tree = self.scratch.path().join("tree");
        std::fs::write(&tree, format!("100644 blob {blob}\tstatement.json\n")).unwrap();
        let mut make = clean("git");
        make.arg("--git-dir").arg(&mirror).arg("mktree").stdin(std::fs::File::open(&tree).unwrap());
        let commit = git(&["commit-tree", "-m", "Release 2", ok(&mut make).trim()]);
        git(&["update-ref", "refs/releases/production/2", &commit]);
        self.repository = Some(mirror.clone());
        mirror
    }
}

const STATEMENT: &str = "release/production/2/statement.json";
const SIGNATURES: &str = "release/production/2/signatures.json";

fn leaf_of(node: &str) -> String {
    format!("release/production/2/leaf/{node}.json")
}

/// What was done, what the script must say, and how it is done.
type Bad = (&'static str, &'static str, fn(&mut Copy<'_>));

/// Every copy is refused, with the words that say why. Untouched, the same copy is found good.
fn refused(stage: &Stage, copies: &[Bad]) {
    let good = Copy::of(stage).check();
    assert!(good.status.success(), "{}", transcript(&good));
    for (what, says, alter) in copies {
        let mut copy = Copy::of(stage);
        alter(&mut copy);
        let output = copy.check();
        let said = transcript(&output);
        assert_eq!(output.status.code(), Some(1), "{what}\n{said}");
        assert!(said.contains("verify.sh: refused: ") && said.contains(says), "{what}: `{says}`\n{said}");
        assert!(output.stdout.is_empty(), "{what}\n{said}");
        assert!(!copy.scratch.path().join("evil").exists(), "{what} was run");
    }
}

/// A copy that was altered in a way that is in order is still found good.
fn accepted(stage: &Stage, alter: impl FnOnce(&mut Copy<'_>)) {
    let mut copy = Copy::of(stage);
    alter(&mut copy);
    let output = copy.check();
    assert!(output.status.success(), "{}", transcript(&output));
    let id = Digest::of(&copy.bytes(&format!("release/production/{}/statement.json", copy.seq)));
    assert!(String::from_utf8_lossy(&output.stdout).contains(&id.to_string()), "{}", transcript(&output));
}

#[test]
fn stock_tools_find_a_release_good() {
    let script = std::fs::read_to_string(repository().join("verify.sh")).unwrap();
    assert!(script.lines().count() <= 60, "it has {} lines", script.lines().count());
    let stage = two_releases();
    for (seq, node) in [(1, "-"), (1, NODE), (1, OTHER), (2, "-")] {
        accepted(&stage, |copy| {
            (copy.seq, copy.node, copy.repository) = (seq, node, Some(stage.site()));
        });
    }
    accepted(&stage, |copy| {
        let log = countersign::model::Checkpoint { size: 12, root: Digest::of(b"a log") };
        copy.restated(|release| release.log = Some(log));
    });
    // Every shape of a proof in a tree of seven.
    for node in [NODE, OTHER, "web3.example", "web4.example", "web5.example", "web6.example", "web7.example"]
    {
        accepted(&stage, |copy| copy.node = node);
    }
    accepted(&stage, |copy| copy.signed_by(&["alice", "bob", "carol"]));
    accepted(&stage, |copy| copy.time = Some(copy.statement().created.plus(80 * DAY)));
    accepted(&stage, |copy| copy.second_root(&["alice", "bob"], |root| root.limits.skew = 60));
    // A signature that does not count spoils nothing.
    accepted(&stage, |copy| copy.signed_by(&["mallory", "alice", "carol"]));
    accepted(&stage, |copy| drop(copy.mirrored()));
    let asked_wrongly = clean(repository().join("verify.sh").to_str().unwrap()).output().unwrap();
    assert_eq!(asked_wrongly.status.code(), Some(64), "{}", transcript(&asked_wrongly));
}

#[test]
fn t1_d1_stock_tools_refuse_altered_parts() {
    const COPIES: &[Bad] = &[
        ("a word of the statement", "not over these bytes", |copy| {
            copy.replace(STATEMENT, "Greet earlier", "Greet evilier");
        }),
        ("a digit of the tree's root", "not over these bytes", |copy| {
            let other = copy.leaf(NODE).hash();
            copy.replace(STATEMENT, &copy.statement().catalogs.hex(), &other.to_string());
        }),
        ("another spelling", "in its one spelling", |copy| copy.replace(STATEMENT, ":2,", ": 2,")),
        ("a second document behind it", "in its one spelling", |copy| {
            copy.write(STATEMENT, &copy.bytes(STATEMENT).repeat(2));
        }),
        ("a name that would clear the screen", "of ?[2J,", |copy| {
            copy.replace(&leaf_of(NODE), "\"node\":\"web1.example\"", "\"node\":\"\\u001b[2J\"");
        }),
        ("an empty statement", "in its one spelling", |copy| copy.write(STATEMENT, b"")),
        ("an empty leaf", "in its one spelling", |copy| copy.write(&leaf_of(NODE), b"")),
        ("no statement", "there is no", |copy| std::fs::remove_file(copy.path(STATEMENT)).unwrap()),
        ("another node's leaf", "the leaf is of web2.example", |copy| {
            copy.write(&leaf_of(NODE), &copy.bytes(&leaf_of(OTHER)));
        }),
        ("the own leaf with another node's catalog", "not in the tree", |copy| {
            let other = copy.leaf(OTHER);
            let leaf = Leaf { catalog: other.catalog, length: other.length, ..copy.leaf(NODE) };
            copy.write(&leaf_of(NODE), &leaf.encode());
        }),
        ("a hash of the proof", "not in the tree", |copy| {
            let mut leaf = copy.leaf(NODE);
            leaf.proof[1] = leaf.proof[0];
            copy.write(&leaf_of(NODE), &leaf.encode());
        }),
        ("no proof", "not in the tree", |copy| {
            copy.write(&leaf_of(NODE), &Leaf { proof: Vec::new(), ..copy.leaf(NODE) }.encode());
        }),
        ("a longer proof", "too long", |copy| {
            let proof = copy.leaf(NODE).proof.repeat(2);
            copy.write(&leaf_of(NODE), &Leaf { proof, ..copy.leaf(NODE) }.encode());
        }),
        ("the place of the leaf", "not in the tree", |copy| {
            copy.write(&leaf_of(NODE), &Leaf { index: 1, ..copy.leaf(NODE) }.encode());
        }),
        ("a place outside of the tree", "the leaf is of", |copy| {
            copy.write(&leaf_of(NODE), &Leaf { index: 7, ..copy.leaf(NODE) }.encode());
        }),
        ("the size of the tree", "of 8, and not", |copy| {
            copy.write(&leaf_of(NODE), &Leaf { size: 8, ..copy.leaf(NODE) }.encode());
        }),
        ("a number that is a program", "x[$(touch evil)] of 7, and not", |copy| {
            copy.replace(&leaf_of(NODE), "\"index\":0", "\"index\":\"x[$(touch evil)]\"");
        }),
        ("the catalog", "the catalog of web1.example is not", |copy| {
            copy.replace(&copy.catalog_of(NODE), "/etc/motd", "/etc/evil");
        }),
        ("another node's catalog under the own name", "the catalog of web1.example is not", |copy| {
            copy.write(&copy.catalog_of(NODE), &copy.bytes(&copy.catalog_of(OTHER)));
        }),
        ("a node that is not in the release", "there is no", |copy| copy.node = "db1.example"),
    ];
    refused(&two_releases(), COPIES);
}

#[test]
fn d8_d9_d41_stock_tools_refuse_signatures_that_do_not_count() {
    const COPIES: &[Bad] = &[
        ("a signature less", "needs 2 of role release", |copy| copy.signed_by(&["alice"])),
        ("none", "needs 2 of role release", |copy| copy.signed_by(&[])),
        ("no list of them", "no signatures in", |copy| copy.write(SIGNATURES, b"{}\n")),
        ("one person twice", "and has: alice\n", |copy| copy.signed_by(&["alice", "alice"])),
        ("an author's", "besides its authors and who took it back (frank alice), and has: bob\n", |copy| {
            copy.restated(|release| release.authors.push("alice".parse().unwrap()));
        }),
        ("a stranger's", "a key of nobody", |copy| copy.signed_by(&["alice", "mallory"])),
        ("somebody's without the role", "and has: alice\n", |copy| copy.signed_by(&["alice", "frank"])),
        ("a machine's", "and has: alice\n", |copy| copy.signed_by(&["alice", "machine"])),
        ("those of another release", "not over these bytes", |copy| {
            copy.write(SIGNATURES, &copy.bytes("release/production/1/signatures.json"));
        }),
        ("made for git", "not for release.v1@countersign.dev", |copy| {
            let bytes = copy.bytes(STATEMENT);
            let all = ["alice", "bob"].map(|name| copy.sign(name, "git", &bytes));
            copy.write(SIGNATURES, &canonical::encode(&all));
        }),
        ("a role that nobody has", "needs more of role security", |copy| {
            copy.restated(|release| release.roles.push("security".parse().unwrap()));
        }),
        ("one that was taken back", "and who took it back (frank carol), and has: alice\n", |copy| {
            copy.withdrawn("carol", "carol", |_| {});
        }),
        ("one by a key that was revoked", "its key was revoked", |copy| {
            copy.revoked("carol", "carol", |_| {});
        }),
        ("a list of withdrawals that is none", "not as it must be", |copy| {
            copy.write("withdrawals/production.json", b"[7]\n");
        }),
        ("65 of them", "no signatures in", |copy| copy.signed_by(&["alice"; 65])),
    ];
    refused(&two_releases(), COPIES);
}

/// What no one said of their own signature or key takes nothing away, and a key that is revoked still tells an author.
#[test]
fn d37_d51_stock_tools_believe_no_forged_withdrawal_or_revocation() {
    let stage = two_releases();
    accepted(&stage, |copy| copy.withdrawn("carol", "alice", |_| {}));
    accepted(&stage, |copy| copy.withdrawn("carol", "mallory", |_| {}));
    accepted(&stage, |copy| copy.withdrawn("carol", "carol", |w| w.release = Digest::of(b"another")));
    let elsewhere = countersign::signing::RepoId::new([1; 32]);
    accepted(&stage, |copy| copy.withdrawn("carol", "carol", |w| w.repo = elsewhere));
    accepted(&stage, |copy| copy.revoked("carol", "alice", |_| {}));
    accepted(&stage, |copy| copy.revoked("carol", "machine", |_| {}));
    accepted(&stage, |copy| copy.revoked("mallory", "mallory", |_| {}));
    accepted(&stage, |copy| copy.revoked("carol", "carol", |r| r.repo = elsewhere));
    accepted(&stage, |copy| {
        copy.revoked("carol", "carol", |_| {});
        copy.signed_by(&["alice", "bob", "carol"]);
    });
    accepted(&stage, |copy| {
        copy.revoked("frank", "frank", |_| {});
        copy.repository = Some(stage.site());
    });
    // What is made for another purpose is no withdrawal, and neither is what is spelled in another way.
    accepted(&stage, |copy| {
        copy.withdrawn("carol", "carol", |_| {});
        let list: Vec<Signed> = serde_json::from_slice(&copy.bytes("withdrawals/production.json")).unwrap();
        copy.listed::<Release>(list[0].document.as_bytes(), "carol");
    });
    accepted(&stage, |copy| {
        copy.withdrawn("carol", "carol", |_| {});
        let list: Vec<Signed> = serde_json::from_slice(&copy.bytes("withdrawals/production.json")).unwrap();
        copy.listed::<Withdrawal>(list[0].document.replace(":1,", ": 1,").as_bytes(), "carol");
    });
}

/// Release 2 is an emergency: dan's alone, for web1.
fn emergency() -> Stage {
    let stage = Stage::with(&["--break-glass", "dan=dan.pub:web1*"]).released();
    let dan = stage.clone_of("dan");
    dan.commit(&[("modules/motd/module.toml", &MOTD.replace("hello", "the disk is full"))], "Tell them");
    assert!(dan.push("refs/for/production", &["-o", "break-glass"]).status.success());
    dan.ok(&["approve", "2", "--yes"]);
    stage
}

#[test]
fn d33_stock_tools_tell_an_emergency_and_who_stands_behind_it() {
    const RATIFY: &str = Ratification::NAMESPACE;
    const COPIES: &[Bad] = &[
        ("a node that the role is not for", "whose role is not for web2.example", |copy| copy.node = OTHER),
        ("reviewers' signatures", "needs 1 of role break-glass", |copy| copy.signed_by(&["alice", "bob"])),
        ("after its day", "expired at", |copy| copy.time = Some(copy.statement().created.plus(DAY + 1))),
        ("two days", "more than a day", |copy| {
            copy.restated_by(&["dan"], |release| release.expires = release.created.plus(2 * DAY));
        }),
        ("no reason", "without a reason", |copy| {
            copy.restated_by(&["dan"], |release| release.reason = " ".into());
        }),
        ("dan's second thoughts", "needs 1 of role break-glass", |copy| copy.withdrawn("dan", "dan", |_| {})),
        ("dan's lost key", "its key was revoked", |copy| copy.revoked("dan", "dan", |_| {})),
        ("one who ratifies", "whose role is not for web2.example", |copy| {
            (copy.node, _) = (OTHER, copy.ratified(&["alice"], RATIFY));
        }),
        ("its author among those who ratify", "whose role is not for web2.example", |copy| {
            (copy.node, _) = (OTHER, copy.ratified(&["alice", "dan"], RATIFY));
        }),
        ("signatures for a release among those that ratify", "whose role is not for web2.example", |copy| {
            (copy.node, _) = (OTHER, copy.ratified(&["alice", "bob"], Release::NAMESPACE));
        }),
        ("a revoked key among those that ratify", "whose role is not for web2.example", |copy| {
            copy.revoked("bob", "bob", |_| {});
            (copy.node, _) = (OTHER, copy.ratified(&["alice", "bob"], RATIFY));
        }),
    ];
    let stage = emergency();
    refused(&stage, COPIES);
    let told = |copy: &Copy<'_>| transcript(&copy.check());
    assert!(told(&Copy::of(&stage)).contains("(an EMERGENCY that nobody has ratified)"));
    for name in ["alice", "bob"] {
        stage.clone_of(name).ok(&["ratify", "2", "--yes"]);
    }
    accepted(&stage, |copy| {
        (copy.node, copy.repository) = (OTHER, Some(stage.site()));
        copy.time = Some(copy.statement().created.plus(2 * DAY));
        assert!(told(copy).contains("(an emergency, ratified)"), "{}", told(copy));
    });
}

#[test]
fn t4_t5_t8_d10_stock_tools_refuse_another_place_or_time() {
    const COPIES: &[Bad] = &[
        ("the release before it", "release 2 does not follow", |copy| {
            copy.restated(|release| release.prev = Some(Digest::of(b"another")));
        }),
        ("the statement before it", "release 2 does not follow", |copy| {
            copy.replace("release/production/1/statement.json", "Begin", "Begun");
        }),
        ("nothing before it", "there is no", |copy| {
            std::fs::remove_file(copy.path("release/production/1/statement.json")).unwrap();
        }),
        ("another serial", "the statement is of release 3", |copy| {
            copy.restated(|release| release.seq = 3);
        }),
        ("a first release with one before it", "after sha256:", |copy| {
            (copy.seq, copy.node) = (1, "-");
            for part in ["statement.json", "signatures.json"] {
                copy.write(
                    &format!("release/production/1/{part}"),
                    &copy.bytes(&format!("release/production/2/{part}")),
                );
            }
        }),
        ("another environment", "of staging", |copy| {
            copy.restated(|release| release.environment = "staging".parse().unwrap());
        }),
        ("another repository", "the statement is of release", |copy| {
            copy.restated(|release| release.repo = countersign::signing::RepoId::new([1; 32]));
        }),
        ("after its end", "expired at", |copy| copy.time = Some(copy.statement().expires.plus(1))),
        ("after the end that the trust root sets", "expired at", |copy| {
            copy.restated(|release| release.expires = release.created.plus(300 * DAY));
            copy.time = Some(copy.statement().created.plus(91 * DAY));
        }),
        ("before its time", "was made at", |copy| copy.time = Some(copy.statement().created.plus(-DAY))),
        ("an emergency where nobody makes any", "needs more of role break-glass", |copy| {
            copy.restated(|release| release.kind = countersign::signing::release::ReleaseKind::BreakGlass);
        }),
        ("a log that is none", "what this script does not know", |copy| {
            let text = String::from_utf8(copy.statement().encode()).unwrap();
            copy.write(STATEMENT, text.replace("\"log\":null", "\"log\":\"1 root\"").as_bytes());
            copy.signed_by(&["alice", "bob"]);
        }),
        ("an older policy", "below the floor", |copy| copy.restated(|release| release.policy_v = 0)),
    ];
    refused(&two_releases(), COPIES);
}

#[test]
fn t9_stock_tools_refuse_trust_roots_that_nobody_signed() {
    const COPIES: &[Bad] = &[
        ("another first one", "trust root 1 has the digest", |copy| {
            let mut root = copy.root();
            root.limits.skew = 60;
            copy.rooted(&root, &["alice", "bob"]);
        }),
        ("a first one that one of two signed", "needs 2 of role root", |copy| {
            copy.rooted(&copy.root(), &["alice"]);
        }),
        ("a second one that one of two signed", "needs 2 of role root", |copy| {
            copy.second_root(&["alice"], |_| {});
        }),
        ("a second one that its own people signed alone", "needs 2 of role root", |copy| {
            let key = copy.key("mallory").public().to_line();
            copy.second_root(&["mallory"], |root| {
                root.principals.iter_mut().find(|p| p.name.as_str() == "bob").unwrap().keys = vec![key];
                for role in &mut root.roles {
                    if role.name.as_str() != "timestamp" {
                        (role.members, role.threshold) = (vec!["bob".parse().unwrap()], 1);
                    }
                }
            });
        }),
        ("an empty second one", "root/2.json, or it is no root", |copy| {
            copy.write("root/2.json", b"");
            copy.write("root/2.signatures.json", b"[]\n");
        }),
        ("a second one after another", "trust root 2 does not follow", |copy| {
            copy.second_root(&["alice", "bob"], |root| root.prev = Some(Digest::of(b"another")));
        }),
        ("a second one with a third's number", "trust root 2 does not follow", |copy| {
            copy.second_root(&["alice", "bob"], |_| {});
            let mut root: RawRoot = serde_json::from_slice(&copy.bytes("root/2.json")).unwrap();
            root.version = 3;
            copy.write("root/2.json", &canonical::encode(&root));
        }),
        ("one that is not there", "trust root 2 is not here", |copy| copy.restated(|r| r.root = 2)),
        ("one that expired", "trust root 2 expired", |copy| {
            copy.second_root(&["alice", "bob"], |root| root.expires = root.created.plus(1));
            copy.time = Some(copy.statement().created.plus(DAY));
        }),
        ("one that took a reviewer's role away", "and has: alice\n", |copy| {
            copy.second_root(&["alice", "bob"], |root| {
                root.roles[1].members.retain(|name| name.as_str() != "carol");
            });
        }),
        ("one whose floor is higher", "below the floor", |copy| {
            let pin = ReleasePin {
                environment: "production".parse().unwrap(),
                seq: 3,
                release: Digest::of(b"three"),
            };
            copy.second_root(&["alice", "bob"], |root| root.floor = Some(pin));
        }),
    ];
    refused(&two_releases(), COPIES);
}

/// An SSH string.
pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

/// The armour of a signature's blob.
pub(crate) fn armour(blob: &[u8]) -> String {
    let text = STANDARD.encode(blob);
    let lines: Vec<&str> =
        text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

fn blob(key: &[u8], reserved: &[u8], signature: &[u8]) -> Vec<u8> {
    let parts = [key, Release::NAMESPACE.as_bytes(), reserved, b"sha512", signature].map(string);
    [b"SSHSIG\0\0\0\x01".to_vec(), parts.concat()].concat()
}

const PLAIN: &[u8] = b"ssh-ed25519";
const TOKEN: &[u8] = b"sk-ssh-ed25519@openssh.com";

/// Carol's key is on a token that says these flags, and she signs besides alice.
fn carol_has_a_token(copy: &mut Copy<'_>, flags: u8) {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = [TOKEN, secret.verifying_key().as_bytes(), b"ssh:"].map(string).concat();
    copy.carol_has(format!("{} {}", String::from_utf8_lossy(TOKEN), STANDARD.encode(&key)));
    let message = sha2::Sha512::digest(copy.bytes(STATEMENT));
    let signed =
        [b"SSHSIG".to_vec(), [Release::NAMESPACE.as_bytes(), b"", b"sha512", &message].map(string).concat()]
            .concat();
    let state = [&[flags][..], &9_u32.to_be_bytes()].concat();
    let data = [&sha2::Sha256::digest(b"ssh:")[..], &state, &sha2::Sha256::digest(signed)].concat();
    let signature = [string(TOKEN), string(&secret.sign(&data).to_bytes()), state].concat();
    add_to_alice(copy, &armour(&blob(&key, b"", &signature)));
}

/// The signatures are alice's and this one.
fn add_to_alice(copy: &Copy<'_>, signature: &str) {
    let alice = copy.sign("alice", Release::NAMESPACE, &copy.bytes(STATEMENT));
    copy.write(SIGNATURES, &canonical::encode(&[alice, signature.to_owned()]));
}

/// Carol's honest signature, with what `change` makes of its text.
fn carol_with(copy: &Copy<'_>, change: impl FnOnce(String) -> String) {
    let honest = copy.sign("carol", Release::NAMESPACE, &copy.bytes(STATEMENT));
    add_to_alice(copy, &change(honest));
}

/// With the identity as public key, one signature fits every message, and stock tools say that it is good.
fn carol_has_the_identity(copy: &mut Copy<'_>) {
    let (mut identity, mut base_point) = ([0; 32], [0x66; 32]);
    (identity[0], base_point[0]) = (1, 0x58);
    let key = [PLAIN, &identity].map(string).concat();
    let line = format!("ssh-ed25519 {}", STANDARD.encode(&key));
    assert!(PublicKey::parse(&line).is_err());
    copy.carol_has(line.clone());
    let forged = [base_point, identity].concat();
    let signature = armour(&blob(&key, b"", &[PLAIN, &forged].map(string).concat()));
    assert!(stock_accepts(copy, &line, &signature), "still so in stock OpenSSH");
    add_to_alice(copy, &signature);
}

/// Whether `ssh-keygen` alone finds a signature of carol's over the statement good.
fn stock_accepts(copy: &Copy<'_>, line: &str, signature: &str) -> bool {
    let at = |name: &str| copy.scratch.path().join(name);
    std::fs::write(at("allowed"), format!("carol {line}\n")).unwrap();
    std::fs::write(at("signature"), signature).unwrap();
    let mut keygen = clean("ssh-keygen");
    keygen.args(["-Y", "verify", "-I", "carol", "-n", Release::NAMESPACE, "-f"]).arg(at("allowed"));
    keygen.arg("-s").arg(at("signature")).stdin(std::fs::File::open(copy.path(STATEMENT)).unwrap());
    keygen.output().unwrap().status.success()
}

fn decoded(text: &str) -> Vec<u8> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines.concat()).unwrap()
}

#[test]
fn d38_d39_d40_the_script_refuses_what_openssh_tolerates() {
    const COPIES: &[Bad] = &[
        ("a key that fits every message", "its key fits every message", carol_has_the_identity),
        ("a token that nobody touched", "not touched", |copy| carol_has_a_token(copy, 0)),
        ("a token that only knows its owner", "not touched", |copy| carol_has_a_token(copy, 4)),
        ("text behind the signature", "spare or broken text", |copy| {
            carol_with(copy, |text| {
                let spare = text + "spare\n";
                let line = copy.key("carol").public().to_line();
                assert!(stock_accepts(copy, &line, &spare), "still so in stock OpenSSH");
                spare
            });
        }),
        ("text before it", "spare or broken text", |copy| carol_with(copy, |text| format!("spare\n{text}"))),
        ("no line feed at its end", "spare or broken text", |copy| {
            carol_with(copy, |text| text.trim_end().to_owned());
        }),
        ("uneven lines", "spare or broken text", |copy| {
            carol_with(copy, |text| {
                let (at, mut uneven) = (text.len() - 60, text);
                let end = at + uneven[at..].find('\n').unwrap();
                uneven.insert(end - 4, '\n');
                let line = copy.key("carol").public().to_line();
                assert!(stock_accepts(copy, &line, &uneven), "still so in stock OpenSSH");
                uneven
            });
        }),
        ("other line ends", "spare or broken text", |copy| {
            carol_with(copy, |text| text.replace('\n', "\r\n"));
        }),
        ("a reserved field that is not empty", "not the exact form", |copy| {
            carol_with(copy, |text| {
                let honest = decoded(&text);
                let key = [PLAIN, copy.key("carol").public().point()].map(string).concat();
                let signature = &honest[honest.len() - 83..];
                assert_eq!(blob(&key, b"", signature), honest);
                let reserved = armour(&blob(&key, b"x", signature));
                let line = copy.key("carol").public().to_line();
                assert!(stock_accepts(copy, &line, &reserved), "still so in stock OpenSSH");
                reserved
            });
        }),
        ("bytes inside, behind the signature", "not the exact form", |copy| {
            carol_with(copy, |text| armour(&[decoded(&text), b"x".to_vec()].concat()));
        }),
    ];
    let stage = two_releases();
    refused(&stage, COPIES);
    accepted(&stage, |copy| carol_has_a_token(copy, 1));
    accepted(&stage, |copy| carol_has_a_token(copy, 5));
}

fn git(mirror: &Path, args: &[&str]) -> String {
    ok(clean("git").arg("--git-dir").arg(mirror).args(args))
}

#[test]
fn d8_d18_d22_stock_tools_refuse_a_repository_that_does_not_fit() {
    const COPIES: &[Bad] = &[
        ("another statement", "the repository has no such release 2", |copy| {
            copy.mirrored();
            copy.restated(|release| release.reason = "another".into());
        }),
        ("no record of the release", "the repository has no such release 2", |copy| {
            let mirror = copy.mirrored();
            git(&mirror, &["update-ref", "-d", "refs/releases/production/2"]);
        }),
        ("another commit", "is not what was signed", |copy| {
            let first: Release =
                document::read_untrusted(&copy.bytes("release/production/1/statement.json")).unwrap();
            copy.restated(|release| release.commit = first.commit);
            copy.mirrored();
        }),
        ("a commit that is not there", "is not in the repository", |copy| {
            copy.restated(|release| release.commit = "0".repeat(40));
            copy.mirrored();
        }),
        ("a commit's signature for the push's", "frank is no author who pushed", |copy| {
            let text =
                format!("tree {0}\n\n{0} {1} refs/for/production\n", "0".repeat(40), copy.statement().commit);
            let certificate = format!("{text}{}", copy.sign("frank", "git", text.as_bytes()));
            let mirror = copy.mirrored();
            let file = copy.scratch.path().join("certificate");
            std::fs::write(&file, certificate).unwrap();
            let blob = git(&mirror, &["hash-object", "-w", file.to_str().unwrap()]);
            let index = copy.scratch.path().join("index");
            let at = |args: &[&str]| {
                ok(clean("git").arg("--git-dir").arg(&mirror).env("GIT_INDEX_FILE", &index).args(args))
            };
            let entry = format!("100644,{},patchsets/1/certificate", blob.trim());
            at(&["update-index", "--add", "--cacheinfo", &entry]);
            let commit = at(&["commit-tree", "-m", "x", at(&["write-tree"]).trim()]);
            at(&["update-ref", "refs/changes/2/meta", commit.trim()]);
        }),
        ("other files", "is not what was signed", |copy| {
            copy.restated(|release| release.source = Digest::of(b"another"));
            copy.mirrored();
        }),
        ("no push certificate", "nobody signed its push", |copy| {
            let mirror = copy.mirrored();
            git(&mirror, &["update-ref", "-d", "refs/changes/2/meta"]);
        }),
        ("another author than the one who pushed", "frank is no author who pushed", |copy| {
            copy.restated(|release| release.authors = vec!["carol".parse().unwrap()]);
            copy.mirrored();
        }),
        ("the push of another change", "frank is no author who pushed", |copy| {
            let mirror = copy.mirrored();
            git(&mirror, &["update-ref", "refs/changes/2/meta", "refs/changes/1/meta"]);
        }),
    ];
    let stage = two_releases();
    refused(&stage, COPIES);
    // What `git replace` pretends is not looked at.
    accepted(&stage, |copy| {
        let mirror = copy.mirrored();
        let commit = copy.statement().commit;
        git(&mirror, &["replace", &commit, &format!("{commit}^")]);
    });
}
