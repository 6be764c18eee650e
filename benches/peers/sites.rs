//! The same wishes in three languages.

use super::NODE;
use std::fmt::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Phrases in the files of the mixed catalog, and of others that nothing else is said of: 1 KiB.
const PHRASES: usize = 63;

/// How many files, and how long they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files {
    pub(crate) count: usize,
    /// Phrases of 16 bytes in each.
    phrases: usize,
}

impl Files {
    /// Reads `1000` or, with the phrases in each file, `1000:2`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (count, phrases) = text.split_once(':').map_or((text, None), |(count, rest)| (count, Some(rest)));
        let phrases = phrases.map_or(Some(PHRASES), |phrases| phrases.parse().ok())?;
        Some(Self { count: count.parse().ok()?, phrases })
    }

    /// As many files of 1 KiB.
    pub(crate) const fn of(count: usize) -> Self {
        Self { count, phrases: PHRASES }
    }

    /// What stands in file `number`, and in no other file.
    pub(crate) fn content(self, number: usize) -> String {
        content(number, self.phrases)
    }
}

impl std::fmt::Display for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self { count, phrases: PHRASES } => write!(f, "{count}"),
            Self { count, phrases } => write!(f, "{count}:{phrases}"),
        }
    }
}

fn content(number: usize, phrases: usize) -> String {
    format!("{number}: {}\n", "0123456789abcde ".repeat(phrases))
}

/// A site whose one node has these files.
pub(crate) fn files(site: &Path, files: Files) {
    let mut module = String::from(
        "description = \"Files\"\n[params]\nnumbers = { type = \"list\", items = \"text\", description = \"One file each\" }\n",
    );
    module
        .push_str("[file.\"/srv\"]\nensure = \"directory\"\n[file.\"/srv/bench\"]\nensure = \"directory\"\n");
    let text = "0123456789abcde ".repeat(files.phrases);
    write!(module, "[file.\"/srv/bench/f{{{{ n }}}}\"]\nfor_each = \"n in numbers\"\nmode = \"0644\"\ncontent = \"{{{{ n }}}}: {text}\\n\"\n").unwrap();
    let numbers: Vec<String> = (0..files.count).map(|number| format!("\"{number}\"")).collect();
    write_site(site, &module, &format!("[bench]\nnumbers = [{}]\n", numbers.join(",")));
}

/// Files, templates, packages, guarded commands, accounts, crontabs, a service.
pub(crate) fn mixed(site: &Path) {
    let mut module = String::from("description = \"A bit of everything\"\n");
    module.push_str("[file.\"/srv/mixed\"]\nensure = \"directory\"\n");
    for number in 0..60 {
        writeln!(
            module,
            "[file.\"/srv/mixed/f{number}\"]\nmode = \"0644\"\ncontent = \"{}\"",
            content(number, PHRASES).trim_end()
        )
        .unwrap();
    }
    for number in 0..20 {
        writeln!(module, "[file.\"/srv/mixed/t{number}\"]\nmode = \"0644\"\ncontent = \"node = {{{{ node.name }}}} {number}\"").unwrap();
    }
    for package in PACKAGES {
        writeln!(module, "[package.{package}]\nensure = \"present\"").unwrap();
    }
    for number in 0..10 {
        writeln!(module, "[exec.\"mark {number}\"]\ncommand = [\"/bin/touch\", \"/srv/mixed/mark{number}\"]\nunless = [[\"/usr/bin/test\", \"-e\", \"/srv/mixed/mark{number}\"]]\nrequire = \"file[/srv/mixed]\"").unwrap();
    }
    for number in 0..5 {
        writeln!(
            module,
            "[user.\"bench{number}\"]\nuid = {}\nshell = \"/usr/sbin/nologin\"",
            60_000 + number
        )
        .unwrap();
    }
    for number in 0..5 {
        writeln!(
            module,
            "[cron.\"bench {number}\"]\ncommand = \"/bin/true\"\nminute = \"{number}\"\nhour = \"3\""
        )
        .unwrap();
    }
    module.push_str("[service.bench]\nensure = \"running\"\n");
    write_site(site, &module, "");
}

/// What an init system would have of the service that is in the mixed catalog, which says that it runs.
pub(crate) const INIT: (&str, &str) = ("/etc/init.d/bench", "#!/bin/sh\nexit 0\n");

/// Packages that every Debian machine has.
const PACKAGES: [&str; 10] =
    ["coreutils", "bash", "tar", "gzip", "sed", "grep", "findutils", "diffutils", "hostname", "base-files"];

fn write_site(site: &Path, module: &str, data: &str) {
    let files = [
        (
            "countersign.toml".to_owned(),
            "name = \"bench\"\nenvironments = [\"production\"]\n[groups.bench]\ndescription = \"What is measured\"\ninclude = [\"bench\"]\n".to_owned(),
        ),
        (format!("nodes/{NODE}.toml"), "groups = [\"bench\"]\n".to_owned()),
        ("policies/policy.toml".to_owned(), "version = 1\n".to_owned()),
        ("data/common.toml".to_owned(), data.to_owned()),
        ("modules/bench/module.toml".to_owned(), module.to_owned()),
    ];
    for (path, text) in files {
        let path = site.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// The same files for `puppet apply`.
pub(crate) fn puppet(folder: &Path, files: Files) -> String {
    let mut text = String::new();
    for number in 0..files.count {
        let (folder, content) = (folder.display(), files.content(number));
        writeln!(text, "file {{ '{folder}/f{number}': content => '{content}', mode => '0644' }}").unwrap();
    }
    text
}

/// The mixed catalog for `puppet apply`, without crontabs: Debian's package of Puppet has no type for them.
pub(crate) fn puppet_mixed() -> String {
    let mut text = String::from("file { '/srv/mixed-puppet': ensure => directory }\n");
    for number in 0..60 {
        let content = content(number, PHRASES);
        writeln!(text, "file {{ '/srv/mixed-puppet/f{number}': content => '{content}', mode => '0644' }}")
            .unwrap();
    }
    for number in 0..20 {
        writeln!(text, "file {{ '/srv/mixed-puppet/t{number}': content => inline_epp('node = <%= $facts[\"networking\"][\"hostname\"] %> {number}'), mode => '0644' }}").unwrap();
    }
    for package in PACKAGES {
        writeln!(text, "package {{ '{package}': ensure => present }}").unwrap();
    }
    for number in 0..10 {
        writeln!(text, "exec {{ 'mark {number}': command => ['/bin/touch', '/srv/mixed-puppet/mark{number}'], unless => [['/usr/bin/test', '-e', '/srv/mixed-puppet/mark{number}']], require => File['/srv/mixed-puppet'] }}").unwrap();
    }
    for number in 0..5 {
        writeln!(
            text,
            "user {{ 'puppet{number}': ensure => present, uid => {}, shell => '/usr/sbin/nologin' }}",
            60_100 + number
        )
        .unwrap();
    }
    text.push_str("service { 'bench': ensure => running, provider => 'debian', hasstatus => true }\n");
    text
}

/// The same files for `cf-agent`.
pub(crate) fn cfengine(folder: &Path, files: Files) -> String {
    let mut text = String::from("bundle agent main\n{\n  files:\n");
    for number in 0..files.count {
        let (folder, content) = (folder.display(), files.content(number).replace('\n', "\\n"));
        writeln!(
            text,
            "    \"{folder}/f{number}\" create => \"true\", content => \"{content}\", perms => m(\"644\");"
        )
        .unwrap();
    }
    text.push_str("}\nbody perms m(mode)\n{\n  mode => \"$(mode)\";\n}\n");
    text
}

/// Writes a file that only its owner may read and write, which `cf-agent` insists on.
pub(crate) fn private(path: &Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}
