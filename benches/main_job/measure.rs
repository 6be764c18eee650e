//! Times of repeated work, and the table that they are told in.

use std::process::Command;
use std::time::{Duration, Instant};

/// The times of one kind of work, ascending.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Does something `n` times, after `before` each time, which is not counted.
    pub(crate) fn of(n: usize, mut before: impl FnMut(usize), mut work: impl FnMut()) -> Self {
        let once = |round| {
            before(round);
            let begun = Instant::now();
            work();
            begun.elapsed()
        };
        let mut times: Vec<Duration> = (1..=n).map(once).collect();
        times.sort_unstable();
        Self(times)
    }

    /// Runs a whole process `n` times; it must end with exit code 0.
    pub(crate) fn of_process(n: usize, before: impl FnMut(usize), mut command: Command) -> Self {
        Self::of(n, before, || drop(crate::support::ok(&mut command)))
    }

    fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }
}

/// A line of the table.
pub(crate) struct Row {
    /// What was done.
    pub(crate) what: &'static str,
    /// How long it took.
    pub(crate) times: Times,
    /// What it is compared with: the number of an earlier row.
    pub(crate) baseline: Option<usize>,
    /// The time in milliseconds that its median is to stay under. It is told, never enforced.
    pub(crate) bar: Option<u32>,
}

/// Prints the table and the machine.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "{:<58} {:>3} {:>9} {:>9} {:>9}  {:<12} bar",
        "what", "n", "min ms", "median ms", "max ms", "ratio"
    );
    for Row { what, times, baseline, bar } in rows {
        let [min, median, max] = [times.0[0], times.median(), times.0[times.0.len() - 1]].map(millis);
        let ratio = baseline.map_or(String::new(), |row| {
            format!("{:.1} x row {}", median / millis(rows[row].times.median()), row + 1)
        });
        let bar = bar.map_or(String::new(), |bar| {
            format!("{bar} ms: {}", if median < f64::from(bar) { "met" } else { "missed" })
        });
        let n = times.0.len();
        println!("{what:<58} {n:>3} {min:>9.2} {median:>9.2} {max:>9.2}  {ratio:<12} {bar}");
    }
    println!("\n{}", machine());
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Processor, cores, kernel, load.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1)).unwrap_or("?");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?");
    format!(
        "{}, {cores} cores, Linux {}, load {load}",
        model.trim(),
        read("/proc/sys/kernel/osrelease").trim()
    )
}
