//! How compiling and linting grow with the number of nodes: `cargo bench --bench compile`.
//!
//! The example site once, ten times and forty times. The time per node is to stay the same; compare the throughputs.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use countersign::model::{EnvName, Stamp, Tree};
use countersign::policy::{self, Policy};
use countersign::{module, repo};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

/// How many nodes the sites have.
const SIZES: [usize; 3] = [26, 260, 1000];

/// The example site with `nodes` nodes: its own, and then again under further names, with their data.
fn site(example: &Tree, nodes: usize) -> Tree {
    let names: Vec<&str> =
        example.iter().filter_map(|(path, _)| path.strip_prefix("nodes/")?.strip_suffix(".toml")).collect();
    let mut tree = Tree::default();
    for (path, bytes) in example.iter() {
        tree.insert(path, bytes.to_vec()).unwrap();
    }
    for number in names.len()..nodes {
        let name = names[number % names.len()];
        for folder in ["nodes", "data/node"] {
            if let Some(bytes) = example.get(&format!("{folder}/{name}.toml")) {
                tree.insert(&format!("{folder}/n{number}-{name}.toml"), bytes.to_vec()).unwrap();
            }
        }
    }
    tree
}

fn growth(criterion: &mut Criterion) {
    let example = repo::worktree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site")).unwrap();
    let env: EnvName = "production".parse().unwrap();
    let today = Stamp::from_unix(1_800_000_000);
    for nodes in SIZES {
        let tree = site(&example, nodes);
        let loaded = module::load(&tree).unwrap();
        assert_eq!(loaded.nodes().len(), nodes);
        let compilation = module::compile(&loaded, &env).unwrap();
        let mut group = criterion.benchmark_group("site");
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_with_input(BenchmarkId::new("load", nodes), &tree, |bench, tree| {
            bench.iter(|| module::load(black_box(tree)).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("compile", nodes), &loaded, |bench, site| {
            bench.iter(|| module::compile(black_box(site), &env).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("lint", nodes), &tree, |bench, tree| {
            let policy = Policy::load(tree).unwrap();
            bench.iter(|| policy::check(&policy, black_box(tree), &loaded, &compilation, today));
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    targets = growth
}
criterion_main!(benches);
