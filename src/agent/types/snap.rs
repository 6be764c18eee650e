//! Snaps. What counts as their version is the revision: the store numbers them, while a publisher may call two of them
//! the same.

use super::package::State;
use super::provider::{Manager, Packages, Provider, change, everything};
use super::{Failure, Node, printed};
use crate::agent::host::{Host, Invocation};
use crate::model::resource::{Mark, Package, PackageEnsure, PackageManager};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// snap.
pub(super) struct Snap;

/// How much may go wrong with a channel's content, the least first.
const RISKS: [&str; 4] = ["stable", "candidate", "beta", "edge"];

impl Provider for Snap {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        let list = everything(&["snap", "list", "--color=never", "--unicode=never"]);
        Ok(listed(&super::tool(host, &list)?))
    }

    /// That of the channel which the options name, or else of the one that is tracked.
    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let words = ["snap", "info", "--color=never", "--unicode=never", &package.name];
        let info = Invocation::of(&words).within(600);
        let outcome = node.host.run(&info)?;
        if !outcome.succeeded() && outcome.output.contains("no snap found") {
            return Ok(Vec::new());
        }
        let channel = channel(&package.install_options);
        Ok(offered(&printed(&info, outcome)?, channel.as_deref()).into_iter().collect())
    }

    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => Ok(a.cmp(&b)),
            _ => Err(Failure::NotReached(format!("`{a}` or `{b}` is no revision of the store"))),
        }
    }

    // A revision is only named where it is wished for: to ask for one takes a developer's rights at the store.
    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let there = Manager::new(PackageManager::Snap).state(node, &package.name)? != State::Absent;
        let stated = matches!(package.ensure, PackageEnsure::Version(_));
        let revision = version.filter(|_| stated).map(|revision| format!("--revision={revision}"));
        let mut words = vec!["snap", if there { "refresh" } else { "install" }];
        words.extend(revision.as_deref());
        node.tool(&change(&words, &package.install_options, &[&package.name])).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        node.tool(&change(&["snap", "remove"], &package.uninstall_options, &[&package.name])).map(drop)
    }

    /// Without the copy of its data that snap keeps otherwise.
    fn purge(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        let words = ["snap", "remove", "--purge"];
        node.tool(&change(&words, &package.uninstall_options, &[&package.name])).map(drop)
    }

    fn mark(&self, node: &Node<'_>, name: &str, mark: Mark) -> Result<(), Failure> {
        let word = if mark == Mark::Hold { "--hold" } else { "--unhold" };
        node.tool(&change(&["snap", "refresh", word], &[], &[name])).map(drop)
    }
}

/// One line for each below a heading: name, version, revision, channel, publisher, notes.
fn listed(output: &str) -> Packages {
    let (mut states, mut held) = (BTreeMap::new(), BTreeSet::new());
    for line in output.lines().skip_while(|line| !line.starts_with("Name ")).skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _, revision, .., notes] = words.as_slice() else { continue };
        let noted = |what| notes.split(',').any(|note| note == what);
        let state = if noted("broken") { State::Broken } else { State::Present((*revision).to_owned()) };
        states.insert((*name).to_owned(), state);
        if noted("held") {
            held.insert((*name).to_owned());
        }
    }
    Packages { states, held: Some(held) }
}

/// The channel that options name, whole.
fn channel(options: &[String]) -> Option<String> {
    let mut named = None;
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let risk = word.strip_prefix("--").filter(|word| RISKS.contains(word));
        let stated = word.strip_prefix("--channel=").or(risk);
        named = match word.as_str() {
            "--channel" => words.next().map(|channel| whole(channel)),
            _ => stated.map(whole).or(named),
        };
    }
    named
}

/// `edge` is `latest/edge`, and `5.21` is `5.21/stable`.
fn whole(channel: &str) -> String {
    match channel.split('/').next() {
        Some(risk) if RISKS.contains(&risk) => format!("latest/{channel}"),
        _ if channel.contains('/') => channel.to_owned(),
        _ => format!("{channel}/stable"),
    }
}

/// The revision in a channel (the one that is tracked, or else the first that there is), of what `snap info` says. One that is
/// closed has what the channel before it has.
fn offered(output: &str, channel: Option<&str>) -> Option<String> {
    let tracked = output.lines().find_map(|line| line.strip_prefix("tracking:"));
    let channel = channel.map(str::to_owned).or_else(|| tracked.map(|tracked| whole(tracked.trim())));
    let (mut last, mut channels) = (None, Vec::new());
    let lines = output.lines().skip_while(|line| *line != "channels:").skip(1);
    for (name, rest) in lines.map_while(|line| line.strip_prefix("  ")?.split_once(':')) {
        let number = |word: &str| Some(word.strip_prefix('(')?.strip_suffix(')')?.to_owned());
        last = match rest.trim() {
            "^" => last,
            rest => rest.split_whitespace().find_map(number),
        };
        channels.push((whole(name), last.clone()));
    }
    let Some(wanted) = channel else { return channels.into_iter().find_map(|(_, revision)| revision) };
    // A branch that is no more falls back to its channel.
    let open = wanted.rsplit_once('/').filter(|(open, _)| open.contains('/')).map(|(open, _)| open);
    let of = |name: &str| channels.iter().find(|(channel, _)| channel == name);
    of(&wanted).or_else(|| of(open?)).and_then(|(_, revision)| revision.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "name:      demo\nsummary:   A demo\npublisher: Example**\ndescription: |\n  channels:\n  latest/stable: not this (1)\n\
                        snap-id:      x\ntracking:     latest/stable/ubuntu-22.04\nrefresh-date: today, at 10:00 UTC\nchannels:\n  \
                        latest/stable:    1.2  2024-01-02 (51) 148MB classic\n  latest/candidate: ^\n  latest/beta:      ^\n  \
                        latest/edge:      1.3~a 2024-02-02 (60) 149MB classic\n  5.21/stable:      --\n  5.21/candidate:   ^\n\
                        installed:          1.1             (50) 148MB classic\n";

    #[test]
    fn the_revision_of_a_channel_is_found() {
        for (channel, revision) in [
            (None, Some("51")),
            (Some("latest/beta"), Some("51")),
            (Some("latest/edge"), Some("60")),
            (Some("latest/edge/fix"), Some("60")),
            (Some("5.21/stable"), None),
            (Some("5.21/candidate"), None),
            (Some("6/stable"), None),
        ] {
            assert_eq!(offered(INFO, channel).as_deref(), revision, "{channel:?}");
        }
        let new = INFO.replace("tracking:", "x:");
        assert_eq!(offered(&new, None).as_deref(), Some("51"));
        assert_eq!(offered("name: demo\n", None), None);
    }

    #[test]
    fn options_name_a_channel_in_many_ways() {
        for (options, whole) in [
            (&["--classic"][..], None),
            (&["--edge", "--classic"], Some("latest/edge")),
            (&["--channel=beta"], Some("latest/beta")),
            (&["--channel", "5.21"], Some("5.21/stable")),
            (&["--channel=5.21/edge/fix"], Some("5.21/edge/fix")),
            (&["--channel=edge/fix"], Some("latest/edge/fix")),
        ] {
            let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
            assert_eq!(channel(&options).as_deref(), whole, "{options:?}");
        }
    }

    #[test]
    fn recorded_lists_of_snap_are_understood() {
        let recorded = "Name    Version  Rev    Tracking       Publisher    Notes\ncore22  20240111 1122   latest/stable  canonical**  base\n\
                        demo    1.1      50     latest/stable  example      classic,held\nlocal   0        x1     -              -            broken\n";
        let Packages { states, held } = listed(recorded);
        assert_eq!(states["demo"], State::Present("50".into()));
        assert_eq!(states["local"], State::Broken);
        assert_eq!(states.len(), 3);
        assert_eq!(held, Some(BTreeSet::from(["demo".to_owned()])));
        assert!(listed("No snaps are installed yet. Try 'snap install hello-world'.\n").states.is_empty());
    }
}
