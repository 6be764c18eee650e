//! The same intents in resources that run no command: what a file, package, service or account resource
//! does by itself.

use super::catalog::Raw;
use super::guard::{self, Rules, Setting, Subject};
use crate::model::resource::{
    Enable, File, FileEnsure, Package, PackageEnsure, Service, ServiceEnsure, User,
};
use crate::shell::Value;

/// What a file resource does besides its content.
pub(super) fn file(rules: &Rules, file: &File) -> Vec<Raw> {
    let mut found = Vec::new();
    let class = |path: &str, below: bool| guard::path_class(rules, path, below);
    let raw = |rule: &str, attr: &'static str| Raw::of(rules, rule, &file.path, attr);
    if file.ensure == FileEnsure::Absent && class(&file.path, file.force).is_some() {
        found.extend(raw("system-file-resource", "ensure"));
    }
    let sweeps = class(&format!("{}/*", file.path), true).is_some_and(|class| {
        !matches!(class, "base" | "system" | "private")
            || (file.path.matches('/').count() <= 2 && !file.path.ends_with(".d"))
    });
    if file.purge && sweeps {
        found.extend(raw("system-file-resource", "purge"));
    }
    let replaces = file.force && !matches!(file.ensure, FileEnsure::Directory | FileEnsure::Absent);
    if replaces && class(&file.path, true).is_some() {
        found.extend(raw("system-file-resource", "force"));
    }
    let changes = file.mode.is_some() || file.owner.is_some() || file.group.is_some();
    if file.recurse && changes && file.content.is_none() && file.ensure == FileEnsure::Directory && sweeps {
        found.extend(Raw::of(rules, "recursive-permissions", &file.path, "recurse"));
    }
    if let Some(mode) = &file.mode {
        if guard::sets_user_id(mode) {
            found.extend(raw("setuid-program", "mode"));
        }
        let argv = ["chmod", mode, &file.path].map(Value::text);
        found.extend(Raw::analysed(rules, &Subject::Argv(&argv), &Setting::default(), "mode"));
    }
    found.dedup_by(|a, b| a.rule == b.rule && a.attr == b.attr);
    found
}

/// What a package resource does.
pub(super) fn package(rules: &Rules, package: &Package) -> Vec<Raw> {
    let found = match &package.ensure {
        PackageEnsure::Absent | PackageEnsure::Purged if guard::is_essential(rules, &package.name) => {
            Raw::of(rules, "essential-package", &package.name, "ensure")
        }
        PackageEnsure::Latest => Raw::of(rules, "floating-version", &package.name, "ensure"),
        PackageEnsure::Absent
        | PackageEnsure::Purged
        | PackageEnsure::Present
        | PackageEnsure::Version(_)
        | PackageEnsure::Range(_) => None,
    };
    found.into_iter().collect()
}

/// What a service resource does.
pub(super) fn service(rules: &Rules, service: &Service) -> Vec<Raw> {
    let stopped = service.ensure == Some(ServiceEnsure::Stopped);
    let disabled = matches!(service.enable, Some(Enable::No | Enable::Mask));
    if !(stopped || disabled) {
        return Vec::new();
    }
    let attr = if stopped { "ensure" } else { "enable" };
    if guard::is_security_service(rules, &service.name) {
        return Raw::of(rules, "security-service", &service.name, attr).into_iter().collect();
    }
    let argv = ["systemctl", "stop", &service.name].map(Value::text);
    Raw::analysed(rules, &Subject::Argv(&argv), &Setting::default(), attr)
}

/// What an account resource does.
pub(super) fn user(rules: &Rules, user: &User) -> Vec<Raw> {
    let changes =
        user.absent || user.uid.is_some_and(|uid| uid != 0) || user.shell.is_some() || user.home.is_some();
    if user.name == "root" && changes {
        let attr = if user.absent { "ensure" } else { "name" };
        return Raw::of(rules, "root-account", &user.name, attr).into_iter().collect();
    }
    if user.name == "root" && user.password.is_some() {
        return Raw::of(rules, "account-damage", &user.name, "password").into_iter().collect();
    }
    if user.name != "root" && user.uid == Some(0) {
        return Raw::of(rules, "backdoor", &user.name, "uid").into_iter().collect();
    }
    Vec::new()
}
