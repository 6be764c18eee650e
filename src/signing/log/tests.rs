//! Entries, tiles and notes: one spelling each, the same proofs as from all leaves, and nothing that passes as another.

use super::*;
use crate::model::{Checkpoint, Digest};
use crate::signing::RepoId;
use crate::signing::testing::{key, raw_after, raw_root, root, root_of, signed};
use crate::signing::tree::{Position, Ranges, consistency, includes, inclusion, leaf_hash, tree_root};
use crate::signing::{Root, ed25519};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::collections::BTreeMap;
use std::convert::Infallible;

fn leaf(n: u64) -> Hash {
    leaf_hash(n.to_string().as_bytes())
}

/// A log of `size` entries and its tiles.
fn log(size: u64) -> (Edge, BTreeMap<Tile, Vec<u8>>) {
    let (mut edge, mut tiles) = (Edge::default(), BTreeMap::new());
    for n in 0..size {
        edge.append(leaf(n), |tile, bytes| drop(tiles.insert(tile, bytes)));
    }
    tiles.extend(edge.partial());
    (edge, tiles)
}

fn read(
    tiles: &BTreeMap<Tile, Vec<u8>>,
    size: u64,
) -> Tiles<impl FnMut(Tile) -> Result<Vec<u8>, Infallible>> {
    Tiles::new(size, |tile| Ok(tiles[&tile].clone()))
}

#[test]
fn an_edge_has_the_root_of_all_leaves() {
    let leaves: Vec<Hash> = (0..700).map(leaf).collect();
    let mut edge = Edge::default();
    assert_eq!(edge.checkpoint(), None);
    for (n, hash) in (1..).zip(&leaves) {
        edge.append(*hash, |_, _| {});
        let root = Digest::from_bytes(tree_root(&leaves[..n]).0);
        assert_eq!(edge.checkpoint(), Some(Checkpoint { size: n as u64, root }));
    }
}

/// The example of the specification: 273 complete tiles and one of 112, one complete and one of 17, one of 1.
#[test]
fn seventy_thousand_entries_make_the_tiles_of_the_specification() {
    let (edge, tiles) = log(70_000);
    let widths = |level: u8| -> Vec<u16> {
        tiles.keys().filter(|tile| tile.level == Some(level)).map(|tile| tile.width).collect()
    };
    assert_eq!(widths(0).len(), 274);
    assert_eq!(widths(0)[273], 112);
    assert_eq!((widths(1), widths(2), widths(3)), (vec![256, 17], vec![1], vec![]));
    assert!(tiles.iter().all(|(tile, bytes)| bytes.len() == tile.bytes()));
    assert!(tiles.keys().all(|tile| Tile::of(tile.level, tile.index, 70_000) == Some(*tile)));
    let mut reader = read(&tiles, 70_000);
    let root = Digest::from_bytes(reader.root(0..70_000).unwrap().0);
    assert_eq!(edge.checkpoint(), Some(Checkpoint { size: 70_000, root }));
    let (middle, _) = log(33_333);
    let path = consistency(&mut reader, 33_333, 70_000).unwrap();
    assert!(crate::signing::tree::continues(middle.checkpoint().unwrap(), edge.checkpoint().unwrap(), &path));
    let at = Position { index: 54_321, size: 70_000 };
    assert!(includes(leaf(54_321), at, &inclusion(&mut reader, at).unwrap(), root));
    // All of that took tiles of three levels, each once.
    assert!(reader.tiles_read() <= 8, "{}", reader.tiles_read());
}

#[test]
fn d36_proofs_from_tiles_are_those_from_all_leaves() {
    let leaves: Vec<Hash> = (0..600).map(leaf).collect();
    for size in [1, 2, 3, 255, 256, 257, 511, 512, 513, 600_u64] {
        let (_, tiles) = log(size);
        let whole = &leaves[..usize::try_from(size).unwrap()];
        for from in 1..size {
            let mut all = whole;
            let expected = consistency(&mut all, from, size).unwrap();
            assert_eq!(
                consistency(&mut read(&tiles, size), from, size).unwrap(),
                expected,
                "{from} of {size}"
            );
        }
        for index in 0..size {
            let (mut all, at) = (whole, Position { index, size });
            assert_eq!(inclusion(&mut read(&tiles, size), at).unwrap(), inclusion(&mut all, at).unwrap());
        }
    }
}

#[test]
fn t2_a_tile_of_another_length_is_refused() {
    let (_, tiles) = log(300);
    for change in [
        |bytes: &mut Vec<u8>| bytes.truncate(31),
        |bytes: &mut Vec<u8>| bytes.push(0),
        |bytes: &mut Vec<u8>| {
            bytes.extend([0; 32]);
        },
    ] {
        let mut reader = Tiles::new(300, |tile| {
            let mut bytes = tiles[&tile].clone();
            change(&mut bytes);
            Ok::<_, Infallible>(bytes)
        });
        assert!(matches!(reader.root(0..300), Err(TileError::Form(_))));
    }
}

#[test]
fn a_tile_has_one_path() {
    let tile = |level, index, width| Tile { level, index, width };
    for (tile, path) in [
        (tile(Some(0), 0, 256), "tile/0/000"),
        (tile(Some(3), 273, 17), "tile/3/273.p/17"),
        (tile(Some(0), 1_234_067, 256), "tile/0/x001/x234/067"),
        (tile(None, 1_000, 1), "tile/entries/x001/000.p/1"),
    ] {
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse(path), Some(tile));
    }
    for bad in [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/0/1000",
        "tile/0/x000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/../000",
        "tile/0/000/",
        "tile//000",
        "tile/0/x001/x000",
        "checkpoint",
        "tile/0/+01",
    ] {
        assert_eq!(Tile::parse(bad), None, "{bad}");
    }
    for size in [0, 1, 255, 256, 65_536] {
        assert_eq!(Tile::of(Some(0), size, size), None, "{size}");
    }
    assert_eq!(Tile::of(Some(7), 0, u64::MAX).map(|tile| tile.width), Some(255));
    assert_eq!(Tile::of(Some(8), 0, u64::MAX), None);
}

#[test]
fn entries_go_into_a_bundle_and_back() {
    let texts = ["", "one", "two"].map(str::as_bytes);
    let bytes = bundle(texts);
    assert_eq!(bytes, b"\0\0\0\x03one\0\x03two");
    assert_eq!(unbundle(&bytes).unwrap(), texts);
    assert!((1..bytes.len()).filter(|end| unbundle(&bytes[..*end]).is_some()).eq([2, 7]));
}

#[test]
fn the_bytes_of_an_entry_are_fixed() {
    let id = Digest::of(b"statement");
    let statement = Entry::statement(&"production".parse().unwrap(), 7, id);
    let listed = crate::model::wire::Signed { document: "nonsense".into(), signatures: Vec::new() };
    let approval = statement.approval("armor");
    let text = format!(
        "{{\"type\":\"entry\",\"v\":1,\"kind\":\"approval\",\"environment\":\"production\",\"name\":null,\"number\":7,\
         \"digest\":\"{}\",\"of\":\"{id}\"}}\n",
        Digest::of(b"armor")
    );
    assert_eq!(String::from_utf8(approval.encode()).unwrap(), text);
    assert_eq!(approval.hash(), leaf_hash(text.as_bytes()));
    let node = "web1".parse().unwrap();
    for entry in [
        statement.clone(),
        approval,
        statement.waiver(b"waiver"),
        Entry::root(1, id),
        Entry::root(1, id).approval("armor"),
        Entry::trigger(&"olga".parse().unwrap(), id),
        Entry::report(&node, 3, (id, Some(id))),
        statement.ratification("armor"),
        Entry::withdrawal(&"production".parse().unwrap(), &listed).remove(0),
    ] {
        assert_eq!(Entry::decode(&entry.encode()).unwrap(), entry);
    }
    let hostile = Entry { name: Some("web1\u{1b}[2J".into()), ..Entry::report(&node, 3, (id, None)) };
    assert_eq!(Entry::decode(&hostile.encode()).unwrap_err().code(), "MALFORMED");
    assert_eq!(Entry::decode(text.replace(",\"v\":1", ",\"v\":2").as_bytes()).unwrap_err().code(), "VERSION");
    assert_eq!(Entry::decode(text.replace(' ', "").trim_end().as_bytes()).unwrap_err().code(), "FORM");
}

/// The example of Go's package `note`: key id and signature of another implementation.
#[test]
fn key_ids_and_signatures_are_those_of_other_implementations() {
    let key = STANDARD.decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    let point: [u8; 32] = key[1..].try_into().unwrap();
    assert_eq!(note::key_id("PeterNeumann", &point), [0xc7, 0x4f, 0x20, 0xa3]);
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let signature = STANDARD.decode(line).unwrap();
    assert_eq!(signature[..4], [0xc7, 0x4f, 0x20, 0xa3]);
    ed25519::verify(&point, text.as_bytes(), &signature[4..].try_into().unwrap()).unwrap();
}

fn checkpoint() -> Checkpoint {
    log(300).0.checkpoint().unwrap()
}

#[test]
fn a_checkpoint_is_signed_by_the_timestamp_role_alone() {
    let repo = RepoId::new([7; 32]);
    let note = note::sign(&key("server"), repo, checkpoint());
    let origin = format!("countersign.dev/log/{}", "07".repeat(32));
    let root_line = STANDARD.encode(checkpoint().root.as_bytes());
    let head = format!("{origin}\n300\n{root_line}\n");
    assert!(note.starts_with(&format!("{head}\n\u{2014} {origin} ")), "{note}");
    let verified = note::verify(&root(), note.as_bytes()).unwrap();
    assert_eq!((*verified, verified.signers()), (checkpoint(), &["server".parse().unwrap()][..]));
    // A witness may sign besides.
    let witness = format!("{note}\u{2014} witness.example/w1 {}\n", STANDARD.encode([1; 76]));
    assert_eq!(*note::verify(&root(), witness.as_bytes()).unwrap(), checkpoint());
    for (bent, code) in [
        (note::sign(&key("alice"), repo, checkpoint()), "UNSIGNED"),
        (note::sign(&key("server"), RepoId::new([8; 32]), checkpoint()), "MALFORMED"),
        (note.replace("\n300\n", "\n301\n"), "MALFORMED"),
        (note.replace("\n300\n", "\n0300\n"), "MALFORMED"),
        (note.replace(&root_line, &STANDARD.encode([0; 32])), "MALFORMED"),
        (note.replace("\n\n", "\nextension\n\n"), "MALFORMED"),
        (head.clone(), "MALFORMED"),
        (format!("{head}\n"), "UNSIGNED"),
        (format!("{note}no signature\n"), "MALFORMED"),
        (" ".repeat(note::MAX_BYTES + 1), "TOO_LARGE"),
    ] {
        assert_eq!(note::verify(&root(), bent.as_bytes()).unwrap_err().code(), code, "{bent}");
    }
}

#[test]
fn a_rotated_key_signs_no_checkpoint() {
    let mut raw = raw_after(&raw_root());
    let server = raw.principals.iter_mut().find(|p| p.name.as_str() == "server").unwrap();
    server.keys = vec![key("new server").public().to_line()];
    let rotated =
        crate::signing::root::next(&root_of(&raw_root()), &signed::<Root>(&raw, &["alice", "bob"])).unwrap();
    let [old, new] =
        ["server", "new server"].map(|who| note::sign(&key(who), RepoId::new([7; 32]), checkpoint()));
    assert_eq!(note::verify(&rotated, old.as_bytes()).unwrap_err().code(), "UNSIGNED");
    assert_eq!(*note::verify(&rotated, new.as_bytes()).unwrap(), checkpoint());
}

/// The two sorts of signatures that the timestamp key makes are over texts that begin differently.
#[test]
fn d41_a_note_is_no_ssh_signature_and_none_is_a_note() {
    let server = key("server");
    let note = note::sign(&server, RepoId::new([7; 32]), checkpoint());
    assert!(note::origin(RepoId::new([7; 32])).starts_with("countersign.dev/log/"));
    let signature = STANDARD.decode(note.trim_end().rsplit(' ').next().unwrap()).unwrap();
    let signature: [u8; 64] = signature[4..].try_into().unwrap();
    let text = note.split_once("\n\n").unwrap().0.to_owned() + "\n";
    ed25519::verify(server.public().point(), text.as_bytes(), &signature).unwrap();
    // What `ssh-keygen -Y sign` signs for the same text, for any purpose.
    let digest = <sha2::Sha512 as sha2::Digest>::digest(text.as_bytes());
    let mut wrapped = b"SSHSIG".to_vec();
    for part in [b"timestamp.v1@countersign.dev".as_slice(), b"", b"sha512", &digest] {
        wrapped.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        wrapped.extend(part);
    }
    assert!(ed25519::verify(server.public().point(), &wrapped, &signature).is_err());
    assert!(!text.as_bytes().starts_with(&wrapped[..6]));
}

/// The steps from one size to the next, as somebody records them who is shown this log.
fn steps(sizes: &[u64]) -> Vec<Step> {
    let mut before = 0;
    let step = |size: &u64| {
        let (edge, tiles) = log(*size);
        let proof = consistency(&mut read(&tiles, *size), before, *size).unwrap();
        before = *size;
        Step { checkpoint: edge.checkpoint().unwrap(), proof }
    };
    sizes.iter().map(step).collect()
}

fn at(size: u64) -> Checkpoint {
    log(size).0.checkpoint().unwrap()
}

#[test]
fn d36_steps_lead_from_every_point_to_the_newest() {
    let steps = steps(&[3, 7, 300, 700]);
    let check = |points: &[Checkpoint], expected: Result<Option<u64>, &str>| {
        let got = trace(&steps, points);
        let got = got.map(|newest| newest.map(|newest| newest.size)).map_err(|refusal| refusal.code());
        assert_eq!(got, expected, "{points:?}");
    };
    for points in [&[at(3)][..], &[at(700)], &[at(300), at(7)], &[at(7), at(7), at(3)], &[]] {
        check(points, Ok(Some(700)));
    }
    let other = |size| Checkpoint { size, root: Digest::of(b"another") };
    for points in [&[other(3)][..], &[at(3), other(300)], &[other(300), at(700)], &[at(8)], &[other(1)]] {
        check(points, Err("LOG_FORK"));
    }
    for points in [&[at(701)][..], &[at(3), other(900)]] {
        check(points, Err("LOG_ROLLBACK"));
    }
    let none = |points: &[Checkpoint]| trace(&[], points).map_err(|refusal| refusal.code());
    assert_eq!((none(&[]), none(&[at(3)])), (Ok(None), Err("LOG_ROLLBACK")));
}

#[test]
fn d36_a_step_that_does_not_continue_the_one_before_leads_nowhere() {
    for broken in 1..4 {
        let mut steps = steps(&[3, 7, 300, 700]);
        steps[broken].proof.clear();
        for (from, step) in steps.iter().enumerate() {
            let code = trace(&steps, &[step.checkpoint]).err().map(|refusal| refusal.code());
            assert_eq!(code, (from < broken).then_some("LOG_FORK"), "{from} {broken}");
        }
    }
    // A log that became shorter on the way, and one that began anew after it had been as long already.
    let mut back = steps(&[3, 300]);
    back.extend(steps(&[7]));
    assert_eq!(trace(&back, &[at(3), at(7)]).err().map(|refusal| refusal.code()), Some("LOG_ROLLBACK"));
    assert_eq!(trace(&back, &[at(7)]).ok().flatten(), Some(at(7)));
}

#[test]
fn a_proof_is_read_from_the_text_that_it_is_written_as() {
    let step = &steps(&[3, 300])[1];
    let text = step.proof_text();
    assert_eq!(text.lines().count(), step.proof.len());
    assert_eq!(Step::read_proof(&text), Some(step.proof.clone()));
    assert_eq!(Step::read_proof(""), Some(Vec::new()));
    for bad in ["x", &text.to_uppercase(), &format!("{text}\n"), &format!("{}\n", leaf(1)).repeat(65)] {
        assert_eq!(Step::read_proof(bad), None, "{bad}");
    }
}
