//! `sysctl` and `kernel_module`: what the running kernel does, and what the next one will.

use super::edited::{Edit, Edited, Lines};
use super::{Done, Failure, Node, Plan, Type};
use crate::agent::host::Invocation;
use crate::model::resource::{KernelModule, Presence, Sysctl};

/// A setting of the kernel.
pub(in crate::agent) struct KernelSetting<'a>(pub(in crate::agent) &'a Sysctl);

/// A module of the kernel.
pub(in crate::agent) struct Loaded<'a>(pub(in crate::agent) &'a KernelModule);

/// What puts the node right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Change the file that is read at boot.
    Persist,
    /// Change the running kernel.
    Apply,
}

impl Type for KernelSetting<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let setting = self.0;
        let mut plan = Plan::new();
        if setting.persist {
            plan.wanted.push(("ensure", setting.ensure.name().into()));
            let file = Edited::read(node, &setting.target)?;
            if let Some(edit) = edit(file.text(), setting) {
                file.plan(&mut plan, edit, true, Step::Persist);
            }
        }
        if setting.apply && setting.ensure.is_present() {
            let path = format!("/proc/sys/{}", Sysctl::relative_path(&setting.name));
            let have = match node.host.read_text(&path, 64 << 10)? {
                Some(text) => words(&text),
                // A module of the same catalog may bring it.
                None if node.noop => "unknown".into(),
                None => {
                    return Err(Failure::NotReached(format!(
                        "this kernel has no setting `{}`",
                        setting.name
                    )));
                }
            };
            plan.property("value", &have, &words(&setting.value), || Step::Apply);
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let setting = self.0;
        match step {
            Step::Persist => {
                let file = Edited::read(node, &setting.target)?;
                if let Some(edit) = edit(file.text(), setting) {
                    file.write(node, &edit.text, 0o644)?;
                }
            }
            Step::Apply => {
                let argument = format!("{}={}", Sysctl::relative_path(&setting.name), setting.value);
                node.tool(&Invocation::of(&["sysctl", "-q", "-w", &argument]).within(60))?;
            }
        }
        Ok(Done::quietly())
    }
}

/// The words of a value with one blank between them: the kernel writes tabs.
fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn edit(text: &str, wish: &Sysctl) -> Option<Edit> {
    let mut lines = Lines::of(text);
    let path = Sysctl::relative_path(&wish.name);
    let split = |line: &str| -> Option<String> {
        let line = line.trim_start();
        let (name, value) = line.strip_prefix('-').unwrap_or(line).split_once('=')?;
        let ours = !line.starts_with(['#', ';']) && Sysctl::relative_path(name.trim()) == path;
        ours.then(|| words(value))
    };
    let values: Vec<(usize, String)> =
        lines.lines.iter().enumerate().filter_map(|(at, line)| Some((at, split(line)?))).collect();
    let line = format!("{} = {}", wish.name, wish.value);
    // The last one counts at boot.
    match (values.last(), wish.ensure) {
        (None, Presence::Absent) => None,
        (None, Presence::Present) => {
            lines.lines.push(line.into());
            Some(Edit::ensure(lines.join(), "absent", "present", "written for the next boot"))
        }
        (Some(_), Presence::Absent) => {
            lines.lines.retain(|line| split(line).is_none());
            Some(Edit::ensure(lines.join(), "present", "absent", "removed for the next boot"))
        }
        (Some((_, value)), Presence::Present) if *value == words(&wish.value) => None,
        (Some((at, value)), Presence::Present) => {
            lines.lines[*at] = line.into();
            Some(Edit::value(lines.join(), "persisted", value, &wish.value))
        }
    }
}

impl Type for Loaded<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let module = self.0;
        let mut plan = Plan::new();
        let yes_no = |yes: bool| if yes { "present" } else { "absent" };
        let wanted = module.ensure.name();
        if module.persist {
            let file = Edited::read(node, &module.file())?;
            let have = yes_no(file.text().lines().any(|line| line.trim() == module.name));
            plan.property("persisted", have, wanted, || Step::Persist);
        }
        if module.apply {
            plan.property("loaded", yes_no(self.is_loaded(node)?), wanted, || Step::Apply);
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let module = self.0;
        match (step, module.ensure) {
            (Step::Persist, Presence::Present) => {
                let file = Edited::read(node, &module.file())?;
                file.write(node, &format!("{}\n", module.name), 0o644)?;
            }
            (Step::Persist, Presence::Absent) => node.host.remove(&module.file())?,
            (Step::Apply, Presence::Present) => {
                node.tool(&Invocation::of(&["modprobe", "--", &module.name]).within(120)).map(drop)?;
            }
            (Step::Apply, Presence::Absent) => {
                node.tool(&Invocation::of(&["modprobe", "-r", "--", &module.name]).within(120)).map(drop)?;
            }
        }
        Ok(Done::quietly())
    }
}

impl Loaded<'_> {
    /// A module that is part of the kernel itself is always there.
    fn is_loaded(&self, node: &Node<'_>) -> Result<bool, Failure> {
        let name = self.0.name.replace('-', "_");
        if node.host.stat(&format!("/sys/module/{name}"))?.is_some() {
            return Ok(true);
        }
        let release = node.host.read_text("/proc/sys/kernel/osrelease", 4096)?.unwrap_or_default();
        let list = format!("/lib/modules/{}/modules.builtin", release.trim());
        let built_in = node.host.read_text(&list, 4 << 20)?.unwrap_or_default();
        let is = |line: &str| {
            line.rsplit('/')
                .next()
                .and_then(|file| file.split(".ko").next().map(|n| n.replace('-', "_") == name))
        };
        Ok(built_in.lines().any(|line| is(line) == Some(true)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;

    fn forward(value: &str) -> Sysctl {
        Sysctl {
            name: "net.ipv4.ip_forward".into(),
            ensure: Presence::Present,
            value: value.into(),
            target: "/etc/sysctl.conf".into(),
            apply: false,
            persist: true,
        }
    }

    #[test]
    fn a_setting_is_written_for_the_next_boot() {
        let place = Place::new();
        let others = "# net.ipv4.ip_forward = 9\nkernel.x=1\n";
        place.put("/etc/sysctl.conf", others, 0o644);
        assert_eq!(place.apply(&KernelSetting(&forward("1"))), said(&["written for the next boot"]));
        assert_eq!(place.read("/etc/sysctl.conf"), format!("{others}net.ipv4.ip_forward = 1\n"));
        place.put("/etc/sysctl.conf", "net/ipv4/ip_forward=0\n", 0o644);
        assert_eq!(place.apply(&KernelSetting(&forward("1"))), said(&["persisted changed '0' to '1'"]));
        let gone = Sysctl { ensure: Presence::Absent, ..forward("") };
        assert_eq!(place.apply(&KernelSetting(&gone)), said(&["removed for the next boot"]));
        assert_eq!(place.read("/etc/sysctl.conf"), "");
    }

    #[test]
    fn the_running_kernel_is_compared_word_by_word() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/proc/sys/net/ipv4")).unwrap();
        place.put("/proc/sys/net/ipv4/ip_forward", "1\t2\n", 0o644);
        let live = Sysctl { apply: true, persist: false, ..forward("1  2") };
        assert_eq!(place.apply(&KernelSetting(&live)), said(&[]));
        let plan = KernelSetting(&Sysctl { value: "0".into(), ..live }).check(&mut place.node()).unwrap();
        assert_eq!(plan.changes[0].message, "value changed '1 2' to '0'");
        let unknown = Sysctl { name: "net.none".into(), apply: true, ..forward("1") };
        assert_eq!(
            place.apply(&KernelSetting(&unknown)),
            Err("this kernel has no setting `net.none`".into())
        );
    }

    #[test]
    fn dots_and_slashes_part_names_as_in_sysctl_d() {
        for (name, path) in
            [("a.b.c", "a/b/c"), ("net/x/eth0.1/y", "net/x/eth0.1/y"), ("net.x.eth0/1.y", "net/x/eth0.1/y")]
        {
            assert_eq!(Sysctl::relative_path(name), path);
        }
    }

    #[test]
    fn a_module_is_known_loaded_or_built_in() {
        let place = Place::new();
        for folder in
            ["/sys/module/br_netfilter", "/proc/sys/kernel", "/lib/modules/6.1", "/etc/modules-load.d"]
        {
            std::fs::create_dir_all(place.at(folder)).unwrap();
        }
        place.put("/proc/sys/kernel/osrelease", "6.1\n", 0o644);
        place.put("/lib/modules/6.1/modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/x/a-b.ko\n", 0o644);
        let module = |name: &str| KernelModule {
            name: name.into(),
            ensure: Presence::Present,
            apply: true,
            persist: true,
        };
        let message = said(&["persisted changed 'absent' to 'present'"]);
        assert_eq!(place.apply(&Loaded(&module("br-netfilter"))), message);
        assert_eq!(place.read("/etc/modules-load.d/countersign-br-netfilter.conf"), "br-netfilter\n");
        assert_eq!(place.apply(&Loaded(&module("a_b"))), message);
        let gone = KernelModule { ensure: Presence::Absent, apply: false, ..module("a_b") };
        assert_eq!(place.apply(&Loaded(&gone)), said(&["persisted changed 'present' to 'absent'"]));
        assert!(!place.at("/etc/modules-load.d/countersign-a_b.conf").exists());
        let plan = Loaded(&module("zram")).check(&mut place.node()).unwrap();
        assert_eq!(plan.changes[1].message, "loaded changed 'absent' to 'present'");
    }
}
