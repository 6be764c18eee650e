//! The sites that people start from.

use super::*;

fn clean(tree: &Tree) -> module::Compilation {
    let shown = |findings: Vec<Finding>| {
        let sources = |path: &str| tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
        report::text(&findings, &sources, Style::Plain)
    };
    let site = module::load(tree).map_err(shown).unwrap_or_else(|text| unreachable!("{text}"));
    let compilation = module::compile(&site, &site.environments()[0]).map_err(shown);
    let compilation = compilation.unwrap_or_else(|text| unreachable!("{text}"));
    assert!(compilation.warnings.is_empty(), "{}", shown(compilation.warnings.clone()));
    compilation
}

#[test]
fn a_new_site_compiles() {
    let mut tree = Tree::default();
    for (path, content) in new::FILES {
        tree.insert(path, content.as_bytes().to_vec()).unwrap();
    }
    let compilation = clean(&tree);
    let node = &compilation.nodes[0];
    assert_eq!(node.catalog.resources.len(), 4);
    let text = String::from_utf8_lossy(&node.bytes).into_owned();
    assert!(text.contains(r"web1.example (berlin)\n\nManaged by Countersign"), "{text}");
}
