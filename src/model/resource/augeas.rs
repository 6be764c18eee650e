//! `augeas`: parts of a file that a lens of Augeas knows how to read and write.

use super::{Attr, Deed, Fault, Nature, Need, Shape, is_true, yes};
use serde::{Deserialize, Serialize};

/// The attributes of `augeas` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "The file.").required(),
    Attr::new("lens", Shape::Text, "The lens that reads and writes it, for example `Sshd`.").required(),
    Attr::new(
        "changes",
        Shape::Texts,
        "What is changed, in the words of augtool: `set Port 2222`, `rm Match[1]`. Paths begin at the file's tree.",
    )
    .required(),
    Attr::new(
        "onlyif",
        Shape::Text,
        "Change something only where this holds: `match PATH size == 0`, `get PATH != VALUE`.",
    ),
    Attr::new("show_diff", Shape::Bool, "Show what changes in logs and reports.").default("true"),
];

/// Changes of a file through a lens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augeas {
    /// The file.
    pub path: String,
    /// The lens, without `.lns`.
    pub lens: String,
    /// What is changed, in order.
    pub changes: Vec<String>,
    /// A condition of the file as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onlyif: Option<String>,
    /// Show what changes in logs and reports.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub show_diff: bool,
}

/// A command of augtool, read: the verb and its arguments without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The verb, for example `set`.
    pub verb: &'static str,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}

/// An argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Nodes of the file's tree.
    Path(String),
    /// Nodes below others.
    Sub(String),
    /// A label, or `before` or `after`.
    Word(String),
    /// A value.
    Value(String),
}

/// A condition, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// How many nodes there are, compared with a number.
    Size(String, Comparison, usize),
    /// The value of a node, compared with a text.
    Get(String, Comparison, String),
}

/// How two things are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `>`
    More,
}

impl Comparison {
    /// Whether it holds.
    #[must_use]
    pub fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::More => left > right,
        }
    }

    fn named(word: &str) -> Result<Self, String> {
        match word {
            "==" => Ok(Self::Equal),
            "!=" => Ok(Self::Unequal),
            "<" => Ok(Self::Less),
            ">" => Ok(Self::More),
            _ => Err(format!("`{}` compares nothing: known are ==, !=, < and >", word.escape_default())),
        }
    }
}

/// The commands that change a tree, and what each is given: `p`ath, `s`ub-path, label, `w`here, `v`alue.
const VERBS: &[(&str, &str)] = &[
    ("set", "pv"),
    ("setm", "psv"),
    ("clear", "p"),
    ("clearm", "ps"),
    ("touch", "p"),
    ("rm", "p"),
    ("ins", "lwp"),
    ("mv", "pp"),
    ("rename", "pl"),
];

impl Edit {
    /// Reads a command.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str) -> Result<Self, String> {
        let words = words(line)?;
        let (verb, given) = words.split_first().ok_or("this is empty")?;
        let verb = match verb.as_str() {
            "remove" => "rm",
            "insert" => "ins",
            "move" => "mv",
            other => other,
        };
        let (verb, form) = VERBS.iter().find(|(known, _)| *known == verb).ok_or_else(|| {
            let known: Vec<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
            format!("`{}` changes no tree: known are {}", verb.escape_default(), known.join(", "))
        })?;
        if form.len() != given.len() {
            let found = given.len();
            let quotes = if found > form.len() { "; put a value with blanks into quotes" } else { "" };
            return Err(format!("`{verb}` takes {} arguments, and this has {found}{quotes}", form.len()));
        }
        let arguments =
            form.chars().zip(given).map(|(form, word)| argument(form, word)).collect::<Result<_, _>>()?;
        Ok(Self { verb, arguments })
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str) -> Result<Self, String> {
        let words = words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["match", path, "size", comparison, number] => {
                let number =
                    number.parse().map_err(|_| format!("`{}` is no number", number.escape_default()))?;
                Ok(Self::Size(tree_path(path)?, Comparison::named(comparison)?, number))
            }
            ["get", path, comparison, value] => {
                Ok(Self::Get(tree_path(path)?, Comparison::named(comparison)?, value.to_owned()))
            }
            _ => Err("this is no condition: write `match PATH size == 0` or `get PATH != VALUE`".to_owned()),
        }
    }
}

fn argument(form: char, word: &str) -> Result<Argument, String> {
    let label =
        |word: &str| !word.is_empty() && word.chars().all(|c| !"/[]|()$".contains(c) && !ends_word(c));
    match form {
        'p' => tree_path(word).map(Argument::Path),
        's' if word == "." => Ok(Argument::Sub(word.to_owned())),
        's' => tree_path(word).map(Argument::Sub),
        'w' if matches!(word, "before" | "after") => Ok(Argument::Word(word.to_owned())),
        'w' => Err(format!("`{}` is neither before nor after", word.escape_default())),
        'l' if label(word) => Ok(Argument::Word(word.to_owned())),
        'l' => Err(format!("`{}` is no label", word.escape_default())),
        _ => Ok(Argument::Value(word.to_owned())),
    }
}

/// A path within the tree of the file, and nowhere else: augtool's own settings and other files are nodes, too.
fn tree_path(word: &str) -> Result<String, String> {
    let refuse = |why: &str| Err(format!("the path `{}` {why}", word.escape_default()));
    if word.is_empty() || word.starts_with('/') {
        return refuse("does not begin at the file's tree: write it without `/files` and the file");
    }
    if word.contains("..") || word.contains("::") {
        return refuse("leads out of the file's tree");
    }
    if outside_brackets(word).any(|c| "|()$".contains(c)) {
        return refuse("names more than one place: write a change for each");
    }
    if outside_brackets(word).any(ends_word) {
        return refuse("has a blank or a quote outside of brackets");
    }
    Ok(word.to_owned())
}

/// What separates words or means something to augtool.
const fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '"' | '\'' | '\\')
}

fn outside_brackets(word: &str) -> impl Iterator<Item = char> {
    let mut depth = 0_usize;
    word.chars().filter(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

/// The words of a command: blanks separate them, but not in quotes and not in brackets.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut depth, mut quote) = (0_usize, None::<char>);
    for c in line.chars() {
        if depth > 0 {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            word.get_or_insert_default().push(c);
            continue;
        }
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '\\') => return Err("a backslash means nothing here: use quotes".to_owned()),
            (None, c) => {
                depth += usize::from(c == '[');
                word.get_or_insert_default().push(c);
            }
        }
    }
    if quote.is_some() || depth > 0 {
        return Err("a quote or bracket does not end".to_owned());
    }
    words.extend(word);
    Ok(words)
}

impl Augeas {
    /// The changes, read. Those that cannot be read are not among them: [`Nature::faults`] names them.
    pub fn edits(&self) -> impl Iterator<Item = Edit> {
        self.changes.iter().filter_map(|change| Edit::read(change).ok())
    }
}

impl Nature for Augeas {
    const NAME: &'static str = "augeas";
    const DOC: &'static str = "parts of a file that a lens of Augeas reads and writes";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = None;
    const EXAMPLE: (&'static str, &'static str) = (
        "options of the root file system",
        "path = '/etc/fstab'\nlens = 'Fstab'\nchanges = [\"set *[file = '/']/passno 1\"]\n",
    );

    fn thing(&self) -> Option<(&'static str, String)> {
        None
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.path), Need::Within(&self.path)]
    }

    /// The same changes by the program itself, with the whole path of each node.
    fn deeds(&self) -> Vec<Deed<'_>> {
        let deed = |edit: Edit| {
            let (mut nodes, mut rest) = (Vec::new(), Vec::new());
            for argument in edit.arguments {
                match argument {
                    Argument::Path(path) => nodes.push(format!("/files{}/{path}", self.path)),
                    Argument::Sub(word) | Argument::Word(word) | Argument::Value(word) => rest.push(word),
                }
            }
            let argv = ["augtool".to_owned(), edit.verb.to_owned()].into_iter().chain(nodes).chain(rest);
            Deed::Like { attr: "changes", argv: argv.collect() }
        };
        self.edits().map(deed).collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if self.lens.is_empty() || !self.lens.chars().all(plain) {
            let message = format!("`{}` is no lens", self.lens.escape_default());
            faults.push(Fault::new("lens", message, "its name alone, for example `Sshd`"));
        }
        if self.changes.is_empty() {
            faults.push(Fault::new("changes", "there is no change", ""));
        }
        let changes = self.changes.iter().filter_map(|change| Edit::read(change).err());
        faults.extend(changes.map(|why| Fault::new("changes", why, "`set PATH VALUE`, for example")));
        let condition = self.onlyif.as_ref().and_then(|text| Condition::read(text).err());
        faults.extend(condition.map(|why| Fault::new("onlyif", why, "")));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_augtool_reads_them() {
        let read = |line: &str| Edit::read(line).map(|edit| format!("{} {:?}", edit.verb, edit.arguments));
        assert_eq!(read("set Port 2222").unwrap(), r#"set [Path("Port"), Value("2222")]"#);
        assert_eq!(
            read(r#"set *[file = '/']/opt[1] "a 'b' c""#).unwrap(),
            r#"set [Path("*[file = '/']/opt[1]"), Value("a 'b' c")]"#
        );
        assert_eq!(
            read("insert Foo before Port").unwrap(),
            r#"ins [Word("Foo"), Word("before"), Path("Port")]"#
        );
        assert_eq!(read("setm *[x] . ''").unwrap(), r#"setm [Path("*[x]"), Sub("."), Value("")]"#);
    }

    #[test]
    fn nothing_leads_out_of_the_tree_of_the_file() {
        for line in [
            "set /augeas/root /",
            "set /files/etc/shadow/root/password x",
            "set ../shadow/root x",
            "rm Port|/augeas",
            "rm (/augeas)",
            "set $x y",
            "mv Port ../../etc",
            "rm parent::*/x",
            "set Port a b",
            "set Port",
            "save",
            "load",
            "store Hosts.lns /a /b",
            "set Port 'x",
            "set Port[1 2",
            "ins a/b before Port",
            "ins a upon Port",
            "set Port a\\b",
            "",
            "rm //x",
            "set 'a b' x",
            "ins 'a b' before Port",
            "rename Port 'x y'",
            "set \"a'b\" x",
            "rename Port [x]",
        ] {
            assert!(Edit::read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn conditions_count_or_compare() {
        assert_eq!(
            Condition::read("match Port[. = '22'] size == 0"),
            Ok(Condition::Size("Port[. = '22']".into(), Comparison::Equal, 0))
        );
        assert_eq!(
            Condition::read("get Port != 22"),
            Ok(Condition::Get("Port".into(), Comparison::Unequal, "22".into()))
        );
        for line in ["match Port", "match /augeas size > 0", "get Port ~ 2", "match Port size == x"] {
            assert!(Condition::read(line).is_err(), "{line}");
        }
    }
}
