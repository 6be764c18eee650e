//! Programs that see other files than the host: containers, and changes of the root.

use super::analysis::Analysis;
use super::options::Arguments;
use crate::shell::run::{Call, State};
use crate::shell::{Source, Value};

/// `docker run`, `chroot`, `nsenter`: another view of the files.
pub(super) fn container(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let name = call.words[0].suffix().rsplit('/').next().unwrap_or("").to_owned();
    let operands = &arguments.operands;
    let word = |n: usize| operands.get(n).and_then(|o| o.value.literal()).unwrap_or("");
    let (from, view) = match name.as_str() {
        "nsenter" => (0, None),
        "chroot" => (1, Some(chroot_view(analysis, word(0)))),
        _ => {
            let first = usize::from(matches!(word(0), "container"));
            match word(first) {
                "run" | "create" => (first + 2, Some(volumes(arguments))),
                "exec" => {
                    analysis.tail(call, state);
                    return Value::dynamic(Source::Output, true);
                }
                "compose" => {
                    analysis.tail(call, state);
                    return Value::dynamic(Source::Output, true);
                }
                _ => return Value::dynamic(Source::Output, true),
            }
        }
    };
    let outer = std::mem::replace(&mut analysis.container, view);
    let mut output = Value::dynamic(Source::Output, true);
    if let Some(operand) = operands.get(from) {
        let spans = call.spans.get(operand.at..).unwrap_or_default();
        let entry = arguments.values(&["--entrypoint".to_owned()]).last().cloned();
        let mut words = call.words[operand.at..].to_vec();
        let mut spans = spans.to_vec();
        if let Some(entry) = entry {
            words.insert(0, entry);
            spans.insert(0, call.span);
        }
        output = analysis.argv(&words, &spans, call, state);
    }
    analysis.container = outer;
    output
}

fn chroot_view(analysis: &Analysis<'_>, root: &str) -> Vec<(String, String)> {
    let host = match &analysis.container {
        None => Some(root.to_owned()),
        Some(volumes) => volumes.iter().find_map(|(host, inside)| {
            root.strip_prefix(inside.trim_end_matches('/')).map(|rest| format!("{host}/{rest}"))
        }),
    };
    host.map(|host| (host, "/".to_owned())).into_iter().collect()
}

/// What of the host a container sees: host path and path inside.
fn volumes(arguments: &Arguments) -> Vec<(String, String)> {
    let names = ["-v".to_owned(), "--volume".to_owned()];
    let mut volumes: Vec<(String, String)> = arguments
        .values(&names)
        .filter_map(|v| {
            let text = v.code();
            let mut parts = text.split(':');
            let (host, inside, mode) = (parts.next()?, parts.next()?, parts.next());
            let writable = mode != Some("ro");
            (host.starts_with('/') && writable).then(|| (host.to_owned(), inside.to_owned()))
        })
        .collect();
    for mount in arguments.values(&["--mount".to_owned()]) {
        let text = mount.code();
        let field = |names: &[&str]| {
            let mut fields = text.split(',').filter_map(|f| f.split_once('='));
            fields.find(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned())
        };
        let inside = field(&["target", "dst", "destination"]);
        if let (Some(host), Some(inside), false) =
            (field(&["source", "src"]), inside, text.contains("readonly"))
        {
            volumes.push((host, inside));
        }
    }
    volumes
}
