//! Budgets and health checks of a site: where they come from, which node gets them, and what they demand.

use crate::model::safety::{Budget, Check};
use crate::model::{Catalog, Finding, Tree};
use crate::module::{compile, load};

const SITE: &str = r#"
name = "t"
[groups.web]
include = ["m"]
[groups.web.budget]
changes = 5
[groups.other]
include = ["m"]
[budget]
changes = 50
restarts = 1
[health.port]
tcp = "127.0.0.1:80"
groups = ["web"]
[health.page]
http = "http://127.0.0.1/up"
timeout = 5
tries = 2
"#;

fn tree(site: &str, module: &str) -> Tree {
    let mut tree = Tree::default();
    tree.insert("countersign.toml", site.as_bytes().to_vec()).unwrap();
    tree.insert("nodes/a.toml", b"groups = [\"web\"]\n".to_vec()).unwrap();
    tree.insert("nodes/b.toml", b"groups = [\"other\"]\n".to_vec()).unwrap();
    tree.insert("modules/m/module.toml", module.as_bytes().to_vec()).unwrap();
    tree
}

fn catalogs(tree: &Tree) -> Result<Vec<Catalog>, Vec<Finding>> {
    let compiled = compile(&load(tree)?, &"production".parse().unwrap())?;
    Ok(compiled.nodes.into_iter().map(|node| node.catalog).collect())
}

/// The rules of what is wrong, each with what it is about.
fn wrong(site: &str, module: &str) -> Vec<(String, String)> {
    let findings = catalogs(&tree(site, module)).unwrap_err();
    let told = |finding: Finding| (finding.rule, finding.message);
    findings.into_iter().map(told).collect()
}

#[test]
fn each_node_has_the_strictest_budget_and_the_checks_of_its_groups() {
    let tree = tree(SITE, "[notify.hello]\n");
    let all = catalogs(&tree).unwrap();
    let [a, b] = &all[..] else { unreachable!() };
    assert_eq!(a.budget, Some(Budget { changes: Some(5), deletions: None, restarts: Some(1) }));
    assert_eq!(b.budget, Some(Budget { changes: Some(50), deletions: None, restarts: Some(1) }));
    let names = |catalog: &Catalog| catalog.health.iter().map(|h| h.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(a), names(b)), (vec!["port".into(), "page".into()], vec!["page".into()]));
    let page = &b.health[0];
    assert_eq!((page.timeout, page.tries), (5, 2));
    assert_eq!(page.check, Check::Http("http://127.0.0.1/up".into()));
    assert_eq!(Catalog::decode(&a.encode()).unwrap(), *a);
}

#[test]
fn what_cannot_go_back_says_so_where_there_are_health_checks() {
    let exec = "[exec.\"/bin/true\"]\n";
    assert_eq!(wrong(SITE, exec)[0].0, "irreversible");
    catalogs(&tree(SITE, &format!("{exec}irreversible = true\n"))).unwrap();
    let site = "name = \"t\"\n[groups.web]\ninclude = [\"m\"]\n[groups.other]\ninclude = [\"m\"]\n";
    catalogs(&tree(site, exec)).unwrap();
    catalogs(&tree(SITE, "[file.\"/a\"]\ncontent = \"x\"\n[service.a]\nensure = \"running\"\n")).unwrap();
    assert_eq!(wrong(SITE, "[file.\"/a\"]\nensure = \"absent\"\nforce = true\n")[0].0, "irreversible");
}

#[test]
fn a_check_that_makes_no_sense_is_refused() {
    for (check, about) in [
        ("", "one of `command`, `http` and `tcp`"),
        ("tcp = \"127.0.0.1:80\"\nhttp = \"http://x/\"", "one of `command`, `http` and `tcp`"),
        ("tcp = \"127.0.0.1\"", "no `host:port`"),
        ("tcp = \"127.0.0.1:0\"", "no `host:port`"),
        ("http = \"https://x/\"", "no URL that begins with `http://`"),
        ("http = \"http://x/ y\"", "no URL that begins with `http://`"),
        ("command = [\"true\"]", "begins with the path of a program"),
        ("command = \"/bin/true\"", "begins with the path of a program"),
        ("tcp = \"a:1\"\ntries = 0", "`tries` is from 1 to 30"),
        ("tcp = \"a:1\"\ntimeout = 301", "`timeout` is from 1 to 300"),
        ("tcp = \"a:1\"\ngroups = [\"none\"]", "none"),
        ("tcp = \"a:1\"\nport = 1", "port"),
    ] {
        let site = SITE.replace("[health.page]\n", &format!("[health.odd]\n{check}\n[health.page]\n"));
        let told = wrong(&site, "[notify.hello]\n");
        assert!(told.iter().any(|(_, message)| message.contains(about)), "{check}: {told:?}");
    }
    let negative = wrong(&SITE.replace("restarts = 1", "restarts = -1"), "[notify.hello]\n");
    assert!(negative[0].1.contains("less than 0"), "{negative:?}");
}
