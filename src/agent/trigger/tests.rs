//! Which triggers a node obeys, with its memory on disk.

use super::*;
use crate::agent::testing::{NODE, NOW, OTHER, World, envelope, now};

struct Scene {
    _scratch: tempfile::TempDir,
    world: World,
    disk: Disk,
}

impl Scene {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let world = World::new();
        let (disk, _) = world.node(&scratch.path().join("agent"));
        Self { _scratch: scratch, world, disk }
    }

    fn accept(&self, trigger: &Trigger, signers: &[&str], clock: Clock) -> Result<Accepted, &'static str> {
        let Envelope { bytes, signatures } = envelope::<Trigger>(trigger.encode(), signers);
        let signed = Signed { document: String::from_utf8(bytes).unwrap(), signatures };
        accept(&self.disk, signed, clock).map_err(|error| error.code())
    }

    fn refuses(&self, trigger: &Trigger, signers: &[&str], clock: Clock) -> &'static str {
        let before = self.disk.read(REPLAY, REPLAY_CAP).unwrap();
        let code = self.accept(trigger, signers, clock).unwrap_err();
        assert_eq!(self.disk.read(REPLAY, REPLAY_CAP).unwrap(), before);
        code
    }
}

#[test]
fn d23_only_an_operator_in_scope_is_obeyed() {
    let scene = Scene::new();
    let trigger = scene.world.trigger(1);
    assert_eq!(scene.refuses(&trigger, &[], now), "UNSIGNED");
    assert_eq!(scene.refuses(&trigger, &["server-ts"], now), "SIGNER");
    assert_eq!(scene.refuses(&trigger, &["alice", "bob"], now), "SIGNER");
    let usurper = Trigger { operator: "alice".parse().unwrap(), ..trigger.clone() };
    assert_eq!(scene.refuses(&usurper, &["alice"], now), "ROLE");
    assert!(scene.accept(&trigger, &["olga"], now).is_ok());
}

#[test]
fn d24_a_trigger_is_obeyed_once_even_after_a_restart() {
    let scene = Scene::new();
    let trigger = scene.world.trigger(1);
    assert!(scene.accept(&trigger, &["olga"], now).is_ok());
    assert_eq!(scene.refuses(&trigger, &["olga"], now), "REPLAY");
    assert_eq!(scene.refuses(&trigger, &["olga"], || NOW.plus(299)), "REPLAY");
    assert!(scene.accept(&scene.world.trigger(2), &["olga"], now).is_ok());
}

#[test]
fn d24_a_trigger_for_others_or_another_time_is_not_obeyed() {
    let scene = Scene::new();
    let trigger = scene.world.trigger(1);
    let other = Trigger { nodes: vec![OTHER.parse().unwrap()], ..trigger.clone() };
    assert_eq!(scene.refuses(&other, &["olga"], now), "NOT_ADDRESSED");
    assert_eq!(scene.refuses(&trigger, &["olga"], || NOW.plus(301)), "WINDOW");
    assert_eq!(scene.refuses(&trigger, &["olga"], || NOW.plus(-301)), "WINDOW");
}

#[test]
fn d24_a_damaged_memory_obeys_nobody() {
    let scene = Scene::new();
    assert!(scene.accept(&scene.world.trigger(1), &["olga"], now).is_ok());
    scene.disk.write(REPLAY, b"{}").unwrap();
    assert_eq!(scene.refuses(&scene.world.trigger(2), &["olga"], now), "STATE");
}

#[test]
fn d41_another_document_of_the_operator_is_no_trigger() {
    let scene = Scene::new();
    let trigger = scene.world.trigger(1);
    let Envelope { bytes, signatures } =
        envelope::<crate::signing::query::Query>(trigger.encode(), &["olga"]);
    let signed = Signed { document: String::from_utf8(bytes).unwrap(), signatures };
    assert_eq!(id_untrusted(&signed).as_deref(), Some(trigger.id.as_str()));
    assert_eq!(accept(&scene.disk, signed, now).map_err(|error| error.code()).err(), Some("UNSIGNED"));
    assert!(trigger.nodes.contains(&NODE.parse().unwrap()));
}
