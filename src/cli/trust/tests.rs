//! Tests of the trust commands, with real key files and certificates.

use super::*;
use crate::signing::SigningKey;
use crate::signing::root::first;
use clap::Parser;
use std::path::Path;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// A folder with the server's public parts and key files of `people`, each made from its own seed.
    fn new(people: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Self { directory };
        for folder in ["server/tls", "server/timestamp"] {
            std::fs::create_dir_all(place.path(folder)).unwrap();
        }
        for name in ["server-ca", "node-ca"] {
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
            std::fs::write(place.path(&format!("server/tls/{name}.pem")), certificate.pem()).unwrap();
        }
        let key = SigningKey::generate([99; 32]);
        std::fs::write(place.path("server/timestamp/key.pub"), key.public().to_line() + "\n").unwrap();
        for (name, seed) in people.iter().zip(1..) {
            let key = SigningKey::generate([seed; 32]);
            std::fs::write(place.path(name), key.to_openssh(name).unwrap()).unwrap();
            std::fs::write(place.path(&format!("{name}.pub")), key.public().to_line() + " desk\n").unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a trust command whose words may contain `@` for the folder. What it printed, and what comes next.
    fn run(&self, words: &str) -> Result<(String, String), Failure> {
        let base = self.directory.path().to_str().unwrap();
        let words = words.split(' ').map(|word| word.replace('@', base));
        let line = Line::try_parse_from(std::iter::once("trust".to_owned()).chain(words)).unwrap();
        let (mut ui, captured) = Ui::captured();
        run(line.command, &mut ui)?;
        Ok((captured.out(), captured.err()))
    }

    fn refused(&self, words: &str) -> String {
        self.run(words).unwrap_err().to_string()
    }

    fn found(&self) -> folder::Found {
        Folder::open(&self.path("trust")).unwrap().newest().unwrap()
    }
}

const INIT: &str = "init --reviewer alice=@/alice.pub --reviewer bob=@/bob.pub --author frank=@/frank.pub \
                    --operator olga=@/olga.pub --server @/server --out @/trust";

fn place() -> Place {
    Place::new(&["alice", "bob", "frank", "olga"])
}

#[test]
fn two_reviewers_make_a_trust_root() {
    let place = place();
    let (said, next) = place.run(INIT).unwrap();
    let pinned = Digest::of(&place.found().bytes);
    assert!(
        said.contains("wrote trust root 1 to ") && said.contains(&format!("digest {pinned}\n")),
        "{said}"
    );
    assert!(next.contains("next: 2 of its reviewers sign it: countersign trust sign "), "{next}");
    let envelope =
        |found: folder::Found| crate::signing::Envelope { bytes: found.bytes, signatures: found.signatures };
    assert!(first(&envelope(place.found()), pinned).is_err(), "nobody signed yet");
    let (said, next) = place.run("sign @/trust --key @/alice").unwrap();
    assert_eq!(said, format!("`alice` signed trust root 1: {pinned}\n"));
    assert_eq!(next, "next: 1 more must sign\n");
    assert!(first(&envelope(place.found()), pinned).is_err(), "one of two");
    let (_, next) = place.run("sign @/trust --key @/bob").unwrap();
    assert!(next.starts_with("next: countersign server trust SERVERDIR "), "{next}");
    let root = first(&envelope(place.found()), pinned).unwrap();
    assert_eq!(root.signers().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["alice", "bob"]);
    assert!(root.knows(&"frank".parse().unwrap()));
    assert_eq!(root.expires().since(root.fields().created), 365 * 86_400);
}

#[test]
fn stock_openssh_accepts_what_was_signed() {
    let place = place();
    place.run(INIT).unwrap();
    place.run("sign @/trust --key @/alice").unwrap();
    let verify = std::process::Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", Root::NAMESPACE, "-I", "alice", "-f"])
        .arg(place.path("trust/allowed_signers"))
        .arg("-s")
        .arg(place.path("trust/1.sig.d/alice.sig"))
        .stdin(std::fs::File::open(place.path("trust/1.json")).unwrap())
        .output()
        .unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}

#[test]
fn d9_only_people_of_the_root_role_sign_it() {
    let place = place();
    place.run(INIT).unwrap();
    let text = place.refused("sign @/trust --key @/frank");
    assert!(text.contains("not in role `root`") && text.contains("trust show"), "{text}");
    let stranger = SigningKey::generate([77; 32]).to_openssh("x").unwrap();
    std::fs::write(place.path("stranger"), stranger).unwrap();
    let text = place.refused("sign @/trust --key @/stranger");
    assert!(text.contains("not in trust root 1"), "{text}");
    assert!(!place.path("trust/1.sig.d").exists(), "nothing was written");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = place();
    for (words, expected) in [
        (INIT.replace("bob=@/bob.pub", "bob=@/alice.pub"), "there twice"),
        (format!("{INIT} --threshold 3"), "cannot reach"),
        (format!("{INIT} --threshold 0"), "threshold of nought"),
        (INIT.replace("bob=@/bob.pub", "@/bob.pub"), "write NAME=KEY.pub"),
        (INIT.replace("/frank.pub", "/nobody.pub"), "cannot read the key"),
        (INIT.replace("--server @/server", "--server @/none"), "countersign server init"),
        (format!("{INIT} --security dan=@/frank.pub --guard file"), "TYPE:PATTERN"),
    ] {
        let text = place.refused(&words);
        assert!(text.contains(expected), "{words}: {text}");
        assert!(!place.path("trust").exists(), "nothing was written: {words}");
    }
}

#[test]
fn a_trust_root_is_not_overwritten() {
    let place = place();
    place.run(INIT).unwrap();
    assert!(place.refused(INIT).contains("already"));
}

#[test]
fn everything_worth_knowing_is_shown() {
    let place = place();
    let words = INIT.replace("olga=@/olga.pub", "olga=@/olga.pub:web*,db1") + " --operator frank=@/frank.pub";
    place.run(&format!("{words} --security bob=@/bob.pub --guard file:/etc/ssh/**")).unwrap();
    place.run("sign @/trust --key @/alice").unwrap();
    let found = place.found();
    let text = show::lines(&found, found.root.fields().created).unwrap().join("\n");
    for expected in [
        &Digest::of(&found.bytes).to_string(),
        "by alice; 1 more of role `root` must sign",
        "(365 days left)",
        "release          2 of alice, bob",
        "operator         1 of frank  (nodes *)",
        "operator-olga    1 of olga  (nodes web*, db1)",
        "policies/**              release and security",
        "file[/etc/ssh/**]        security",
        "server-timestamp SHA256:",
        "releases last at most 90 days, timestamps 6 hours",
    ] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }
    assert!(show::lines(&found, found.root.expires().plus(1)).unwrap().join("\n").contains("EXPIRED"));
    assert!(place.refused("show @/server").contains("no trust root"));
    let path: &Path = &place.path("trust/1.json");
    let (shown, _) = place.run(&format!("show {}", path.display())).unwrap();
    assert!(shown.starts_with("trust root 1 of repository "), "{shown}");
}

/// A trust root that both reviewers signed, and key files of more people.
fn signed(people: &[&str]) -> Place {
    let place = Place::new(people);
    place.run(INIT).unwrap();
    for name in ["alice", "bob"] {
        place.run(&format!("sign @/trust --key @/{name}")).unwrap();
    }
    place
}

/// Walks all versions of the folder as an agent does.
fn walked(place: &Place) -> Result<crate::signing::Verified<Root>, crate::signing::Refusal> {
    let folder = Folder::open(&place.path("trust")).unwrap();
    let envelope = |version| {
        let found = folder.version(version).unwrap();
        crate::signing::Envelope { bytes: found.bytes, signatures: found.signatures }
    };
    let one = envelope(1);
    let mut root = first(&one, one.id())?;
    for version in 2..=folder.newest().unwrap().version {
        root = crate::signing::root::next(&root, &envelope(version))?;
    }
    Ok(root)
}

const PEOPLE: [&str; 6] = ["alice", "bob", "frank", "olga", "carol", "alice2"];

#[test]
fn t9_a_reviewer_comes_and_one_goes_when_old_and_new_thresholds_sign() {
    let place = signed(&PEOPLE);
    let (said, next) = place.run("add carol=@/carol.pub --role root --role release --trust @/trust").unwrap();
    for expected in [
        "wrote trust root 2 to ",
        "needs 2 of alice, bob (root 1) and 2 of alice, bob, carol (root 2)",
        "+ `carol`\n",
        "+ `carol` has role `release`",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(next.contains("countersign trust sign "), "{next}");
    // Nobody has signed it yet, so it is edited further and stays version 2.
    let (said, _) = place.run("remove bob --trust @/trust").unwrap();
    assert!(said.contains("wrote trust root 2 to ") && said.contains("- `bob`: their signatures"), "{said}");
    assert!(said.contains("2 of alice, bob (root 1) and 2 of alice, carol (root 2)"), "{said}");
    let (_, next) = place.run("sign @/trust --key @/alice").unwrap();
    assert_eq!(next, "next: 1 more must sign\n");
    place.run("sign @/trust --key @/carol").unwrap();
    assert!(walked(&place).is_err(), "alice and carol are only one of the old version's people");
    assert!(place.refused("renew --trust @/trust").contains("would void that"));
    // Who goes has a say in it.
    let (_, next) = place.run("sign @/trust --key @/bob").unwrap();
    assert!(next.starts_with("next: countersign server trust"), "{next}");
    let root = walked(&place).unwrap();
    assert!(!root.knows(&"bob".parse().unwrap()) && root.version() == 2);
    assert!(place.refused("sign @/trust --key @/frank").contains("not in role `root`"));
}

#[test]
fn a_key_is_rotated_in_two_versions_where_everybody_must_sign() {
    let place = signed(&PEOPLE);
    let text = place.refused("rotate alice=@/alice2.pub --trust @/trust");
    assert!(text.contains("with the old key and with the new one"), "{text}");
    assert_eq!(place.found().version, 1, "nothing was written");
    let (said, _) = place.run("add alice=@/alice2.pub --trust @/trust").unwrap();
    assert!(said.contains("+ `alice` signs with SHA256:"), "{said}");
    for name in ["alice", "bob"] {
        place.run(&format!("sign @/trust --key @/{name}")).unwrap();
    }
    let (said, _) = place.run("remove alice --key @/alice.pub --trust @/trust").unwrap();
    assert!(said.contains("- `alice`: signatures by SHA256:") && said.contains("count no more"), "{said}");
    for name in ["alice2", "bob"] {
        place.run(&format!("sign @/trust --key @/{name}")).unwrap();
    }
    assert_eq!(walked(&place).unwrap().version(), 3);
    assert!(place.refused("sign @/trust --key @/frank").contains("not in role `root`"));
}

#[test]
fn a_key_is_rotated_at_once_where_others_are_enough() {
    let place = Place::new(&PEOPLE);
    place.run(&format!("{INIT} --reviewer carol=@/carol.pub")).unwrap();
    for name in ["alice", "bob"] {
        place.run(&format!("sign @/trust --key @/{name}")).unwrap();
    }
    place.run("rotate alice=@/alice2.pub --trust @/trust").unwrap();
    let (said, _) = place.run("remove olga --trust @/trust").unwrap();
    assert!(said.contains("- `olga` no longer has role `operator`"), "{said}");
    for name in ["carol", "bob"] {
        place.run(&format!("sign @/trust --key @/{name}")).unwrap();
    }
    let root = walked(&place).unwrap();
    assert!(root.version() == 2 && !root.knows(&"olga".parse().unwrap()));
}

#[test]
fn t4_recovery_pins_the_release_that_agents_start_over_from() {
    let place = signed(&PEOPLE);
    let release = Digest::of(b"release");
    let words = format!("recover --environment production --seq 7 --release {release} --trust @/trust");
    let (said, _) = place.run(&words).unwrap();
    assert!(said.contains("agents of `production` start over from release 7"), "{said}");
    for name in ["alice", "bob"] {
        place.run(&format!("sign @/trust --key @/{name}")).unwrap();
    }
    assert_eq!(walked(&place).unwrap().fields().reset.as_ref().unwrap().release, release);
}

#[test]
fn d33_the_role_for_emergencies_is_made_and_changed_later() {
    let place = signed(&PEOPLE);
    let words = "add carol=@/carol.pub --role break-glass --nodes web*,db1 --max-life 4h --trust @/trust";
    let (said, _) = place.run(words).unwrap();
    for expected in [
        "+ `carol` has role `break-glass`\n",
        "role `break-glass` is for nodes web*, db1, for 4 hours at most\n",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(!said.contains("must sign instead of"), "{said}");
    let lines = || show::lines(&place.found(), place.found().root.fields().created).unwrap().join("\n");
    let shown = lines();
    assert!(shown.contains("break-glass      1 of carol  (nodes web*, db1, for 4 hours at most)"), "{shown}");
    for name in ["alice", "bob"] {
        place.run(&format!("sign @/trust --key @/{name}")).unwrap();
    }
    let root = walked(&place).unwrap();
    let role = root.role("break-glass").unwrap();
    assert_eq!((role.threshold(), role.max_life()), (1, Some(4 * 3600)));
    let (said, _) = place.run("add olga --role break-glass --max-life 1h --trust @/trust").unwrap();
    assert!(said.contains("role `break-glass` is for nodes web*, db1, for 1 hour at most"), "{said}");
    for (words, expected) in [
        ("add olga --role break-glass --max-life 2d", "up to 86400 seconds"),
        ("add olga --role break-glass --max-life 0", "up to 86400 seconds"),
        ("add olga --role release --nodes web1", "are for the role `break-glass`"),
    ] {
        let text = place.refused(&format!("{words} --trust @/trust"));
        assert!(text.contains(expected), "{words}: {text}");
    }
    // The role goes with the last who has it.
    place.run("remove olga --role break-glass --trust @/trust").unwrap();
    let (said, _) = place.run("remove carol --trust @/trust").unwrap();
    assert!(said.contains("- `carol` no longer has role `break-glass`"), "{said}");
    assert!(place.found().root.role("break-glass").is_none());
    let (said, _) = place.run("add frank --role break-glass --trust @/trust").unwrap();
    assert!(said.contains("role `break-glass` is for nodes *, for 1 day at most"), "{said}");
}

#[test]
fn what_would_change_nothing_or_make_no_sense_is_refused_and_writes_nothing() {
    let place = signed(&PEOPLE);
    for (words, expected) in [
        ("add alice --role release", "nothing would change"),
        ("add zoe --role release", "is not in the trust root"),
        ("add carol=@/alice.pub", "there twice"),
        ("remove alice", "cannot reach"),
        ("remove alice --role nope", "no role `nope`"),
        ("remove alice --key @/bob.pub", "is no key of `alice`"),
        ("threshold release 3", "cannot reach"),
        ("rotate zoe=@/carol.pub", "is not in the trust root"),
    ] {
        let text = place.refused(&format!("{words} --trust @/trust"));
        assert!(text.contains(expected), "{words}: {text}");
        assert_eq!(place.found().version, 1, "{words}");
    }
}

#[test]
fn status_warns_before_the_end() {
    let place = signed(&PEOPLE);
    let end = place.found().root.expires();
    let told = |days: i64| {
        let (mut ui, captured) = Ui::captured();
        let code = status::status(&place.path("trust"), end.plus(-days * 86_400), &mut ui).unwrap();
        (code, captured.out())
    };
    for (days, code, expected) in [
        (61, 0, "lasts until"),
        (59, 2, "note: "),
        (29, 2, "warning: "),
        (6, 2, "urgent: "),
        (-1, 2, "EXPIRED"),
    ] {
        let (got, text) = told(days);
        assert!(got == code && text.contains(expected), "{days}: {got} {text}");
    }
}
