//! Durations as administrators write them: `30m`, `2h`, `90` (seconds).

use super::counted::counted;
use std::time::Duration;

/// Reads a number with one of `s m h d`, or a bare number of seconds.
///
/// # Errors
/// When the text has another form.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err("write a number and one of s, m, h, d, for example `30m`".into()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
    let bounded = seconds.filter(|s| *s <= 366 * 86400);
    bounded.map(Duration::from_secs).ok_or_else(|| "a duration is at most a year".into())
}

/// Whole seconds, as times are reckoned in.
pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// `duration` in words, as `mco` has it: `9 minutes 11 seconds`.
pub(super) fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86400, "day"),
        (seconds / 3600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).take(2).map(|(n, unit)| counted(*n, unit)).collect();
    if said.is_empty() { "0 seconds".into() } else { said.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_said() {
        for (text, seconds, said) in [
            ("0", 0, "0 seconds"),
            ("90", 90, "1 minute 30 seconds"),
            ("30m", 1800, "30 minutes"),
            ("2h", 7200, "2 hours"),
            ("1d", 86400, "1 day"),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)));
            assert_eq!(words(Duration::from_secs(seconds)), said);
        }
        for bad in ["", "m", "-1", "1.5h", "1w", "99999999999999999999", "367d"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
