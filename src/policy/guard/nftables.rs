//! Rules of nftables, from a file or from the words of a command.

use super::firewall::{Scope, Verdict, has_ssh, is_uplink};

/// What each statement of a text comes to.
pub(super) fn verdicts(text: &str) -> Vec<Verdict> {
    let mut blocks: Vec<String> = Vec::new();
    let mut verdicts = Vec::new();
    let spaced = text.replace('{', " { ").replace('}', " } ").replace([';', '\n'], " ; ");
    let mut statement: Vec<&str> = Vec::new();
    // Braces of sets stand inside a statement, those of tables and chains behind its only words.
    let mut set = 0_usize;
    for word in spaced.split_whitespace() {
        match word {
            "{" if opens_block(&statement) => {
                blocks.push(statement.join(" "));
                statement.clear();
            }
            "{" => set += 1,
            "}" if set > 0 => set -= 1,
            "}" => {
                verdicts.push(verdict(&statement, blocks.last()));
                statement.clear();
                blocks.pop();
            }
            ";" if set == 0 => {
                verdicts.push(verdict(&statement, blocks.last()));
                statement.clear();
            }
            word => statement.push(word),
        }
    }
    verdicts.push(verdict(&statement, blocks.last()));
    // A file that empties the filter first and then fills it replaces it.
    let fills = text.contains("chain") && text.contains('{');
    verdicts.retain(|verdict| !(fills && *verdict == Verdict::Open));
    verdicts
}

/// Whether a brace behind these words starts the body of a table or chain.
fn opens_block(words: &[&str]) -> bool {
    match words {
        ["table", ..] | ["chain", ..] | ["add" | "create", "table" | "chain", ..] => !words.contains(&";"),
        _ => false,
    }
}

/// What a statement inside `block` comes to.
fn verdict(words: &[&str], block: Option<&String>) -> Verdict {
    match words {
        ["flush" | "destroy" | "delete" | "reset", "ruleset" | "table", ..] => Verdict::Open,
        ["flush", "chain", rest @ ..] | ["delete", "chain", rest @ ..] => match is_base(&rest.join(" ")) {
            true => Verdict::Open,
            false => Verdict::Narrow,
        },
        ["add" | "insert" | "replace", "rule", rest @ ..] => {
            let at = rest.iter().position(|w| is_base(w)).map(|at| at + 1);
            at.and_then(|at| rest.get(at..)).map_or(Verdict::Narrow, rule)
        }
        ["policy", "drop", ..] => match block.is_none_or(|block| !block.contains("forward")) {
            true => Verdict::Lockout,
            false => Verdict::Narrow,
        },
        ["type", "filter", "hook", "forward", ..] => Verdict::Narrow,
        words => match block {
            Some(block) if is_base(block) => rule(words),
            Some(_) | None => Verdict::Narrow,
        },
    }
}

/// Whether a chain of that name sees what arrives or leaves.
fn is_base(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["input", "output", "prerouting", "ingress", "inbound", "incoming"]
        .iter()
        .any(|known| name.contains(known))
}

/// Words of a rule that is about packets of one kind.
const KINDS: [&str; 11] =
    ["limit", "meter", "icmp", "icmpv6", "udp", "flags", "pkttype", "protocol", "fib", "mark", "ether"];

/// What a rule comes to.
fn rule(words: &[&str]) -> Verdict {
    let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1..));
    let first = |word: &str| after(word).and_then(|rest| rest.first().copied());
    let ports = after("dport").map(|rest| {
        let list: Vec<&str> = rest
            .iter()
            .take_while(|w| w.starts_with(|c: char| c.is_ascii_digit()) || w.starts_with("ssh") || **w == ",")
            .copied()
            .collect();
        list.join("")
    });
    let everywhere = |host: &str| host.ends_with("/0");
    let interface =
        first("iifname").or_else(|| first("iif")).or_else(|| first("oifname")).or_else(|| first("oif"));
    let scope = Scope {
        host: ["saddr", "daddr"].iter().any(|w| first(w).is_some_and(|host| !everywhere(host))),
        kind: interface.is_some_and(|name| !is_uplink(name.trim_matches('"')) && name != "!=")
            || first("state").is_some_and(|state| !state.contains("new"))
            || KINDS.iter().any(|kind| words.contains(kind)),
        ports: ports.is_some() || words.contains(&"sport"),
        ssh: ports.as_deref().is_some_and(has_ssh),
        interface: interface.is_some(),
    };
    if words.iter().any(|w| matches!(*w, "drop" | "reject")) {
        scope.refused()
    } else if words.contains(&"accept") {
        scope.accepted()
    } else {
        Verdict::Narrow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Verdict]) {
        let mut found = verdicts(text);
        found.retain(|verdict| *verdict != Verdict::Narrow);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn rules_shut_everybody_out_or_let_everybody_in() {
        check("flush ruleset", &[Verdict::Open]);
        check("add rule ip filter input reject", &[Verdict::Lockout]);
        check("insert rule inet filter input tcp dport 22 drop", &[Verdict::Lockout]);
        check("add rule inet filter input ip saddr 192.0.2.66 drop", &[]);
        check("add rule inet filter input tcp dport 443 accept", &[]);
        check("add rule inet filter input accept", &[Verdict::Open]);
        check("delete rule inet filter input handle 12", &[]);
        let chain = "flush ruleset\ntable inet filter {\n chain input {\n type filter hook input priority 0; policy drop;\n";
        check(chain, &[Verdict::Lockout]);
        check(
            &format!("{chain} tcp dport {{ 22, 80 }} accept\n }}\n}}"),
            &[Verdict::Lockout, Verdict::Admits],
        );
    }
}
