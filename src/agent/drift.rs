//! What a touched path means: which resources are to be looked at, and when. Who is put back again and again is put back
//! less and less often: the agent fights nobody for ever. Pure.

use super::types::traces;
use super::watch::Interest;
use crate::model::graph;
use crate::model::resource::FileEnsure;
use crate::model::{Catalog, Ref, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How often in a row something is put back at once.
const AT_ONCE: u32 = 3;
/// The longest pause between two times; the runs of the interval come besides.
const LONGEST: Duration = Duration::from_secs(3600);
/// After how much peace more than the last pause what happened before is forgotten.
const PEACE: Duration = Duration::from_secs(600);

/// What the resources of a catalog have to do with paths, and how often each was put back.
#[derive(Debug, Default)]
pub struct Drift {
    /// The resources that manage a path.
    owners: BTreeMap<String, BTreeSet<Ref>>,
    /// The resources that manage whatever is in a folder.
    folders: BTreeMap<String, BTreeSet<Ref>>,
    /// Whom a resource tells of its changes.
    listeners: BTreeMap<Ref, BTreeSet<Ref>>,
    flaps: BTreeMap<Ref, Flap>,
}

/// How often a resource was put back in a row.
#[derive(Debug, Clone, Copy)]
struct Flap {
    count: u32,
    first: Instant,
    last: Instant,
}

/// What is to be done about touched paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// These resources are looked at, and those that hear of their changes.
    pub now: BTreeSet<Ref>,
    /// The paths that they were touched by.
    pub because: BTreeSet<String>,
    /// These paths are left alone until then.
    pub later: BTreeMap<String, Instant>,
}

impl Drift {
    /// Learns what this catalog manages.
    pub fn learn(&mut self, catalog: &Catalog) {
        (self.owners, self.folders, self.listeners) = Default::default();
        for resource in &catalog.resources {
            let name = resource.reference();
            for path in resource.spec.paths() {
                self.owners.entry(path).or_default().insert(name.clone());
            }
            if let Spec::Service(service) = &resource.spec {
                for path in traces(&service.name) {
                    self.owners.entry(path).or_default().insert(name.clone());
                }
            }
            if let Spec::File(file) = &resource.spec {
                self.owners.entry(file.path.clone()).or_default().insert(name.clone());
                if file.purge && file.recurse && file.ensure == FileEnsure::Directory {
                    self.folders.entry(file.path.clone()).or_default().insert(name);
                }
            }
        }
        let Ok(graph) = graph::order(&catalog.resources) else { return };
        for edge in graph.edges.iter().filter(|edge| edge.refresh) {
            let [from, to] = [edge.from, edge.to].map(|index| catalog.resources[index].reference());
            self.listeners.entry(from).or_default().insert(to);
        }
    }

    /// The folders to watch.
    #[must_use]
    pub fn interests(&self) -> BTreeMap<String, Interest> {
        let mut interests: BTreeMap<String, Interest> = BTreeMap::new();
        for path in self.owners.keys() {
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            let folder = if folder.is_empty() { "/" } else { folder };
            interests.entry(folder.to_owned()).or_default().names.insert(name.to_owned());
        }
        for path in self.folders.keys() {
            interests.entry(path.clone()).or_default().all = true;
        }
        interests
    }

    /// What to do about these paths.
    #[must_use]
    pub fn plan(&self, touched: BTreeSet<String>, now: Instant) -> Plan {
        let mut plan = Plan::default();
        for path in touched {
            let owners = self.owners_of(&path);
            let until = owners.iter().filter_map(|owner| self.free_at(owner)).max().filter(|at| *at > now);
            match until {
                Some(until) => drop(plan.later.insert(path, until)),
                None if owners.is_empty() => {}
                None => {
                    plan.now.extend(owners);
                    plan.because.insert(path);
                }
            }
        }
        let mut fresh: Vec<Ref> = plan.now.iter().cloned().collect();
        while let Some(name) = fresh.pop() {
            for listener in self.listeners.get(&name).into_iter().flatten() {
                if plan.now.insert(listener.clone()) {
                    fresh.push(listener.clone());
                }
            }
        }
        plan
    }

    /// Notes what a look that was asked for by touched paths put back. Tells of what flaps.
    pub fn note(&mut self, changed: &BTreeSet<Ref>, now: Instant) -> Vec<String> {
        let mut told = Vec::new();
        for name in changed {
            let fresh = Flap { count: 0, first: now, last: now };
            let flap = self.flaps.entry(name.clone()).or_insert(fresh);
            if now > flap.last + flap.pause() + PEACE {
                *flap = fresh;
            }
            (flap.count, flap.last) = (flap.count + 1, now);
            if flap.count > AT_ONCE {
                let (count, since) = (flap.count, now.duration_since(flap.first).as_secs());
                let pause = flap.pause().as_secs();
                told.push(format!(
                    "{name} was put back {count} times in {since} seconds: something else changes it; the next time comes after {pause} seconds"
                ));
            }
        }
        told
    }

    fn owners_of(&self, path: &str) -> BTreeSet<Ref> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inside = self.folders.get(folder).into_iter().chain(self.folders.get(path));
        self.owners.get(path).into_iter().chain(inside).flatten().cloned().collect()
    }

    fn free_at(&self, name: &Ref) -> Option<Instant> {
        self.flaps.get(name).map(|flap| flap.last + flap.pause())
    }
}

impl Flap {
    fn pause(&self) -> Duration {
        let doublings = self.count.checked_sub(AT_ONCE);
        let pause = |n: u32| Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(n));
        doublings.map_or(Duration::ZERO, pause).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::file;
    use crate::model::resource::{Host, Notify, Presence};
    use crate::model::{Meta, Resource};

    fn named(name: &str) -> Ref {
        name.parse().unwrap()
    }

    fn refs(names: &[&str]) -> BTreeSet<Ref> {
        names.iter().map(|name| named(name)).collect()
    }

    fn paths(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    /// Two files, an entry of `/etc/hosts`, a folder that is purged, and who hears of the first file.
    fn drift() -> Drift {
        let mut a = file("/etc/a", FileEnsure::File, None);
        a.meta.notify = vec![named("notify[one]")];
        let mut folder = file("/etc/d", FileEnsure::Directory, None);
        if let Spec::File(file) = &mut folder.spec {
            (file.recurse, file.purge) = (true, true);
        }
        let meta = || Meta::of("m".parse().unwrap());
        let notify = |name: &str, hears: &[&str]| {
            let subscribe = hears.iter().map(|name| named(name)).collect();
            let spec = Spec::Notify(Notify { message: name.into() });
            Resource { title: name.into(), spec, meta: Meta { subscribe, ..meta() } }
        };
        let host = Host {
            name: "h".into(),
            ensure: Presence::Present,
            ip: "192.0.2.1".into(),
            host_aliases: Vec::new(),
            comment: None,
            target: "/etc/hosts".into(),
        };
        let host = Resource { title: "h".into(), spec: Spec::Host(host), meta: meta() };
        let b = file("/b", FileEnsure::File, None);
        let resources = vec![a, b, folder, host, notify("one", &[]), notify("two", &["notify[one]"])];
        let mut drift = Drift::default();
        drift.learn(&Catalog::new(
            "production".parse().unwrap(),
            "n".parse().unwrap(),
            Vec::new(),
            resources,
        ));
        drift
    }

    #[test]
    fn a_path_means_what_manages_it_and_who_hears_of_that() {
        let (drift, now) = (drift(), Instant::now());
        let plan = drift.plan(paths(&["/etc/a", "/etc/hosts", "/etc/d/stray", "/etc/other"]), now);
        assert_eq!(
            plan.now,
            refs(&["file[/etc/a]", "host[h]", "file[/etc/d]", "notify[one]", "notify[two]"])
        );
        assert_eq!(plan.because, paths(&["/etc/a", "/etc/hosts", "/etc/d/stray"]));
        assert_eq!(drift.plan(paths(&["/etc/other", "/etc/d/deep/er"]), now), Plan::default());
        let interests = drift.interests();
        assert_eq!(interests.keys().collect::<Vec<_>>(), ["/", "/etc", "/etc/d"]);
        assert_eq!((interests["/"].names.clone(), interests["/etc/d"].all), (paths(&["b"]), true));
    }

    #[test]
    fn what_flaps_is_put_back_ever_more_seldom_until_there_is_peace() {
        let (mut drift, begun) = (drift(), Instant::now());
        let (a, changed) = (paths(&["/etc/a"]), refs(&["file[/etc/a]"]));
        let mut now = begun;
        for pause in [0, 0, 1, 2, 4, 8] {
            let told = drift.note(&changed, now);
            assert_eq!(told.is_empty(), pause < 2, "{told:?}");
            let plan = drift.plan(a.clone(), now);
            match pause {
                0 => assert_eq!(plan.because, a),
                _ => assert_eq!(plan.later["/etc/a"], now + Duration::from_secs(pause)),
            }
            // Others are not made to wait for it.
            assert_eq!(drift.plan(paths(&["/b"]), now).now, refs(&["file[/b]"]));
            now += Duration::from_secs(pause);
            assert_eq!(drift.plan(a.clone(), now).because, a);
        }
        for _ in 0..40 {
            drift.note(&changed, now);
        }
        assert_eq!(drift.plan(a.clone(), now).later["/etc/a"], now + LONGEST);
        now += LONGEST + PEACE + Duration::from_secs(1);
        assert!(drift.note(&changed, now).is_empty());
        assert_eq!(drift.plan(a.clone(), now).because, a);
    }
}
