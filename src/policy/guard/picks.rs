//! The expression of `find`: what its tests leave at each point.

/// What the tests so far leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Picks {
    /// Patterns of names, one of which it has.
    pub(super) names: Option<Vec<String>>,
    /// Only what has not been touched for a while.
    pub(super) old: bool,
    /// Only what is of a size, owner, mode …
    pub(super) narrowed: bool,
    /// Only what belongs to nobody, or to somebody who is not root.
    pub(super) owned: bool,
    /// Only links to nowhere.
    pub(super) dangling: bool,
    /// Only what is in the directory itself.
    pub(super) shallow: bool,
}

impl Picks {
    /// What either leaves.
    fn or(self, other: Self) -> Self {
        Self {
            names: self.names.zip(other.names).map(|(a, b)| [a, b].concat()),
            old: self.old && other.old,
            narrowed: self.narrowed && other.narrowed,
            owned: self.owned && other.owned,
            dangling: self.dangling && other.dangling,
            shallow: self.shallow && other.shallow,
        }
    }
}

/// An open parenthesis, or the expression itself.
#[derive(Debug, Clone, Default)]
struct Group {
    outer: Picks,
    alternatives: Option<Picks>,
    negated: bool,
}

/// An expression, as far as it has been read.
#[derive(Debug, Clone, Default)]
pub(super) struct Expression {
    now: Picks,
    top: Group,
    open: Vec<Group>,
    negated: bool,
}

impl Expression {
    /// What is left at this point.
    pub(super) fn now(&self) -> &Picks {
        &self.now
    }

    /// What is left at the end, whichever alternative it comes from.
    pub(super) fn whole(self) -> Picks {
        match self.top.alternatives {
            Some(alternatives) => alternatives.or(self.now),
            None => self.now,
        }
    }

    /// Reads a word and perhaps its argument; how many words these are.
    pub(super) fn read(&mut self, word: &str, next: &str) -> usize {
        let negated = std::mem::take(&mut self.negated);
        match word {
            "!" | "-not" => self.negated = !negated,
            "-o" | "-or" => self.alternative(),
            "," => self.now = self.group().outer.clone(),
            "(" => self.open.push(Group { outer: self.now.clone(), negated, ..Group::default() }),
            ")" => self.close(),
            "-empty" => self.now.old |= !negated,
            "-nouser" | "-nogroup" => {
                self.now.narrowed |= !negated;
                self.now.owned |= !negated;
            }
            "-maxdepth" => {
                self.now.shallow = matches!(next, "0" | "1");
                return 2;
            }
            _ if takes_argument(word) => {
                self.test(word, next, negated);
                return 2;
            }
            _ => {}
        }
        1
    }

    fn group(&mut self) -> &mut Group {
        self.open.last_mut().unwrap_or(&mut self.top)
    }

    fn alternative(&mut self) {
        let now = std::mem::take(&mut self.now);
        let group = self.group();
        group.alternatives = Some(match group.alternatives.take() {
            Some(others) => others.or(now),
            None => now,
        });
        self.now = self.group().outer.clone();
    }

    fn close(&mut self) {
        let Some(group) = self.open.pop() else { return };
        let now = std::mem::take(&mut self.now);
        self.now = match group.alternatives {
            _ if group.negated => group.outer,
            Some(others) => others.or(now),
            None => now,
        };
    }

    fn test(&mut self, word: &str, argument: &str, negated: bool) {
        match word {
            "-name" | "-iname" if !negated => self.name(argument.to_owned()),
            "-path" | "-ipath" | "-wholename" | "-iwholename" if !negated => self.name(last_part(argument)),
            "-regex" | "-iregex" if !negated => self.name(last_part(&of_regex(argument))),
            "-mtime" | "-atime" | "-ctime" | "-mmin" | "-amin" | "-cmin" => {
                let number = argument.trim_start_matches(['+', '-']);
                let some = number.chars().any(|c| c != '0');
                let before = if negated { '-' } else { '+' };
                self.now.old |= some && (argument.starts_with(before) || !argument.starts_with(['+', '-']));
            }
            _ if word.starts_with("-newer") => self.now.old |= negated,
            "-user" | "-uid" | "-group" | "-gid" => {
                self.now.narrowed |= !negated;
                self.now.owned |= matches!(argument, "root" | "0" | "wheel") == negated;
            }
            "-size" if argument == "0" => self.now.old |= !negated,
            "-xtype" => self.now.dangling |= argument == "l" && !negated,
            "-type" | "-fstype" | "-name" | "-iname" | "-path" | "-ipath" | "-regex" => {}
            _ => self.now.narrowed |= !negated,
        }
    }

    fn name(&mut self, pattern: String) {
        self.now.names.get_or_insert_with(|| vec![pattern]);
    }
}

fn takes_argument(word: &str) -> bool {
    const TESTS: &[&str] = &[
        "-name",
        "-iname",
        "-path",
        "-ipath",
        "-wholename",
        "-iwholename",
        "-regex",
        "-iregex",
        "-mtime",
        "-atime",
        "-ctime",
        "-mmin",
        "-amin",
        "-cmin",
        "-size",
        "-user",
        "-group",
        "-perm",
        "-uid",
        "-gid",
        "-inum",
        "-links",
        "-used",
        "-type",
        "-xtype",
        "-fstype",
        "-lname",
        "-ilname",
        "-samefile",
        "-context",
        "-mindepth",
        "-regextype",
        "-printf",
    ];
    TESTS.contains(&word) || word.starts_with("-newer")
}

/// The last part of a pattern of paths that says something.
fn last_part(pattern: &str) -> String {
    pattern.rsplit('/').find(|part| !part.is_empty() && *part != "*").unwrap_or("*").to_owned()
}

/// A regular expression as a pattern, roughly: what it does not say may be anything.
fn of_regex(regex: &str) -> String {
    let plain = regex.replace("\\.", "\u{1}").replace(".*", "*").replace('\u{1}', ".");
    if plain.contains(['\\', '(', '+', '|', '^']) { "*".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, names: &[&str], old: bool) {
        let words: Vec<&str> = expression.split_whitespace().collect();
        let mut read = Expression::default();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += read.read(word, words.get(at + 1).copied().unwrap_or_default());
        }
        let whole = read.whole();
        assert_eq!(whole.names.unwrap_or_default(), names, "{expression}");
        assert_eq!(whole.old, old, "{expression}");
    }

    #[test]
    fn what_the_tests_leave_is_known() {
        check("-name *.log -mtime +7", &["*.log"], true);
        check("-type f -mtime -1", &[], false);
        check("( -name *.gz -o -name *.old ) -mtime +3", &["*.gz", "*.old"], true);
        check("-name a -o -type f", &[], false);
        check("! -newer /x ! -name keep", &[], true);
        check("! ( -name a -o -name b )", &[], false);
        check("-path */.git/* -prune", &[".git"], false);
        check("-regex .*/core\\.[0-9]*", &["core.[0-9]*"], false);
    }
}
