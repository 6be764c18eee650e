//! The sites that people start from.

use super::*;
use crate::model::Spec;

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
    assert_eq!(node.catalog.resources.len(), 3);
    let text = String::from_utf8_lossy(&node.bytes).into_owned();
    assert!(text.contains(r"web1.example (berlin)\n\nManaged by Countersign"), "{text}");
}

#[test]
fn the_example_is_of_real_size_and_compiles() {
    let tree = worktree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site")).unwrap();
    let compilation = clean(&tree);
    let site = module::load(&tree).unwrap();
    assert!(site.nodes().len() >= 25 && site.groups().len() >= 5 && site.modules().count() >= 12);
    for node in compilation.nodes.iter().filter(|node| node.catalog.node.as_str().starts_with("edge")) {
        for resource in &node.catalog.resources {
            let rootless = match &resource.spec {
                Spec::File(file) => {
                    file.owner.is_none() && file.group.is_none() && file.validate_cmd.is_empty()
                }
                Spec::Exec(exec) => exec.user.is_none() && exec.group.is_none(),
                Spec::Notify(_) => true,
                _ => false,
            };
            assert!(rootless, "{} needs root", resource.reference());
        }
    }
}

#[test]
fn a_catalog_is_written_with_the_files_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let tree = worktree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site")).unwrap();
    let compilation = clean(&tree);
    let (mut ui, captured) = Ui::captured();
    compile::write_all(folder.path(), &compilation.nodes, &compilation, &mut ui).unwrap();
    let said = format!("wrote {} catalogs into `{}`\n", compilation.nodes.len(), folder.path().display());
    assert_eq!(captured.out(), said);
    let read = |path: &str| std::fs::read(folder.path().join(path)).unwrap();
    let catalog = crate::model::Catalog::decode(&read("catalog/edge1.example.json")).unwrap();
    for (digest, size) in catalog.blobs() {
        let blob = read(&format!("blob/{}", digest.hex()));
        assert_eq!((crate::model::Digest::of(&blob), blob.len() as u64), (digest, size));
    }
}
