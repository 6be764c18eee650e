//! `mount` and `swap`: file systems and swap space in their places, now and at boot.

use super::edited::Edited;
use super::fstab::{self, Entry};
use super::{Change, Done, Failure, Node, Plan, Refreshed, Type};
use crate::agent::host::{EntryKind, Invocation};
use crate::model::resource::{Mount, MountEnsure, Swap};

/// Bytes of the kernel's list of mounts, at most.
const LIMIT: u64 = 16 << 20;
/// Time for one mount, in seconds: servers may be slow.
const PATIENCE: u64 = 300;

/// A file system in its place.
pub(in crate::agent) struct Mounted<'a>(pub(in crate::agent) &'a Mount);

/// Swap space.
pub(in crate::agent) struct Swapping<'a>(pub(in crate::agent) &'a Swap);

/// What puts the node right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Write the entry of the file.
    Set,
    /// Remove it.
    Remove,
    /// Mount it, or use it.
    On,
    /// Unmount it, or do without.
    Off,
    /// Mount it anew with what is in the file.
    Again,
}

impl Type for Mounted<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let mount = self.0;
        let mut plan = Plan::new();
        let file = Edited::read(node, &mount.target)?;
        let have = fstab::find(file.text(), |entry| entry.point == mount.name);
        let listed = mount.ensure != MountEnsure::Absent;
        compare(&mut plan, have.as_ref(), listed.then(|| self.entry()).as_ref());
        let differs = !plan.changes.is_empty();
        let is_mounted = self.is_mounted(node)?;
        let wanted = match mount.ensure {
            MountEnsure::Mounted => Some(true),
            MountEnsure::Unmounted | MountEnsure::Absent => Some(false),
            MountEnsure::Present => None,
        };
        let name = |on: bool| if on { "mounted" } else { "unmounted" };
        if let Some(wanted) = wanted {
            let step = if wanted { Step::On } else { Step::Off };
            plan.property("mounted", name(is_mounted), name(wanted), || step);
        }
        // What was mounted by the old entry is mounted anew by the new one.
        if differs && have.is_some() && is_mounted && wanted != Some(false) && mount.remounts {
            let change = Change::new("options", "as before", "as in the file", Step::Again);
            plan.changes.push(change.saying("remounted"));
        }
        // The file names it until it is unmounted.
        plan.changes.sort_by_key(|change| change.step == Step::Remove);
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let mount = self.0;
        let file = Edited::read(node, &mount.target)?;
        let is = |entry: &Entry| entry.point == mount.name;
        match step {
            Step::Set => {
                let text = fstab::set(file.text(), is, &self.entry());
                file.write(node, &text, 0o644)?;
            }
            Step::Remove => {
                let text = fstab::remove(file.text(), is);
                file.write(node, &text, 0o644)?;
            }
            Step::On => {
                let argv =
                    ["mount", "-t", &mount.fstype, "-o", &mount.options, "--", &mount.device, &mount.name];
                node.tool(&Invocation::of(&argv).within(PATIENCE))?;
            }
            Step::Off => {
                node.tool(&Invocation::of(&["umount", "--", &mount.name]).within(PATIENCE))?;
            }
            Step::Again => self.remount(node)?,
        }
        Ok(Done::quietly())
    }

    fn refresh(&self, node: &mut Node<'_>) -> Result<Refreshed, Failure> {
        if !self.0.remounts {
            return Ok(Refreshed::Nothing);
        }
        if !self.is_mounted(node)? {
            return Ok(Refreshed::Skipped("Skipping remount; it is not mounted".into()));
        }
        self.remount(node)?;
        Ok(Refreshed::Done(Done::quietly()))
    }
}

impl Mounted<'_> {
    fn entry(&self) -> Entry {
        let mount = self.0;
        Entry {
            device: mount.device.clone(),
            point: mount.name.clone(),
            fstype: mount.fstype.clone(),
            options: mount.options.clone(),
            dump: mount.dump.to_string(),
            pass: mount.pass.to_string(),
        }
    }

    fn remount(&self, node: &Node<'_>) -> Result<(), Failure> {
        let options = format!("remount,{}", self.0.options);
        node.tool(&Invocation::of(&["mount", "-o", &options, "--", &self.0.name]).within(PATIENCE)).map(drop)
    }

    fn is_mounted(&self, node: &Node<'_>) -> Result<bool, Failure> {
        let mounts = node.host.read_text("/proc/self/mountinfo", LIMIT)?.unwrap_or_default();
        let point = |line: &str| line.split(' ').nth(4).map(fstab::decoded);
        Ok(mounts.lines().any(|line| point(line).as_ref() == Some(&self.0.name)))
    }
}

impl Type for Swapping<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let mut plan = Plan::new();
        let file = Edited::read(node, &self.0.target)?;
        let have = fstab::find(file.text(), |entry| self.is(entry));
        let wanted = self.0.ensure.is_present();
        compare(&mut plan, have.as_ref(), wanted.then(|| self.entry()).as_ref());
        let name = |on: bool| if on { "in use" } else { "not in use" };
        let step = if wanted { Step::On } else { Step::Off };
        plan.property("used", name(self.is_used(node)?), name(wanted), || step);
        plan.changes.sort_by_key(|change| change.step == Step::Remove);
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let swap = self.0;
        let file = Edited::read(node, &swap.target)?;
        match step {
            Step::Set => {
                let text = fstab::set(file.text(), |entry| self.is(entry), &self.entry());
                file.write(node, &text, 0o644)?;
            }
            Step::Remove => {
                let text = fstab::remove(file.text(), |entry| self.is(entry));
                file.write(node, &text, 0o644)?;
            }
            Step::On | Step::Again => {
                node.tool(
                    &Invocation::of(&["swapon", "-o", &swap.options, "--", &swap.name]).within(PATIENCE),
                )?;
            }
            Step::Off => {
                node.tool(&Invocation::of(&["swapoff", "--", &swap.name]).within(PATIENCE))?;
            }
        }
        Ok(Done::quietly())
    }
}

impl Swapping<'_> {
    fn is(&self, entry: &Entry) -> bool {
        entry.fstype == "swap" && entry.device == self.0.name
    }

    fn entry(&self) -> Entry {
        let zero = || "0".to_owned();
        Entry {
            device: self.0.name.clone(),
            point: "none".into(),
            fstype: "swap".into(),
            options: self.0.options.clone(),
            dump: zero(),
            pass: zero(),
        }
    }

    fn is_used(&self, node: &Node<'_>) -> Result<bool, Failure> {
        let mut names = vec![self.0.name.clone()];
        // The kernel names a device by itself, not by a link such as those in /dev/disk.
        if node.host.stat(&self.0.name)?.is_some_and(|stat| stat.kind == EntryKind::Link) {
            let target = node.host.read_link(&self.0.name)?;
            names.extend(target.rsplit('/').next().map(|last| format!("/dev/{last}")));
            names.push(target);
        }
        let swaps = node.host.read_text("/proc/swaps", LIMIT)?.unwrap_or_default();
        let used = |line: &str| {
            line.split_whitespace().next().is_some_and(|name| names.contains(&fstab::decoded(name)))
        };
        Ok(swaps.lines().skip(1).any(used))
    }
}

/// What differs between the entry that is there and the one that should be.
fn compare(plan: &mut Plan<Step>, have: Option<&Entry>, wanted: Option<&Entry>) {
    plan.wanted.push(("ensure", if wanted.is_some() { "present" } else { "absent" }.into()));
    match (have, wanted) {
        (None, None) => {}
        (None, Some(_)) => {
            plan.changes.push(Change::new("ensure", "absent", "present", Step::Set).saying("created"));
        }
        (Some(_), None) => {
            plan.changes.push(Change::new("ensure", "present", "absent", Step::Remove).saying("removed"));
        }
        (Some(have), Some(wanted)) => {
            for (property, have, wanted) in [
                ("device", &have.device, &wanted.device),
                ("fstype", &have.fstype, &wanted.fstype),
                ("options", &have.options, &wanted.options),
                ("dump", &have.dump, &wanted.dump),
                ("pass", &have.pass, &wanted.pass),
            ] {
                plan.property(property, have, wanted, || Step::Set);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::model::resource::Presence;

    fn data(ensure: MountEnsure) -> Mount {
        Mount {
            name: "/srv/my data".into(),
            ensure,
            device: "LABEL=data".into(),
            fstype: "ext4".into(),
            options: "noatime".into(),
            dump: 0,
            pass: 2,
            remounts: true,
            target: "/etc/fstab".into(),
        }
    }

    #[test]
    fn an_entry_goes_in_and_out_and_nothing_else_moves() {
        let place = Place::new();
        let others = "# static\nUUID=1 / ext4 errors=remount-ro 0 1\n";
        place.put("/etc/fstab", others, 0o644);
        assert_eq!(place.apply(&Mounted(&data(MountEnsure::Present))), said(&["created"]));
        assert_eq!(
            place.read("/etc/fstab"),
            format!("{others}LABEL=data\t/srv/my\\040data\text4\tnoatime\t0\t2\n")
        );
        let other = Mount { options: "ro".into(), pass: 0, ..data(MountEnsure::Unmounted) };
        let changes = ["options changed 'noatime' to 'ro'", "pass changed '2' to '0'"];
        assert_eq!(place.apply(&Mounted(&other)), said(&changes));
        assert_eq!(place.apply(&Mounted(&data(MountEnsure::Absent))), said(&["removed"]));
        assert_eq!(place.read("/etc/fstab"), others);
    }

    #[test]
    fn what_is_mounted_is_mounted_anew_and_unmounted_before_it_is_forgotten() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/proc/self")).unwrap();
        place.put("/proc/self/mountinfo", "36 35 98:0 / /srv/my\\040data rw - ext4 /dev/sdb rw\n", 0o444);
        place.put("/etc/fstab", "LABEL=data /srv/my\\040data ext4 defaults 0 2\n", 0o644);
        let plan = |ensure| {
            let plan = Mounted(&data(ensure)).check(&mut place.node()).unwrap();
            plan.changes.into_iter().map(|change| (change.step, change.message)).collect::<Vec<_>>()
        };
        let changed = "options changed 'defaults' to 'noatime'".to_owned();
        assert_eq!(plan(MountEnsure::Mounted), [(Step::Set, changed), (Step::Again, "remounted".into())]);
        let unmounted = "mounted changed 'mounted' to 'unmounted'".to_owned();
        assert_eq!(plan(MountEnsure::Absent), [(Step::Off, unmounted), (Step::Remove, "removed".into())]);
    }

    #[test]
    fn swap_is_known_by_the_name_that_the_kernel_gives_it() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/dev/disk/by-label")).unwrap();
        std::fs::create_dir_all(place.at("/proc")).unwrap();
        std::os::unix::fs::symlink("../../vdb", place.at("/dev/disk/by-label/swap")).unwrap();
        place.put("/proc/swaps", "Filename Type Size Used Priority\n/dev/vdb partition 1 0 -2\n", 0o444);
        let swap = Swap {
            name: "/dev/disk/by-label/swap".into(),
            ensure: Presence::Present,
            options: "defaults".into(),
            target: "/etc/fstab".into(),
        };
        assert_eq!(place.apply(&Swapping(&swap)), said(&["created"]));
        assert_eq!(place.read("/etc/fstab"), "/dev/disk/by-label/swap\tnone\tswap\tdefaults\t0\t0\n");
        let plan = Swapping(&Swap { ensure: Presence::Absent, ..swap }).check(&mut place.node()).unwrap();
        let steps: Vec<Step> = plan.changes.iter().map(|change| change.step).collect();
        assert_eq!(steps, [Step::Off, Step::Remove]);
    }
}
