//! Packet filters by a script that answers in the recorded form of `nft`, and accounts that nobody names, for real, in
//! the sandbox. Tests only.

use super::sandbox::{changed, run, sandboxed};
use super::sandbox_providers::{calls, program};
use super::tests::{Place, resource};
use crate::model::resource::{Content, Nftables, Purge, User};
use crate::model::safety::Budget;
use crate::model::{Resource, Spec};

const NFT: &str = r#"case "$1 $2" in
"-c -f") if grep -q nonsense "$3"; then echo "$3:1:1-8: Error: syntax error, unexpected string" >&2; exit 1; fi ;;
"-f -") cat > /fake/loaded ;;
"-f "*) cp "$2" /fake/loaded ;;
"list tables") sed -n 's/^\(table [a-z]* [a-z]*\) {.*/\1/p' /fake/loaded ;;
"list ruleset") grep -v '^flush' /fake/loaded ;;
esac"#;

const GOOD: &str = "flush ruleset\ntable inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n\
                    \x20 ct state established,related accept\n  iif lo accept\n  tcp dport 22 accept\n }\n}\n";

fn filter(text: &str) -> [Resource; 1] {
    let filter = Nftables {
        path: "/etc/nftables.conf".into(),
        source: Content::Text(text.into()),
        ssh_ports: vec![22],
        ssh_from: Vec::new(),
    };
    [resource("filter", Spec::Nftables(filter))]
}

#[test]
fn packet_filters_by_recorded_nft() {
    sandboxed(concat!(module_path!(), "::packet_filters_by_recorded_nft"), || {
        program("nft", NFT);
        let old = "flush ruleset\ntable ip old {\n}\n";
        std::fs::write("/fake/loaded", old).unwrap();
        std::fs::write("/etc/nftables.conf", "# old\n").unwrap();
        let loaded = || std::fs::read_to_string("/fake/loaded").unwrap();
        let file = || std::fs::read_to_string("/etc/nftables.conf").unwrap();
        let mut place = Place::new();
        for (bad, why) in [
            (
                GOOD.replace("tcp dport 22 accept", ""),
                "the administrators' port (`tcp dport 22 accept`) is accepted",
            ),
            (GOOD.replace("flush ruleset\n", ""), "it does not begin with `flush ruleset`"),
            (
                GOOD.replace("ct state", "drop\n  ct state"),
                "`drop` comes before what belongs to a connection",
            ),
            (GOOD.replace("iif lo accept", "iif lo accept\n nonsense"), "unexpected string"),
        ] {
            let refused = place.run(&filter(&bad));
            assert_eq!(refused.applied.counts.failed, 1);
            assert!(refused.lines.iter().any(|line| line.contains(why)), "{why}: {:?}", refused.lines);
            assert_eq!((loaded().as_str(), file().as_str()), (old, "# old\n"), "{why}");
        }
        calls(|_| true);
        changed(&mut place, &filter(GOOD));
        assert_eq!((loaded().as_str(), file().as_str()), (GOOD, GOOD));
        let done = calls(|line| !line.contains("list"));
        assert!(done[0].starts_with("nft -c -f /etc/") && done[1] == "nft -f /etc/nftables.conf", "{done:?}");
        assert_eq!(done.len(), 2);
        // Somebody flushed it.
        std::fs::write("/fake/loaded", "").unwrap();
        let again = changed(&mut place, &filter(GOOD));
        assert!(again[0].contains("loaded changed 'false' to 'true'"), "{again:?}");
        assert_eq!(loaded(), GOOD);
        // A health check takes the kernel's rules back, too.
        let more = GOOD.replace("tcp dport 22 accept", "tcp dport { 22, 80 } accept");
        let (_, back) = place.run_and_go_back(&filter(&more));
        assert!(back.failed.is_empty(), "{:?}", back.failed);
        assert_eq!((loaded().as_str(), file().as_str()), (GOOD, GOOD));
    });
}

#[test]
fn accounts_that_nobody_names_go_by_userdel() {
    sandboxed(concat!(module_path!(), "::accounts_that_nobody_names_go_by_userdel"), || {
        for (name, uid) in [("ann", "4001"), ("bob", "4002")] {
            run("useradd", &["--uid", uid, name]);
        }
        // Whoever else is on this machine stays.
        let keep = run("awk", &["-F:", "$3 >= 1000 && $3 != 4001 && $3 != 4002 { print $1 }", "/etc/passwd"]);
        let keep = keep.lines().map(str::to_owned).collect();
        let purge = |max| Purge {
            kind: "user".into(),
            keep: Vec::clone(&keep),
            user: None,
            unless_uid: Vec::new(),
            max,
        };
        let both = |max| {
            [resource("user", Spec::Purge(purge(max))), resource("ann", Spec::User(User::of("ann".into())))]
        };
        let mut place = Place::new();
        place.wishes.noop = true;
        let looked = place.run(&both(10));
        assert!(looked.applied.noop_pending && looked.lines[0].contains("bob"), "{:?}", looked.lines);
        let budget = Budget { deletions: Some(0), ..Budget::default() };
        let (_, list) = place.foresee(&both(10)).over(&budget).unwrap();
        assert_eq!(list, ["deletions: purge[user]: bob: removed"]);
        assert!(run("getent", &["passwd", "bob"]).contains("4002"));
        place.wishes.noop = false;
        assert_eq!(changed(&mut place, &both(10)), ["notice purge[user]/ensure: bob: removed"]);
        assert_eq!(run("getent", &["passwd", "bob"]), "");
        assert!(run("getent", &["passwd", "ann"]).contains("4001"));
    });
}
