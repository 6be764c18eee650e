//! What programs that nobody here wrote say about what the demo made: `ssh-keygen`, `git fsck`, `git clone`.

use super::prepare::{Fleet, must, text};
use super::stage::{Expect, Stage};
use super::world::finish;
use crate::cli::Failure;
use std::fs::File;

/// The releases of the demo and who signed each.
const SIGNED: [(u64, &str); 4] = [(1, "alice"), (1, "bob"), (2, "alice"), (2, "bob")];

/// Lets stock tools check approvals and repository.
pub(super) fn agree(fleet: &Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("Stock tools agree")?;
    for (seq, person) in SIGNED {
        let place = fleet.server().join(format!("publish/release/production/{seq}"));
        let mut verify = fleet.world.program("ssh-keygen", &fleet.world.dir);
        verify.args(["-Y", "verify", "-f", "trust/allowed_signers", "-I", person]);
        verify
            .args(["-n", "release.v1@countersign.dev", "-s"])
            .arg(place.join(format!("sig.d/{person}.sig")));
        let output = finish(verify.stdin(File::open(place.join("statement.json"))?))?;
        stage.show(&format!("ssh-keygen -Y verify -I {person} …     # release {seq}"), &output)?;
        stage.judge("ssh-keygen accepts an approval", &output, Expect::Success("Good"));
    }
    let repository = fleet.server().join("site.git");
    let output = finish(&mut fleet.world.git(&repository, &["fsck", "--strict", "--no-dangling"]))?;
    stage.show("git fsck --strict", &output)?;
    stage.judge("git finds the repository sound", &output, Expect::Success(""));
    let (from, to) = (text(&repository), text(&fleet.world.path("mirror.git")));
    must(finish(&mut fleet.world.git(&fleet.world.dir, &["clone", "-q", "--mirror", &from, &to]))?)?;
    let refs = |place: &str| finish(&mut fleet.world.git(place.as_ref(), &["for-each-ref"]));
    let same = refs(&from)?.stdout == refs(&to)?.stdout;
    stage.judge_that("a mirror clone is the whole record", "whole", same);
    Ok(())
}
