//! The defaults that the schemas tell, against what the compiler takes.

use super::*;
use crate::model::{EnvName, Tree};

/// The example of a type as a node gets it, without one of its attributes and with others.
fn compiled(kind: Kind, without: &str, attrs: &str) -> String {
    let (title, needs) = kind.example();
    let named = |line: &&str| line.split(' ').next() != Some(without);
    let needs: String = needs.lines().filter(named).map(|line| format!("{line}\n")).collect();
    let mut tree = Tree::default();
    let mut add = |path: &str, text: &str| tree.insert(path, text.as_bytes().to_vec()).unwrap();
    add("countersign.toml", "name = 'x'\n[defaults]\ninclude = ['m']\n");
    add("nodes/n.toml", "");
    add("modules/m/files/key", "key");
    add("modules/m/files/app.tar.gz", "tar");
    add("modules/m/files/rules.nft", "flush ruleset");
    add("modules/m/module.toml", &format!("[{kind}.'{title}']\n{needs}\n{attrs}\n"));
    let environment: EnvName = "production".parse().unwrap();
    let site = crate::module::load(&tree).unwrap();
    let nodes = crate::module::compile(&site, &environment).unwrap().nodes;
    String::from_utf8(nodes[0].bytes.clone()).unwrap()
}

#[test]
fn a_default_is_what_the_compiler_takes_when_nothing_is_said() {
    let catalog = |text: &str| {
        let catalog: Value = serde_json::from_str(text).unwrap();
        catalog["resources"].clone()
    };
    for kind in Kind::ALL {
        for attr in kind.attrs().iter().chain(META_ATTRS) {
            let Some(default) = attr.default else { continue };
            assert!(attr.default_value().is_some(), "{kind} {}", attr.name);
            let said = catalog(&compiled(kind, attr.name, &format!("{} = {default}", attr.name)));
            let plain = catalog(&compiled(kind, attr.name, ""));
            assert_eq!(plain, said, "{kind} {}", attr.name);
        }
    }
}
