//! The five time fields of a crontab, checked as cron(8) reads them.

use std::ops::RangeInclusive;

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Checks `field` (one or several parts, joined by commas) as the time field `name`.
///
/// # Errors
/// Why it is none.
pub(super) fn check(name: &str, field: &str) -> Result<(), String> {
    field.split(',').try_for_each(|part| check_part(name, part))
}

fn check_part(name: &str, part: &str) -> Result<(), String> {
    let range = bounds(name);
    let (values, step) = part.split_once('/').map_or((part, None), |(values, step)| (values, Some(step)));
    if let Some(step) = step {
        let valid = plain(step).is_some_and(|step| step >= 1 && step <= *range.end());
        if !valid {
            return Err(format!("the step `{step}` is not from 1 to {}", range.end()));
        }
        if values != "*" && !values.contains('-') {
            return Err("a step needs `*` or a range before it".into());
        }
    }
    if values == "*" {
        return Ok(());
    }
    let (from, to) = values.split_once('-').unwrap_or((values, values));
    let (from, to) = (value(name, from)?, value(name, to)?);
    if from > to { Err(format!("{from} comes after {to}")) } else { Ok(()) }
}

fn value(name: &str, text: &str) -> Result<u32, String> {
    let range = bounds(name);
    let words = match name {
        "month" => MONTHS,
        "weekday" => DAYS,
        _ => &[],
    };
    let short = text.to_ascii_lowercase();
    let named = words.iter().position(|word| short == *word);
    let number = match named {
        Some(at) => u32::try_from(at).ok().map(|at| at + u32::from(name == "month")),
        None => plain(text),
    };
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("`{text}` is not from {} to {}", range.start(), range.end()))
}

fn plain(text: &str) -> Option<u32> {
    (!text.is_empty() && text.len() <= 2 && text.chars().all(|c| c.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn bounds(name: &str) -> RangeInclusive<u32> {
    match name {
        "minute" => 0..=59,
        "hour" => 0..=23,
        "monthday" => 1..=31,
        "month" => 1..=12,
        _ => 0..=7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_cron() {
        for (name, field) in [
            ("minute", "*"),
            ("minute", "*/5"),
            ("minute", "0,30"),
            ("minute", "10-50/10"),
            ("hour", "23"),
            ("month", "Jan-mar"),
            ("weekday", "7"),
            ("weekday", "Fri"),
        ] {
            assert_eq!(check(name, field), Ok(()), "{name} {field}");
        }
        for (name, field, why) in [
            ("minute", "60", "`60` is not from 0 to 59"),
            ("minute", "", "`` is not from 0 to 59"),
            ("minute", "*/0", "the step `0` is not from 1 to 59"),
            ("minute", "5/2", "a step needs `*` or a range before it"),
            ("hour", "5-3", "5 comes after 3"),
            ("monthday", "0", "`0` is not from 1 to 31"),
            ("month", "fri", "`fri` is not from 1 to 12"),
            ("weekday", "friday", "`friday` is not from 0 to 7"),
            ("weekday", "* * root", "`* * root` is not from 0 to 7"),
        ] {
            assert_eq!(check(name, field), Err(why.to_owned()), "{name} {field}");
        }
    }
}
