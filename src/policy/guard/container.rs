//! Programs that see other files than the host: containers, and changes of the root.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use crate::shell::run::{Call, State};
use crate::shell::{Source, Value};

/// What of the host is seen inside: host path and path inside. `None` is everything.
type View = Option<Vec<(String, String)>>;

/// `docker run`, `chroot`, `nsenter`: another view of the files.
pub(super) fn container(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let name = call.program().to_owned();
    if let Some(at) =
        arguments.operands.first().filter(|o| o.value.literal() == Some("compose")).map(|o| o.at)
    {
        let words = [&[Value::text("docker-compose")], call.words.get(at + 1..).unwrap_or_default()].concat();
        return analysis.argv(&words, &vec![call.span; words.len()], call, state);
    }
    let Some((from, view)) = inside(analysis, &name, arguments) else {
        return Value::dynamic(Source::Output, true);
    };
    if view.as_ref().is_some_and(|volumes| volumes.iter().any(|(host, _)| host == "/"))
        && !name.contains("chroot")
    {
        analysis.add(Effect::new(Kind::Backdoor, "container", "/", call.span));
    }
    let entry = arguments.values(&["--entrypoint".to_owned()]).last().cloned();
    let operands = &arguments.operands;
    // Behind the image, container or root stands the program, and behind that nothing is an option any more.
    let start = match from.checked_sub(1) {
        None => operands.first().map(|o| o.at),
        Some(place) => operands.get(place).map(|o| o.at + 1),
    };
    let start = start.unwrap_or(call.words.len());
    let options = |w: &&Value| entry.is_none() && w.prefix().starts_with('-');
    let start = start + call.words.iter().skip(start).take_while(options).count();
    let words: Vec<Value> = entry.into_iter().chain(call.words.iter().skip(start).cloned()).collect();
    let spans = vec![call.span; words.len()];
    let outer = std::mem::replace(&mut analysis.container, view);
    let output = analysis.argv(&words, &spans, call, state);
    analysis.container = outer;
    output
}

/// What is run inside: the operand at which it starts, and what of the host it sees.
fn inside(analysis: &Analysis<'_>, name: &str, arguments: &Arguments) -> Option<(usize, View)> {
    let word = |n: usize| arguments.operands.get(n).and_then(|o| o.value.literal()).unwrap_or("");
    match name {
        "nsenter" | "systemd-nspawn" => return Some((0, None)),
        "chroot" | "arch-chroot" => return Some((1, chroot_view(analysis, word(0)))),
        "jexec" => return Some((1, None)),
        _ => {}
    }
    let first = usize::from(word(0) == "container");
    match word(first) {
        "run" | "create" => Some((first + 2, Some(volumes(arguments)))),
        "exec" if matches!(name, "apptainer" | "singularity") => Some((first + 2, Some(volumes(arguments)))),
        "exec" => {
            let latest = arguments.has(&["-l".to_owned(), "--latest".to_owned()]);
            Some((first + if latest { 1 } else { 2 }, None))
        }
        _ => None,
    }
}

/// What is seen below `root`. Where machines are installed or repaired, it is a machine.
fn chroot_view(analysis: &Analysis<'_>, root: &str) -> View {
    let machines = ["/mnt", "/media", "/target", "/newroot"];
    if machines.iter().any(|m| root == *m || root.strip_prefix(m).is_some_and(|r| r.starts_with('/'))) {
        return None;
    }
    let host = match &analysis.container {
        None => Some(root.to_owned()),
        Some(volumes) => volumes.iter().find_map(|(host, inside)| {
            root.strip_prefix(inside.trim_end_matches('/')).map(|rest| format!("{host}/{rest}"))
        }),
    };
    Some(host.map(|host| (host, "/".to_owned())).into_iter().collect())
}

/// What of the host a container sees: host path and path inside.
fn volumes(arguments: &Arguments) -> Vec<(String, String)> {
    let names = ["-v", "--volume", "-B", "--bind"].map(str::to_owned);
    let mut volumes: Vec<(String, String)> = arguments
        .values(&names)
        .filter_map(|v| {
            let text = v.code();
            let mut parts = text.split(':');
            let (host, inside, mode) = (parts.next()?, parts.next()?, parts.next());
            let writable = !mode.is_some_and(|mode| mode.split(',').any(|option| option == "ro"));
            (host.starts_with('/') && writable).then(|| (host.to_owned(), inside.to_owned()))
        })
        .collect();
    for device in arguments.values(&["--device".to_owned()]) {
        let text = device.code();
        let mut parts = text.split(':');
        let host = parts.next().unwrap_or("").to_owned();
        volumes.push((host.clone(), parts.next().map_or(host, str::to_owned)));
    }
    if arguments.has(&["--privileged".to_owned()]) {
        volumes.push(("/dev".to_owned(), "/dev".to_owned()));
    }
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

/// A path inside a container that shares `volumes` with the host, as the host sees it; `None` where it
/// does not share it. Without a container the path itself.
pub(super) fn on_host(volumes: Option<&[(String, String)]>, path: &Value) -> Option<Value> {
    let Some(volumes) = volumes else { return Some(path.clone()) };
    let text = path.prefix();
    volumes.iter().find_map(|(host, inside)| {
        let rest = text.strip_prefix(inside.trim_end_matches('/'))?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let mut mapped = Value::text(format!("{host}{rest}"));
        for part in path.parts().iter().skip(1) {
            mapped.push(part.clone());
        }
        Some(mapped)
    })
}
