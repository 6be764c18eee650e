//! `countersign resource`: what is on this machine, as a module would say it.

use super::{Failure, Outcome, Ui};
use crate::agent::found::{Found, FoundError, Said, found};
use crate::agent::host::Host;
use crate::model::Kind;
use crate::model::finding::did_you_mean;
use std::path::PathBuf;
use toml_edit::{Array, DocumentMut, Item, Table, Value};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The resource type.
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Only the one with this name: a user, a package, a path.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The root directory of the machine, where it is not this one's own.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    let kind = Kind::named(&args.kind).ok_or_else(|| unknown(&args.kind))?;
    let failed = |error: &dyn std::error::Error| Failure::from_error(error);
    let host = Host::open(&args.root).map_err(|error| failed(&error))?;
    let all = found(&host, kind, args.name.as_deref()).map_err(|error| match error {
        FoundError::NeedsName(_) => failed(&error).hint(format!("countersign resource {kind} NAME")),
        FoundError::NotThere(_) => failed(&error).hint(format!("countersign describe {kind}")),
        FoundError::Host(_) | FoundError::Tool(_) => failed(&error),
    })?;
    if all.is_empty() {
        let name =
            args.name.as_deref().map_or_else(String::new, |name| format!(" `{}`", name.escape_default()));
        return Err(Failure::refused(format!("there is no {kind}{name} on this machine")));
    }
    ui.raw(module(kind, &all).as_bytes())
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::refused(format!("there is no resource type `{}`", name.escape_default()));
    let near = did_you_mean(name, Kind::ALL.map(Kind::name));
    failure.hint(near.map_or("countersign describe".into(), |near| format!("countersign describe {near}")))
}

/// The text of a module with these resources.
fn module(kind: Kind, all: &[Found]) -> String {
    let mut resources = Table::new();
    resources.set_implicit(true);
    for found in all {
        let mut table = Table::new();
        for (name, said) in &found.attributes {
            table.insert(name, Item::Value(value(said)));
        }
        resources.insert(&found.title, Item::Table(table));
    }
    let mut document = DocumentMut::new();
    document.insert(kind.name(), Item::Table(resources));
    document.to_string()
}

fn value(said: &Said) -> Value {
    match said {
        Said::Text(text) => Value::from(text.as_str()),
        Said::Texts(texts) => Value::Array(texts.iter().map(String::as_str).collect::<Array>()),
        Said::Number(number) => Value::from(*number),
        Said::Bool(value) => Value::from(*value),
        Said::Table(table) => {
            Value::InlineTable(table.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect())
        }
        Said::Settings(settings) => {
            let list =
                |texts: &Vec<String>| Value::Array(texts.iter().map(String::as_str).collect::<Array>());
            Value::InlineTable(settings.iter().map(|(name, texts)| (name.as_str(), list(texts))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EnvName, Tree};

    /// What is below `root`, after the module that says so was compiled.
    fn check(root: &std::path::Path, kind: Kind, name: Option<&str>, expected: &str) {
        let host = Host::open(root).unwrap();
        let text = module(kind, &found(&host, kind, name).unwrap());
        assert_eq!(text, expected, "{kind}");
        compiles(&text);
    }

    fn compiles(text: &str) {
        let mut tree = Tree::default();
        let mut add = |path: &str, text: &str| tree.insert(path, text.as_bytes().to_vec()).unwrap();
        add("countersign.toml", "name = 'x'\n[defaults]\ninclude = ['m']\n");
        add("nodes/n.toml", "");
        add("modules/m/module.toml", text);
        let environment: EnvName = "production".parse().unwrap();
        let site = crate::module::load(&tree).unwrap_or_else(|findings| panic!("{findings:#?}\n{text}"));
        crate::module::compile(&site, &environment)
            .unwrap_or_else(|findings| panic!("{findings:#?}\n{text}"));
    }

    #[test]
    fn what_is_there_is_a_module_that_compiles() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for folder in ["etc", "home/web/.ssh", "proc/self"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let put = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
        put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:The \"web\",,,:/home/web:/bin/false\n");
        put("etc/group", "root:x:0:\nweb:x:33:\nadm:x:4:web\n");
        put("etc/hosts", "127.0.0.1 localhost\n192.0.2.7 db1.example db1 # primary\n");
        put("etc/fstab", "LABEL=d /srv/my\\040data ext4 noatime 0 2\n/dev/vdb none swap sw 0 0\n");
        put("proc/self/mountinfo", "36 35 98:0 / /srv/my\\040data rw - ext4 /dev/sdb rw\n");
        put("proc/modules", "br_netfilter 1 0 - Live 0x0\n");
        put("etc/hostname", "web1\n");
        put(
            "home/web/.ssh/authorized_keys",
            "restrict,from=\"a b\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICkFxq1hTyi7AYXRXYOtbGKPHrOkU6Ys91GjQkVCsVMS a@b\n",
        );
        std::os::unix::fs::symlink("/usr/share/zoneinfo/Etc/UTC", root.join("etc/localtime")).unwrap();
        let web = "[user.web]\nuid = 33\ngid = \"web\"\ngroups = [\"adm\"]\ncomment = 'The \"web\",,,'\nhome = \"/home/web\"\nshell = \"/bin/false\"\n";
        check(root, Kind::User, Some("web"), web);
        check(root, Kind::Group, Some("adm"), "[group.adm]\ngid = 4\n");
        check(
            root,
            Kind::Host,
            Some("db1.example"),
            "[host.\"db1.example\"]\nip = \"192.0.2.7\"\nhost_aliases = [\"db1\"]\ncomment = \"primary\"\n",
        );
        check(
            root,
            Kind::Mount,
            None,
            "[mount.\"/srv/my data\"]\nensure = \"mounted\"\ndevice = \"LABEL=d\"\nfstype = \"ext4\"\noptions = \"noatime\"\ndump = 0\npass = 2\n",
        );
        check(root, Kind::Swap, None, "[swap.\"/dev/vdb\"]\noptions = \"sw\"\n");
        check(root, Kind::KernelModule, None, "[kernel_module.br_netfilter]\nensure = \"present\"\n");
        check(root, Kind::Hostname, None, "[hostname.web1]\n");
        check(root, Kind::Timezone, None, "[timezone.\"Etc/UTC\"]\n");
        check(
            root,
            Kind::SshAuthorizedKey,
            None,
            "[ssh_authorized_key.\"a@b\"]\nuser = \"web\"\ntype = \"ssh-ed25519\"\nkey = \"AAAAC3NzaC1lZDI1NTE5AAAAICkFxq1hTyi7AYXRXYOtbGKPHrOkU6Ys91GjQkVCsVMS\"\noptions = [\"restrict\", 'from=\"a b\"']\n",
        );
        check(
            root,
            Kind::File,
            Some("/etc/hostname"),
            "[file.\"/etc/hostname\"]\nensure = \"file\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\ncontent = \"\"\"\nweb1\n\"\"\"\n",
        );
        check(root, Kind::File, Some("/none"), "[file.\"/none\"]\nensure = \"absent\"\n");
    }

    #[test]
    fn services_crontabs_units_and_repositories_are_modules_that_compile() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for folder in
            ["etc/default", "etc/init.d", "etc/rc2.d", "etc/systemd/system", "etc/apt/sources.list.d"]
        {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::create_dir_all(root.join("var/spool/cron/crontabs")).unwrap();
        let put = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
        put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        put("etc/group", "root:x:0:\n");
        put(
            "var/spool/cron/crontabs/root",
            "*/5 1 * * mon /bin/a \"b\"\n# Countersign Name: job\nA=1\n@daily /bin/job\n@daily /bin/{{x\n",
        );
        check(
            root,
            Kind::Cron,
            None,
            "[cron.'/bin/a \"b\"']\ncommand = '/bin/a \"b\"'\nuser = \"root\"\nminute = \"*/5\"\nhour = \"1\"\nweekday = \"mon\"\n\n\
             [cron.job]\ncommand = \"/bin/job\"\nuser = \"root\"\nspecial = \"daily\"\nenvironment = { A = \"1\" }\n",
        );
        put("etc/default/locale", "LANG=de_DE.UTF-8\nLC_TIME=C.UTF-8\n");
        check(root, Kind::Locale, None, "[locale.\"de_DE.UTF-8\"]\nvariables = { LC_TIME = \"C.UTF-8\" }\n");
        put("etc/systemd/system/a.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n");
        check(
            root,
            Kind::SystemdUnit,
            None,
            "[systemd_unit.\"a.timer\"]\ntimer = { OnCalendar = [\"daily\"] }\ninstall = { WantedBy = [\"timers.target\"] }\n",
        );
        put(
            "etc/apt/sources.list.d/x.sources",
            "Types: deb\nURIs: https://deb.example\nSuites: a\nComponents: main\nSigned-By: /usr/share/keyrings/x.gpg\n",
        );
        check(
            root,
            Kind::AptRepository,
            None,
            "[apt_repository.x]\ntypes = [\"deb\"]\nuris = [\"https://deb.example\"]\nsuites = [\"a\"]\ncomponents = [\"main\"]\nsigned_by = \"/usr/share/keyrings/x.gpg\"\n",
        );
        put("etc/init.d/x", "");
        std::os::unix::fs::symlink("../init.d/x", root.join("etc/rc2.d/S01x")).unwrap();
        check(root, Kind::Service, None, "[service.x]\nenable = true\n");
    }

    #[test]
    fn this_machine_as_a_module_compiles() {
        let host = Host::open(std::path::Path::new("/")).unwrap();
        for kind in [Kind::User, Kind::Group, Kind::Package, Kind::Host, Kind::Timezone] {
            let all = found(&host, kind, None).unwrap();
            assert!(kind == Kind::Host || !all.is_empty(), "{kind}");
            compiles(&module(kind, &all));
        }
    }

    #[test]
    fn what_a_machine_does_not_tell_is_refused_with_the_command_that_comes_next() {
        for (kind, hint) in
            [("exec", "describe exec"), ("file", "resource file NAME"), ("usr", "describe user")]
        {
            let args = Args { kind: kind.into(), name: None, root: "/".into() };
            let failure = run(&args, &mut Ui::captured().0).unwrap_err();
            assert!(failure.to_string().ends_with(hint), "{failure}");
        }
    }
}
