//! `countersign describe`: what a module may say of each resource type.

use super::{Failure, Outcome, Ui};
use crate::model::Kind;
use crate::model::finding::did_you_mean;
use crate::model::resource::{Attr, CONTROL_ATTRS, Live, META_ATTRS};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The resource type; all of them unless given.
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    let kinds = match &args.kind {
        None => Kind::ALL.to_vec(),
        Some(name) => vec![Kind::named(name).ok_or_else(|| unknown(name))?],
    };
    let mut text: String = kinds.into_iter().map(page).collect();
    text.push_str(&section("every type", "metaparameters", &[META_ATTRS, CONTROL_ATTRS]));
    ui.page(&text)?;
    Ok(0)
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::refused(format!("there is no resource type `{}`", name.escape_default()));
    let near = did_you_mean(name, Kind::ALL.map(Kind::name));
    failure.hint(near.map_or("countersign describe".into(), |near| format!("countersign describe {near}")))
}

fn page(kind: Kind) -> String {
    let (title, attrs) = kind.example();
    let lines: String = [format!("[{kind}.\"{title}\"]").as_str()]
        .into_iter()
        .chain(attrs.lines())
        .map(|line| format!("    {line}\n"))
        .collect();
    section(kind.name(), kind.doc(), &[kind.attrs()]) + "  for example\n\n" + &lines + "\n"
}

fn section(name: &str, doc: &str, tables: &[&[Attr]]) -> String {
    let entries: String = tables.iter().copied().flatten().map(entry).collect();
    format!("{name}: {doc}\n\n{entries}\n")
}

fn entry(attr: &Attr) -> String {
    let default = match (attr.default, attr.required) {
        (Some(value), _) => format!(" (default: {value})"),
        (None, true) => " (required)".to_owned(),
        (None, false) => String::new(),
    };
    let live = match attr.live {
        Live::Never => "",
        Live::Content => " Live facts may stand in it.",
        Live::Argument => " A live fact may be one whole element of the list, but not the first.",
    };
    format!("  {:<16} {}{default}\n  {:<16} {}{live}\n", attr.name, attr.shape, "", attr.doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_shape_default_and_doc_of_every_attribute() {
        let shown = page(Kind::Exec);
        for part in [
            "exec: a command",
            "timeout          a whole number from 0 to 86400 (default: 300)",
            "provider         one of `posix`, `shell` (default: \"posix\")",
            "Seconds for each try; 0 for no limit.",
            "A live fact may be one whole element",
        ] {
            assert!(shown.contains(part), "`{part}` is not in\n{shown}");
        }
        for kind in Kind::ALL {
            let shown = page(kind);
            for attr in kind.attrs() {
                assert!(shown.contains(&format!("  {:<16} {}", attr.name, attr.shape)), "{shown}");
            }
        }
    }

    #[test]
    fn the_documentation_lists_every_type() {
        let document = include_str!("../../docs/modules.md");
        let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
        for kind in Kind::ALL {
            let row = format!("| `{kind}` | {} |", kind.doc());
            assert!(rows.contains(&row.as_str()), "docs/modules.md lacks: {row}");
        }
    }
}
