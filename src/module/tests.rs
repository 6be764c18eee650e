//! Sites as text, and what loading and compiling say of them.

use super::*;
use crate::model::finding::{Place, line_column};
use crate::model::resource::{Command, Content, File, Live, META_ATTRS, Part, Shape, Word};
use crate::model::{Catalog, Kind, Resource, Spec};
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

#[test]
fn d6_d34_a_live_fact_stands_nowhere_but_in_content_and_whole_arguments() {
    for text in [
        "[file.\"/etc/{{ facts.hostname }}\"]\n",
        "[file.x]\npath = \"/etc/{{ facts.hostname }}\"\n",
        "[file.\"/x\"]\nowner = \"{{ facts.hostname }}\"\n",
        "[file.\"/x\"]\ntarget = \"{{ facts.hostname }}\"\n",
        "[file.\"/x\"]\ncontent = \"a\"\nvalidate_cmd = [\"/bin/x\", \"%\", \"{{ facts.hostname }}\"]\n",
        "[exec.x]\ncommand = \"echo {{ facts.hostname }}\"\nprovider = \"shell\"\n",
        "[exec.x]\ncommand = \"{{ facts.hostname }}\"\n",
        "[exec.x]\ncommand = [\"{{ facts.hostname }}\", \"a\"]\n",
        "[exec.x]\ncommand = [\"/bin/a\", \"--on={{ facts.hostname }}\"]\n",
        "[exec.x]\ncommand = \"/bin/a --on={{ facts.hostname }}\"\n",
        "[exec.x]\ncommand = \"/bin/a\"\nunless = [[\"/bin/b\"], [\"{{ facts.hostname }}\"]]\n",
        "[exec.x]\ncommand = \"/bin/a\"\nuser = \"{{ facts.hostname }}\"\n",
        "[exec.x]\ncommand = \"/bin/a\"\ncwd = \"/{{ facts.hostname }}\"\n",
        "[exec.x]\ncommand = \"/bin/a\"\nenvironment = { A = \"{{ facts.hostname }}\" }\n",
        "[cron.x]\ncommand = \"/bin/a {{ facts.hostname }}\"\n",
        "[package.\"{{ facts.os.family }}\"]\n",
        "[service.x]\nname = \"{{ facts.os.family }}\"\n",
        "[user.\"{{ facts.os.family }}\"]\n",
        "[notify.x]\nmessage = \"{{ facts.os.family }}\"\n",
        "[notify.x]\nfor_each = \"i in facts.os.family\"\n",
        "[file.\"/x\"]\ncontent = \"{{ facts.os.family | upper }}\"\n",
        "[file.\"/x\"]\ncontent = \"{% if facts.virtual %}a{% endif %}\"\n",
        "[file.\"/x\"]\ncontent = \"{% set a %}{{ facts.os.family }}{% endset %}{{ a | length }}\"\n",
        "[file.\"/x\"]\ncontent = \"{% filter upper %}{{ facts.os.family }}{% endfilter %}\"\n",
        "[file.\"/x\"]\ncontent = \"{% macro m() %}{{ facts.os.family }}{% endmacro %}{{ m() }}\"\n",
        "[file.\"/x\"]\ncontent = \"{% set f = facts %}{{ f.os.family }}\"\n",
        "[file.\"/x\"]\ncontent = \"{% set facts = 1 %}{{ facts }}\"\n",
        "[file.\"/x\"]\ncontent = \"{{ [facts.os.family] | join }}\"\n",
        "[file.\"/x\"]\ncontent = \"{{ facts['os'] }}\"\n",
        "[file.\"/x\"]\ncontent = \"{{ facts.os.famly }}\"\n",
        "[file.\"/x\"]\ncontent = \"{% for a in [1] recursive %}{{ facts.virtual }}{% endfor %}\"\n",
    ] {
        let tree = module(text);
        let Err(findings) = both(&tree) else { unreachable!("compiled: {text}") };
        let live = |f: &Finding| matches!(f.rule.as_str(), "live-fact" | "unknown-fact");
        assert!(findings.iter().any(live), "{text}{}", told(&tree, &findings));
        assert!(findings.iter().all(|f| f.place.end > f.place.start), "{text}{}", told(&tree, &findings));
    }
}

#[test]
fn d34_a_fact_cannot_be_taken_through_another_template() {
    let with = |using: &str| {
        tree(&format!(
            "--- modules/m/templates/fact\n{{{{ facts.hostname }}}}\n--- modules/m/templates/user\n{using}\n\
             --- modules/m/module.toml\n[file.\"/x\"]\ntemplate = \"user\"\n"
        ))
    };
    assert!(both(&with("{% include 'fact' %}")).is_ok());
    for using in [
        "{% set a %}{% include 'fact' %}{% endset %}{{ a|upper }}",
        "{% filter upper %}{% include 'fact' %}{% endfilter %}",
        "{% include 'fa' ~ 'ct' %}",
    ] {
        assert!(both(&with(using)).is_err(), "{using}");
    }
    let tree = tree(
        "--- modules/m/templates/fact\n{{ facts.hostname }}\n--- modules/m/module.toml\n[file.x]\npath = \"/{% include 'fact' %}\"\n",
    );
    assert!(both(&tree).is_err());
}

#[test]
fn d34_no_field_lets_a_line_break_or_a_nul_through() {
    let module = |text: &str| {
        tree(&format!(
            "--- modules/m/files/key\nkey\n--- modules/m/files/app.tar.gz\ntar\n--- modules/m/files/rules.nft\nflush ruleset\n--- modules/m/module.toml\n{text}"
        ))
    };
    let base = |kind: Kind, name: &str| {
        let lines = match kind {
            Kind::File => "path = \"/x\"\n",
            Kind::Exec | Kind::Cron => "command = \"/bin/x\"\n",
            _ => kind.example().1,
        };
        let others = lines.lines().filter(|line| line.split(' ').next() != Some(name));
        others.map(|line| format!("{line}\n")).collect::<String>()
    };
    let mut tried = 0;
    for kind in Kind::ALL {
        let (title, attrs) = kind.example();
        let example = module(&format!("[{kind}.'{title}']\n{attrs}"));
        assert!(both(&example).is_ok(), "the example of {kind}");
        for attr in kind.attrs().iter().chain(META_ATTRS) {
            let lines = matches!(attr.shape, Shape::Command | Shape::Commands) || attr.live == Live::Content;
            let base = base(kind, attr.name);
            for value in [r#""a\nb""#, r#""/a\nb""#, r#""/a/../b\u0000""#, r#""\u202eabc""#, r#""{{ nl }}x""#]
            {
                if lines && value.contains("{{") {
                    continue;
                }
                let text = format!(
                    "[params]\nnl = {{ type = \"text\", default = \"/\\n\" }}\n[{kind}.'{title}']\n{base}{} = {value}\n",
                    attr.name
                );
                let allowed = attr.live == Live::Content && value.contains("\\n");
                if attr.name == "template" || allowed {
                    continue;
                }
                assert!(both(&module(&text)).is_err(), "compiled:\n{text}");
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
    for title in [r#""a\nb""#, r#""a\u0000""#, r#""{{ nl }}""#, r#""""#] {
        let text = format!("[params]\nnl = {{ type = \"text\", default = \"\\n\" }}\n[notify.{title}]\n");
        assert!(both(&module(&text)).is_err(), "compiled:\n{text}");
    }
}

#[test]
fn d34_names_and_paths_cannot_be_options_or_leave_their_place() {
    for text in [
        "[package.\"-o=x\"]\n",
        "[package.\"a b\"]\n",
        "[package.a]\nensure = \"1.0; x\"\n",
        "[service.\"--now\"]\n",
        "[service.\"../x\"]\n",
        "[user.\"-x\"]\n",
        "[user.\"a:b\"]\n",
        "[user.a]\nhome = \"/a:b\"\n",
        "[user.a]\ncomment = \"x:0:0\"\n",
        "[user.a]\ngroups = [\"-x\"]\n",
        "[group.\"a,b\"]\n",
        "[file.\"/a/../b\"]\n",
        "[file.\"/a/./b\"]\n",
        "[file.\"/a//b\"]\n",
        "[file.\"/a/\"]\n",
        "[file.\"a\"]\n",
        "[file.\"/a\"]\nowner = \"-R\"\n",
        "[file.\"/a\"]\ncontent = \"\"\nbackup = \"/../x\"\n",
        "[cron.a]\ncommand = \"/x\"\nuser = \"-u root\"\n",
        "[cron.a]\ncommand = \"/x\"\nminute = \"* * * * * root\"\n",
        "[cron.a]\ncommand = \"/x\"\nenvironment = { \"A=B C\" = \"x\" }\n",
        "[exec.\"x y\"]\n",
        "[exec.a]\ncommand = \"/bin/../sbin/x\"\n",
    ] {
        assert!(both(&module(text)).is_err(), "compiled:\n{text}");
    }
}

#[test]
fn d34_a_value_cannot_become_a_second_argument_or_command() {
    let text = "[params]\na = { type = \"text\", default = \"x; rm -rf / $(y)\" }\n[exec.e]\ncommand = \"/bin/x {{ a }} b\"\n";
    let resources = catalog(&module(text)).resources;
    let Spec::Exec(exec) = &resources[0].spec else { unreachable!() };
    let text = |text: &str| Word::Text(text.into());
    assert_eq!(exec.command, Command::Argv(vec![text("/bin/x"), text("x; rm -rf / $(y)"), text("b")]));
}

#[test]
fn t3_content_comes_from_the_site_and_from_nowhere_else() {
    for source in ["https://example/x", "http://example/x", "puppet:///modules/m/x", "file:///etc/shadow"] {
        let text = format!("[file.\"/x\"]\nsource = \"{source}\"\n");
        refused(
            &module(&text),
            &format!(
                "modules/m/module.toml:2:11 remote-source: `{source}` is a remote source => put the file below the module's `files/` and name it"
            ),
        );
    }
    for source in ["/etc/shadow", "../../n/files/x", "nope"] {
        assert!(both(&module(&format!("[file.\"/x\"]\nsource = \"{source}\"\n"))).is_err(), "{source}");
    }
}

#[test]
fn cycles_name_their_members_and_where_they_are() {
    let text = "[notify.a]\nrequire = \"notify[c]\"\n[notify.b]\nrequire = \"notify[a]\"\n[notify.c]\nrequire = \"notify[b]\"\n";
    let tree = module(text);
    let findings = both(&tree).unwrap_err();
    assert_eq!(
        told(&tree, &findings),
        "modules/m/module.toml:1:9 dependency-cycle: dependency cycle: notify[a] -> notify[b] -> notify[c] -> notify[a] \
         => remove one of these `require`, `before`, `notify` or `subscribe`"
    );
    let places: Vec<usize> = findings[0].related.iter().map(|r| r.place.start).collect();
    assert_eq!(places, [text.find("b]").unwrap(), text.find("c]\nrequire = \"notify[b").unwrap()]);
    assert_eq!(findings[0].nodes, ["n".parse().unwrap()]);
}

#[test]
fn what_only_the_whole_catalog_shows_is_told() {
    refused(
        &module(
            "[file.\"/a\"]\n[file.b]\npath = \"/a\"\n[service.s]\nsubscribe = \"file[/aa]\"\n[package.p]\n[package.q]\nname = \"p\"\n",
        ),
        "modules/m/module.toml:2:7 duplicate-resource: the path `/a` is managed by `file[/a]` already => keep one of the two\n\
         modules/m/module.toml:5:14 missing-resource: `service[s]` has `subscribe` on `file[/aa]`, which is not in the catalog => did you mean `file[/a]`?\n\
         modules/m/module.toml:7:10 duplicate-resource: the package `p` is managed by `package[p]` already => keep one of the two",
    );
    let apart = "[file.a]\npath = \"/a\"\nwhen = \"facts.os.family == 'debian'\"\n[file.b]\npath = \"/a\"\nwhen = \"facts.os.family == 'suse'\"\n";
    assert_eq!(catalog(&module(apart)).resources.len(), 2);
}

#[test]
fn attributes_that_need_or_exclude_each_other_are_told() {
    for (text, rule) in [
        ("[file.\"/a\"]\nensure = \"link\"\n", "missing-attribute"),
        ("[file.\"/a\"]\ntarget = \"/b\"\nensure = \"file\"\n", "exclusive-attributes"),
        ("[file.\"/a\"]\ncontent = \"\"\ntarget = \"/b\"\n", "exclusive-attributes"),
        ("[file.\"/a\"]\ncontent = \"\"\nensure = \"directory\"\n", "exclusive-attributes"),
        ("[file.\"/a\"]\nensure = \"directory\"\npurge = true\n", "missing-attribute"),
        ("[file.\"/a\"]\ncontent = \"\"\nrecurse = true\n", "exclusive-attributes"),
        ("[file.\"/a\"]\ncontent = \"\"\nvalidate_cmd = \"/bin/x\"\n", "bad-value"),
        ("[file.\"/a\"]\ncontent = \"\"\nseltype = \"a_t:s0\"\n", "bad-value"),
        ("[file.\"/a\"]\nensure = \"directory\"\nrecurselimit = 1\n", "missing-attribute"),
        ("[cron.a]\nminute = 1\n", "missing-attribute"),
        ("[exec.\"x --y\"]\n", "unqualified-command"),
        ("[exec.x]\ncommand = \"/bin/a && /bin/b\"\n", "shell-characters"),
        ("[exec.x]\ncommand = [\"/bin/a\"]\nprovider = \"shell\"\n", "bad-value"),
        ("[exec.x]\ncommand = []\n", "bad-value"),
        ("[exec.x]\ncommand = \"/bin/a\"\ntimeout = -1\n", "out-of-range"),
    ] {
        let tree = module(text);
        let findings = both(&tree).unwrap_err();
        assert!(findings.iter().any(|f| f.rule == rule), "{text}{}", told(&tree, &findings));
    }
}

#[test]
fn data_that_does_not_fit_is_told_with_the_declaration() {
    let module = "--- modules/m/module.toml\n[params]\nport = { type = \"integer\", max = 9 }\nname = { type = \"text\", values = [\"red\", \"blue\"] }\n[notify.\"{{ name }} {{ port }}\"]\n";
    refused(
        &tree(&format!(
            "{module}--- data/common.toml\n[m]\nport = 10\nnme = 1\nname = \"blu\"\n[n]\n--- data/group/gg.toml\n"
        )),
        "data/common.toml:2:8 out-of-range: `port` is 10; at most 9\n\
         data/common.toml:3:1 unknown-parameter: there is no parameter `nme` => did you mean `name`?\n\
         data/common.toml:4:9 bad-value: `name` cannot be `blu` => did you mean `blue`?\n\
         data/common.toml:5:2 unknown-module: there is no module `n` => did you mean `m`?\n\
         data/group/gg.toml:1:1 unknown-data: no node reads this data file => did you mean `data/group/g.toml`?",
    );
    refused(
        &tree(module),
        "modules/m/module.toml:2:1 missing-data: this node has no value for `m.port` => set it in `data/common.toml`, `data/group/<group>.toml` or `data/node/n.toml`\n\
         modules/m/module.toml:3:1 missing-data: this node has no value for `m.name` => set it in `data/common.toml`, `data/group/<group>.toml` or `data/node/n.toml`",
    );
}

#[test]
fn a_wrong_rendered_value_points_at_the_module_and_at_the_data() {
    let tree = tree(
        "--- modules/m/module.toml\n[params]\nmode = { type = \"text\" }\n[file.\"/a\"]\nmode = \"{{ mode }}\"\n--- data/node/n.toml\nm.mode = \"999\"\n",
    );
    let findings = both(&tree).unwrap_err();
    assert_eq!(
        told(&tree, &findings),
        "modules/m/module.toml:4:8 bad-value: `999` is no file mode: write octal (`0644`) or symbolic (`u=rw,go=r`)"
    );
    assert_eq!(findings[0].related[0].place, crate::model::Place::new("data/node/n.toml", 9, 14));
    assert_eq!(findings[0].resource, Some("file[/a]".parse().unwrap()));
}

#[test]
fn precedence_is_common_then_groups_in_order_then_the_node() {
    let tree = tree(
        "--- countersign.toml\nname = \"t\"\n[groups.g]\ninclude = [\"m\"]\n[groups.h]\n--- nodes/n.toml\ngroups = [\"h\", \"g\"]\n\
         --- modules/m/module.toml\n[params]\na = { type = \"list\", merge = \"join\", default = [0] }\nb = { type = \"integer\" }\nc = { type = \"text\", required = false }\n\
         [notify.\"{{ a | join('-') }} {{ b }}\"]\nmessage = \"{{ c }}\"\n\
         --- data/common.toml\nm.a = [1]\nm.b = 1\n--- data/group/g.toml\nm.a = [3]\nm.b = 3\n--- data/group/h.toml\nm.a = [2]\nm.b = 2\n--- data/node/n.toml\nm.a = [4]\n",
    );
    assert_eq!(made(&tree), r#"notify[1-2-3-4 3] {"notify":{"message":"1-2-3-4 3"}}"#);
    let site = load(&tree).unwrap();
    let lookup = site.lookup("n", "m.b").unwrap();
    let steps: Vec<_> = lookup.steps.iter().map(|s| (s.place.file.as_str(), s.used)).collect();
    assert_eq!(
        (lookup.value.as_deref(), steps),
        (
            Some("3"),
            vec![
                ("data/node/n.toml", false),
                ("data/group/g.toml", true),
                ("data/group/h.toml", false),
                ("data/common.toml", false),
                ("modules/m/module.toml", false),
            ]
        )
    );
    assert_eq!(site.lookup("n", "m.a").unwrap().value.as_deref(), Some("[1, 2, 3, 4]"));
    assert!(matches!(site.lookup("x", "m.a"), Err(LookupError::Node { .. })));
    assert!(matches!(site.lookup("n", "m.zz"), Err(LookupError::Key { .. })));
    assert!(matches!(site.lookup("n", "m"), Err(LookupError::Form(_))));
}

#[test]
fn one_expression_keeps_its_type() {
    let text = r#"
[params]
on    = { type = "bool", default = true }
words = { type = "list", default = ["/bin/a", "b c"] }
count = { type = "integer", default = 3 }
[service.s]
enable = "{{ on }}"
[exec.e]
command = "{{ words }}"
tries   = "{{ count + 1 }}"
"#;
    assert_eq!(
        made(&module(text)),
        r#"service[s] {"service":{"name":"s","enable":"yes"}}
exec[e] {"exec":{"command":{"argv":[{"text":"/bin/a"},{"text":"b c"}]},"tries":4}}"#
    );
}

#[test]
fn templates_are_bounded_and_strict() {
    for (text, rule) in [
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "template-error"),
        ("{{ 'x' * 9999999 }}", "template-error"),
        ("{% include 't' %}", "template-error"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "template-error"),
        ("{{ node.facts.nope }}", "template-error"),
        ("{{ node.nope.nope }}", "template-error"),
        ("{{ 1.5 }}", "template-error"),
        ("{{ [1] }}", "template-error"),
        ("{{ none }}", "template-error"),
        ("{{ debug() }}", "unknown-parameter"),
        ("{{ 1", "template-error"),
        ("{% if node.name\"]\n %}", "template-error"),
    ] {
        let tree = tree(&format!(
            "--- modules/m/templates/t\n{text}\n--- modules/m/module.toml\n[file.\"/a\"]\ntemplate = \"t\"\n"
        ));
        let Err(findings) = both(&tree) else { unreachable!("compiled: {text}") };
        assert!(findings.iter().all(|f| f.rule == rule), "{text}: {}", told(&tree, &findings));
        let Place { file, start, end } = &findings[0].place;
        assert_eq!(&**file, "modules/m/templates/t", "{text}");
        let whole = tree.get(file).unwrap();
        assert!(whole.get(*start..*end).is_some(), "{text}: {start} to {end} of {}", whole.len());
    }
}

#[test]
fn what_no_file_of_a_site_may_have_is_told() {
    for (text, rule) in [
        ("a = \n", "toml-syntax"),
        ("[notify.a]\n[notify.a]\n", "toml-syntax"),
        ("[params]\na = { type = \"text\", default = 1.5 }\n", "wrong-type"),
        ("[params]\na = { type = \"text\", default = 2020-01-01 }\n", "wrong-type"),
        ("[notify.a]\n\"mess\u{430}ge\" = \"x\"\n", "bad-key"),
        ("[notify.\"a\u{202e}b\"]\n", "hidden-character"),
        ("[notify.a]\nmessage = \"\\u001b[2J\"\n", "hidden-character"),
        ("[notify.a]\nwhen = \"facts.os.famly == 'x'\"\n", "bad-guard"),
        ("[notify.a]\nwhen = \"nope == 1\"\n", "bad-guard"),
        ("[notify.a]\nfor_each = \"x of y\"\n", "bad-value"),
        ("[notify.a]\nfor_each = \"x in [1, 2]\"\n", "duplicate-resource"),
    ] {
        let tree = module(text);
        let findings = both(&tree).unwrap_err();
        assert!(findings.iter().any(|f| f.rule == rule), "{text}{}", told(&tree, &findings));
    }
    let mut big = module("");
    big.insert("modules/m/module.toml", vec![b'#'; Limits::STANDARD.toml + 1]).unwrap();
    assert_eq!(both(&big).unwrap_err()[0].rule, "too-large");
    let mut bytes = module("");
    bytes.insert("data/common.toml", vec![0xff]).unwrap();
    assert_eq!(both(&bytes).unwrap_err()[0].rule, "not-text");
    let env = "nope".parse().unwrap();
    assert_eq!(compile(&load(&module("")).unwrap(), &env).unwrap_err()[0].rule, "unknown-environment");
}

#[test]
fn a_folder_becomes_one_resource_for_each_file() {
    let mut tree = module(
        "[file.\"/d\"]\nsource = \"d\"\nrecurse = true\nmode = \"0640\"\n[file.\"/d/s/y\"]\ncontent = \"own\"\n",
    );
    for (path, bytes) in [("x", b"1".as_slice()), ("s/y", b"2"), ("s/z", b"\xff\x00")] {
        tree.insert(&format!("modules/m/files/d/{path}"), bytes.to_vec()).unwrap();
    }
    let compilation = both(&tree).unwrap();
    let resources: Vec<String> = compilation.nodes[0]
        .catalog
        .resources
        .iter()
        .map(|resource| match &resource.spec {
            Spec::File(file) => {
                format!("{} {:?} {}", file.path, file.ensure, file.mode.as_deref().unwrap_or("-"))
            }
            _ => String::new(),
        })
        .collect();
    assert_eq!(
        resources,
        ["/d Directory 0640", "/d/s Directory 0640", "/d/s/z File 0640", "/d/x File 0640", "/d/s/y File -"]
    );
    assert!(compilation.blobs.values().any(|bytes| bytes == b"\xff\x00"));
}

#[test]
fn the_first_source_that_there_is_counts() {
    let text = "[params]\nkind = { type = \"text\", default = \"db\" }\n\
        [file.\"/a\"]\nsource = [\"motd.{{ kind }}\", \"motd\"]\n\
        [file.\"/b\"]\nsource = [\"motd.none\", \"motd\"]\n";
    let mut tree = module(text);
    for (path, bytes) in [("motd", b"all".as_slice()), ("motd.db", b"own")] {
        tree.insert(&format!("modules/m/files/{path}"), bytes.to_vec()).unwrap();
    }
    let compilation = both(&tree).unwrap();
    let content = |resource: &Resource| match &resource.spec {
        Spec::File(File { content: Some(Content::Blob { digest, .. }), .. }) => *digest,
        _ => unreachable!(),
    };
    let contents: Vec<Digest> = compilation.nodes[0].catalog.resources.iter().map(content).collect();
    assert_eq!(contents, [Digest::of(b"own"), Digest::of(b"all")]);
    refused(
        &module(
            "[file.\"/a\"]\nsource = [\"x\", \"y\"]\n[file.\"/b\"]\nsource = []\n[file.\"/c\"]\nsource = [\"http://x/y\", \"y\"]\n",
        ),
        "modules/m/module.toml:2:10 unknown-source: the module has no file `files/y` => add it below `modules/m/files/`\n\
         modules/m/module.toml:4:10 bad-value: this list has no source => name a file below `modules/m/files/`\n\
         modules/m/module.toml:6:10 remote-source: `http://x/y` is a remote source => put the file below the module's `files/` and name it",
    );
}

#[test]
fn files_of_a_folder_that_are_too_deep_become_no_resources() {
    let text = "[file.\"/d\"]\nsource = \"d\"\nrecurse = true\nrecurselimit = 2\n";
    let mut tree = module(text);
    for path in ["x", "s/y", "s/t/z"] {
        tree.insert(&format!("modules/m/files/d/{path}"), b"1".to_vec()).unwrap();
    }
    let compilation = both(&tree).unwrap();
    let limits = compilation.nodes[0].catalog.resources.iter().map(|resource| match &resource.spec {
        Spec::File(file) => (resource.title.as_str(), file.recurselimit),
        _ => unreachable!(),
    });
    // A folder below reaches no deeper than the one that delivers it.
    let reached = [("/d", Some(2)), ("/d/s", Some(1)), ("/d/s/y", None), ("/d/x", None)];
    assert_eq!(limits.collect::<Vec<_>>(), reached);
}

#[test]
fn files_of_a_folder_that_are_ignored_become_no_resources() {
    let all = "[file.\"/d\"]\nsource = \"d\"\nrecurse = true\nignore = [\"*.orig\", \"tests\"]\n";
    let mut tree = module(all);
    for path in ["x", "x.orig", "tests/y", "s/tests/z", "s/w"] {
        tree.insert(&format!("modules/m/files/d/{path}"), b"1".to_vec()).unwrap();
    }
    let made = made(&tree);
    let titles: Vec<&str> =
        made.lines().filter_map(|line| line.split_once(' ')).map(|(title, _)| title).collect();
    assert_eq!(titles, ["file[/d]", "file[/d/s]", "file[/d/s/w]", "file[/d/x]"]);
    refused(
        &module("[file.\"/a\"]\nignore = \"*.orig\"\n[file.\"/b\"]\nrecurse = true\nignore = \"a/b\"\n"),
        "modules/m/module.toml:2:10 missing-attribute: `ignore` needs `recurse = true`\n\
         modules/m/module.toml:5:10 bad-value: a pattern is held against each name of a path alone",
    );
}

#[test]
fn several_guards_in_one_list_are_refused_as_what_puppet_would_read() {
    refused(
        &module(
            "[exec.a]\ncommand = [\"true\"]\npath = [\"/bin\"]\nonlyif = [\"test -e /a\", \"test -e /b\"]\n",
        ),
        "modules/m/module.toml:4:11 bad-value: `test -e /a` is no program: a list is one command \
         => several commands are lists in a list: `[[\"test\", \"-e\", \"/a\"], …]`",
    );
    refused(
        &module("[exec.a]\ncommand = [\"/bin/true now\"]\n"),
        "modules/m/module.toml:2:12 bad-value: `/bin/true now` is no program: a list is one command \
         => one element for each argument: `[\"/bin/true\", \"now\"]`",
    );
}

#[test]
fn attributes_of_plain_types_are_checked_with_their_places() {
    refused(
        &module(
            "[line_in_file.x]\nmatch = \"^y\"\n[host.\"a b\"]\nip = \"1.2.3\"\n[mount.srv]\nensure = \"absent\"\n",
        ),
        "modules/m/module.toml:1:15 missing-attribute: `line_in_file` needs `path` => The file, which must exist.\n\
         modules/m/module.toml:3:7 bad-value: `a b` is no name of a host\n\
         modules/m/module.toml:4:6 bad-value: `1.2.3` is no address\n\
         modules/m/module.toml:5:8 bad-path: `srv` is no path: it must start with `/`",
    );
    let made = made(&module("[sysctl.\"net.core.somaxconn\"]\nvalue = 4096\n"));
    assert_eq!(made, r#"sysctl[net.core.somaxconn] {"sysctl":{"name":"net.core.somaxconn","value":"4096"}}"#);
}

#[test]
fn a_file_is_given_as_a_whole_or_in_parts() {
    let both_of_hosts =
        |file: &str| module(&format!("[file.\"/etc/hosts\"]\n{file}\n[host.db1]\nip = \"192.0.2.7\"\n"));
    refused(
        &both_of_hosts("content = \"\""),
        "modules/m/module.toml:3:7 whole-and-part: `file[/etc/hosts]` gives all of `/etc/hosts`, and this writes a part of it \
         => say it in the file's content, or set `replace = false` on the file",
    );
    for apart in ["mode = \"0644\"", "content = \"\"\nreplace = false"] {
        assert!(both(&both_of_hosts(apart)).is_ok(), "{apart}");
    }
}

/// A site with these schedules and one module `m`.
fn scheduled(schedules: &str, text: &str) -> Tree {
    let mut tree = module(text);
    let site = format!("name = \"t\"\n[groups.g]\ninclude = [\"m\"]\n{schedules}");
    tree.insert("countersign.toml", site.into_bytes()).unwrap();
    tree
}

#[test]
fn a_schedule_is_looked_up_and_stands_in_the_catalog() {
    let schedules = r#"
[schedules.night]
range = ["22:00 - 4", "12-13"]
weekday = ["sat", "Sunday"]
period = "daily"
repeat = 2
"#;
    let text = "[notify.a]\nschedule = \"night\"\n[notify.b]\nschedule = \"weekly\"\n[notify.c]\n";
    let resources = catalog(&scheduled(schedules, text)).resources;
    let json: Vec<String> =
        resources.iter().map(|r| serde_json::to_string(&r.meta.schedule).unwrap()).collect();
    assert_eq!(
        json,
        [
            r#"{"name":"night","range":["22:00-04:00","12:00-13:00"],"weekday":["sat","sun"],"period":"daily","repeat":2}"#,
            r#"{"name":"weekly","period":"weekly"}"#,
            "null",
        ]
    );
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused() {
    for (schedules, expected) in [
        ("[schedules.daily]\nperiod = \"daily\"\n", "4:12 bad-name: `daily` is there already"),
        ("[schedules.X]\nperiod = \"daily\"\n", "4:12 bad-name: `X` is no name of a schedule"),
        ("[schedules.a]\nrange = [\"4\"]\n", "5:11 bad-value: `4` is no range"),
        ("[schedules.a]\nweekday = [\"someday\"]\n", "5:13 bad-value: `someday` is no weekday"),
        ("[schedules.a]\nperiod = \"yearly\"\n", "5:11 bad-value: `period` is one of"),
        ("[schedules.a]\n", "bad-value: a schedule has a `period`"),
        ("[schedules.a]\nrange = [\"2-4\"]\nrepeat = 2\n", "6:10 bad-value: `repeat` and `periodmatch`"),
        ("[schedules.a]\nperiod = \"daily\"\nrepeat = 0\n", "6:10 bad-value: `repeat` is from 1"),
        (
            "[schedules.a]\nperiod = \"daily\"\nperiodmatch = \"number\"\nrepeat = 2\n",
            "7:10 bad-value: by number a period is new only once",
        ),
    ] {
        let tree = scheduled(schedules, "[notify.a]\n");
        let said = told(&tree, &both(&tree).unwrap_err());
        assert!(said.contains(expected), "{said}");
    }
    refused(
        &scheduled("[schedules.night]\nperiod = \"daily\"\n", "[notify.a]\nschedule = \"nigt\"\n"),
        "modules/m/module.toml:2:12 unknown-schedule: there is no schedule `nigt` => did you mean `night`?",
    );
}

#[test]
fn an_alias_stands_for_its_resource_in_relationships() {
    let text = r#"
[package.apache2]
alias = ["web", "httpd"]
[service.apache2]
require = "package[web]"
[notify.done]
subscribe = ["package[httpd]", "service[apache2]"]
"#;
    let resources = catalog(&module(text)).resources;
    let names = |refs: &[crate::model::Ref]| refs.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&resources[1].meta.require), ["package[apache2]"]);
    assert_eq!(names(&resources[2].meta.subscribe), ["package[apache2]", "service[apache2]"]);
    refused(
        &module("[notify.a]\nalias = [\"b\", \"c\"]\n[notify.b]\n[notify.d]\nalias = \"c\"\n"),
        "modules/m/module.toml:2:9 duplicate-resource: there is a `notify[b]` already => take another name\n\
         modules/m/module.toml:5:10 duplicate-resource: there is a `notify[c]` already => take another name",
    );
}

#[test]
fn only_what_a_node_can_be_asked_for_is_audited() {
    let text = "[file.\"/f\"]\naudit = \"all\"\n[user.u]\naudit = [\"shell\", \"uid\"]\n";
    let resources = catalog(&module(text)).resources;
    assert_eq!(resources[0].meta.audit, Kind::File.told());
    assert_eq!(resources[1].meta.audit, ["shell", "uid"]);
    refused(
        &module("[user.u]\naudit = \"shel\"\n[notify.a]\naudit = \"all\"\n"),
        "modules/m/module.toml:2:9 bad-value: a node cannot be asked for `shel` of its user => did you mean `shell`?\n\
         modules/m/module.toml:4:9 bad-value: a node cannot be asked for `all` of its notify => leave `audit` out",
    );
}
