//! Packet filters: whether a rule shuts everybody out, or lets everybody in.
//!
//! A rule that refuses is harmless where it is narrowed to some source, port or kind of packet, unless it
//! is the port that people log in through. Refusing by default is harmless once ssh has been let in.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::nftables;
use super::options::{self, Arguments};
use super::rows::shown_command;
use super::special::file_content;
use crate::shell::run::{Call, State};
use crate::shell::{Span, Value};

/// What a packet filter is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everybody may be shut out.
    Lockout,
    /// The filter goes, or lets everybody in.
    Open,
    /// Somebody may log in.
    Admits,
    /// Nothing of the kind.
    Narrow,
}

/// What is known of the packets that a rule is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// Only those of some source or destination.
    pub(super) host: bool,
    /// Only those of some kind: a state, a protocol without ports, a rate.
    pub(super) kind: bool,
    /// Only those of some ports.
    pub(super) ports: bool,
    /// Those to or from the port of ssh.
    pub(super) ssh: bool,
    /// Only those of one interface.
    pub(super) interface: bool,
}

impl Scope {
    /// What refusing these packets means.
    pub(super) const fn refused(self) -> Verdict {
        let narrow = self.host || self.kind || (self.ports && !self.ssh);
        if narrow { Verdict::Narrow } else { Verdict::Lockout }
    }

    /// What accepting these packets means.
    pub(super) const fn accepted(self) -> Verdict {
        match self {
            Self { ssh: true, kind: false, .. } | Self { host: true, ports: false, kind: false, .. } => {
                Verdict::Admits
            }
            Self { host: false, kind: false, ports: false, interface: false, .. } => Verdict::Open,
            _ => Verdict::Narrow,
        }
    }
}

/// A call of a packet filter's program.
pub(super) fn command(analysis: &mut Analysis<'_>, arguments: &Arguments, call: &Call<'_>, state: &State) {
    let name = call.program();
    let shown = shown_command(call);
    let input = |names: &[&str]| -> Value {
        let file = value(arguments, names).or_else(|| arguments.operands.first().map(|o| o.value.code()));
        match file.as_deref() {
            None | Some("-" | "/dev/stdin") => call.stdin.clone(),
            Some(path) => file_content(&Value::text(path), state),
        }
    };
    match name {
        "nft" => {
            let text = match value(arguments, &["-f", "--file"]) {
                Some(_) => input(&["-f", "--file"]).code(),
                None => arguments.operands.iter().map(|o| o.value.code()).collect::<Vec<_>>().join(" "),
            };
            let verdicts = nftables::verdicts(&text);
            judge(analysis, &verdicts, &shown, call.span);
        }
        "pfctl" => {
            if value(arguments, &["-f"]).is_some() {
                judge(analysis, &packet_filter(&input(&["-f"]).code()), &shown, call.span);
            }
        }
        "firewall-cmd" | "firewall-offline-cmd" => {
            judge(analysis, &firewalld(analysis, arguments, call), &shown, call.span);
        }
        name if name.contains("-restore") || name.contains("-apply") => {
            saved(analysis, &input(&[]).code(), &shown, call.span);
        }
        _ => judge(analysis, &[rule(arguments)], &shown, call.span),
    }
}

/// The rules that are loaded from a file, by the program that its path is for.
pub(super) fn file(analysis: &mut Analysis<'_>, text: &str, path: &str, span: Span) {
    if path.contains("nft") {
        judge(analysis, &nftables::verdicts(text), path, span);
    } else if path.ends_with("pf.conf") {
        judge(analysis, &packet_filter(text), path, span);
    } else {
        saved(analysis, text, path, span);
    }
}

/// Notes what verdicts come to: a lockout counts unless the same rules let somebody in.
fn judge(analysis: &mut Analysis<'_>, verdicts: &[Verdict], shown: &str, span: Span) {
    analysis.admitted |= verdicts.contains(&Verdict::Admits);
    for verdict in verdicts {
        let class = match verdict {
            Verdict::Lockout if !analysis.admitted => "lockout",
            Verdict::Open => "firewall",
            Verdict::Lockout | Verdict::Admits | Verdict::Narrow => continue,
        };
        analysis.add(Effect::new(Kind::Network, class, shown, span));
    }
}

/// The text that `iptables-restore` reads.
fn saved(analysis: &mut Analysis<'_>, text: &str, shown: &str, span: Span) {
    let mut table = "filter";
    let mut verdicts = Vec::new();
    let mut accepts_by_default = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(policy) = line.strip_prefix(':') {
            let mut words = policy.split_whitespace();
            let (chain, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            match by_default(chain, target) {
                Verdict::Open => accepts_by_default |= table == "filter",
                verdict => verdicts.push(verdict),
            }
        } else if line.starts_with('-')
            && let Some(arguments) = parsed(analysis, line.split_whitespace().map(Value::text).collect())
        {
            verdicts.push(rule(&arguments));
        }
    }
    // Accepting by default empties the filter, unless rules that refuse follow.
    let refuses = text.contains("DROP") || text.contains("REJECT");
    if accepts_by_default && !refuses {
        verdicts.push(Verdict::Open);
    }
    judge(analysis, &verdicts, shown, span);
}

/// Words as arguments of `iptables`.
fn parsed(analysis: &Analysis<'_>, mut words: Vec<Value>) -> Option<Arguments> {
    let tool = analysis.rules.tools.named("iptables")?;
    words.insert(0, Value::text("iptables"));
    Some(options::parse(tool, &words, &[]))
}

/// One rule, policy or flush of `iptables`.
fn rule(arguments: &Arguments) -> Verdict {
    let operand = |wanted: &str| arguments.operands.iter().any(|o| o.value.code() == wanted);
    if given(arguments, &["-F", "--flush", "-X", "--delete-chain"]) {
        let built_in = ["INPUT", "OUTPUT", "FORWARD"].iter().any(|chain| operand(chain));
        let all = arguments.operands.is_empty();
        return if built_in || all { Verdict::Open } else { Verdict::Narrow };
    }
    if let Some(chain) = value(arguments, &["-P", "--policy"]) {
        let target = arguments.operands.last().map(|o| o.value.code()).unwrap_or_default();
        return by_default(&chain, &target);
    }
    let target = value(arguments, &["-j", "--jump"]).unwrap_or_default();
    if let Some(chain) = value(arguments, &["-D", "--delete"]) {
        let way_in = chain == "INPUT" && target == "ACCEPT" && scope(arguments, &chain).ssh;
        return if way_in { Verdict::Lockout } else { Verdict::Narrow };
    }
    let added = ["-A", "-I", "-R", "--append", "--insert", "--replace"];
    let Some(chain) = value(arguments, &added) else { return Verdict::Narrow };
    let scope = scope(arguments, &chain);
    match (chain.as_str(), target.as_str()) {
        ("INPUT" | "OUTPUT" | "PREROUTING", "DROP" | "REJECT" | "TARPIT" | "STEAL") => scope.refused(),
        ("PREROUTING", "REDIRECT" | "DNAT") if scope.ssh => scope.refused(),
        ("INPUT", "ACCEPT") => scope.accepted(),
        _ => Verdict::Narrow,
    }
}

/// What a chain does with what no rule is about.
fn by_default(chain: &str, target: &str) -> Verdict {
    match (chain, target) {
        ("INPUT" | "OUTPUT" | "PREROUTING", "DROP" | "REJECT") => Verdict::Lockout,
        ("INPUT", "ACCEPT") => Verdict::Open,
        _ => Verdict::Narrow,
    }
}

/// What a rule's matches narrow it to.
fn scope(arguments: &Arguments, chain: &str) -> Scope {
    let mut scope = Scope::default();
    for (at, (name, value)) in arguments.options.iter().enumerate() {
        let text = value.as_ref().map(Value::code).unwrap_or_default();
        let negated = arguments.negated.contains(&at);
        match name.as_str() {
            "-s" | "-d" | "--source" | "--src" | "--destination" | "--dst" | "--src-range"
            | "--dst-range" | "--match-set" | "--mac-source" | "--ip-source" | "--ip-destination" | "-f" => {
                scope.host |= if negated { !is_local(&text) } else { !is_everywhere(&text) };
            }
            "-i" | "-o" | "--in-interface" | "--out-interface" => {
                scope.interface = true;
                scope.kind |= !negated && !is_uplink(&text);
            }
            "-p" | "--protocol" => scope.kind |= !matches!(text.as_str(), "tcp" | "all" | "0" | "6"),
            "--dport" | "--dports" | "--destination-port" | "--ports" if chain != "OUTPUT" => {
                scope.ports |= !(negated && text != "22");
                scope.ssh |= has_ssh(&text) != negated;
            }
            "--sport" | "--sports" | "--source-port" if chain == "OUTPUT" => {
                scope.ports = true;
                scope.ssh |= has_ssh(&text);
            }
            "--dport" | "--dports" | "--destination-port" | "--ports" | "--sport" | "--sports"
            | "--source-port" => scope.ports = true,
            "--syn" | "--tcp-flags" => scope.kind |= negated || name == "--tcp-flags",
            "--state" | "--ctstate" => scope.kind |= !text.contains("NEW"),
            "-m" | "--match" => scope.kind |= narrows(&text),
            _ => {}
        }
    }
    scope
}

/// Whether a match takes only some packets of whatever else a rule is about.
fn narrows(module: &str) -> bool {
    !matches!(
        module,
        "tcp" | "all" | "multiport" | "comment" | "state" | "conntrack" | "statistic" | "iprange"
    )
}

fn is_everywhere(host: &str) -> bool {
    host.ends_with("/0") || host.ends_with("/1") || matches!(host, "0.0.0.0" | "any" | "all" | "::")
}

fn is_local(host: &str) -> bool {
    host.starts_with("127.") || host == "::1" || host == "localhost"
}

/// Whether an interface leads out of the machine.
pub(super) fn is_uplink(name: &str) -> bool {
    ["eth", "en", "em", "bond", "wl", "ib", "venet", "team", "br0", "br-ex", "vmbr", "+"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether ports, as filters list them, have the one of ssh among them.
pub(super) fn has_ssh(ports: &str) -> bool {
    ports.split(',').map(str::trim).any(|port| match port.split_once([':', '-']) {
        Some((first, last)) => {
            let number = |text: &str, open: u32| if text.is_empty() { Some(open) } else { text.parse().ok() };
            let range = number(first, 0).zip(number(last, 65_535));
            range.is_some_and(|(first, last)| (first..=last).contains(&22))
        }
        None => matches!(port, "22" | "ssh"),
    })
}

/// Rules of pf.
fn packet_filter(text: &str) -> Vec<Verdict> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or(""));
    let verdict = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1));
        let scope = Scope {
            host: after("from").is_some_and(|host| *host != "any"),
            kind: after("proto").is_some_and(|proto| !proto.contains("tcp")) || words.contains(&"quick on"),
            ports: words.contains(&"port"),
            ssh: after("port").is_some_and(|port| has_ssh(port.trim_matches(['{', '}']))),
            interface: words.contains(&"on"),
        };
        match words.first() {
            Some(&"block") => scope.refused(),
            Some(&"pass") if words.contains(&"out") => Verdict::Narrow,
            Some(&"pass") => scope.accepted(),
            Some(_) | None => Verdict::Narrow,
        }
    };
    lines.map(verdict).collect()
}

/// Rich and direct rules of firewalld.
fn firewalld(analysis: &Analysis<'_>, arguments: &Arguments, call: &Call<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for text in arguments.values(&["--add-rich-rule".to_owned()]).map(Value::code) {
        let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c == '"').collect();
        let has = |word: &str| words.contains(&word);
        let scope = Scope {
            host: text.contains("source") && !text.contains("/0"),
            kind: text.contains("protocol value") || text.contains("icmp"),
            ports: text.contains("service name") || text.contains("port port"),
            ssh: text.contains("ssh") || words.iter().any(|w| matches!(*w, "port=22" | "22")),
            interface: false,
        };
        if has("drop") || has("reject") {
            verdicts.push(scope.refused());
        } else if has("accept") {
            verdicts.push(scope.accepted());
        }
    }
    let words: Vec<&Value> = call.words.iter().collect();
    let direct = |name: &str| words.iter().position(|w| w.literal() == Some(name));
    let rest = |at: usize| words.get(at..).unwrap_or_default().iter().map(|w| (*w).clone());
    let tail: Option<Vec<Value>> = if let Some(at) = direct("--add-rule") {
        let chain = words.get(at + 3).map(|chain| (*chain).clone());
        chain.map(|chain| [Value::text("-A"), chain].into_iter().chain(rest(at + 5)).collect())
    } else {
        direct("--passthrough").or_else(|| direct("--add-passthrough")).map(|at| rest(at + 2).collect())
    };
    verdicts.extend(tail.and_then(|tail| parsed(analysis, tail)).map(|arguments| rule(&arguments)));
    verdicts
}

fn given(arguments: &Arguments, names: &[&str]) -> bool {
    arguments.options.iter().any(|(name, _)| names.contains(&name.as_str()))
}

fn value(arguments: &Arguments, names: &[&str]) -> Option<String> {
    let found = arguments.options.iter().find(|(name, _)| names.contains(&name.as_str()));
    found.and_then(|(_, value)| value.as_ref()).map(Value::code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, expected: Verdict) {
        let tool = crate::policy::guard::Rules::builtin().tools.named("iptables").unwrap();
        let words: Vec<Value> = words.split_whitespace().map(Value::text).collect();
        assert_eq!(rule(&options::parse(tool, &words, &[])), expected, "{words:?}");
    }

    #[test]
    fn rules_of_iptables_are_judged_by_what_they_are_about() {
        check("iptables -F", Verdict::Open);
        check("iptables -t nat -F PREROUTING", Verdict::Narrow);
        check("iptables -w -P INPUT DROP", Verdict::Lockout);
        check("iptables -P FORWARD DROP", Verdict::Narrow);
        check("iptables -A INPUT -s 192.0.2.66 -j DROP", Verdict::Narrow);
        check("iptables -A INPUT ! -s 127.0.0.1 -j DROP", Verdict::Lockout);
        check("iptables -A INPUT ! -s 10.0.0.0/8 -p tcp --dport 22 -j DROP", Verdict::Narrow);
        check("iptables -A INPUT -p tcp -m multiport --dports 20:25 -j DROP", Verdict::Lockout);
        check("iptables -A INPUT -p tcp --dport 23 -j REJECT", Verdict::Narrow);
        check("iptables -A INPUT -m conntrack --ctstate INVALID -j DROP", Verdict::Narrow);
        check("iptables -A INPUT -p tcp --dport 22 -j ACCEPT", Verdict::Admits);
        check("iptables -D INPUT -p tcp --dport 22 -j ACCEPT", Verdict::Lockout);
        check("iptables -I INPUT 1 -p all -j ACCEPT", Verdict::Open);
        check("iptables -A INPUT -i lo -j ACCEPT", Verdict::Narrow);
    }
}
