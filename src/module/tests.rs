//! Sites as text, and what loading and compiling say of them.

use super::*;
use crate::model::finding::line_column;
use crate::model::resource::{Command, Content, Part, Word};
use crate::model::{Catalog, Spec};
use std::num::NonZeroUsize;

/// A site out of files; the first line of each `--- path` block names it. Nodes and the site file come for free.
fn tree(text: &str) -> Tree {
    let mut tree = Tree::default();
    tree.insert("countersign.toml", b"name = \"t\"\n[groups.g]\ninclude = [\"m\"]\n".to_vec()).unwrap();
    tree.insert("nodes/n.toml", b"groups = [\"g\"]\n[facts]\nrack = \"r1\"\n".to_vec()).unwrap();
    for block in text.split("--- ").skip(1) {
        let (path, content) = block.split_once('\n').unwrap();
        tree.insert(path, content.as_bytes().to_vec()).unwrap();
    }
    tree
}

/// A site with one module `m`.
fn module(text: &str) -> Tree {
    tree(&format!("--- modules/m/module.toml\n{text}"))
}

fn both(tree: &Tree) -> Result<Compilation, Vec<Finding>> {
    compile(&load(tree)?, &"production".parse().unwrap())
}

/// Findings as lines: place, rule, message, suggestion.
fn told(tree: &Tree, findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let text = tree.get(&finding.place.file).map(String::from_utf8_lossy).unwrap_or_default();
        let (line, column) = line_column(&text, finding.place.start);
        let instead = finding.instead.as_ref().map_or_else(String::new, |i| format!(" => {i}"));
        format!("{}:{line}:{column} {}: {}{instead}", finding.place.file, finding.rule, finding.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn catalog(tree: &Tree) -> Catalog {
    match both(tree) {
        Ok(mut compilation) => compilation.nodes.remove(0).catalog,
        Err(findings) => unreachable!("\n{}", told(tree, &findings)),
    }
}

/// The catalog of the one node as JSON without its frame.
fn made(tree: &Tree) -> String {
    let catalog = catalog(tree);
    let specs: Vec<String> = catalog
        .resources
        .iter()
        .map(|resource| {
            format!("{} {}", resource.reference(), serde_json::to_string(&resource.spec).unwrap())
        })
        .collect();
    specs.join("\n")
}

#[track_caller]
fn refused(tree: &Tree, expected: &str) {
    let Err(findings) = both(tree) else { unreachable!("compiled, where this was expected:\n{expected}") };
    assert_eq!(told(tree, &findings), expected.trim());
}

const DESIGN: &str = r#"
--- modules/m/module.toml
description = "nginx, one file per virtual host"
[params]
port   = { type = "integer", default = 80, min = 1, max = 65535 }
vhosts = { type = "list", default = [] }
[package.nginx]
ensure = "present"
[file."/etc/nginx/nginx.conf"]
template     = "nginx.conf.j2"
mode         = "0644"
validate_cmd = ["nginx", "-t", "-c", "%"]
require      = "package[nginx]"
notify       = "service[nginx]"
[file."/etc/nginx/sites-enabled/{{ vhost.name }}.conf"]
for_each = "vhost in vhosts"
content  = "server {{ vhost.name }}:{{ port }}\n"
notify   = "service[nginx]"
[service.nginx]
ensure = "running"
enable = true
[exec."warm the cache"]
command = ["/usr/local/bin/warm", "--all"]
creates = "/var/cache/nginx/warm"
--- modules/m/templates/nginx.conf.j2
listen {{ port }};
{% for vhost in vhosts %}
# {{ vhost.name }}
{% endfor %}
--- data/common.toml
[m]
vhosts = [{ name = "a" }, { name = "b" }]
--- data/group/g.toml
m.port = 8080
"#;

#[test]
fn the_module_of_the_manual_compiles() {
    assert_eq!(
        made(&tree(DESIGN)),
        r#"package[nginx] {"package":{"name":"nginx","ensure":"present"}}
file[/etc/nginx/nginx.conf] {"file":{"path":"/etc/nginx/nginx.conf","ensure":"file","content":{"text":"listen 8080;\n# a\n# b\n"},"mode":"0644","validate_cmd":["nginx","-t","-c","%"]}}
file[/etc/nginx/sites-enabled/a.conf] {"file":{"path":"/etc/nginx/sites-enabled/a.conf","ensure":"file","content":{"text":"server a:8080\n"}}}
file[/etc/nginx/sites-enabled/b.conf] {"file":{"path":"/etc/nginx/sites-enabled/b.conf","ensure":"file","content":{"text":"server b:8080\n"}}}
service[nginx] {"service":{"name":"nginx","ensure":"running","enable":"yes"}}
exec[warm the cache] {"exec":{"command":{"argv":[{"text":"/usr/local/bin/warm"},{"text":"--all"}]},"creates":["/var/cache/nginx/warm"]}}"#
    );
}

#[test]
fn values_say_where_they_come_from() {
    let tree = tree(DESIGN);
    let compilation = both(&tree).unwrap();
    let origins = &compilation.nodes[0].origins;
    let text = |place: &crate::model::Place| {
        String::from_utf8_lossy(&tree.get(&place.file).unwrap()[place.start..place.end]).into_owned()
    };
    assert_eq!(text(&origins[2].declared), "\"/etc/nginx/sites-enabled/{{ vhost.name }}.conf\"");
    let content = &origins[2].attrs["content"];
    assert!(!content.literal);
    let via: Vec<String> =
        content.via.iter().map(|r| format!("{} {}", r.place.file, text(&r.place))).collect();
    assert_eq!(via, ["data/group/g.toml 8080", "data/common.toml [{ name = \"a\" }, { name = \"b\" }]"]);
    let template = &origins[1].attrs["template"];
    assert_eq!(
        (template.place.file.as_str(), template.literal),
        ("modules/m/templates/nginx.conf.j2", false)
    );
    assert_eq!(text(&template.via[0].place), "nginx.conf.j2");
    let command = &origins[5].attrs["command"];
    assert_eq!(command.items.iter().map(text).collect::<Vec<_>>(), ["/usr/local/bin/warm", "--all"]);
    let ensure = &origins[0].attrs["ensure"];
    assert_eq!((text(&ensure.place).as_str(), ensure.literal), ("present", true));
}

#[test]
fn the_same_input_gives_the_same_bytes_in_any_number_of_threads() {
    let mut text = DESIGN.to_owned();
    for i in 0..17 {
        text.push_str(&format!("--- nodes/x{i}.toml\ngroups = [\"g\"]\n"));
    }
    let env = "production".parse().unwrap();
    let compiled = |threads| {
        catalog::compile(&load(&tree(&text)).unwrap(), &env, NonZeroUsize::new(threads).unwrap()).unwrap()
    };
    let one = compiled(1);
    assert_eq!(one.nodes.len(), 18);
    assert!(one.nodes.is_sorted_by_key(|node| node.catalog.node.clone()));
    for threads in [2, 3, 7, 18, 64] {
        assert_eq!(compiled(threads), one, "{threads} threads");
    }
    for node in &one.nodes {
        assert_eq!(Catalog::decode(&node.bytes).unwrap(), node.catalog);
    }
}

#[test]
fn d5_every_input_is_in_the_digest() {
    let inputs = |more: &str| load(&tree(&format!("{DESIGN}{more}"))).unwrap().inputs();
    let before = inputs("");
    for file in ["data/node/n.toml", "modules/m/files/x", "modules/m/templates/y.j2", "nodes/n2.toml"] {
        assert_ne!(inputs(&format!("--- {file}\n")), before, "{file}");
    }
    assert_eq!(inputs("--- README.md\n"), before);
}

#[test]
fn live_facts_stay_holes_in_the_catalog() {
    let resources = catalog(&module(
        r#"
[file."/etc/motd"]
content = "{{ facts.os.name }} on {{ node.name }}, rack {{ node.facts.rack }}\n"
[exec.tool]
command = "/usr/bin/tool --on {{ facts.hostname }}"
when = "facts.os.family == 'debian' and 'g' in node.groups"
[notify.never]
when = "'other' in node.groups"
"#,
    ))
    .resources;
    let Spec::File(file) = &resources[0].spec else { unreachable!() };
    let parts = vec![Part::Fact("os.name".parse().unwrap()), Part::Text(" on n, rack r1\n".into())];
    assert_eq!(file.content, Some(Content::Parts(parts)));
    let Spec::Exec(exec) = &resources[1].spec else { unreachable!() };
    let text = |text: &str| Word::Text(text.into());
    let words = vec![text("/usr/bin/tool"), text("--on"), Word::Fact("hostname".parse().unwrap())];
    assert_eq!(exec.command, Command::Argv(words));
    assert_eq!(resources[1].meta.when.as_ref().unwrap().to_string(), "facts.os.family == 'debian'");
    assert_eq!(resources.len(), 2);
}

#[test]
fn all_mistakes_are_told_at_once_each_at_its_place() {
    refused(
        &module(
            r#"
descripton = "x"
[params]
port = { type = "integr" }
size = { type = "integer", default = "8", minn = 3 }
facts = { type = "text" }
[file."/etc/x"]
contnet = "x"
mode = 644
ensure = "presnt"
[fil."/y"]
[file."relative"]
content = "a"
[file."/z"]
content = "{{ prot }}"
template = "nope.j2"
[service.s]
enable = "true"
require = "File[/etc/x]"
[cron.c]
minute = 60
special = "daily"
[package."p"]
ensure = "{{ 1 + }}"
"#,
        ),
        r#"
modules/m/module.toml:2:1 unknown-type: there is no type `descripton` => did you mean `description`?
modules/m/module.toml:4:18 unknown-type: there is no type `integr` => did you mean `integer`?
modules/m/module.toml:5:38 wrong-type: `size` must be a whole number, and this is text
modules/m/module.toml:5:43 unknown-key: there is no key `minn` => did you mean `min`?
modules/m/module.toml:6:1 bad-name: `facts` means something else in templates => take another name
modules/m/module.toml:8:1 unknown-attribute: file has no attribute `contnet` => did you mean `content`?
modules/m/module.toml:9:8 wrong-type: `mode` must be text, and this is a number => quote the mode: `"0644"`
modules/m/module.toml:10:11 bad-value: `ensure` cannot be `presnt` => did you mean `present`?
modules/m/module.toml:11:2 unknown-type: there is no type `fil` => did you mean `file`?
modules/m/module.toml:12:7 bad-path: `relative` is no path: it must start with `/`
modules/m/module.toml:15:15 unknown-parameter: there is no parameter `prot` => did you mean `port`?
modules/m/module.toml:16:1 exclusive-attributes: `content` and `template` exclude each other => remove one of the two
modules/m/module.toml:16:13 unknown-template: there is no template `nope.j2`
modules/m/module.toml:18:10 wrong-type: `enable` must be true or false, and this is text => write it without quotes
modules/m/module.toml:19:12 bad-reference: `File[/etc/x]` is not a reference: write `type[title]`, for example `service[nginx]` => did you mean `file[…]`?
modules/m/module.toml:21:10 bad-value: `60` is no `minute`: `60` is not from 0 to 59
modules/m/module.toml:22:1 exclusive-attributes: `minute` and `special` exclude each other => remove one of the two
modules/m/module.toml:24:18 template-error: syntax error: unexpected end of variable block
"#,
    );
}
