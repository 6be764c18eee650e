//! Arguments that mean something only on a closer look: what is installed from where, firewall rules
//! that lock everybody out, resources of other configuration tools.

use super::accounts;
use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::special::file_content;
use super::table::Check;
use crate::shell::run::{Call, State};
use crate::shell::{Source, Span, Value};

/// Looks closer at some arguments.
pub(super) fn check(
    analysis: &mut Analysis<'_>,
    check: Check,
    selected: &[(Value, Span)],
    call: &Call<'_>,
    state: &mut State,
) {
    match check {
        Check::Selections => return selections(analysis, call),
        Check::Verified => return state.trust_downloads(),
        Check::Compared if call.stdin.has(Source::Digest) => return state.trust_downloads(),
        Check::Compared => return,
        Check::Installs
        | Check::PlainHttp
        | Check::RemoteSource
        | Check::RemoteManifest
        | Check::SuffixRemoval
        | Check::UidZero
        | Check::AdminGroup => {}
    }
    for (value, span) in selected {
        let text = value.code();
        let found = match check {
            Check::Installs => {
                file_content(value, state).has(Source::Remote).then_some((Kind::UnverifiedCode, "download"))
            }
            Check::PlainHttp => ["http://", "ftp://"]
                .iter()
                .any(|p| text.starts_with(p) && !text[p.len()..].starts_with("localhost"))
                .then_some((Kind::UnverifiedCode, "package")),
            Check::SuffixRemoval => {
                let name = text.split(['/', '=']).next().unwrap_or("");
                if let Some(removed) = name.strip_suffix('-').filter(|n| !n.is_empty()) {
                    removes_package(analysis, removed, *span);
                }
                None
            }
            Check::Selections | Check::Verified | Check::Compared => None,
            Check::RemoteSource => {
                let remote = ["http://", "https://", "git+", "ftp://"].iter().any(|p| text.starts_with(p));
                remote.then_some((Kind::UnverifiedCode, "package"))
            }
            Check::RemoteManifest => ["http://", "https://"]
                .iter()
                .any(|p| text.starts_with(p))
                .then_some((Kind::UnverifiedCode, "manifest")),
            Check::UidZero => (text.trim_start_matches('0').is_empty() && !text.is_empty())
                .then_some((Kind::Backdoor, "account")),
            Check::AdminGroup => {
                accounts::joined(analysis, &text, *span);
                None
            }
        };
        if let Some((kind, class)) = found {
            analysis.add(Effect::new(kind, class, text, *span));
        }
    }
}

/// `dpkg --set-selections`: packages that go with the next run.
fn selections(analysis: &mut Analysis<'_>, call: &Call<'_>) {
    if call.stdin.has_dynamic() && !call.stdin.has(Source::File) {
        return removes_package(analysis, "*", call.span);
    }
    for line in call.stdin.code().lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some("purge" | "deinstall" | "remove")) = (words.next(), words.next()) {
            removes_package(analysis, name, call.span);
        }
    }
}

/// Notes that a package goes, if the machine cannot do without it.
pub(super) fn removes_package(analysis: &mut Analysis<'_>, name: &str, span: Span) {
    let plain = name.split([':', '=']).next().unwrap_or(name);
    let plain = plain.rsplit('/').next().unwrap_or(plain).trim_matches(['^', '$']).replace(".*", "*");
    let plain = plain.as_str();
    let rules = analysis.rules;
    if super::is_security_service(rules, plain) || matches!(plain, "audit" | "selinux-policy" | "aide") {
        analysis.add(Effect::new(Kind::Security, "package", name, span));
    }
    // A pattern, or a list that cannot be known, may be anything.
    let sweeping = plain.starts_with(['~', '?', '*']) || !plain.chars().all(|c| c.is_ascii_graphic()) || {
        let patterns = plain.contains(['*', '?']);
        patterns && rules.essential_packages.iter().any(|e| crate::shell::run::matches(plain, e))
    };
    let class = if sweeping || super::is_essential(rules, plain) { "essential" } else { "optional" };
    analysis.add(Effect::new(Kind::PackageRemoval, class, name, span));
}

/// `git clone URL` without a directory.
pub(super) fn clone_directory(url: &Value) -> Value {
    let base = url.suffix().trim_end_matches('/').rsplit('/').next().unwrap_or("");
    Value::text(base.trim_end_matches(".git"))
}
