//! The good path: a change, its effect, two signatures, pull, push, and drift put back.

use super::prepare::{Fleet, NODES, must, text};
use super::stage::{Expect, Stage};
use super::world::finish;
use crate::cli::Failure;

/// The file that every node of the demo has.
const MOTD: &str = "etc/motd";

/// A change is proposed, read, signed twice; one agent pulls it and one is pushed.
pub(super) fn good_change(fleet: &mut Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("The agents pull release 1")?;
    fleet.await_timestamp(1)?;
    for node in NODES {
        let output = fleet.run_agent(node)?;
        if node == NODES[0] {
            stage.show_end("countersign agent run --test     # on edge1", &output, 12)?;
            stage.judge(
                "an agent pulls and applies release 1",
                &output,
                Expect::Changes("Applied catalog in"),
            );
        }
    }
    stage.act("A good change")?;
    fleet.refresh("frank")?;
    fleet.greet("frank", "Every change on this machine is countersigned.")?;
    let output = must(fleet.propose("frank", "Greet whoever logs in")?)?;
    stage.show("git push origin HEAD:refs/for/production     # frank", &output)?;
    let output = must(fleet.countersign("alice", &["review", "diff", "2"])?)?;
    stage.show("countersign review diff 2     # alice", &output)?;
    for reviewer in ["alice", "bob"] {
        let output = must(fleet.countersign(reviewer, &["approve", "2", "--yes"])?)?;
        stage.show_end(&format!("countersign approve 2 --yes     # {reviewer}"), &output, 6)?;
    }
    fleet.await_timestamp(2)?;
    let output = fleet.run_agent(NODES[0])?;
    stage.show("countersign agent run --test     # on edge1: it pulls", &output)?;
    stage.judge("the approved change is pulled and applied", &output, Expect::Changes("Applied catalog in"));
    pushed(fleet, stage)
}

/// An operator pushes to one agent that stays connected.
fn pushed(fleet: &mut Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("An operator pushes")?;
    let (root, state) = (text(&fleet.node_root(NODES[1])), text(&fleet.node_state(NODES[1])));
    let args = ["agent", "daemon", "--verbose", "--interval", "1h", "--root", &root, "--state", &state];
    let daemon = fleet.world.countersign(&fleet.world.dir, &args);
    fleet.world.start("daemon", daemon, "The first run comes")?;
    let key = text(&fleet.world.path("keys/olga"));
    let args = ["push", "-I", NODES[1], "--server", &fleet.url, "--key", &key, "--operator", "olga"];
    let output = finish(&mut fleet.world.countersign(&fleet.clone_of("alice"), &args))?;
    stage.show("countersign push -I edge2.example --operator olga …", &output)?;
    stage.judge("a push converges a connected node", &output, Expect::Success(NODES[1]));
    let motd = std::fs::read_to_string(fleet.node_root(NODES[1]).join(MOTD)).unwrap_or_default();
    stage.judge_that("the pushed node has the new file", "there", motd.contains("countersigned"));
    Ok(())
}

/// Somebody edits a managed file on a node; the next run puts it back.
pub(super) fn drift(fleet: &Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("Drift heals")?;
    let path = fleet.node_root(NODES[0]).join(MOTD);
    std::fs::write(&path, "free beer\n").map_err(|e| Failure::io("cannot write", &path, &e))?;
    stage.command("echo 'free beer' > /etc/motd     # on edge1")?;
    let output = fleet.run_agent(NODES[0])?;
    stage.show("countersign agent run --test", &output)?;
    stage.judge("drift is put back", &output, Expect::Changes("corrective"));
    let output = fleet.run_agent(NODES[0])?;
    stage.judge("a run with nothing to do changes nothing", &output, Expect::Success("Applied catalog in"));
    Ok(())
}
