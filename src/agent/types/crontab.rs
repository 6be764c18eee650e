//! The text of a crontab: finding, replacing and removing one entry, everything else left as it is. No I/O.

/// The line before an entry of ours.
const MARK: &str = "# Countersign Name: ";
/// The line before an entry that Puppet left; we take it over.
const PUPPET_MARK: &str = "# Puppet Name: ";

/// One entry as it stands, or should stand, in a crontab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// `NAME=value`, ascending.
    pub(super) environment: Vec<String>,
    /// The five fields or the `@word`.
    pub(super) schedule: String,
    pub(super) command: String,
}

/// The entry with this name, or else an unnamed one with this command and schedule.
pub(super) fn find(text: &str, name: &str, like: &Entry) -> Option<Entry> {
    let lines: Vec<&str> = text.lines().collect();
    locate(&lines, name, like).map(|place| place.entry)
}

/// The text with the entry set, where it was or at the end.
pub(super) fn set(text: &str, name: &str, entry: &Entry) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut wanted = vec![format!("{MARK}{name}")];
    wanted.extend(entry.environment.iter().cloned());
    wanted.push(format!("{} {}", entry.schedule, entry.command));
    splice(
        &lines,
        locate(&lines, name, entry).map_or((lines.len(), lines.len()), |p| (p.start, p.end)),
        &wanted,
    )
}

/// The text without the entry.
pub(super) fn remove(text: &str, name: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match locate(&lines, name, &Entry::default()) {
        Some(place) => splice(&lines, (place.start, place.end), &[]),
        None => text.to_owned(),
    }
}

/// An entry as it stands in a crontab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// What it is called, where that stands above it.
    pub(super) name: Option<String>,
    /// Schedule and command with one blank between each.
    pub(super) line: String,
    pub(super) schedule: String,
    pub(super) command: String,
    /// `NAME=value` between the name and the entry.
    pub(super) environment: Vec<String>,
    at: usize,
}

/// Every entry.
pub(super) fn all(text: &str) -> Vec<Job> {
    let mut found = Vec::new();
    let mut named: Option<(String, Vec<String>)> = None;
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = [MARK, PUPPET_MARK].iter().find_map(|mark| line.strip_prefix(mark)) {
            named = Some((name.trim_end().to_owned(), Vec::new()));
        } else if line.starts_with('#') || line.trim().is_empty() {
            named = None;
        } else if let Some((schedule, command)) = job(line) {
            let (name, environment) =
                named.take().map_or((None, Vec::new()), |(name, env)| (Some(name), env));
            let line = format!("{schedule} {command}");
            found.push(Job { name, line, schedule, command, environment, at });
        } else if let Some((_, environment)) = &mut named {
            environment.push(line.to_owned());
        }
    }
    found
}

/// The text without the entry of this name, or else without the one that has no name and reads so.
pub(super) fn without(text: &str, name: &str) -> String {
    let jobs = all(text);
    if jobs.iter().any(|job| job.name.as_deref() == Some(name)) {
        return remove(text, name);
    }
    let lines: Vec<&str> = text.lines().collect();
    match jobs.iter().find(|job| job.name.is_none() && job.line == name) {
        Some(job) => splice(&lines, (job.at, job.at + 1), &[]),
        None => text.to_owned(),
    }
}

struct Located {
    start: usize,
    end: usize,
    entry: Entry,
}

fn locate(lines: &[&str], name: &str, like: &Entry) -> Option<Located> {
    let marked = |line: &&str| {
        [MARK, PUPPET_MARK].iter().any(|mark| line.strip_prefix(mark).is_some_and(|n| n.trim_end() == name))
    };
    if let Some(start) = lines.iter().position(marked) {
        let (mut end, mut entry) = (start + 1, Entry::default());
        while let Some(line) = lines.get(end) {
            if line.starts_with('#') || line.trim().is_empty() {
                break;
            }
            end += 1;
            if let Some((schedule, command)) = job(line) {
                (entry.schedule, entry.command) = (schedule, command);
                break;
            }
            entry.environment.push((*line).to_owned());
        }
        entry.environment.sort();
        return Some(Located { start, end, entry });
    }
    // An entry that nobody manages and that is the same is taken over, not doubled.
    let same = |line: &&str| {
        job(line).is_some_and(|(schedule, command)| schedule == like.schedule && command == like.command)
    };
    let start = lines.iter().position(same).filter(|i| {
        let named = |l: &&str| l.starts_with(MARK) || l.starts_with(PUPPET_MARK);
        let owner =
            lines[..*i].iter().rposition(|l| l.starts_with('#') || l.trim().is_empty() || job(l).is_some());
        !owner.is_some_and(|o| named(&lines[o]))
    })?;
    let entry =
        Entry { environment: Vec::new(), schedule: like.schedule.clone(), command: like.command.clone() };
    Some(Located { start, end: start + 1, entry })
}

/// Schedule and command of a line, unless it is a comment or sets a variable.
fn job(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let count = if line.starts_with('@') { 1 } else { 5 };
    if !line.starts_with(|c: char| c == '@' || c == '*' || c.is_ascii_digit()) {
        return None;
    }
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..count {
        let (field, after) = rest.split_once([' ', '\t'])?;
        fields.push(field);
        rest = after.trim_start();
    }
    Some((fields.join(" "), rest.to_owned()))
}

fn splice(lines: &[&str], (start, end): (usize, usize), wanted: &[String]) -> String {
    let before = lines[..start].iter().map(|l| (*l).to_owned());
    let after = lines[end..].iter().map(|l| (*l).to_owned());
    let all: Vec<String> = before.chain(wanted.iter().cloned()).chain(after).collect();
    if all.is_empty() { String::new() } else { all.join("\n") + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: &str = "MAILTO=ops\n# by hand\n1 2 * * * /bin/one --two\n\n@daily /bin/three\n";

    fn entry() -> Entry {
        Entry {
            environment: vec!["A=1".into(), "B=x y".into()],
            schedule: "*/5 1 * * *".into(),
            command: "/bin/job | cat".into(),
        }
    }

    #[test]
    fn an_entry_goes_in_and_out_and_nothing_else_moves() {
        let with = set(OTHERS, "job", &entry());
        let ours = "# Countersign Name: job\nA=1\nB=x y\n*/5 1 * * * /bin/job | cat\n";
        assert_eq!(with, format!("{OTHERS}{ours}"));
        assert_eq!(find(&with, "job", &Entry::default()), Some(entry()));
        assert_eq!(set(&with, "job", &entry()), with);
        let changed = Entry { schedule: "@hourly".into(), environment: Vec::new(), ..entry() };
        let text = set(&with, "job", &changed);
        assert_eq!(text, format!("{OTHERS}# Countersign Name: job\n@hourly /bin/job | cat\n"));
        assert_eq!(remove(&text, "job"), OTHERS);
        assert_eq!(remove(OTHERS, "job"), OTHERS);
    }

    #[test]
    fn the_same_entry_without_a_name_is_taken_over() {
        let like = Entry { schedule: "@daily".into(), command: "/bin/three".into(), environment: Vec::new() };
        let text = set(OTHERS, "three", &like);
        assert_eq!(text, OTHERS.replace("@daily", "# Countersign Name: three\n@daily"));
        // But never one that another resource has.
        let second = set(&text, "four", &like);
        assert_eq!(second, format!("{text}# Countersign Name: four\n@daily /bin/three\n"));
    }

    #[test]
    fn an_entry_of_puppet_is_taken_over() {
        let text = "# Puppet Name: job\n0 0 * * * /bin/old\n";
        assert_eq!(set(text, "job", &entry()), set("", "job", &entry()));
    }
}
