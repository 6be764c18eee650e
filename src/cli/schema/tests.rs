//! The schemas against real files and against mistakes.

use super::*;
use crate::model::Tree;
use crate::repo::worktree;
use std::path::Path;

fn example() -> Tree {
    worktree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site")).unwrap()
}

const WAIVER: &str = "[[waiver]]\nrule = 'remote-code'\nresource = 'exec[x]'\nnodes = ['a.example']\n\
    digest = 'sha256:0000000000000000000000000000000000000000000000000000000000000000'\n\
    reason = 'the vendor has no package'\nticket = 'OPS-1'\nexpires = '2030-01-01T00:00:00Z'\n";

fn kind_of(path: &str) -> Option<Kind> {
    match path.split('/').next()? {
        "countersign.toml" => Some(Kind::Site),
        "nodes" => Some(Kind::Node),
        "data" if path.starts_with("data/secrets/") => Some(Kind::Secret),
        "data" => Some(Kind::Data),
        "modules" if path.ends_with("/module.toml") => Some(Kind::Module),
        "policies" => Some(Kind::Policy),
        _ => None,
    }
}

/// What the schema has against a text in TOML.
fn complaints(kind: Kind, text: &str) -> Vec<String> {
    let value: Value = toml::from_str(text).unwrap();
    let schema = jsonschema::validator_for(&kind.schema()).unwrap();
    schema.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schemas_are_schemas() {
    for kind in Kind::ALL {
        let schema = kind.schema();
        assert!(jsonschema::meta::is_valid(&schema), "{schema}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}

#[test]
fn every_file_of_the_example_fits_its_schema() {
    assert_eq!(complaints(Kind::Waivers, WAIVER), Vec::<String>::new());
    let mut seen = 0;
    for (path, bytes) in example().iter() {
        let Some(kind) = kind_of(path) else { continue };
        let wrong = complaints(kind, std::str::from_utf8(bytes).unwrap());
        assert!(wrong.is_empty(), "{path}: {wrong:?}");
        seen += 1;
    }
    assert!(seen > 40, "only {seen} files");
}

#[test]
fn what_is_misspelt_or_of_the_wrong_shape_does_not_fit() {
    for (kind, wrong) in [
        (Kind::Site, "name = 'x'\nenviroments = []"),
        (Kind::Site, "environments = ['production']"),
        (Kind::Node, "sealing_key = 'x25519:0'"),
        (Kind::Secret, "[node.n]\nkey = 'sha256:0'\nsealed = 'AAAA'"),
        (Kind::Secret, "site = 'x'\n[node.n]\nkey = 'sha256:0'"),
        (Kind::Site, "name = 'x'\n[groups.Web]\ninclude = []"),
        (Kind::Node, "group = ['web']"),
        (Kind::Node, "groups = 'web'"),
        (Kind::Data, "timezone = 'UTC'"),
        (Kind::Data, "[base]\nshare = 0.5"),
        (Kind::Module, "[files.'/etc/motd']\ncontent = ''"),
        (Kind::Module, "[file.'/etc/motd']\ncontnet = ''"),
        (Kind::Module, "[file.'/etc/motd']\nmode = 644"),
        (Kind::Module, "[file.'/etc/motd']\nmode = 'rw-r--r--'"),
        (Kind::Module, "[file.'/etc/motd']\nnotify = 'nginx'"),
        (Kind::Module, "[file.x]\npath = 'etc/motd'"),
        (Kind::Module, "[service.nginx]\nensure = 'runing'"),
        (Kind::Module, "[service.nginx]\nenable = 'yes'"),
        (Kind::Module, "[exec.x]\ncommand = []"),
        (Kind::Module, "[exec.x]\ntimeout = -1"),
        (Kind::Module, "[params]\nport = { type = 'int' }"),
        (Kind::Module, "[params]\nport = { default = 80 }"),
        (Kind::Policy, "[severity]\nremote-cod = 'deny'"),
        (Kind::Policy, "[severity]\nremote-code = 'allow'"),
        (Kind::Waivers, WAIVER.replace("nodes", "node").as_str()),
        (Kind::Waivers, WAIVER.replace("exec[x]", "Exec[x]").as_str()),
        (Kind::Waivers, WAIVER.replace("sha256:", "").as_str()),
        (Kind::Paths, "[[class]]\ndirectories = ['/srv']"),
    ] {
        assert!(!complaints(kind, wrong).is_empty(), "{wrong}");
    }
}

#[test]
fn templates_and_lists_fit_where_the_compiler_takes_them() {
    for right in [
        "[service.nginx]\nenable = '{{ on }}'\nensure = '{{ state }}'",
        "[file.'{{ path }}']\npath = '{{ folder }}/x'\nfor_each = 'path in paths'\nwhen = 'port == 80'",
        "[exec.x]\ncommand = ['/bin/echo', 1]\nunless = [['/bin/a'], ['/bin/b', 'c']]\nreturns = [0, '{{ code }}']",
        "[exec.x]\nonlyif = '/bin/true'\npath = ['/bin', '{{ dir }}']\nenvironment = { A = 1, B = '{{ b }}' }",
        "[cron.x]\nminute = 5\nhour = ['1', 2]\ncommand = 'x'",
    ] {
        assert_eq!(complaints(Kind::Module, right), Vec::<String>::new(), "{right}");
    }
}
