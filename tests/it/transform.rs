//! Ways to write the same command differently: pure functions from text to text. Nothing here is run.

use base64::Engine as _;

/// Where a template takes the text.
const HOLE: char = '§';

/// How the text goes into the hole.
#[derive(Clone, Copy)]
enum Form {
    /// As it is.
    Plain,
    /// As one single-quoted word.
    Quoted,
    /// As one double-quoted word in which nothing expands early.
    DoubleQuoted,
    /// Between backquotes.
    Backquoted,
    Base64,
    Hex,
    Octal,
    AnsiC,
}

/// A way to write a whole command text differently.
#[derive(Clone, Copy)]
pub(crate) struct Around {
    form: Form,
    /// The new text with a hole; also the name in messages.
    pub(crate) template: &'static str,
}

impl Around {
    /// The text, written this way; nothing when this way would change what it means.
    pub(crate) fn apply(self, text: &str) -> Option<String> {
        let clash = (self.template.contains("find ") && text.contains("{}"))
            || (self.template.contains("<<W") && text.contains("<<"))
            || (matches!(self.form, Form::Backquoted) && text.contains("<<"))
            || text.contains("W7");
        let (before, after) = self.template.split_once(HOLE)?;
        (!clash).then(|| format!("{before}{}{after}", filled(self.form, text)))
    }
}

fn filled(form: Form, text: &str) -> String {
    match form {
        Form::Plain => text.to_owned(),
        Form::Quoted => single(text),
        Form::DoubleQuoted => double(text),
        Form::Backquoted => escaped(text, "\\`$"),
        Form::Base64 => base64::engine::general_purpose::STANDARD.encode(text),
        Form::Hex => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        Form::Octal => text.bytes().map(|byte| format!("\\{byte:03o}")).collect(),
        Form::AnsiC => ansi_hex(text),
    }
}

/// Compositions that run the text unchanged, in the same shell or a subshell.
const SAME_SHELL: &[&str] = &[
    "{ §\n}",
    "(§\n)",
    "  \t§",
    "\n\n§\n",
    "# nothing to see\n§",
    "§\n# nothing to see",
    "echo start\n§",
    "set -e\n§",
    "true && {\n§\n}",
    "if true; then\n§\nfi",
    "for w in 1; do\n§\ndone",
    "case x in (*)\n§\n;; esac",
    "w() {\n§\n}; w",
];

/// Compositions that run the text, some of them where one hardly looks.
const ODD_PLACES: &[&str] = &[
    "§\necho end",
    "false || {\n§\n}",
    "while :; do\n§\nbreak\ndone",
    "until false; do\n§\nbreak\ndone",
    "if false; then :; else\n§\nfi",
    "! {\n§\n}",
    "{\n§\n} >/dev/null 2>&1",
    "{\n§\n} &",
    "{\n§\n} | cat",
    "true | {\n§\n}",
    "function w {\n§\n}\nw",
    "w() (\n§\n)\nw",
    "coproc {\n§\n}",
    "time {\n§\n}",
    "w=$(§\n)",
    "echo \"$(§\n)\"",
    "echo \"${w:-$(§\n)}\"",
    ": $((0$(§\n)))",
    "cat <(§\n)",
    "cat <<W\n$(§\n)\nW",
    "[[ -n $(§\n) ]]",
    "case $(§\n) in *) ;; esac",
    "for w in $(§\n); do :; done",
    "sh <<'W7'\n§\nW7",
    "cat <<'W7' | bash\n§\nW7",
    "at now <<'W7'\n§\nW7",
];

/// Shells and tools that take a command text as one word and are not meant to hide anything.
const PLAIN_SHELLS: &[&str] = &[
    "sh -c §",
    "/bin/bash -c §",
    "bash -e -c §",
    "sudo sh -c §",
    "timeout 60 sh -c §",
    "nice -n 5 sh -c §",
    "flock /run/lock/w -c §",
    "env LC_ALL=C sh -c §",
    "sh -c § w",
    "su -c §",
];

/// Other ways for a text to reach a shell.
const OTHER_SHELLS: &[&str] = &[
    "eval §",
    "trap § EXIT",
    "busybox sh -c §",
    "ssh web01 §",
    "watch §",
    "script -qc § /dev/null",
    "systemd-run sh -c §",
    "setsid sh -c §",
    "echo x | xargs sh -c §",
    "find /tmp -maxdepth 0 -exec sh -c § \\;",
    "parallel ::: §",
    "printf '%s\\n' § | sh",
    "printf '%s\\n' § | sudo bash -s",
    "bash <<< §",
    "printf '%s\\n' § > /tmp/w; sh /tmp/w",
    "bash <(printf '%s\\n' §)",
    "w=§; eval \"$w\"",
    "w=§; sh -c \"$w\"",
    "export w=§; sh -c 'eval \"$w\"'",
    "set -- §; eval \"$1\"",
    "sh -c 'eval \"$1\"' w §",
    "declare -a w=(§); eval \"${w[0]}\"",
    "read -r -d '' w <<< §; eval \"$w\"",
    "w() { eval \"$1\"; }; w §",
    "for w in §; do eval \"$w\"; done",
];

/// Templates with an encoded text, each with its encoding.
const ENCODED: &[(Form, &str)] = &[
    (Form::DoubleQuoted, "sh -c §"),
    (Form::DoubleQuoted, "w=§; eval \"$w\""),
    (Form::Backquoted, "echo `§\n`"),
    (Form::Backquoted, "w=\"`§\n`\""),
    (Form::AnsiC, "sh -c §"),
    (Form::AnsiC, "eval §"),
    (Form::Base64, "echo § | base64 -d | sh"),
    (Form::Base64, "eval \"$(echo § | base64 --decode)\""),
    (Form::Base64, "base64 -d <<< § | bash"),
    (Form::Base64, "w=§; sh -c \"$(printf %s \"$w\" | openssl base64 -d -A)\""),
    (Form::Hex, "echo § | xxd -r -p | sh"),
    (Form::Hex, "perl -e 'system(pack(\"H*\",\"§\"))'"),
    (Form::Hex, "python3 -c \"import os; os.system(bytes.fromhex('§').decode())\""),
    (Form::Octal, "printf '§' | sh"),
    (Form::Octal, "eval \"$(printf '§')\""),
];

fn around(form: Form, templates: &[&'static str]) -> Vec<Around> {
    templates.iter().map(|template| Around { form, template }).collect()
}

/// Ways that everybody uses, and that must not make a harmless command look harmful.
pub(crate) fn transparent() -> Vec<Around> {
    [around(Form::Plain, SAME_SHELL), around(Form::Quoted, PLAIN_SHELLS)].concat()
}

/// Every way to write a command text.
pub(crate) fn every_way() -> Vec<Around> {
    let encoded = ENCODED.iter().map(|(form, template)| Around { form: *form, template }).collect();
    [transparent(), around(Form::Plain, ODD_PLACES), around(Form::Quoted, OTHER_SHELLS), encoded].concat()
}

/// A way to write one word.
type Spelling = fn(&str) -> String;

/// Ways to write each word that everybody uses.
pub(crate) const COMMON_SPELLINGS: &[(&str, Spelling)] =
    &[("single quotes", single), ("double quotes", double), ("quotes where needed", quoted)];

/// Ways to write each word so that a text search does not find it.
pub(crate) const ODD_SPELLINGS: &[(&str, Spelling)] = &[
    ("backslashes", backslashed),
    ("adjacent quotes", adjacent),
    ("empty quotes", |word| word.chars().map(|c| format!("''{}", quoted(&c.to_string()))).collect()),
    ("continued lines", |word| word.chars().map(|c| quoted(&c.to_string())).collect::<Vec<_>>().join("\\\n")),
    ("hexadecimal escapes", ansi_hex),
    ("octal escapes", |word| {
        format!("$'{}'", word.bytes().map(|b| format!("\\{b:03o}")).collect::<String>())
    }),
    ("unicode escapes", |word| {
        format!("$'{}'", word.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>())
    }),
    ("default value", default_value),
    ("substituted echo", |word| format!("\"$(printf %s {})\"", single(word))),
    ("substituted here-string", |word| format!("\"$(cat <<< {})\"", single(word))),
    ("substituted base64", |word| {
        format!("\"$(echo {} | base64 -d)\"", base64::engine::general_purpose::STANDARD.encode(word))
    }),
    ("unset parts", |word| word.chars().map(|c| format!("${{w}}{}", quoted(&c.to_string()))).collect()),
    ("empty substitutions", |word| format!("$(:){}", quoted(word))),
];

/// Programs that run the rest of their arguments, in everybody's use.
pub(crate) const COMMON_WRAPPERS: &[&str] = &[
    "sudo",
    "sudo -n -u root --",
    "env",
    "env A=1",
    "nice -n 5",
    "ionice -c3",
    "timeout 60",
    "nohup",
    "setsid",
    "stdbuf -oL",
    "command",
    "exec",
    "A=1",
    ">/dev/null",
    "flock /run/lock/w",
];

/// Programs that run the rest of their arguments, less common.
pub(crate) const ODD_WRAPPERS: &[&str] = &[
    "doas",
    "chrt -i 0",
    "taskset -c 0",
    "setarch x86_64",
    "strace -o /tmp/w",
    "unbuffer",
    "systemd-run --scope",
    "runuser -u root --",
    "setpriv --reuid=0",
    "pkexec",
    "prlimit --nofile=99",
    "nsenter -t 1 -m",
    "chroot /",
    "time -p",
    "xargs -a /dev/null",
    "find /tmp -maxdepth 0 -exec",
];

/// The words run by `wrapper`.
pub(crate) fn wrapped(wrapper: &str, words: &[String]) -> String {
    let end = if wrapper.ends_with("-exec") { " \\;" } else { "" };
    format!("{wrapper} {}{end}", joined(words, quoted))
}

/// The words, each spelt by `spelling`.
pub(crate) fn joined(words: &[String], spelling: Spelling) -> String {
    words.iter().map(|word| spelling(word)).collect::<Vec<_>>().join(" ")
}

/// The words held in variables, parameters, arrays, braces or standard input.
pub(crate) fn held(words: &[String]) -> Vec<(&'static str, String)> {
    let list = joined(words, quoted);
    let assigned: String =
        words.iter().enumerate().map(|(i, word)| format!("w{i}={}; ", quoted(word))).collect();
    let used: Vec<String> = (0..words.len()).map(|i| format!("\"$w{i}\"")).collect();
    let exported: String =
        words.iter().enumerate().map(|(i, word)| format!("w{i}={} ", quoted(word))).collect();
    let lines: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut ways = vec![
        ("a variable each", format!("{assigned}{}", used.join(" "))),
        ("exported variables", format!("{exported} sh -c {}", single(&used.join(" ")))),
        ("positional parameters", format!("set -- {list}; \"$@\"")),
        ("parameters of a function", format!("w() {{ \"$@\"; }}; w {list}")),
        ("parameters of a shell", format!("sh -c '\"$@\"' w {list}")),
        ("an array", format!("w=({list}); \"${{w[@]}}\"")),
        ("an alias", format!("shopt -s expand_aliases; alias w={}\nw", single(&list))),
        ("tabs", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join("\t\t")),
        ("a printed argument list", format!("printf '%s\\0' {list} | xargs -0 env")),
    ];
    if !lines.iter().any(|word| word.contains('\n')) {
        let document = lines.join("\n");
        ways.push(("lines of a document", format!("mapfile -t w <<'W7'\n{document}\nW7\n\"${{w[@]}}\"")));
    }
    if let Some((last, rest)) = words.split_last()
        && !rest.is_empty()
    {
        ways.push((
            "standard input",
            format!("printf '%s\\0' {} | xargs -0 {}", quoted(last), joined(rest, quoted)),
        ));
    }
    if lines.iter().all(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_/.".contains(c))) {
        ways.push(("word splitting", format!("w='{}'; $w", lines.join(" "))));
        ways.push(("IFS for spaces", lines.join("${IFS}")));
        if lines.len() > 1 {
            ways.push(("brace expansion", format!("{{{}}}", lines.join(","))));
        }
    }
    ways
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn double(text: &str) -> String {
    format!("\"{}\"", escaped(text, "\\\"`$"))
}

/// Quotes only where a shell would do something with the word.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_/.:@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { single(word) }
}

fn backslashed(word: &str) -> String {
    if word.is_empty() || word.contains('\n') {
        return single(word);
    }
    word.chars().map(|c| format!("\\{c}")).collect()
}

fn adjacent(word: &str) -> String {
    let mut parts = String::new();
    for (i, c) in word.chars().enumerate() {
        parts += &(if i % 2 == 0 { double(&c.to_string()) } else { single(&c.to_string()) });
    }
    if parts.is_empty() { "''".to_owned() } else { parts }
}

/// As the default of an unset variable; shells disagree about quotes and braces in there.
fn default_value(word: &str) -> String {
    if word.contains(['\'', '{', '}']) {
        return quoted(word);
    }
    format!("\"${{w:-{}}}\"", escaped(word, "\\\"`$"))
}

fn ansi_hex(text: &str) -> String {
    format!("$'{}'", text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>())
}

fn escaped(text: &str, special: &str) -> String {
    text.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
}
