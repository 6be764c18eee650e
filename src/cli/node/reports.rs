//! What is told of the reports that the server kept: whether they are all there, by the node's own signatures (D26), and
//! why the last one tells of no whole run.

use super::{Which, candidates, open, unknown};
use crate::cli::counted::counted;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::report::Report;
use crate::signing::PublicKey;
use crate::signing::report::Chain;
use crate::store::{Database, Node, NodeState};

/// Rows read at once.
const PAGE: u32 = 50;

/// Checks the chain of each key that had the name. The exit code is 1 when one does not hold.
pub(super) async fn check(which: &Which, ui: &mut Ui) -> Outcome {
    let database = open(&which.at).await?;
    let rows = candidates(&database, which, &NodeState::ALL).await?;
    if rows.is_empty() {
        return Err(unknown(which));
    }
    let mut broken = 0;
    for node in &rows {
        let key = PublicKey::parse(&node.report_key)?;
        let (mut chain, mut after) = (Chain::default(), 0);
        loop {
            let page = database.kept_reports(node, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.row;
            for kept in &page {
                chain.add(&key, &kept.body, &kept.signature);
            }
        }
        ui.line(format_args!("{} {}: {}", node.name, node.key, counted(chain.reports, "report")))?;
        for found in &chain.breaks {
            ui.line(format_args!("  {}", Failure::from_error(found).text()))?;
        }
        if let Some((counter, digest)) = chain.last {
            ui.line(format_args!(
                "  the last is {counter} {digest}; the node says its own in `countersign agent status`"
            ))?;
        }
        broken += chain.breaks.len();
    }
    match broken {
        0 => Ok(0),
        count => Err(Failure::refused(format!("the chain does not hold in {}", counted(count, "place")))
            .hint("compare with `countersign agent status` on the node, and with a copy of the database")),
    }
}

/// Why the last report tells of no whole run: who disabled the agent, or the code with which the run ended early; nothing
/// where all is well. The words are the node's own, so they are escaped.
pub(super) async fn why(database: &Database, node: &Node) -> Result<String, Failure> {
    if !matches!(node.status.as_deref(), Some("disabled" | "failed")) {
        return Ok(String::new());
    }
    let body = database.newest_report(node).await?.unwrap_or_default();
    let Ok(report) = serde_json::from_slice::<Report>(&body) else { return Ok(String::new()) };
    if let Some(off) = report.disabled {
        let until = off.until.map(|until| format!(", until {until}")).unwrap_or_default();
        let (owner, reason) = (plain(&off.owner), plain(&off.reason));
        return Ok(format!(" by {owner} since {} (Reason: '{reason}'){until}", off.since));
    }
    Ok(report.halted.map(|halted| format!(", {}", plain(&halted.code))).unwrap_or_default())
}

fn plain(text: &str) -> String {
    text.chars().take(200).collect::<String>().escape_default().to_string()
}
