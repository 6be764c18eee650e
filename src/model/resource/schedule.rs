//! `schedule`: at which times a resource may be looked at. It can only hold a resource back, never make it come.

use crate::model::Stamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use time::{Date, OffsetDateTime};

const DAY: i64 = 86_400;

/// Times at which a resource may be looked at, resolved into the resource by the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Its name in the site.
    pub name: String,
    /// Parts of the day; any time when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub range: Vec<Span>,
    /// Days; any day when there are none. A part of the day that crosses midnight belongs to the day that it begins on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekday: Vec<Weekday>,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// What makes a new period.
    #[serde(default, skip_serializing_if = "PeriodMatch::is_distance")]
    pub periodmatch: PeriodMatch,
    /// How often within a period; at least 1.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub repeat: u32,
}

/// A period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every 30 days, or every month by number.
    Monthly,
    /// Not at all; with parts of the day or days, not then.
    Never,
}

/// What makes a new period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodMatch {
    /// The time since the last look is as long as the period.
    #[default]
    Distance,
    /// The hour, day, week or month is another one than at the last look.
    Number,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Sunday.
    Sun,
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
}

/// A part of the day in seconds from midnight, with both ends; written `22:00-4:30`. It crosses midnight where it ends
/// before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    from: u32,
    to: u32,
}

/// Text that is no part of a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no part of a day", .0.escape_default())]
pub struct SpanError(String);

/// A moment as a clock on the wall of a node shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    at: Stamp,
    east: i32,
}

impl Wall {
    /// The moment `at` where clocks are `east` seconds ahead of UTC.
    #[must_use]
    pub const fn new(at: Stamp, east: i32) -> Self {
        Self { at, east }
    }

    /// The moment.
    #[must_use]
    pub const fn stamp(self) -> Stamp {
        self.at
    }

    const fn seconds(self) -> i64 {
        self.at.unix() + self.east as i64
    }

    const fn day(self) -> i64 {
        self.seconds().div_euclid(DAY)
    }

    fn date(self) -> Date {
        OffsetDateTime::from_unix_timestamp(self.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
    }
}

impl Schedule {
    /// One of the schedules that need no declaration: those with the name of a period.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let period = Period::named(name)?;
        Some(Self {
            name: name.to_owned(),
            range: Vec::new(),
            weekday: Vec::new(),
            period: Some(period),
            periodmatch: PeriodMatch::Distance,
            repeat: 1,
        })
    }

    /// Whether a resource may be looked at now that was looked at `last`.
    #[must_use]
    pub fn holds(&self, now: Wall, last: Option<Stamp>) -> bool {
        let has_times = !self.range.is_empty() || !self.weekday.is_empty();
        match self.period {
            Some(Period::Never) => has_times && !self.is_time(now),
            Some(period) => self.is_time(now) && last.is_none_or(|last| self.is_new(period, now, last)),
            None => self.is_time(now),
        }
    }

    fn is_time(&self, now: Wall) -> bool {
        let second = now.seconds().rem_euclid(DAY);
        let on =
            |day: i64| self.weekday.is_empty() || self.weekday.iter().any(|w| *w as i64 == (day + 4) % 7);
        if self.range.is_empty() {
            return on(now.day());
        }
        self.range.iter().any(|span| {
            let (from, to) = (i64::from(span.from), i64::from(span.to));
            if from <= to {
                (from..=to).contains(&second) && on(now.day())
            } else {
                (second >= from && on(now.day())) || (second <= to && on(now.day() - 1))
            }
        })
    }

    fn is_new(&self, period: Period, now: Wall, last: Stamp) -> bool {
        let then = Wall::new(last, now.east);
        match self.periodmatch {
            // A clock that was set back makes no resource wait for the time when it is right again.
            PeriodMatch::Distance => {
                let passed = now.at.since(last);
                passed < 0 || passed >= period.seconds() / i64::from(self.repeat.max(1))
            }
            PeriodMatch::Number => period.number(now) != period.number(then),
        }
    }
}

impl Period {
    /// The names.
    pub const NAMES: &'static [&'static str] = &["hourly", "daily", "weekly", "monthly", "never"];

    /// The period of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Never];
        Self::NAMES.iter().position(|known| *known == name).and_then(|at| all.get(at).copied())
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Hourly => 3_600,
            Self::Daily => DAY,
            Self::Weekly => 7 * DAY,
            Self::Monthly => 30 * DAY,
            Self::Never => i64::MAX,
        }
    }

    /// Which one of its kind it is; no two have the same.
    fn number(self, at: Wall) -> i64 {
        match self {
            Self::Hourly => at.seconds().div_euclid(3_600),
            Self::Daily => at.day(),
            // Weeks begin on Monday, and 1970 on a Thursday.
            Self::Weekly => (at.day() + 3).div_euclid(7),
            Self::Monthly => i64::from(at.date().year()) * 12 + i64::from(u8::from(at.date().month())),
            Self::Never => 0,
        }
    }
}

impl PeriodMatch {
    /// The names.
    pub const NAMES: &'static [&'static str] = &["distance", "number"];

    /// Whether it is what a schedule has without saying so.
    #[must_use]
    pub fn is_distance(&self) -> bool {
        *self == Self::Distance
    }
}

impl Weekday {
    /// The day of that name or number: `mon`, `Monday`, `1`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        const DAYS: [(Weekday, &str); 7] = [
            (Weekday::Sun, "sunday"),
            (Weekday::Mon, "monday"),
            (Weekday::Tue, "tuesday"),
            (Weekday::Wed, "wednesday"),
            (Weekday::Thu, "thursday"),
            (Weekday::Fri, "friday"),
            (Weekday::Sat, "saturday"),
        ];
        let lower = name.to_ascii_lowercase();
        let known = |(number, (_, day)): &(usize, &(Self, &str))| {
            lower == *day || lower == day[..3] || lower == number.to_string()
        };
        DAYS.iter().enumerate().find(known).map(|(_, (day, _))| *day)
    }
}

impl std::str::FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let ends = text.split_once('-').and_then(|(from, to)| Some((second(from)?, second(to)?)));
        match ends {
            Some((from, to)) if from != to => Ok(Self { from, to }),
            _ => Err(SpanError(text.to_owned())),
        }
    }
}

/// `H`, `H:M` or `H:M:S` as a second of the day.
fn second(text: &str) -> Option<u32> {
    let mut total = 0;
    let mut parts = text.trim().split(':');
    for (bound, factor) in [(24, 3_600), (60, 60), (60, 1)] {
        let Some(part) = parts.next() else { break };
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let number = part.parse::<u32>().ok().filter(|number| plain && *number < bound)?;
        total += number * factor;
    }
    parts.next().is_none().then_some(total)
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |second: u32| {
            let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
            if second == 0 {
                format!("{hour:02}:{minute:02}")
            } else {
                format!("{hour:02}:{minute:02}:{second:02}")
            }
        };
        write!(f, "{}-{}", end(self.from), end(self.to))
    }
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_once(repeat: &u32) -> bool {
    *repeat == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(text: &str) -> Wall {
        Wall::new(text.parse().unwrap(), 0)
    }

    fn of(range: &[&str], weekday: &[&str], period: Option<Period>) -> Schedule {
        Schedule {
            name: "s".into(),
            range: range.iter().map(|span| span.parse().unwrap()).collect(),
            weekday: weekday.iter().map(|day| Weekday::named(day).unwrap()).collect(),
            period,
            periodmatch: PeriodMatch::Distance,
            repeat: 1,
        }
    }

    #[test]
    fn a_part_of_the_day_has_both_its_ends() {
        let schedule = of(&["2 - 4", "13:30:30-13:31"], &[], None);
        for (time, expected) in [
            ("01:59:59", false),
            ("02:00:00", true),
            ("04:00:00", true),
            ("04:00:01", false),
            ("13:30:29", false),
            ("13:31:00", true),
        ] {
            assert_eq!(schedule.holds(wall(&format!("2026-11-30T{time}Z")), None), expected, "{time}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_that_it_begins_on() {
        // The 30th of November 2026 is a Monday.
        let schedule = of(&["22:00-04:00"], &["mon"], None);
        for (time, expected) in [
            ("2026-11-30T03:00:00Z", false),
            ("2026-11-30T22:00:00Z", true),
            ("2026-12-01T03:00:00Z", true),
            ("2026-12-01T22:00:00Z", false),
        ] {
            assert_eq!(schedule.holds(wall(time), None), expected, "{time}");
        }
        assert!(of(&[], &["1"], None).holds(wall("2026-11-30T03:00:00Z"), None));
        assert!(!of(&[], &["Tuesday"], None).holds(wall("2026-11-30T03:00:00Z"), None));
    }

    #[test]
    fn times_are_those_of_the_node() {
        let night = of(&["22:00-23:00"], &["mon"], None);
        let at = "2026-11-30T20:30:00Z".parse().unwrap();
        assert!(night.holds(Wall::new(at, 2 * 3_600), None));
        assert!(!night.holds(Wall::new(at, 0), None));
        assert!(!night.holds(Wall::new(at, -8 * 3_600), None));
    }

    #[test]
    fn a_period_is_a_distance_from_the_last_look() {
        let now = wall("2026-11-30T12:00:00Z");
        let ago = |seconds: i64| Some(now.stamp().plus(-seconds));
        let mut daily = of(&[], &[], Some(Period::Daily));
        assert!(daily.holds(now, None) && daily.holds(now, ago(86_400)) && !daily.holds(now, ago(86_399)));
        // A look in the future is that of a clock that was wrong.
        assert!(daily.holds(now, ago(-5)));
        daily.repeat = 4;
        assert!(daily.holds(now, ago(21_600)) && !daily.holds(now, ago(21_599)));
    }

    #[test]
    fn a_period_by_number_is_new_when_its_number_is() {
        let by_number = |period| Schedule { periodmatch: PeriodMatch::Number, ..of(&[], &[], Some(period)) };
        for (period, last, now, expected) in [
            (Period::Hourly, "2026-11-30T11:59:59Z", "2026-11-30T12:00:00Z", true),
            (Period::Hourly, "2026-11-30T12:00:00Z", "2026-11-30T12:59:59Z", false),
            (Period::Daily, "2026-11-29T23:59:59Z", "2026-11-30T00:00:00Z", true),
            (Period::Weekly, "2026-11-29T23:59:59Z", "2026-11-30T00:00:00Z", true),
            (Period::Weekly, "2026-11-30T00:00:00Z", "2026-12-06T23:59:59Z", false),
            (Period::Monthly, "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z", true),
            (Period::Monthly, "2025-12-05T00:00:00Z", "2026-12-05T00:00:00Z", true),
        ] {
            let last = last.parse().unwrap();
            assert_eq!(by_number(period).holds(wall(now), Some(last)), expected, "{period:?} {now}");
        }
    }

    #[test]
    fn never_with_times_is_not_then() {
        let (in_it, out_of_it) = (wall("2026-11-30T03:00:00Z"), wall("2026-11-30T05:00:00Z"));
        let freeze = of(&["2-4"], &[], Some(Period::Never));
        assert!(!freeze.holds(in_it, None) && freeze.holds(out_of_it, None));
        let never = Schedule::builtin("never").unwrap();
        assert!(!never.holds(in_it, None) && !never.holds(out_of_it, None));
    }

    #[test]
    fn what_is_no_part_of_a_day_is_refused() {
        for bad in
            ["", "2", "2-2", "24-3", "2-4:60", "2-4:00:60", "-1-4", "2-4-6", "2-4:0:0:0", "a-b", "002-4"]
        {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        let span: Span = serde_json::from_str("\"22 - 4:30:05\"").unwrap();
        assert_eq!(serde_json::to_string(&span).unwrap(), "\"22:00-04:30:05\"");
    }
}
