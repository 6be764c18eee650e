//! Other configuration tools: resources and modules given on their command line.

use super::analysis::Analysis;
use super::checks::removes_package;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use crate::shell::run::{Call, State};
use crate::shell::{Span, Value};

/// Puppet code, and modules of Ansible and its kind, given on the command line.
pub(super) fn configuration(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) {
    let value = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        arguments.values(&names).last().map(Value::code)
    };
    if let Some(code) = value(&["-e", "--execute"]) {
        puppet(analysis, &code, call.span, state);
    }
    let module = value(&["-m", "--module-name"]).unwrap_or_else(|| "command".to_owned());
    if let Some(args) = value(&["-a", "--args"]) {
        match module.rsplit('.').next().unwrap_or("") {
            "shell" | "command" | "raw" | "script" => {
                let text = args.strip_prefix("cmd=").unwrap_or(&args).trim_matches(['"', '\'']).to_owned();
                analysis.shell_text(&Value::text(text), call.span, state, &Value::default());
            }
            "file" | "service" | "systemd" | "apt" | "yum" | "package" | "reboot" | "user" | "filesystem" => {
                attributes(
                    analysis,
                    &args.replace('=', " => "),
                    module.rsplit('.').next().unwrap_or(""),
                    call.span,
                    state,
                );
            }
            _ => {}
        }
    } else if module.ends_with("reboot") {
        analysis.add(Effect::new(Kind::Power, "now", module, call.span));
    }
    let operands: Vec<Value> = arguments.operands.iter().map(|o| o.value.clone()).collect();
    if let [first, kind, title, rest @ ..] = operands.as_slice()
        && first.literal() == Some("resource")
    {
        let text = rest.iter().map(|v| v.code().replace('=', " => ")).collect::<Vec<_>>().join(", ");
        resource(analysis, &kind.code(), &title.code(), &text, call.span, state);
    }
    let runs = operands.iter().position(|o| {
        matches!(
            o.literal(),
            Some("cmd.run" | "cmd.shell" | "cmd.run_all" | "cmd.script" | "run" | "exec" | "command")
        )
    });
    if let Some(at) = runs {
        let code = operands[at + 1..].iter().map(Value::code).collect::<Vec<_>>().join(" ");
        if !code.trim().is_empty() {
            analysis.shell_text(&Value::text(code), call.span, state, &Value::default());
        }
    }
    for operand in &operands {
        let power = matches!(
            operand.literal(),
            Some("system.reboot" | "system.halt" | "system.poweroff" | "system.shutdown")
        );
        if power {
            analysis.add(Effect::new(Kind::Power, "now", operand.to_string(), call.span));
        }
    }
    if operands.iter().any(|o| o.literal() == Some("file.remove")) {
        for operand in &operands {
            let mut effect = Effect::new(Kind::Delete, "", "", call.span);
            effect.recursive = true;
            analysis.add_path(effect, operand, state);
        }
    }
}

/// `type { 'title': attribute => value }`
fn puppet(analysis: &mut Analysis<'_>, code: &str, span: Span, state: &mut State) {
    let mut rest = code;
    while let Some(open) = rest.find('{') {
        let kind = rest[..open]
            .trim_end()
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
            .next()
            .unwrap_or("")
            .to_owned();
        let body = &rest[open + 1..];
        let close = body.find('}').unwrap_or(body.len());
        if let Some((title, attributes)) =
            body[..close].split_once(": ").or_else(|| body[..close].split_once(':'))
        {
            for title in title.trim().trim_matches(['[', ']']).split(',') {
                resource(analysis, &kind, title.trim().trim_matches(['"', '\'']), attributes, span, state);
            }
        }
        rest = &body[close..];
    }
}

fn resource(analysis: &mut Analysis<'_>, kind: &str, title: &str, text: &str, span: Span, state: &mut State) {
    attributes(analysis, &format!("title => '{title}', {text}"), kind, span, state);
}

fn attributes(analysis: &mut Analysis<'_>, text: &str, kind: &str, span: Span, state: &mut State) {
    let find = |names: &[&str]| {
        names.iter().find_map(|name| {
            let at = text.find(&format!("{name} =>"))?;
            let value = text[at + name.len() + 3..].trim_start();
            Some(match value.chars().next() {
                Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or("").to_owned(),
                _ => value.split([',', ' ', '\n']).next().unwrap_or("").to_owned(),
            })
        })
    };
    let name = find(&["path", "dest", "command", "cmd", "name", "title"]).unwrap_or_default();
    let gone = find(&["ensure", "state"])
        .is_some_and(|v| matches!(v.as_str(), "absent" | "purged" | "stopped" | "removed"));
    let sweeping = ["purge", "recurse", "force"].iter().any(|n| find(&[n]).is_some_and(|v| v == "true"));
    match kind {
        "file" if gone || sweeping => {
            let mut effect = Effect::new(Kind::Delete, "", "", span);
            effect.recursive = true;
            effect.forced = true;
            analysis.add_path(effect, &Value::text(name), state);
        }
        "exec" => drop(analysis.shell_text(&Value::text(name), span, state, &Value::default())),
        "reboot" => analysis.add(Effect::new(Kind::Power, "now", "reboot", span)),
        "package" | "apt" | "yum" if gone => removes_package(analysis, &name, span),
        "service" | "systemd" if gone => {
            let code = format!("systemctl stop {name}");
            analysis.shell_text(&Value::text(code), span, state, &Value::default());
        }
        "user" if gone && name == "root" => analysis.add(Effect::new(Kind::Account, "root", name, span)),
        _ => {}
    }
}
