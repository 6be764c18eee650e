//! What services, crontabs, units and repositories a node has, in the words of a module.

use super::Failure;
use super::accounts::Accounts;
use super::crontab;
use crate::agent::found::{Found, Said};
use crate::agent::host::{EntryKind, Host, HostError, Invocation};
use std::collections::BTreeMap;

/// Bytes of a file that is read, at most.
const LIMIT: u64 = 1 << 20;

/// The settings of a section: each once or several times.
type Section = BTreeMap<String, Vec<String>>;

/// The services of systemd, or else the init scripts.
pub(in crate::agent) fn services_found(host: &Host) -> Result<Vec<Found>, Failure> {
    if host.stat("/run/systemd/system")?.is_none() {
        let scripts = names(host, "/etc/init.d")?.into_iter().filter(|name| !name.starts_with(['.', '_']));
        let runs = |name: &String| (2..=5).any(|level| starts(host, level, name));
        return Ok(scripts
            .filter(|name| !matches!(name.as_str(), "README" | "functions"))
            .map(|name| Found::of(name.clone()).with("enable", runs(&name)))
            .collect());
    }
    let list = |what: &str| {
        let words = ["systemctl", what, "--type=service", "--all", "--plain", "--no-legend", "--no-pager"];
        super::tool(host, &Invocation::of(&words))
    };
    Ok(services(&list("list-units")?, &list("list-unit-files")?))
}

/// Whether a runlevel starts an init script.
fn starts(host: &Host, level: u8, name: &str) -> bool {
    let entries = names(host, &format!("/etc/rc{level}.d")).unwrap_or_default();
    entries.iter().any(|entry| entry.strip_prefix('S').and_then(|entry| entry.get(2..)) == Some(name))
}

/// `list-units` says what runs, `list-unit-files` what starts at boot.
fn services(units: &str, files: &str) -> Vec<Found> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let rows = |text: &str| text.lines().map(words).collect::<Vec<_>>();
    let states: BTreeMap<String, String> =
        rows(files).into_iter().filter_map(|row| Some((row.first()?.clone(), row.get(1)?.clone()))).collect();
    let active: BTreeMap<String, String> = rows(units)
        .into_iter()
        .filter(|row| row.get(1).is_some_and(|load| load == "loaded" || load == "masked"))
        .filter_map(|row| Some((row.first()?.clone(), row.get(2)?.clone())))
        .collect();
    let names: std::collections::BTreeSet<&String> = states.keys().chain(active.keys()).collect();
    // A template is no service, and an alias is one under another name.
    let real = names.into_iter().filter(|name| {
        !name.contains("@.")
            && states.get(*name).is_none_or(|state| !matches!(state.as_str(), "alias" | "linked"))
    });
    let found = real.map(|name| {
        let runs = active
            .get(name)
            .is_some_and(|state| matches!(state.as_str(), "active" | "reloading" | "activating"));
        let found = Found::of(name.trim_end_matches(".service").to_owned());
        let found = found.with("ensure", if runs { "running" } else { "stopped" });
        match states.get(name).map(String::as_str) {
            Some("enabled") => found.with("enable", true),
            Some("disabled") => found.with("enable", false),
            Some("masked") => found.with("enable", "mask"),
            _ => found,
        }
    });
    found.collect()
}

/// The entries of all crontabs in the spool.
pub(in crate::agent) fn cron_found(host: &Host) -> Result<Vec<Found>, Failure> {
    let accounts = Accounts::read(host)?;
    let mut found = Vec::new();
    for spool in super::cron::SPOOLS {
        for user in names(host, spool)? {
            let path = format!("{spool}/{user}");
            let file = host.stat(&path)?.is_some_and(|stat| stat.kind == EntryKind::File);
            let Some(entry) = accounts.users.get(&user).filter(|_| file) else { continue };
            let text = host.read_managed(&path, LIMIT, Some(entry.uid))?;
            found.extend(jobs(&String::from_utf8_lossy(&text), &user));
        }
    }
    Ok(found)
}

fn jobs(text: &str, user: &str) -> Vec<Found> {
    const FIELDS: [&str; 5] = ["minute", "hour", "monthday", "month", "weekday"];
    let job = |job: crontab::Job| {
        // One without a name is called by what it does.
        let title = job.name.clone().unwrap_or_else(|| job.command.clone());
        let mut found = Found::of(title).with("command", job.command).with("user", user);
        let fields: Vec<&str> = job.schedule.split(' ').collect();
        match fields.as_slice() {
            [special] => found = found.with("special", special.trim_start_matches('@')),
            fields => {
                for (name, field) in FIELDS.into_iter().zip(fields).filter(|(_, field)| **field != "*") {
                    found = found.with(name, *field);
                }
            }
        }
        let variable = |line: &String| {
            let (name, value) = line.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        let environment: BTreeMap<String, String> = job.environment.iter().filter_map(variable).collect();
        if environment.is_empty() { found } else { found.with("environment", Said::Table(environment)) }
    };
    let jobs = crontab::all(text).into_iter().filter(|job| is_plain(&job.line));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let distinct = jobs.map(job).map(|mut found| {
        let count = seen.entry(found.title.clone()).or_default();
        *count += 1;
        if *count > 1 {
            found.title = format!("{} ({count})", found.title);
        }
        found
    });
    distinct.collect()
}

/// Whether a module takes this for nothing but text.
fn is_plain(text: &str) -> bool {
    !text.contains("{{") && !text.contains("{%") && !text.chars().any(|c| c.is_control() && c != '\t')
}

/// The language of the node.
pub(in crate::agent) fn locale_found(host: &Host) -> Result<Vec<Found>, Failure> {
    let mut variables = BTreeMap::new();
    for path in ["/etc/default/locale", "/etc/locale.conf"] {
        let text = host.read_text(path, LIMIT)?.unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
        variables.extend(
            pairs
                .filter(|(name, _)| name.starts_with("LC_") || name.starts_with("LANG"))
                .map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned())),
        );
    }
    let Some(language) = variables.remove("LANG") else { return Ok(Vec::new()) };
    let found = Found::of(language);
    Ok(vec![if variables.is_empty() { found } else { found.with("variables", Said::Table(variables)) }])
}

/// The units and drop-ins of the administrator. One with a section that `systemd_unit` does not have is left out.
pub(in crate::agent) fn units_found(host: &Host) -> Result<Vec<Found>, Failure> {
    const FOLDER: &str = "/etc/systemd/system";
    let mut found = Vec::new();
    for name in names(host, FOLDER)? {
        let path = format!("{FOLDER}/{name}");
        let kind = host.stat(&path)?.map(|stat| stat.kind);
        match (kind, name.strip_suffix(".d")) {
            (Some(EntryKind::File), _) => found.extend(unit(host, &path, Found::of(name))?),
            (Some(EntryKind::Directory), Some(unit_name)) => {
                for part in names(host, &path)? {
                    let Some(dropin) = part.strip_suffix(".conf") else { continue };
                    let title = format!("{unit_name} {dropin}");
                    let one = Found::of(title).with("name", unit_name).with("dropin", dropin);
                    found.extend(unit(host, &format!("{path}/{part}"), one)?);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn unit(host: &Host, path: &str, found: Found) -> Result<Option<Found>, Failure> {
    if host.stat(path)?.is_none_or(|stat| stat.kind != EntryKind::File) {
        return Ok(None);
    }
    let text = host.read_text(path, LIMIT)?.unwrap_or_default();
    Ok(sections(&text).map(|sections| {
        sections.into_iter().fold(found, |found, (name, settings)| found.with(name, Said::Settings(settings)))
    }))
}

/// The sections of a unit by their attributes; `None` where one is not known.
fn sections(text: &str) -> Option<Vec<(&'static str, Section)>> {
    const NAMES: [(&str, &str); 8] = [
        ("Unit", "unit"),
        ("Service", "service"),
        ("Timer", "timer"),
        ("Socket", "socket"),
        ("Mount", "mount"),
        ("Path", "path"),
        ("Slice", "slice"),
        ("Install", "install"),
    ];
    let joined = text.replace("\\\n", " ");
    let mut found: Vec<(&'static str, Section)> = Vec::new();
    for line in joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
    {
        if let Some(title) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let (_, attr) = NAMES.into_iter().find(|(name, _)| *name == title)?;
            if !found.iter().any(|(name, _)| *name == attr) {
                found.push((attr, Section::new()));
            } else if found.last().is_none_or(|(name, _)| *name != attr) {
                return None;
            }
            continue;
        }
        let (name, value) = line.split_once('=').filter(|_| is_plain(line))?;
        let (_, section) = found.last_mut()?;
        section.entry(name.trim().to_owned()).or_default().push(value.trim().to_owned());
    }
    (!found.is_empty()).then_some(found)
}

/// The repositories of apt that are described in files of one paragraph, and whose key is a file.
pub(in crate::agent) fn repositories_found(host: &Host) -> Result<Vec<Found>, Failure> {
    const FOLDER: &str = "/etc/apt/sources.list.d";
    let mut found = Vec::new();
    for file in names(host, FOLDER)? {
        let Some(name) = file.strip_suffix(".sources") else { continue };
        let text = host.read_text(&format!("{FOLDER}/{file}"), LIMIT)?.unwrap_or_default();
        found.extend(repository(name, &text));
    }
    Ok(found)
}

fn repository(name: &str, text: &str) -> Option<Found> {
    const NAMES: [(&str, &str); 5] = [
        ("types", "types"),
        ("uris", "uris"),
        ("suites", "suites"),
        ("components", "components"),
        ("architectures", "architectures"),
    ];
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let body = lines.collect::<Vec<_>>().join("\n");
    let body = body.trim();
    if body.contains("\n\n") {
        return None;
    }
    let mut found = Found::of(name.to_owned());
    for line in body.lines() {
        let (field, value) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t']))?;
        let (field, value) = (field.trim().to_ascii_lowercase(), value.trim());
        let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        if field == "signed-by" {
            found = found.with("signed_by", Some(value).filter(|path| path.starts_with('/'))?);
        } else if let Some((_, attr)) = NAMES.into_iter().find(|(name, _)| *name == field) {
            found = found.with(attr, words);
        } else if field != "enabled" || value != "yes" {
            return None;
        }
    }
    Some(found)
}

/// The names in a folder, none where there is no folder.
fn names(host: &Host, folder: &str) -> Result<Vec<String>, HostError> {
    if host.stat(folder)?.is_none_or(|stat| stat.kind != EntryKind::Directory) {
        return Ok(Vec::new());
    }
    Ok(host.list(folder)?.into_iter().filter_map(|name| name.into_string().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::Place;
    use super::*;

    fn shown(found: &[Found]) -> Vec<String> {
        let attribute = |(name, said): &(&str, Said)| format!("{name}={said:?}");
        let one = |found: &Found| {
            format!(
                "{}: {}",
                found.title,
                found.attributes.iter().map(attribute).collect::<Vec<_>>().join(" ")
            )
        };
        found.iter().map(one).collect()
    }

    #[test]
    fn recorded_lists_of_systemd_are_understood() {
        let units = "cron.service loaded active running Regular background program processing daemon\n\
                     gone.service not-found inactive dead gone.service\nold.service loaded failed failed Old\n";
        let files = "cron.service enabled enabled\ngetty@.service enabled enabled\nold.service disabled enabled\n\
                     sshd.service alias -\nx.service masked enabled\nstatic.service static -\n";
        assert_eq!(
            shown(&services(units, files)),
            [
                "cron: ensure=Text(\"running\") enable=Bool(true)",
                "old: ensure=Text(\"stopped\") enable=Bool(false)",
                "static: ensure=Text(\"stopped\")",
                "x: ensure=Text(\"stopped\") enable=Text(\"mask\")",
            ]
        );
    }

    #[test]
    fn crontabs_are_told_entry_by_entry() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/var/spool/cron/crontabs")).unwrap();
        let text =
            "MAILTO=ops\n*/5 1 * * 1-5 /bin/one --two\n# Countersign Name: job\nA=1\n@daily /bin/job\n";
        place.put("/var/spool/cron/crontabs/root", text, 0o600);
        assert_eq!(
            shown(&cron_found(place.node().host).unwrap()),
            [
                "/bin/one --two: command=Text(\"/bin/one --two\") user=Text(\"root\") minute=Text(\"*/5\") hour=Text(\"1\") weekday=Text(\"1-5\")",
                "job: command=Text(\"/bin/job\") user=Text(\"root\") special=Text(\"daily\") environment=Table({\"A\": \"1\"})",
            ]
        );
    }

    #[test]
    fn languages_units_and_repositories_are_told() {
        let place = Place::new();
        for folder in ["/etc/default", "/etc/systemd/system/ssh.service.d", "/etc/apt/sources.list.d"] {
            std::fs::create_dir_all(place.at(folder)).unwrap();
        }
        place.put("/etc/default/locale", "# x\nLANG=\"de_DE.UTF-8\"\nLC_TIME=C\n", 0o644);
        let node = place.node();
        assert_eq!(
            shown(&locale_found(node.host).unwrap()),
            ["de_DE.UTF-8: variables=Table({\"LC_TIME\": \"C\"})"]
        );
        place.put(
            "/etc/systemd/system/a.timer",
            "[Timer]\n# x\nOnCalendar=daily\nOnCalendar=12:00\n\n[Install]\nWantedBy=timers.target\n",
            0o644,
        );
        place.put("/etc/systemd/system/b.automount", "[Automount]\nWhere=/x\n", 0o644);
        place.put(
            "/etc/systemd/system/ssh.service.d/x.conf",
            "[Service]\nExecStart=\nExecStart=/bin/a \\\n  -b\n",
            0o644,
        );
        assert_eq!(
            shown(&units_found(node.host).unwrap()),
            [
                "a.timer: timer=Settings({\"OnCalendar\": [\"daily\", \"12:00\"]}) install=Settings({\"WantedBy\": [\"timers.target\"]})",
                "ssh.service x: name=Text(\"ssh.service\") dropin=Text(\"x\") service=Settings({\"ExecStart\": [\"\", \"/bin/a    -b\"]})",
            ]
        );
        let source = "# c\nTypes: deb\nURIs: https://deb.example\nSuites: a b\nComponents: main\nSigned-By: /usr/share/keyrings/x.gpg\n";
        place.put("/etc/apt/sources.list.d/one.sources", source, 0o644);
        place.put("/etc/apt/sources.list.d/two.sources", &format!("{source}\n{source}"), 0o644);
        place.put("/etc/apt/sources.list.d/inline.sources", "Types: deb\nSigned-By:\n -----BEGIN\n", 0o644);
        place.put("/etc/apt/sources.list.d/odd.sources", &format!("{source}Trusted: yes\n"), 0o644);
        assert_eq!(
            shown(&repositories_found(node.host).unwrap()),
            [
                "one: types=Texts([\"deb\"]) uris=Texts([\"https://deb.example\"]) suites=Texts([\"a\", \"b\"]) components=Texts([\"main\"]) signed_by=Text(\"/usr/share/keyrings/x.gpg\")"
            ]
        );
    }
}
