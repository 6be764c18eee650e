//! The server in an attacker's hands: every file that it serves and the timestamp key are theirs.
//!
//! Each attack is put in place of the good files, an agent runs against it, and the good files are put back.

use super::prepare::{Fleet, NODES, TIMESTAMPS};
use super::stage::{Expect, Stage};
use crate::cli::{Failure, clock};
use crate::model::{Digest, EnvName};
use crate::signing::document::{Document as _, read_untrusted};
use crate::signing::{SigningKey, Timestamp, sshsig};
use std::path::PathBuf;

/// Files and what is in them.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// An attack: its name in the table, what the attacker does, what the agent must answer.
struct Attack {
    what: &'static str,
    doing: &'static str,
    change: fn(&Fleet) -> Result<Files, Failure>,
    answer: &'static str,
}

const ATTACKS: [Attack; 4] = [
    Attack {
        what: "a release with one signature is refused",
        doing: "drop bob's signature from release 2",
        change: one_signature,
        answer: "THRESHOLD",
    },
    Attack {
        what: "an altered catalog is refused",
        doing: "alter one byte of the node's catalog",
        change: altered_catalog,
        answer: "CATALOG",
    },
    Attack {
        what: "another node's catalog is refused",
        doing: "hand edge2's leaf and catalog to edge3",
        change: other_node,
        answer: "WRONG_NODE",
    },
    Attack {
        what: "an older release is refused",
        doing: "sign a timestamp for release 1 with the server's key",
        change: older_release,
        answer: "ROLLBACK",
    },
];

/// The node that is attacked; all but the rollback reach it before it has accepted release 2.
const VICTIM: &str = NODES[2];

/// Plays every attack against an agent.
pub(super) fn evil_server(fleet: &mut Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("The server is in an attacker's hands")?;
    stage.say(
        "Everything that it serves can be replaced, and its timestamp key signs what the attacker likes.",
    )?;
    // The honest role would replace a forged timestamp within a second.
    fleet.world.stop(TIMESTAMPS)?;
    for attack in ATTACKS {
        if attack.answer == "ROLLBACK" {
            let output = fleet.run_agent(VICTIM)?;
            stage.judge(
                "between attacks, the honest release is applied",
                &output,
                Expect::Changes("Applied"),
            );
        }
        let before = motd(fleet);
        let good = replace((attack.change)(fleet)?)?;
        stage.command(&format!("# attacker: {}", attack.doing))?;
        let output = fleet.run_agent(VICTIM)?;
        stage.show("countersign agent run --test     # on edge3", &output)?;
        stage.judge(attack.what, &output, Expect::Refusal(1, attack.answer));
        stage.judge_that("  and the node is untouched", "untouched", motd(fleet) == before);
        replace(good)?;
    }
    Ok(())
}

fn motd(fleet: &Fleet) -> Option<Vec<u8>> {
    std::fs::read(fleet.node_root(VICTIM).join("etc/motd")).ok()
}

/// Puts new bytes into files and returns the old ones.
fn replace(files: Files) -> Result<Files, Failure> {
    let swap = |(path, bytes): (PathBuf, Vec<u8>)| {
        let old = read(&path)?;
        std::fs::write(&path, bytes).map_err(|e| Failure::io("cannot write", &path, &e))?;
        Ok((path, old))
    };
    files.into_iter().map(swap).collect()
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::io("cannot read", path, &e))
}

fn published(fleet: &Fleet, path: &str) -> PathBuf {
    fleet.server().join("publish").join(path)
}

fn one_signature(fleet: &Fleet) -> Result<Files, Failure> {
    let alone = read(&published(fleet, "release/production/2/sig.d/alice.sig"))?;
    let container = vec![String::from_utf8_lossy(&alone).into_owned()];
    Ok(vec![(published(fleet, "release/production/2/signatures.json"), serde_json::to_vec(&container)?)])
}

/// Where the catalog of a node is.
fn catalog_of(fleet: &Fleet, node: &str) -> Result<PathBuf, Failure> {
    let leaf = read(&published(fleet, &format!("release/production/2/leaf/{node}.json")))?;
    let leaf: serde_json::Value = serde_json::from_slice(&leaf)?;
    let digest: Digest = leaf["catalog"].as_str().unwrap_or_default().parse()?;
    Ok(published(fleet, &format!("catalog/{}", digest.hex())))
}

fn altered_catalog(fleet: &Fleet) -> Result<Files, Failure> {
    let path = catalog_of(fleet, VICTIM)?;
    let text = String::from_utf8_lossy(&read(&path)?).replace("countersigned", "mallory's own");
    Ok(vec![(path, text.into_bytes())])
}

fn other_node(fleet: &Fleet) -> Result<Files, Failure> {
    let leaf = |node: &str| published(fleet, &format!("release/production/2/leaf/{node}.json"));
    Ok(vec![(leaf(VICTIM), read(&leaf(NODES[1]))?)])
}

fn older_release(fleet: &Fleet) -> Result<Files, Failure> {
    let environment: EnvName = "production".parse()?;
    let document = published(fleet, &format!("timestamp/{environment}.json"));
    let mut timestamp: Timestamp = read_untrusted(&read(&document)?)?;
    let old = read(&published(fleet, "release/production/1/statement.json"))?;
    (timestamp.n, timestamp.seq, timestamp.release) = (timestamp.n + 1, 1, Digest::of(&old));
    timestamp.created = clock::now();
    let key = SigningKey::from_openssh(&read(&fleet.server().join("timestamp/key"))?)?;
    let bytes = timestamp.encode();
    let signature = sshsig::sign(&key, Timestamp::NAMESPACE, &bytes);
    let container = serde_json::to_vec(&vec![signature])?;
    let signatures = published(fleet, &format!("timestamp/{environment}.signatures.json"));
    Ok(vec![(document, bytes), (signatures, container)])
}
