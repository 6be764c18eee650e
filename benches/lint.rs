//! How fast the lint is, and how its time grows with what it is given: `cargo bench --bench lint`.
//!
//! Prints the figures that have a bar, then the time for three sizes of each kind of input, four times the one before.
//! The bars are told, not enforced: a busy machine is no defect.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and has failed when it cannot go on"
)]

use countersign::model::{EnvName, Stamp, Tree};
use countersign::module;
use countersign::policy::commands::{CommandInput, judge};
use countersign::policy::guard::{Rules, Setting, Subject, effects};
use countersign::policy::{self, Policy};
use countersign::shell::Value;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How often each thing is measured; the median counts.
const ROUNDS: usize = 7;

/// The median of how long `work` takes.
fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn told(what: &str, figure: &str, bar: &str, met: bool) {
    println!("{what:<58} {figure:>14}   bar {bar}: {}", if met { "met" } else { "missed" });
}

fn main() {
    commands();
    script();
    site();
    growth();
}

/// Everyday commands, in process and through the program.
fn commands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/benign.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let inputs: Vec<CommandInput> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rules = Rules::builtin();
    let time = median(|| inputs.iter().for_each(|input| drop(black_box(judge(rules, input)))));
    let rate = inputs.len() as f64 / time.as_secs_f64();
    told("commands a second, one core", &format!("{rate:.0}"), "50,000", rate >= 50_000.0);

    let many = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(many.path(), text.repeat(20)).unwrap();
    let time = median(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        let output = command.args(["lint", "--commands"]).arg(many.path()).output().unwrap();
        assert!(output.status.success());
    });
    let rate = 20.0 * inputs.len() as f64 / time.as_secs_f64();
    told(
        "commands a second, `lint --commands`, reading and writing",
        &format!("{rate:.0}"),
        "50,000",
        rate >= 50_000.0,
    );
}

/// A long script such as installers are.
fn script() {
    let text = long_script(10_000);
    let time = median(|| lint_script(&text));
    let figure = format!("{:.1} ms", time.as_secs_f64() * 1e3);
    told("a script of 10,000 lines", &figure, "100 ms", time <= Duration::from_millis(100));
}

fn lint_script(text: &str) {
    let content = Value::text(text);
    let subject = Subject::File("/usr/local/sbin/install-app", &content, true);
    black_box(effects(Rules::builtin(), &subject, &Setting::default()));
}

/// A script of `lines` lines: assignments, tests, functions, loops, here-documents, pipelines and comments.
fn long_script(lines: usize) -> String {
    const BLOCK: &str = r#"# Part @: unpack, configure and start one component.
name@="component-@"
version@="${VERSION_@:-1.@.0}"
target@="/opt/app/$name@/$version@"
log@() {
    printf '%s %s\n' "$(date +%s)" "$1" >> /var/log/app/install.log
}
if [ ! -d "$target@" ]; then
    mkdir -p "$target@/bin" "$target@/etc"
    log@ "unpacking $name@"
    tar -xzf "/srv/archive/$name@-$version@.tar.gz" -C "$target@" --strip-components=1
fi
cat > "$target@/etc/app.conf" <<EOF
name = $name@
listen = 127.0.0.1:8@
EOF
for file in bin/start bin/stop; do
    install -m 0755 "$target@/$file" "/usr/local/bin/$name@-${file##*/}"
done
case "$version@" in
    1.*) ln -sfn "$target@" "/opt/app/$name@/current" ;;
    *) echo "unknown version" >&2 ;;
esac
chown -R app:app "$target@" && chmod -R u=rwX,go=rX "$target@"
grep -q "$name@" /etc/app/components || echo "$name@ $version@" >> /etc/app/components
find "/var/cache/app/$name@" -type f -mtime +30 -delete
systemctl is-active --quiet "$name@" || systemctl start "$name@"
rm -rf "/tmp/$name@.unpack"
ls "/opt/app/$name@" | sort -V | head -n -3 | while read -r old; do rm -rf "/opt/app/$name@/${old:?}"; done

"#;
    let block = BLOCK.lines().count();
    let mut text = "#!/bin/sh\nset -eu\n".to_owned();
    for number in 0..lines / block {
        text.push_str(&BLOCK.replace('@', &number.to_string()));
    }
    text
}

/// 1,000 nodes with 100 resources each, of which every node has a few that no other has.
fn site() {
    let env: EnvName = "production".parse().unwrap();
    let today = Stamp::from_unix(1_800_000_000);
    let tree = site_tree(1_000);
    let policy = Policy::load(&tree).unwrap();
    let loaded = module::load(&tree).unwrap();
    let compilation = module::compile(&loaded, &env).unwrap();
    let resources: usize = compilation.nodes.iter().map(|node| node.catalog.resources.len()).sum();
    let check = median(|| drop(black_box(policy::check(&policy, &tree, &loaded, &compilation, today))));
    let figure = format!("{:.2} s", check.as_secs_f64());
    told(&format!("{resources} resources on 1,000 nodes"), &figure, "2 s", check <= Duration::from_secs(2));
    let whole = median(|| {
        let loaded = module::load(&tree).unwrap();
        let compilation = module::compile(&loaded, &env).unwrap();
        drop(black_box(policy::check(&policy, &tree, &loaded, &compilation, today)));
    });
    let figure = format!("{:.2} s", whole.as_secs_f64());
    told("the same with reading and compiling the site", &figure, "2 s", whole <= Duration::from_secs(2));
}

fn site_tree(nodes: usize) -> Tree {
    let mut module = String::from("description = \"A component\"\n\n");
    for number in 0..40 {
        module.push_str(&format!(
            "[file.\"/etc/app/part-{number}.conf\"]\ncontent = \"part = {number}\\n\"\nmode = \"0644\"\n\n\
             [exec.\"refresh {number}\"]\nprovider = \"shell\"\n\
             command = \"cd /srv/app && ./bin/refresh {number} > /var/log/app/{number}.log 2>&1\"\n\
             unless = \"test -e /var/lib/app/{number} && ! ./bin/app status | grep -q stale\"\n\n"
        ));
    }
    for number in 0..20 {
        module.push_str(&format!(
            "[file.\"/srv/app/name-{number}\"]\ncontent = \"{{{{ node.name }}}} {number}\\n\"\nmode = \"0644\"\n\n"
        ));
    }
    let inventory = "name = \"bench\"\nenvironments = [\"production\"]\n\n\
                     [groups.app]\ndescription = \"Everything\"\ninclude = [\"app\"]\n";
    let mut tree = Tree::default();
    tree.insert("countersign.toml", inventory.into()).unwrap();
    tree.insert("modules/app/module.toml", module.into()).unwrap();
    for number in 0..nodes {
        tree.insert(&format!("nodes/node-{number}.toml"), b"groups = [\"app\"]\n".to_vec()).unwrap();
    }
    tree
}

/// A kind of input: its name, the smallest size, and a script of any size.
type Kind = (&'static str, usize, fn(usize) -> String);

/// Time for three sizes of one kind of input: linear growth is four times from each to the next.
fn growth() {
    let kinds: [Kind; 12] = [
        ("operands of one command", 2_000, |n| format!("chmod 0644{}", numbered(n, " /srv/app/f@"))),
        ("commands of one && chain", 500, |n| {
            format!("true{}", numbered(n, " && install -m 644 f@ /srv/f@"))
        }),
        ("lines of a script", 500, |n| long_script(n)),
        ("assignments, then a use of each", 500, |n| {
            numbered(n, "x@=/srv/@\n") + &numbered(n, "touch \"$x@/y\"\n")
        }),
        ("branches that leave variables undecided", 100, |n| {
            numbered(n, "if a; then x@=1; else x@=2; fi\necho \"$x@\"\n")
        }),
        ("functions that call one another", 100, |n| {
            "f0() { :; }\n".to_owned() + &numbered(n, "f@1() { echo @; }; f@1\n")
        }),
        ("loops beside one another", 200, |n| numbered(n, "for i in a b; do echo \"$i@\"; done\n")),
        ("substitutions beside one another", 200, |n| {
            numbered(n, "x@=$(dirname \"$(readlink -f /srv/@)\")\n")
        }),
        ("commands of one pipeline", 100, |n| format!("cat /srv/f{}", numbered(n, " | grep -v x@"))),
        ("lines of a here-document", 5_000, |n| {
            format!("cat > /srv/f <<EOF\n{}EOF\n", numbered(n, "line @ of $x\n"))
        }),
        ("files that a script writes", 200, |n| numbered(n, "echo @ > /srv/f@; cp /srv/f@ /srv/g@\n")),
        ("findings", 200, |n| numbered(n, "rm -rf /etc/ssh /usr/lib/x@/..\n")),
    ];
    println!(
        "\n{:<45} {:>9} {:>9} {:>9}   growth (linear: 4, 4)",
        "ms for sizes n, 4n, 16n", "n", "4n", "16n"
    );
    for (kind, size, text) in kinds {
        let times = [size, 4 * size, 16 * size].map(|size| {
            let text = text(size);
            median(|| lint_script(&text)).as_secs_f64() * 1e3
        });
        let [a, b, c] = times;
        println!("{kind:<45} {a:>9.2} {b:>9.2} {c:>9.2}   {:.1}, {:.1}", b / a, c / b);
    }
    let times = [250, 1_000, 4_000].map(|nodes| {
        let tree = site_tree(nodes);
        let policy = Policy::load(&tree).unwrap();
        let loaded = module::load(&tree).unwrap();
        let compilation = module::compile(&loaded, &"production".parse().unwrap()).unwrap();
        let today = Stamp::from_unix(1_800_000_000);
        median(|| drop(black_box(policy::check(&policy, &tree, &loaded, &compilation, today)))).as_secs_f64()
            * 1e3
    });
    let [a, b, c] = times;
    println!("{:<45} {a:>9.2} {b:>9.2} {c:>9.2}   {:.1}, {:.1}", "nodes of a site (n = 250)", b / a, c / b);
}

/// `text` for each number below `n`, with `@` for the number.
fn numbered(n: usize, text: &str) -> String {
    (0..n).map(|number| text.replace('@', &number.to_string())).collect()
}
