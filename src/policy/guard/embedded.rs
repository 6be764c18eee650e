//! The files of `policies/` inside the binary. A test holds this list against the directory.

/// The rules.
pub(super) const RULES: &[(&str, &str)] = &[
    ("policies/access-service-stopped.toml", include_str!("../../../policies/access-service-stopped.toml")),
    ("policies/account-damage.toml", include_str!("../../../policies/account-damage.toml")),
    ("policies/analysis-limit.toml", include_str!("../../../policies/analysis-limit.toml")),
    ("policies/announced-restart.toml", include_str!("../../../policies/announced-restart.toml")),
    ("policies/backdoor.toml", include_str!("../../../policies/backdoor.toml")),
    ("policies/broad-waiver.toml", include_str!("../../../policies/broad-waiver.toml")),
    ("policies/data-destruction.toml", include_str!("../../../policies/data-destruction.toml")),
    ("policies/device-overwrite.toml", include_str!("../../../policies/device-overwrite.toml")),
    ("policies/essential-package.toml", include_str!("../../../policies/essential-package.toml")),
    ("policies/expired-waiver.toml", include_str!("../../../policies/expired-waiver.toml")),
    ("policies/floating-version.toml", include_str!("../../../policies/floating-version.toml")),
    ("policies/hidden-character.toml", include_str!("../../../policies/hidden-character.toml")),
    ("policies/invalid-policy.toml", include_str!("../../../policies/invalid-policy.toml")),
    ("policies/invalid-waiver.toml", include_str!("../../../policies/invalid-waiver.toml")),
    ("policies/kernel-code.toml", include_str!("../../../policies/kernel-code.toml")),
    ("policies/killed-processes.toml", include_str!("../../../policies/killed-processes.toml")),
    ("policies/log-removal.toml", include_str!("../../../policies/log-removal.toml")),
    ("policies/mount-over-system.toml", include_str!("../../../policies/mount-over-system.toml")),
    ("policies/network-lockout.toml", include_str!("../../../policies/network-lockout.toml")),
    ("policies/overwritten-system-file.toml", include_str!("../../../policies/overwritten-system-file.toml")),
    ("policies/package-removal.toml", include_str!("../../../policies/package-removal.toml")),
    ("policies/plaintext-secret.toml", include_str!("../../../policies/plaintext-secret.toml")),
    ("policies/power.toml", include_str!("../../../policies/power.toml")),
    ("policies/recursive-permissions.toml", include_str!("../../../policies/recursive-permissions.toml")),
    ("policies/recursive-removal.toml", include_str!("../../../policies/recursive-removal.toml")),
    ("policies/remote-code.toml", include_str!("../../../policies/remote-code.toml")),
    ("policies/resource-exhaustion.toml", include_str!("../../../policies/resource-exhaustion.toml")),
    ("policies/reverse-shell.toml", include_str!("../../../policies/reverse-shell.toml")),
    ("policies/root-account.toml", include_str!("../../../policies/root-account.toml")),
    ("policies/secret-disclosure.toml", include_str!("../../../policies/secret-disclosure.toml")),
    ("policies/secret-in-code.toml", include_str!("../../../policies/secret-in-code.toml")),
    ("policies/security-off.toml", include_str!("../../../policies/security-off.toml")),
    ("policies/security-service.toml", include_str!("../../../policies/security-service.toml")),
    ("policies/setuid-program.toml", include_str!("../../../policies/setuid-program.toml")),
    ("policies/system-file-resource.toml", include_str!("../../../policies/system-file-resource.toml")),
    ("policies/undetermined-code.toml", include_str!("../../../policies/undetermined-code.toml")),
    ("policies/undetermined-removal.toml", include_str!("../../../policies/undetermined-removal.toml")),
    ("policies/unknown-destruction.toml", include_str!("../../../policies/unknown-destruction.toml")),
    ("policies/unparsed-command.toml", include_str!("../../../policies/unparsed-command.toml")),
    ("policies/unreadable-script.toml", include_str!("../../../policies/unreadable-script.toml")),
    ("policies/unused-waiver.toml", include_str!("../../../policies/unused-waiver.toml")),
    ("policies/unverified-code.toml", include_str!("../../../policies/unverified-code.toml")),
    ("policies/volume-destruction.toml", include_str!("../../../policies/volume-destruction.toml")),
];

/// The tables of tools.
pub(super) const TOOLS: &[(&str, &str)] = &[
    ("policies/tools/accounts.toml", include_str!("../../../policies/tools/accounts.toml")),
    ("policies/tools/clusters.toml", include_str!("../../../policies/tools/clusters.toml")),
    ("policies/tools/configuration.toml", include_str!("../../../policies/tools/configuration.toml")),
    ("policies/tools/containers.toml", include_str!("../../../policies/tools/containers.toml")),
    ("policies/tools/data.toml", include_str!("../../../policies/tools/data.toml")),
    ("policies/tools/deferred.toml", include_str!("../../../policies/tools/deferred.toml")),
    ("policies/tools/disks.toml", include_str!("../../../policies/tools/disks.toml")),
    ("policies/tools/escapes.toml", include_str!("../../../policies/tools/escapes.toml")),
    ("policies/tools/fetch.toml", include_str!("../../../policies/tools/fetch.toml")),
    ("policies/tools/files.toml", include_str!("../../../policies/tools/files.toml")),
    ("policies/tools/firewall.toml", include_str!("../../../policies/tools/firewall.toml")),
    ("policies/tools/kernel.toml", include_str!("../../../policies/tools/kernel.toml")),
    ("policies/tools/languages.toml", include_str!("../../../policies/tools/languages.toml")),
    ("policies/tools/lists.toml", include_str!("../../../policies/tools/lists.toml")),
    ("policies/tools/load.toml", include_str!("../../../policies/tools/load.toml")),
    ("policies/tools/mounts.toml", include_str!("../../../policies/tools/mounts.toml")),
    ("policies/tools/network.toml", include_str!("../../../policies/tools/network.toml")),
    ("policies/tools/packages.toml", include_str!("../../../policies/tools/packages.toml")),
    ("policies/tools/plain.toml", include_str!("../../../policies/tools/plain.toml")),
    ("policies/tools/power.toml", include_str!("../../../policies/tools/power.toml")),
    ("policies/tools/security.toml", include_str!("../../../policies/tools/security.toml")),
    ("policies/tools/services.toml", include_str!("../../../policies/tools/services.toml")),
    ("policies/tools/tasks.toml", include_str!("../../../policies/tools/tasks.toml")),
    ("policies/tools/text.toml", include_str!("../../../policies/tools/text.toml")),
    ("policies/tools/wrappers.toml", include_str!("../../../policies/tools/wrappers.toml")),
];

/// What a machine cannot lose.
pub(super) const PATHS: &str = include_str!("../../../policies/paths.toml");
/// Files that are executed.
pub(super) const CONTENT: &str = include_str!("../../../policies/content.toml");
/// Resources of other configuration tools.
pub(super) const RESOURCES: &str = include_str!("../../../policies/resources.toml");
/// Other languages.
pub(super) const LANGUAGES: &str = include_str!("../../../policies/languages.toml");
/// Statements of databases and other services.
pub(super) const STATEMENTS: &str = include_str!("../../../policies/statements.toml");
