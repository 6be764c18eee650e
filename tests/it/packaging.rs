//! The Debian package: made by dpkg-deb alone, complete, and starting nothing.

use crate::support::{clean, ok, repository};

#[test]
fn the_debian_package_is_complete_and_starts_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_countersign");
    let mut build = clean("bash");
    build
        .arg(repository().join("scripts/package-deb"))
        .arg(scratch.path())
        .envs([("BINARY", binary), ("DPKG_DEB_COMPRESSOR_TYPE", "none")]);
    let package = ok(&mut build);
    let listing = ok(clean("dpkg-deb").arg("--contents").arg(package.trim()));
    for file in [
        "./usr/bin/countersign",
        "./lib/systemd/system/countersign-agent.service",
        "./lib/systemd/system/countersign-server.service",
        "./etc/default/countersign-agent",
        "./usr/share/man/man1/countersign-agent-run.1.gz",
        "./usr/share/bash-completion/completions/countersign",
    ] {
        assert!(listing.lines().any(|line| line.ends_with(file)), "{file} is missing\n{listing}");
    }
    assert!(listing.lines().all(|line| line.contains(" root/root ")), "{listing}");
    let control = scratch.path().join("control");
    ok(clean("dpkg-deb").arg("--control").arg(package.trim()).arg(&control));
    for script in ["postinst", "prerm", "postrm"] {
        let text = std::fs::read_to_string(control.join(script)).unwrap();
        let starts = ["systemctl start", "systemctl enable", "systemctl restart", "invoke-rc.d"];
        assert!(starts.iter().all(|word| !text.contains(word)), "{script} starts something");
    }
}
