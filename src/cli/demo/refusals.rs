//! What is refused before anybody is asked to sign: bad commands at push, and signing one's own work.

use super::prepare::Fleet;
use super::stage::{Expect, Stage};
use crate::cli::Failure;

/// The same wish in three disguises, as resources of a module. Nothing ever runs them: they are parsed and refused.
const DISGUISES: [(&str, &str); 3] = [
    (
        "`rm -rf /` in a variable is refused",
        "[exec.tidy]\nprovider = \"shell\"\ncommand = \"cmd=rm; $cmd -rf /\"\n",
    ),
    (
        "`rm -rf /` behind base64 is refused",
        "[exec.tidy]\nprovider = \"shell\"\ncommand = \"echo cm0gLXJmIC8K | base64 -d | sh\"\n",
    ),
    (
        "a wiped disk in a cron job behind wrappers is refused",
        "[cron.tidy]\ncommand = \"nice timeout 60 sh -c 'find / -xdev -delete'\"\nhour = 3\nminute = 0\n",
    ),
];

/// A node that includes the module.
const NODE: &str = "groups = [\"edge\"]\ninclude = [\"tidy\"]\n\n[facts]\nsite = \"leipzig\"\n";

/// Three pushes that the policy refuses.
pub(super) fn at_push(fleet: &Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("`rm -rf /` in three disguises")?;
    let before = refs(fleet)?;
    for (what, resource) in DISGUISES {
        fleet.refresh("frank")?;
        let module = format!("description = \"Tidy up\"\n\n{resource}");
        fleet.write("frank", "modules/tidy/module.toml", &module)?;
        fleet.write("frank", "nodes/edge3.example.toml", NODE)?;
        let output = fleet.propose("frank", "Tidy up")?;
        stage.show("git push origin HEAD:refs/for/production     # frank", &output)?;
        stage.judge(what, &output, Expect::Refusal(1, "modules/tidy/module.toml"));
    }
    fleet.refresh("frank")?;
    stage.judge_that("a refused push leaves no ref behind", "nothing", refs(fleet)? == before);
    Ok(())
}

/// A reviewer proposes a change and tries to approve it.
pub(super) fn self_approval(fleet: &Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("Nobody approves their own work")?;
    fleet.refresh("alice")?;
    fleet.greet("alice", "Alice was here.")?;
    let output = fleet.propose("alice", "Leave a mark")?;
    stage.show("git push origin HEAD:refs/for/production     # alice", &output)?;
    let output = fleet.countersign("alice", &["approve", "3", "--yes"])?;
    stage.show("countersign approve 3     # alice", &output)?;
    stage.judge("an author cannot approve their own change", &output, Expect::Refusal(1, "alice"));
    Ok(())
}

fn refs(fleet: &Fleet) -> Result<Vec<u8>, Failure> {
    let repository = fleet.server().join("site.git");
    let output = super::world::finish(&mut fleet.world.git(&repository, &["for-each-ref"]))?;
    Ok(output.stdout)
}
