//! Rulesets of nftables, read as far as it takes to see that they do not lock anybody out: what comes in over the
//! loopback, belongs to a connection that is there, or is for a port of the administrators must be accepted before
//! anything may be dropped. What cannot be told counts as dropped. No I/O.

/// Why a ruleset is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lockout {
    /// The text cannot be told apart.
    #[error("the ruleset cannot be told: {0}")]
    Form(String),
    /// Something may be dropped too early.
    #[error("in the chain `{chain}`, {what} comes before {missing} is accepted: that may lock everybody out")]
    Early {
        /// The table and chain.
        chain: String,
        /// What drops, or may drop.
        what: String,
        /// What is not accepted yet.
        missing: String,
    },
}

/// Who must always get in.
#[derive(Debug, Clone, Copy)]
pub struct Entrance<'a> {
    /// The ports of the administrators.
    pub ports: &'a [i64],
    /// Where they come from; anywhere when there are none.
    pub from: &'a [String],
}

/// A word, a text in quotes, or a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// One of `{`, `}`, `,`, `:`, `=`.
    Mark(char),
    /// `;` or the end of a line.
    End,
}

/// Judges a whole ruleset.
///
/// # Errors
/// When it may lock out, or cannot be told.
pub fn judge(text: &str, entrance: &Entrance<'_>) -> Result<Ruleset, Lockout> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let mut ruleset = Ruleset { tables: Vec::new() };
    let mut flushed = false;
    while let Some(statement) = reader.statement()? {
        let (words, body) = statement;
        match (words.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), body) {
            (["flush", "ruleset"], None) => flushed = true,
            (["define", ..], _) => {}
            (["table", name @ ..], Some(body)) if flushed && (1..=2).contains(&name.len()) => {
                let name = if name.len() == 1 { format!("ip {}", name[0]) } else { name.join(" ") };
                table(&name, body, entrance)?;
                ruleset.tables.push(name);
            }
            (["table", ..], _) if !flushed => {
                let text = "it does not begin with `flush ruleset`, so what is loaded would be added to";
                return Err(Lockout::Form(text.into()));
            }
            (other, _) => {
                let text =
                    format!("`{}` is none of `flush ruleset`, `define` and `table … {{`", other.join(" "));
                return Err(Lockout::Form(text));
            }
        }
    }
    if flushed { Ok(ruleset) } else { Err(Lockout::Form("it does not begin with `flush ruleset`".into())) }
}

/// What a ruleset has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// Its tables, by family and name: `inet filter`.
    pub tables: Vec<String>,
}

fn tokens(text: &str) -> Result<Vec<Token>, Lockout> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let mut take = first.len_utf8();
        match first {
            '\n' | ';' => found.push(Token::End),
            '#' => take = rest.find('\n').unwrap_or(rest.len()),
            // A line that goes on.
            '\\' if rest[1..].starts_with('\n') => take = 2,
            '{' | '}' | ',' | ':' | '=' => found.push(Token::Mark(first)),
            '"' => {
                let end = rest[1..].find('"').ok_or_else(|| Lockout::Form("a quote is not closed".into()))?;
                found.push(Token::Word(rest[1..=end].to_owned()));
                take = end + 2;
            }
            c if c.is_whitespace() => {}
            // Addresses of IPv6 and times have colons in them: only one at the end is a mark.
            _ => {
                let ends = |c: char| c.is_whitespace() || ";{},=\"#".contains(c);
                let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
                let bare = word.trim_end_matches(':');
                take = if bare.is_empty() { word.len() } else { bare.len() };
                found.push(Token::Word(word[..take].to_owned()));
            }
        }
        rest = &rest[take..];
    }
    Ok(found)
}

/// Statements, one after the other.
struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
}

/// The words of a statement, and the block at its end.
type Statement<'t> = (Vec<String>, Option<&'t [Token]>);

impl<'t> Reader<'t> {
    fn statement(&mut self) -> Result<Option<Statement<'t>>, Lockout> {
        while self.tokens.get(self.at) == Some(&Token::End) {
            self.at += 1;
        }
        let mut words = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::End => break,
                Token::Mark('{') => {
                    let body = self.block()?;
                    // A block ends a statement, unless it is a set in a rule.
                    if matches!(self.tokens.get(self.at), None | Some(Token::End | Token::Mark('}'))) {
                        return Ok(Some((words, Some(body))));
                    }
                    words.push(shown(body));
                }
                Token::Mark('}') => return Err(Lockout::Form("a `}` has no `{`".into())),
                Token::Mark(mark) => words.push(mark.to_string()),
                Token::Word(word) => words.push(word.clone()),
            }
        }
        Ok((!words.is_empty()).then_some((words, None)))
    }

    /// The tokens up to the closing brace.
    fn block(&mut self) -> Result<&'t [Token], Lockout> {
        let (start, mut depth) = (self.at, 1);
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(&self.tokens[start..self.at - 1]);
            }
        }
        Err(Lockout::Form("a `{` is not closed".into()))
    }
}

/// A set in a rule as one word: `{22,80}`.
fn shown(body: &[Token]) -> String {
    let text = body.iter().map(|token| match token {
        Token::Word(word) => word.clone(),
        Token::Mark(mark) => mark.to_string(),
        Token::End => String::new(),
    });
    format!("{{{}}}", text.collect::<String>())
}

fn table(name: &str, body: &[Token], entrance: &Entrance<'_>) -> Result<(), Lockout> {
    let mut reader = Reader { tokens: body, at: 0 };
    while let Some((words, body)) = reader.statement()? {
        match (words.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), body) {
            (["chain", chain], Some(body)) => {
                Chain::read(format!("{name} {chain}"), body)?.judge(entrance)?
            }
            (
                ["set" | "map" | "flowtable" | "counter" | "quota" | "limit" | "ct" | "synproxy", ..],
                Some(_),
            ) => {}
            (["comment" | "flags", ..], _) => {}
            (other, _) => {
                return Err(Lockout::Form(format!("`{}` in the table `{name}`", other.join(" "))));
            }
        }
    }
    Ok(())
}

struct Chain {
    name: String,
    /// Where the kernel hands packets to it, if it does.
    hook: Option<String>,
    drops: bool,
    rules: Vec<Vec<String>>,
}

impl Chain {
    fn read(name: String, body: &[Token]) -> Result<Self, Lockout> {
        let mut chain = Self { name, hook: None, drops: false, rules: Vec::new() };
        let mut reader = Reader { tokens: body, at: 0 };
        while let Some((mut words, body)) = reader.statement()? {
            words.extend(body.map(shown));
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["type", rest @ ..] => {
                    let hook = rest.iter().position(|word| *word == "hook").and_then(|at| rest.get(at + 1));
                    chain.hook = hook.map(|hook| (*hook).to_owned());
                }
                ["policy", policy] => chain.drops = *policy != "accept",
                ["comment", _] | ["flags", ..] => {}
                _ => chain.rules.push(words),
            }
        }
        Ok(chain)
    }

    fn judge(&self, entrance: &Entrance<'_>) -> Result<(), Lockout> {
        let mut missing: Vec<Need> = match self.hook.as_deref() {
            Some("input") => {
                let ports = entrance.ports.iter().map(|port| Need::Port(*port));
                [Need::Established, Need::Loopback].into_iter().chain(ports).collect()
            }
            Some("output") => vec![Need::Established, Need::Loopback],
            Some("prerouting" | "ingress") => vec![Need::Everything],
            Some(_) | None => return Ok(()),
        };
        for rule in &self.rules {
            let plain = plain(rule);
            missing.retain(|need| !need.is_met(&plain, entrance));
            if may_drop(&plain) {
                self.early(&missing, format!("`{}`", rule.join(" ")))?;
            }
        }
        if self.drops { self.early(&missing, "`policy drop`".to_owned()) } else { Ok(()) }
    }

    fn early(&self, missing: &[Need], what: String) -> Result<(), Lockout> {
        let Some(need) = missing.first() else { return Ok(()) };
        Err(Lockout::Early { chain: self.name.clone(), what, missing: need.to_string() })
    }
}

/// Something that must be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Established,
    Loopback,
    Port(i64),
    /// Never accepted here for good: what is dropped before it is known what it is.
    Everything,
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Established => {
                f.write_str("what belongs to a connection (`ct state established,related accept`)")
            }
            Self::Loopback => f.write_str("the loopback (`iif lo accept`)"),
            Self::Port(port) => write!(f, "the administrators' port (`tcp dport {port} accept`)"),
            Self::Everything => f.write_str("everything"),
        }
    }
}

impl Need {
    /// Whether the rule accepts it, whatever else is true of it.
    fn is_met(self, rule: &[&str], entrance: &Entrance<'_>) -> bool {
        if rule == ["accept"] {
            return self != Self::Everything;
        }
        match self {
            Self::Established => {
                let states = |words: &[&str]| elements(words).iter().any(|state| state == "established");
                match rule {
                    ["ct", "state", "vmap", map] => map.contains("established:accept"),
                    ["ct", "state", states_of @ .., "accept"] => states(states_of),
                    _ => false,
                }
            }
            Self::Loopback => match rule {
                ["iif" | "iifname" | "oif" | "oifname", names @ .., "accept"] => {
                    elements(names).iter().any(|name| name == "lo")
                }
                _ => false,
            },
            Self::Port(port) => self::port(rule, port, entrance),
            Self::Everything => false,
        }
    }
}

/// `tcp dport 22 accept`, with what does not narrow it: new connections, and the addresses of administrators.
fn port(rule: &[&str], port: i64, entrance: &Entrance<'_>) -> bool {
    let mut rest = rule;
    let mut from = entrance.from.is_empty();
    let mut known = false;
    loop {
        rest = match rest {
            ["ct", "state", state, more @ ..] if elements(&[state]).iter().any(|state| state == "new") => {
                more
            }
            ["meta", "l4proto", "tcp", more @ ..] => more,
            ["ip" | "ip6", "saddr", set, more @ ..] if !entrance.from.is_empty() => {
                let set = elements(&[set]);
                from = entrance.from.iter().any(|address| set.contains(address));
                more
            }
            ["tcp", "dport", set, more @ ..] => {
                let name =
                    |element: &String| element == &port.to_string() || (port == 22 && element == "ssh");
                known = elements(&[set]).iter().any(name);
                more
            }
            ["accept"] => return known && from,
            _ => return false,
        };
    }
}

/// The elements of `a`, `a , b` or `{a,b}`.
fn elements(words: &[&str]) -> Vec<String> {
    let text = words.concat();
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(&text).to_owned();
    inner.split(',').map(str::to_owned).collect()
}

/// A rule without what neither accepts nor drops: counters and comments.
fn plain(rule: &[String]) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = rule.iter().map(String::as_str).peekable();
    while let Some(word) = rest.next() {
        match word {
            "counter" if rest.peek() == Some(&"packets") => drop(rest.by_ref().take(4).count()),
            "counter" => {}
            "comment" => drop(rest.next()),
            word => words.push(word),
        }
    }
    words
}

/// Whether a rule may drop something that is not for nobody anyway.
fn may_drop(rule: &[&str]) -> bool {
    if matches!(rule, ["ct", "state", "invalid", "drop"]) {
        return false;
    }
    let drops = ["drop", "reject", "queue", "jump", "goto", "return", "synproxy", "tproxy", "notrack", "dup"];
    let words = rule.iter().any(|word| drops.contains(word));
    // A map may have any verdict; one that is written out only those in it.
    let map = rule.iter().position(|word| *word == "vmap").and_then(|at| rest_of(rule, at));
    let mapped = map.is_some_and(|map| {
        let states = rule.starts_with(&["ct", "state", "vmap"]) && map.starts_with('{');
        let verdicts = || map.trim_matches(['{', '}']).split(',').filter_map(|pair| pair.split_once(':'));
        !states
            || verdicts()
                .any(|(state, verdict)| verdict != "accept" && !(state == "invalid" && verdict == "drop"))
    });
    words || mapped
}

fn rest_of<'r>(rule: &[&'r str], at: usize) -> Option<&'r str> {
    Some(rule.get(at + 1).copied().unwrap_or("@"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"#!/usr/sbin/nft -f
flush ruleset
define web = { 80, 443 }
table inet filter {
    set bad { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
    chain input {
        type filter hook input priority filter; policy drop;
        ct state invalid drop comment "odd; } drop"
        ct state { established, related } counter packets 0 bytes 0 accept
        iifname "lo" accept
        tcp dport { 22, 80 } ct state new \
            accept
        ip saddr @bad drop
        jump more
    }
    chain more { udp dport 53 drop }
    chain forward { type filter hook forward priority 0; policy drop; }
    chain output { type filter hook output priority 0; policy accept; }
}
table ip6 nat { chain post { type nat hook postrouting priority srcnat; masquerade } }
"#;

    fn entrance() -> Entrance<'static> {
        Entrance { ports: &[22], from: &[] }
    }

    fn early(text: &str, missing: &str) {
        match judge(text, &entrance()) {
            Err(Lockout::Early { missing: have, .. }) => assert!(have.contains(missing), "{have}\n{text}"),
            other => panic!("{other:?}\n{text}"),
        }
    }

    #[test]
    fn a_ruleset_that_lets_administrators_in_is_good() {
        assert_eq!(judge(GOOD, &entrance()).unwrap().tables, ["inet filter", "ip6 nat"]);
        let open =
            "flush ruleset\ntable inet f { chain i { type filter hook input priority 0; policy accept; } }";
        assert!(judge(open, &entrance()).is_ok());
        let map = GOOD.replace(
            "ct state { established, related } counter packets 0 bytes 0 accept",
            "ct state vmap { established : accept, related : accept, invalid : drop }",
        );
        assert!(judge(&map, &entrance()).is_ok());
        assert!(judge("flush ruleset", &entrance()).is_ok());
    }

    #[test]
    fn what_is_accepted_too_late_or_never_is_refused() {
        let without = |line: &str| {
            assert!(GOOD.contains(line), "{line}");
            GOOD.replace(line, "")
        };
        early(&without("ct state { established, related } counter packets 0 bytes 0 accept"), "connection");
        early(&without("iifname \"lo\" accept"), "loopback");
        early(&GOOD.replace("{ 22, 80 }", "{ 2222, 80 }"), "port");
        early(&GOOD.replace("iifname \"lo\" accept", "iifname \"eth0\" accept"), "loopback");
        // Only for some, or only for a while.
        for narrowed in [
            "ip saddr 10.0.0.0/8 tcp dport 22",
            "tcp dport 22 limit rate 1/second",
            "iifname eth1 tcp dport 22",
            "tcp sport 1 tcp dport 22",
            "udp dport 22",
            "tcp dport != 22",
        ] {
            early(&GOOD.replace("tcp dport { 22, 80 } ct state new \\\n           ", narrowed), "port");
        }
        for before in [
            "drop",
            "ip saddr @bad drop",
            "jump more",
            "reject with icmp type admin-prohibited",
            "tcp dport vmap @ports",
            "tcp dport vmap { 22 : drop }",
            "queue",
            "ct state vmap { new : drop }",
        ] {
            early(&GOOD.replace("ct state invalid", &format!("{before}\n ct state invalid")), "connection");
        }
        let output =
            GOOD.replace("hook output priority 0; policy accept", "hook output priority 0; policy drop");
        early(&output, "connection");
        let raw = "flush ruleset\ntable inet f { chain p { type filter hook prerouting priority raw; ip saddr 192.0.2.1 drop } }";
        early(raw, "everything");
        let second = format!(
            "{GOOD}\ntable ip other {{ chain i {{ type filter hook input priority 10; policy drop; }} }}"
        );
        early(&second, "connection");
    }

    #[test]
    fn administrators_may_come_from_few_places() {
        let from = ["10.0.0.0/8".to_owned()];
        let few = Entrance { ports: &[22], from: &from };
        let text = GOOD.replace("tcp dport { 22, 80 }", "ip saddr { 10.0.0.0/8, 192.0.2.1 } tcp dport ssh");
        assert!(judge(&text, &few).is_ok());
        assert!(judge(GOOD, &few).is_err());
        assert!(judge(&text.replace("10.0.0.0/8", "10.0.0.0/24"), &few).is_err());
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for text in [
            "",
            "table inet f { }",
            "flush ruleset\ninclude \"/etc/x\"",
            "flush ruleset\nadd rule inet f i drop",
            "flush ruleset\ntable inet f {",
            "flush ruleset\n}",
            "flush ruleset\ntable inet f { chain i { \"x } }",
            "flush ruleset\ntable inet f { include \"x\" }",
            "flush ruleset\nflush table inet f",
            "flush ruleset\ntable inet f",
        ] {
            assert!(matches!(judge(text, &entrance()), Err(Lockout::Form(_))), "{text}");
        }
    }
}
