//! What a site may do with secrets, and what is said of those that a node could not open.

use super::*;
use crate::model::finding::line_column;
use crate::model::resource::{Content, Part};
use crate::model::{Catalog, SealingKey, Spec};
use crate::module::{Compilation, compile, load};

/// Has the form of a sealed value; nothing can open it, and nothing here needs to.
fn text() -> String {
    format!("{}==", "A".repeat(150))
}

fn key() -> SealingKey {
    SealingKey::from_bytes([7; 32])
}

/// A site of one node with a sealing key, and one module `m` with the parameter `password`, sealed to that key.
fn tree(module: &str) -> Tree {
    let mut tree = Tree::default();
    let head = "[params]\npassword = { type = \"secret\" }\nlabel = { type = \"text\", default = \"x\" }\n";
    let sealed = format!("site = \"t\"\n[node.n]\nkey = \"{}\"\nsealed = \"{}\"\n", key().id(), text());
    for (path, text) in [
        ("countersign.toml", "name = \"t\"\n[defaults]\ninclude = [\"m\"]\n".to_owned()),
        ("nodes/n.toml", format!("sealing_key = \"{}\"\n", key())),
        ("modules/m/module.toml", format!("{head}{module}")),
        ("data/common.toml", "m.password = \"db/password\"\n".to_owned()),
        ("data/secrets/db/password.toml", sealed),
    ] {
        tree.insert(path, text.into_bytes()).unwrap();
    }
    tree
}

fn with(tree: &Tree, path: &str, text: &str) -> Tree {
    let mut changed = Tree::default();
    for (old, bytes) in tree.iter().filter(|(old, _)| *old != path) {
        changed.insert(old, bytes.to_vec()).unwrap();
    }
    changed.insert(path, text.as_bytes().to_vec()).unwrap();
    changed
}

fn both(tree: &Tree) -> Result<Compilation, Vec<Finding>> {
    compile(&load(tree)?, &"production".parse().unwrap())
}

fn told(tree: &Tree) -> String {
    let findings = both(tree).map(|_| ()).unwrap_err();
    let line = |finding: &Finding| {
        let text = tree.get(&finding.place.file).map(String::from_utf8_lossy).unwrap_or_default();
        let line = line_column(&text, finding.place.start).0;
        let instead = finding.instead.as_deref().unwrap_or_default();
        format!("{}:{line} {}: {} => {instead}", finding.place.file, finding.rule, finding.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn refused(tree: &Tree, expected: &[&str]) {
    let told = told(tree);
    for expected in expected {
        assert!(told.contains(expected), "{expected:?} is not in:\n{told}");
    }
}

const CONF: &str = "[file.\"/etc/app.conf\"]\ncontent = \"p = {{ password }} # {{ label }}\\n\"\n";

#[test]
fn d30_a_catalog_holds_a_secret_sealed() {
    for module in [CONF, "[file.\"/etc/app.conf\"]\ntemplate = \"a.j2\"\n"] {
        let inner = "{% if label == 'x' %}p = {{ password }} # {{ label }}\n{% endif %}";
        let tree = with(&tree(module), "modules/m/templates/b.j2", inner);
        let tree = with(&tree, "modules/m/templates/a.j2", "{% include 'b.j2' %}");
        let compilation = both(&tree).unwrap_or_else(|_| unreachable!("{}", told(&tree)));
        let node = &compilation.nodes[0];
        assert_eq!(Catalog::decode(&node.bytes).unwrap(), node.catalog);
        let Spec::File(file) = &node.catalog.resources[0].spec else { unreachable!() };
        let sealed = Sealed {
            site: "t".into(),
            secret: "db/password".parse().unwrap(),
            node: "n".parse().unwrap(),
            key: key().id(),
            text: text(),
        };
        let parts = vec![Part::Text("p = ".into()), Part::Sealed(sealed), Part::Text(" # x\n".into())];
        assert_eq!(file.content, Some(Content::Parts(parts)));
        assert_eq!(file.mode.as_deref(), Some("0600"));
        assert!(compilation.warnings.is_empty(), "{:?}", compilation.warnings);
    }
}

#[test]
fn d30_a_secret_is_written_out_and_nothing_else() {
    let file = |content: &str| format!("[file.\"/a\"]\ncontent = '''{content}'''\n");
    for module in [
        file("{{ password|upper }}"),
        file("{{ password ~ 'x' }}"),
        file("{% if password == 'x' %}y{% endif %}"),
        file("{% set x = password %}{{ x }}"),
        file("{% set x %}{{ password }}{% endset %}{{ x }}"),
        file("{% filter upper %}{{ password }}{% endfilter %}"),
        file("{% macro m() %}{{ password }}{% endmacro %}{{ m() }}"),
        file("{% set password = 'x' %}"),
        file("{% for password in [1] %}{% endfor %}"),
        "[file.\"/{{ password }}\"]\n".into(),
        "[file.\"/a\"]\ncontent = \"x\"\nmode = \"{{ password }}\"\n".into(),
        "[exec.x]\ncommand = [\"/bin/x\", \"{{ password }}\"]\n".into(),
        "[exec.x]\ncommand = [\"/bin/x\"]\nenvironment = { P = \"{{ password }}\" }\n".into(),
        "[exec.x]\nprovider = \"shell\"\ncommand = \"x {{ password }}\"\n".into(),
        "[notify.x]\nmessage = \"{{ password }}\"\n".into(),
        "[file.\"/{{ p }}\"]\nfor_each = \"p in password\"\n".into(),
    ] {
        refused(&tree(&module), &["secret-place: "]);
    }
    refused(
        &tree("[notify.x]\nwhen = \"password != ''\"\n"),
        &["bad-guard: `password` is a table, a secret"],
    );
    let outer = |text: &str| {
        let tree = with(&tree("[file.\"/a\"]\ntemplate = \"a.j2\"\n"), "modules/m/templates/a.j2", text);
        with(&tree, "modules/m/templates/b.j2", "{{ password }}")
    };
    refused(
        &outer("{% set x %}{% include 'b.j2' %}{% endset %}"),
        &["secret-place: this template writes out a"],
    );
    // Through an include nobody sees it before it is rendered; then it is no text of one line.
    let through = with(
        &outer("x"),
        "modules/m/module.toml",
        "[params]\npassword = { type = \"secret\" }\n[exec.x]\ncommand = [\"/bin/x\", \"{% include 'b.j2' %}\"]\n[notify.y]\nmessage = \"{% include 'b.j2' %}\"\n",
    );
    refused(&through, &["live-fact: ", "control-character: "]);
}

#[test]
fn d30_what_a_node_could_not_open_is_refused_with_what_comes_next() {
    let good = tree(CONF);
    let file = "data/secrets/db/password.toml";
    refused(
        &with(&good, "nodes/n.toml", ""),
        &[
            "nodes/n.toml:1 no-sealing-key: this node has no `sealing_key`, and needs the secret `db/password`",
            "countersign agent sealing-key",
        ],
    );
    let seal = "=> countersign secret seal db/password";
    refused(
        &with(&good, file, "site = \"t\"\n"),
        &["data/common.toml:1 unsealed-secret: the secret `db/password` is not sealed for this node", seal],
    );
    let other = SealingKey::from_bytes([8; 32]);
    let rotated = with(&good, "nodes/n.toml", &format!("sealing_key = \"{other}\"\n"));
    refused(&rotated, &["stale-secret: the secret `db/password` is not sealed to the key", seal]);
    let elsewhere = String::from_utf8(good.get(file).unwrap().to_vec()).unwrap().replace("\"t\"", "\"u\"");
    refused(&with(&good, file, &elsewhere), &["stale-secret: ", seal]);
    assert_eq!(load(&rotated).unwrap().needed_secrets()[0].seal, Seal::Old);
    assert_eq!(load(&good).unwrap().needed_secrets()[0].seal, Seal::Current);
}

#[test]
fn d30_a_file_with_a_secret_is_private() {
    let file = |more: &str| tree(&format!("{CONF}{more}\n"));
    for mode in ["0600", "0640", "400", "1660"] {
        assert!(both(&file(&format!("mode = \"{mode}\""))).is_ok(), "{mode}");
    }
    for mode in ["0644", "0604", "0700", "0660x", "u=rw,go=r"] {
        let tree = file(&format!("mode = \"{mode}\""));
        assert!(both(&tree).is_err(), "{mode}");
    }
    refused(&file("mode = \"0644\""), &["secret-mode: this file holds a secret, and `0644` is no mode"]);
    refused(&file("backup = \".old\""), &["secret-backup: "]);
}

#[test]
fn a_secret_has_the_form_that_it_must_have() {
    let good = tree(CONF);
    // What was meant to be sealed is not repeated.
    let clear = with(&good, "data/common.toml", "m.password = \"Hunter 2!\"\n");
    refused(&clear, &["`password` takes the name of a secret, and this is none"]);
    assert!(!told(&clear).contains("Hunter"), "{}", told(&clear));
    for declared in ["type = \"secret\", required = false", "type = \"list\", items = \"secret\""] {
        let module = format!("[params]\npassword = {{ {declared} }}\n");
        refused(&with(&good, "modules/m/module.toml", &module), &["a secret is a parameter of its own"]);
    }
    let file = "data/secrets/db/password.toml";
    for text in ["[node.n]\n", "[node.n]\nkey = \"x\"\nsealed = \"AAAA\"\n"] {
        refused(&with(&good, file, text), &["bad-value: this is no sealed value"]);
    }
    refused(&with(&good, "data/secrets/Upper.toml", ""), &["unknown-file: only sealed values belong here"]);
    refused(&with(&good, "nodes/n.toml", "sealing_key = \"x25519:00\"\n"), &["is no sealing key"]);
}

#[test]
fn what_nobody_needs_is_told() {
    let good = tree(CONF);
    let file = good.get("data/secrets/db/password.toml").unwrap().to_vec();
    let text = String::from_utf8(file).unwrap().replace("[node.n]", "[node.gone]");
    let tree = with(&good, "data/secrets/db/other.toml", &text);
    let warnings = both(&tree).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].message, "`gone` does not need the secret `db/other`");
}
