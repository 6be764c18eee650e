//! `trust status`: how long the trust root lasts, who is missing, and what to do about it.

use super::folder::Folder;
use crate::cli::counted::counted;
use crate::cli::{Outcome, Ui};
use crate::model::{Principal, Stamp};
use crate::signing::root::Urgency;
use std::path::Path;

const DAY: i64 = 86_400;
/// Exit code where something is to be done.
const TO_DO: u8 = 2;

/// Shows it. The exit code is 0 where nothing is to be done, and 2 where something is.
pub(super) fn status(path: &Path, now: Stamp, ui: &mut Ui) -> Outcome {
    let folder = Folder::open(path)?;
    let newest = folder.newest()?;
    let tally = newest.tally()?;
    let signed: Vec<&str> = tally.signed.iter().map(Principal::as_str).collect();
    let complete = tally.met && folder.signed_by_old(&newest)?;
    let version = newest.version;
    if !complete {
        let by = if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") };
        ui.line(format_args!("trust root {version}: signed by {by}; more must sign"))?;
        ui.note(format_args!("next: countersign trust sign {} --key KEY", folder.path().display()));
        return Ok(TO_DO);
    }
    let days = newest.root.expires().since(now) / DAY;
    let urgency = newest.root.urgency(now);
    let end = newest.root.expires();
    let text = match urgency {
        Some(Urgency::Expired) => format!("trust root {version} EXPIRED at {end}: agents accept nothing new"),
        Some(urgency) => {
            format!("{urgency}: trust root {version} ends at {end}, in {}", counted(days, "day"))
        }
        None => {
            format!("trust root {version} is signed and lasts until {end}, {}", counted(days, "day"))
        }
    };
    ui.line(text)?;
    if urgency.is_none() {
        return Ok(0);
    }
    ui.note(format_args!("next: countersign trust renew --trust {}", folder.path().display()));
    Ok(TO_DO)
}
