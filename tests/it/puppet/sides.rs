//! Two machines that begin alike, and the program that manages each.

use super::case::Case;
use super::report::{self, Line};
use super::{sandbox, tree};
use crate::drill::paper::NODE;
use crate::support::{clean, ok, transcript};
use crate::tuf::repo::Repo;
use countersign::agent::clock::system as now;
use countersign::agent::disk::Disk;
use countersign::model::Tree;
use countersign::module;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Puppet,
    Countersign,
}

/// What a run came to.
pub(super) struct Ran {
    /// The exit code.
    pub(super) code: i32,
    /// What happened to resources, in order.
    pub(super) lines: Vec<Line>,
    /// What it complained about.
    pub(super) said: String,
}

/// A machine and what manages it.
pub(super) struct Machine {
    program: Program,
    folder: PathBuf,
    /// Which case each resource of the catalog belongs to. Countersign's report does not say.
    cases: BTreeMap<String, String>,
}

impl Machine {
    /// A machine on which everything is as the cases want it before the first run.
    pub(super) fn new(program: Program, cases: &[Case]) -> Self {
        let folder = sandbox::machine(&format!("{program:?}"));
        let mut machine = Self { program, folder, cases: BTreeMap::new() };
        for case in cases {
            std::fs::create_dir(machine.at("srv/case").join(&case.name)).unwrap();
            machine.script(case, &case.before);
        }
        match program {
            Program::Puppet => machine.write_manifests(cases),
            Program::Countersign => machine.publish(cases),
        }
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path)
    }

    fn script(&self, case: &Case, script: &str) {
        let script = format!("set -eu\ncd /srv/case/{}\n{script}", case.name);
        ok(sandbox::chroot(&self.at(""), "/bin/sh").args(["-c", &script]));
    }

    /// Changes what the cases want changed between two runs.
    pub(super) fn drift(&self, cases: &[Case]) {
        for case in cases {
            self.script(case, &case.drift);
        }
    }

    /// Everything that is not as this machine was at the very beginning.
    pub(super) fn changes(&self) -> BTreeMap<String, String> {
        tree::lines(&self.folder)
    }

    fn write_manifests(&self, cases: &[Case]) {
        for case in cases {
            let module = format!("etc/puppet/code/modules/{}", case.name);
            let class = format!("class {} {{\n{}\n}}\n", case.name, case.puppet);
            write(&self.at(&format!("{module}/manifests/init.pp")), &class);
            for (path, text) in &case.files {
                write(&self.at(&format!("{module}/files/{path}")), text);
            }
        }
        let site: Vec<String> = cases.iter().map(|case| format!("include {}\n", case.name)).collect();
        write(&self.at("etc/puppet/site.pp"), &site.concat());
    }

    /// Compiles the site, signs it as a release, and puts it where the agent of this machine looks.
    fn publish(&mut self, cases: &[Case]) {
        let compilation = compile(cases);
        let node = compilation.nodes.into_iter().next().unwrap();
        for resource in &node.catalog.resources {
            self.cases.insert(resource.reference().to_string(), resource.meta.module.to_string());
        }
        let mut repo = Repo::new();
        repo.now = now();
        repo.publish_bytes(node.bytes, |_| {});
        for (digest, bytes) in compilation.blobs {
            repo.files.insert(format!("blob/{}", digest.hex()), bytes);
        }
        let publication = self.at("var/lib/countersign/publication");
        repo.write_to(&publication);
        let disk = Disk::create(&self.at("var/lib/countersign/agent")).unwrap();
        repo.enroll(&disk);
        disk.write("servers", b"/var/lib/countersign/publication\n").unwrap();
        let program = self.at("usr/local/bin/countersign");
        write(&program, "");
        ok(clean("mount").args(["--bind", env!("CARGO_BIN_EXE_countersign")]).arg(program));
    }

    /// Applies the catalog.
    pub(super) fn run(&self, options: &[&str]) -> Ran {
        let output = match self.program {
            Program::Puppet => self.puppet(options),
            Program::Countersign => self.countersign(options),
        };
        let (said, code) = (transcript(&output), output.status.code().unwrap());
        let lines = match self.program {
            Program::Puppet => self.puppet_lines(&said),
            Program::Countersign => {
                let path = self.at("var/lib/countersign/agent/last_run_report.json");
                report::countersign(
                    &std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{e}\n{said}")),
                    &self.cases,
                )
            }
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ran { code, lines, said }
    }

    fn puppet(&self, options: &[&str]) -> Output {
        drop(std::fs::remove_file(self.at("var/cache/puppet/state/last_run_report.yaml")));
        let mut command = sandbox::chroot(&self.at(""), "/usr/bin/puppet");
        command.args(["apply", "--detailed-exitcodes", "--color=false", "--modulepath"]);
        command.arg("/etc/puppet/code/modules:/usr/share/puppet/modules").arg("/etc/puppet/site.pp");
        command
            .args(options.iter().map(|option| if *option == "--skip-tags" { "--skip_tags" } else { option }));
        command.output().unwrap()
    }

    /// Puppet's report names classes of Ruby, which nobody needs to read it.
    fn puppet_lines(&self, said: &str) -> Vec<Line> {
        let script = "report = YAML.parse_file('/var/cache/puppet/state/last_run_report.yaml')\n\
            report.each { |node| node.tag = nil if node.respond_to?(:tag=) }\nreport = report.to_ruby\n\
            report['resource_statuses'] = report['resource_statuses'].to_a\nputs report.to_json";
        let mut ruby = sandbox::chroot(&self.at(""), "/usr/bin/ruby");
        let output = ruby.args(["-ryaml", "-rjson", "-e", script]).output().unwrap();
        assert!(output.status.success(), "Puppet left no report: {said}\n{}", transcript(&output));
        report::puppet(&String::from_utf8(output.stdout).unwrap())
    }

    fn countersign(&self, options: &[&str]) -> Output {
        let mut command = sandbox::chroot(&self.at(""), "/usr/local/bin/countersign");
        command.args(["agent", "run", "--verbose"]).args(options).output().unwrap()
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn compile(cases: &[Case]) -> module::Compilation {
    let names: Vec<String> = cases.iter().map(|case| format!("{:?}", case.name)).collect();
    let site = format!(
        "name = \"peers\"\nenvironments = [\"production\"]\n[defaults]\ninclude = [{}]\n",
        names.join(", ")
    );
    let mut tree = Tree::default();
    let mut put = |path: String, text: &str| tree.insert(&path, text.as_bytes().to_vec()).unwrap();
    put("countersign.toml".to_owned(), &site);
    put(format!("nodes/{NODE}.toml"), "");
    put("policies/policy.toml".to_owned(), "version = 1\n");
    for case in cases {
        put(format!("modules/{}/module.toml", case.name), &case.countersign);
        for (path, text) in &case.files {
            put(format!("modules/{}/files/{path}", case.name), text);
        }
    }
    let site = module::load(&tree).unwrap_or_else(|findings| panic!("{findings:#?}"));
    module::compile(&site, &"production".parse().unwrap()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}
