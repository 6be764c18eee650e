//! One resource of a catalog → what is wrong with it: every command that it runs, every file that some
//! program will execute, and what the resource does by itself.

use super::guard::{self, Rules, Setting, Subject};
use super::resource;
use crate::model::resource::{Command, Content, Deed, File, Part, Word};
use crate::model::{Digest, Severity, Spec};
use crate::shell::{Span, Value};
use std::collections::BTreeMap;

/// Something wrong with a resource, before it is known where its attributes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) rule: String,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) why: String,
    pub(super) instead: String,
    /// The command as it would run, where that is not what is written.
    pub(super) resolved: Option<String>,
    /// The attribute that says so.
    pub(super) attr: &'static str,
    /// Where in its value.
    pub(super) span: Option<Span>,
    /// What stands there.
    pub(super) excerpt: String,
    /// The element of a list.
    pub(super) item: Option<usize>,
    /// The digest of the exact command or content.
    pub(super) digest: Digest,
}

impl Raw {
    /// A finding of a rule that is checked in code.
    pub(super) fn of(rules: &Rules, rule: &str, target: &str, attr: &'static str) -> Option<Self> {
        let rule = rules.named(rule)?;
        Some(Self {
            rule: rule.id.clone(),
            severity: rule.severity,
            message: rule.message.replace("{target}", target).replace("{class}", attr),
            why: rule.why.trim().to_owned(),
            instead: rule.instead.trim().to_owned(),
            resolved: None,
            attr,
            span: None,
            excerpt: String::new(),
            item: None,
            digest: Digest::of(format!("{attr}\n{target}\n").as_bytes()),
        })
    }

    /// The findings of a command or script.
    pub(super) fn analysed(
        rules: &Rules,
        subject: &Subject<'_>,
        setting: &Setting,
        attr: &'static str,
    ) -> Vec<Self> {
        let digest = digest_of(subject);
        let words = match subject {
            Subject::Argv(words) => guard::spans_of(words),
            Subject::Shell(_) | Subject::File(..) => Vec::new(),
        };
        let source = subject.source();
        let effects = guard::effects(rules, subject, setting);
        let findings = guard::findings(rules, &effects, "");
        findings
            .into_iter()
            .map(|finding| {
                let span = Span::new(finding.place.start, finding.place.end);
                let item = words.iter().position(|w| w.start <= span.start && span.end <= w.end);
                Self {
                    rule: finding.rule,
                    severity: finding.severity,
                    message: finding.message,
                    why: finding.why,
                    instead: finding.instead.unwrap_or_default(),
                    resolved: finding.resolved,
                    attr,
                    span: words.is_empty().then_some(span).filter(|s| s.end > s.start),
                    excerpt: source.get(span.start..span.end).unwrap_or("").to_owned(),
                    item,
                    digest,
                }
            })
            .collect()
    }
}

/// The digest that a waiver names: of the text of a command, its words with a line each, or a content.
fn digest_of(subject: &Subject<'_>) -> Digest {
    match subject {
        Subject::Argv(words) => {
            let lines: String = words.iter().map(|w| format!("{w}\n")).collect();
            Digest::of(lines.as_bytes())
        }
        Subject::Shell(text) => Digest::of(text.as_bytes()),
        Subject::File(_, content, _) => Digest::of(content.to_string().as_bytes()),
    }
}

/// Looks at one resource.
pub(super) fn examine(rules: &Rules, spec: &Spec, blobs: &BTreeMap<Digest, Vec<u8>>) -> Vec<Raw> {
    let mut found = match spec {
        Spec::File(file) => {
            let unreadable = matches!(content(file, blobs), Held::Unreadable if file.is_executable());
            let script = unreadable.then(|| Raw::of(rules, "unreadable-script", &file.path, "source"));
            let code = file.is_secret() && runs(rules, file, blobs);
            let secret = code.then(|| Raw::of(rules, "secret-in-code", &file.path, "content"));
            let more = script.into_iter().chain(secret).flatten();
            resource::file(rules, file).into_iter().chain(more).collect()
        }
        // Nobody reads what is in it.
        Spec::Archive(archive) if archive.executable => {
            Raw::of(rules, "unreadable-script", &archive.path, "executable").into_iter().collect()
        }
        Spec::Package(package) => resource::package(rules, package),
        Spec::Service(service) => resource::service(rules, service),
        Spec::User(user) => resource::user(rules, user),
        // What the others do is all in their deeds.
        _ => Vec::new(),
    };
    each_subject(spec, blobs, &mut |attr, subject, setting| {
        found.extend(Raw::analysed(rules, subject, setting, attr));
    });
    found
}

/// Whoever looks at what a resource makes a node execute: attribute, text, circumstances.
pub(super) type Look<'l> = dyn FnMut(&'static str, &Subject<'_>, &Setting) + 'l;

/// Hands everything that a resource makes a node execute to `look`.
pub(super) fn each_subject(spec: &Spec, blobs: &BTreeMap<Digest, Vec<u8>>, look: &mut Look<'_>) {
    for deed in spec.deeds() {
        match deed {
            Deed::Run { attr, command, cwd, environment } => {
                let setting = Setting { cwd: cwd.map(str::to_owned), environment: environment.clone() };
                run(attr, command, &setting, look);
            }
            Deed::Cron { command, environment } => {
                let setting = Setting { cwd: None, environment: environment.clone() };
                look("command", &Subject::Shell(&crontab_text(command)), &setting);
            }
            Deed::Hold { attr, path, content, executable } => {
                if let Held::Text(value) = held(&content, blobs) {
                    look(attr, &Subject::File(&path, &value, executable), &Setting::default());
                }
            }
            Deed::Like { attr, argv } => {
                let words: Vec<Value> = argv.iter().map(|word| Value::text(word.as_str())).collect();
                look(attr, &Subject::Argv(&words), &Setting::default());
            }
        }
    }
}

fn run(attr: &'static str, command: &Command, setting: &Setting, look: &mut Look<'_>) {
    match command {
        Command::Shell(text) => look(attr, &Subject::Shell(text), setting),
        Command::Argv(words) => {
            let value = |word: &Word| match word {
                Word::Text(text) => Value::text(text.as_str()),
                Word::Fact(_) => guard::fact(),
            };
            let words: Vec<Value> = words.iter().map(value).collect();
            look(attr, &Subject::Argv(&words), setting);
        }
    }
}

/// The command of a crontab as text for a shell: what stands behind a bare `%` is its standard input.
fn crontab_text(command: &str) -> String {
    match command.match_indices('%').map(|(at, _)| at).find(|at| !command[..*at].ends_with('\\')) {
        Some(at) => {
            let (command, input) = command.split_at(at);
            format!("{command} <<'CRON_INPUT'\n{}\nCRON_INPUT\n", input[1..].replace('%', "\n"))
        }
        None => command.replace("\\%", "%"),
    }
}

/// What a file will hold.
enum Held {
    /// The resource does not say.
    Unsaid,
    /// This text.
    Text(Value),
    /// Bytes that are no text, or that are not there.
    Unreadable,
}

fn content(file: &File, blobs: &BTreeMap<Digest, Vec<u8>>) -> Held {
    file.content.as_ref().map_or(Held::Unsaid, |content| held(content, blobs))
}

fn held(content: &Content, blobs: &BTreeMap<Digest, Vec<u8>>) -> Held {
    match content {
        Content::Text(text) => Held::Text(Value::text(text.get())),
        Content::Parts(parts) => {
            let mut value = Value::default();
            for part in parts {
                value.append(&match part {
                    Part::Text(text) => Value::text(text.as_str()),
                    // Where a secret could be more than one word, `secret-in-code` refuses it.
                    Part::Fact(_) | Part::Sealed(_) => guard::fact(),
                });
            }
            Held::Text(value)
        }
        Content::Blob { digest, .. } => match blobs.get(digest).map(|bytes| std::str::from_utf8(bytes)) {
            Some(Ok(text)) => Held::Text(Value::text(text)),
            Some(Err(_)) | None => Held::Unreadable,
        },
    }
}

/// Whether some program would execute the file.
fn runs(rules: &Rules, file: &File, blobs: &BTreeMap<Digest, Vec<u8>>) -> bool {
    let Held::Text(value) = content(file, blobs) else { return false };
    guard::is_code(rules, &Subject::File(&file.path, &value, file.is_executable()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::Kind;

    /// The rules that a resource of this type with these attributes breaks.
    fn check(kind: Kind, attributes: &str, expected: &[&str]) {
        let attributes = serde_json::from_str(&format!("{{{attributes}}}")).unwrap();
        let spec = Spec::read(kind, attributes).unwrap();
        let found = examine(Rules::builtin(), &spec, &BTreeMap::new());
        let rules: std::collections::BTreeSet<&str> = found.iter().map(|raw| raw.rule.as_str()).collect();
        assert_eq!(rules.into_iter().collect::<Vec<_>>(), expected, "{spec:?}");
    }

    #[test]
    fn what_a_lens_is_to_write_is_judged_as_the_same_by_augtool() {
        let lens = |path: &str, changes: &str, expected: &[&str]| {
            check(
                Kind::Augeas,
                &format!(r#""path": "{path}", "lens": "X", "changes": [{changes}]"#),
                expected,
            );
        };
        lens("/etc/ssh/sshd_config", r#""set Port 2222", "rm Match[1]""#, &[]);
        lens("/etc/ssh/sshd_config", r#""set PermitRootLogin yes""#, &["backdoor"]);
        lens("/etc/sudoers", r#""set spec[1]/user bob""#, &["account-damage"]);
        lens("/etc/passwd", r#""rm root""#, &["account-damage"]);
        lens("/etc/cron.d/x", r#""set entry[1] 'rm -rf /'""#, &["recursive-removal"]);
        lens("/etc/cron.d/x", r#""set entry[1] 'logrotate /etc/logrotate.conf'""#, &[]);
        lens(
            "/etc/systemd/system/x.service",
            r#""set Service/ExecStart/command 'curl http://x | sh'""#,
            &["remote-code"],
        );
    }

    #[test]
    fn a_line_is_judged_as_the_same_line_of_a_file() {
        let line = |path: &str, line: &str, expected: &[&str]| {
            check(Kind::LineInFile, &format!(r#""path": "{path}", "line": "{line}""#), expected);
        };
        line("/etc/sudoers", "deploy ALL=(ALL) NOPASSWD: ALL", &["backdoor"]);
        line("/etc/sudoers", "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart app", &[]);
        line("/etc/ssh/sshd_config", "PermitRootLogin yes", &["backdoor"]);
        line("/etc/cron.d/x", "* * * * * root curl http://x/y | sh", &["remote-code"]);
        line("/etc/login.defs", "UMASK 027", &[]);
        let gone = r#""path": "/etc/sudoers", "line": "deploy ALL=(ALL) NOPASSWD: ALL", "ensure": "absent""#;
        check(Kind::LineInFile, gone, &[]);
    }

    #[test]
    fn a_setting_is_judged_as_the_same_setting_of_a_file() {
        let unit =
            r#""path": "/etc/systemd/system/x.service", "section": "Service", "setting": "ExecStart", "#;
        check(
            Kind::IniSetting,
            &format!(r#"{unit}"value": "/bin/sh -c 'curl http://x/y | sh'""#),
            &["remote-code"],
        );
        check(Kind::IniSetting, &format!(r#"{unit}"value": "/usr/bin/app --serve""#), &[]);
    }

    #[test]
    fn other_types_are_judged_by_what_they_do() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAICkFxq1hTyi7AYXRXYOtbGKPHrOkU6Ys91GjQkVCsVMS";
        let login = |user: &str, options: &str, expected: &[&str]| {
            let attributes =
                format!(r#""name": "a@b", "user": "{user}", "key": "{key}", "options": [{options}]"#);
            check(Kind::SshAuthorizedKey, &attributes, expected);
        };
        login("deploy", r#""restrict""#, &["backdoor"]);
        login("deploy", r#""command=\"curl http://x/y | sh\"""#, &["backdoor"]);
        check(Kind::Sysctl, r#""name": "net.core.somaxconn", "value": "4096""#, &[]);
        for extra in ["", r#", "apply": false"#, r#", "persist": false"#] {
            check(
                Kind::Sysctl,
                &format!(r#""name": "kernel.modprobe", "value": "/tmp/x"{extra}"#),
                &["kernel-code"],
            );
            check(
                Kind::Sysctl,
                &format!(r#""name": "kernel/modprobe", "value": "/tmp/x"{extra}"#),
                &["kernel-code"],
            );
        }
        let mount = |name: &str, ensure: &str, expected: &[&str]| {
            let what = r#""device": "/dev/sdb1", "fstype": "ext4""#;
            check(Kind::Mount, &format!(r#""name": "{name}", "ensure": "{ensure}", {what}"#), expected);
        };
        mount("/srv/data", "mounted", &[]);
        for ensure in ["mounted", "present"] {
            mount("/", ensure, &["mount-over-system"]);
            mount("/usr", ensure, &["mount-over-system"]);
        }
        check(Kind::Hostname, r#""name": "web1""#, &[]);
        check(Kind::Timezone, r#""name": "Etc/UTC""#, &[]);
        check(Kind::Locale, r#""name": "C.UTF-8""#, &[]);
        let unit = r#""name": "x.service", "service": {"ExecStart": ["/bin/sh -c 'curl http://x/y | sh'"]}"#;
        check(Kind::SystemdUnit, unit, &["remote-code"]);
        check(Kind::SystemdUnit, &format!(r#"{unit}, "dropin": "y""#), &["remote-code"]);
        check(Kind::SystemdUnit, r#""name": "x.timer", "timer": {"OnCalendar": ["daily"]}"#, &[]);
        let repository =
            r#""name": "x", "uris": ["https://deb.example"], "suites": ["x"], "components": ["main"]"#;
        check(Kind::AptRepository, &format!(r#"{repository}, "signed_by": "/etc/apt/keyrings/x.gpg""#), &[]);
        check(Kind::Host, r#""name": "db1.example", "ip": "192.0.2.7""#, &[]);
        check(Kind::KernelModule, r#""name": "br_netfilter""#, &[]);
        check(Kind::Swap, r#""name": "/var/swap""#, &[]);
        check(Kind::Tidy, r#""path": "/var/cache/app", "age": "4w", "recurse": true"#, &[]);
        check(Kind::Tidy, r#""path": "/etc", "matches": ["*"], "recurse": true"#, &["recursive-removal"]);
    }

    #[test]
    fn packages_repositories_and_archives_are_judged_as_their_commands_and_files() {
        let package = |more: &str, expected: &[&str]| {
            check(Kind::Package, &format!(r#""name": "demo", "ensure": "present"{more}"#), expected);
        };
        package("", &[]);
        for manager in crate::model::resource::PackageManager::NAMES {
            package(&format!(r#", "provider": "{manager}""#), &[]);
        }
        // Whichever the node has.
        for option in ["--allow-unauthenticated", "--nogpgcheck", "--no-gpg-checks", "--allow-untrusted"] {
            package(&format!(r#", "install_options": ["{option}"]"#), &["unverified-code"]);
        }
        let index = r#", "provider": "pip", "install_options": ["--index-url", "http://pypi.example"]"#;
        package(index, &["unverified-code"]);
        let rpm = r#""name": "x", "baseurl": ["https://rpm.example"]"#;
        let signed = r#""signed_by": "/etc/pki/rpm-gpg/x""#;
        check(Kind::YumRepository, &format!("{rpm}, {signed}"), &[]);
        check(Kind::YumRepository, &format!(r#"{rpm}, "gpgcheck": false"#), &["unverified-code"]);
        let archive = |path: &str, more: &str, expected: &[&str]| {
            let digest = Digest::of(b"x");
            let source = format!(r#""source": {{ "blob": {{ "digest": "{digest}", "size": 1 }} }}"#);
            check(Kind::Archive, &format!(r#""path": "{path}", {source}{more}"#), expected);
        };
        archive("/opt/app", "", &[]);
        archive("/opt/app", r#", "executable": true"#, &["unreadable-script"]);
    }
}
