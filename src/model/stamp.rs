//! Points in time, written `YYYY-MM-DDThh:mm:ssZ`. Who wants the present asks a clock and passes it in.

use serde::{Deserialize, Serialize};
use std::fmt;
use time::{Date, Month, OffsetDateTime};

/// A second of UTC between the years 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stamp(i64);

/// Text that is not `YYYY-MM-DDThh:mm:ssZ`, or a time outside 1970 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a time: `YYYY-MM-DDThh:mm:ssZ` between 1970 and 9999", .0.escape_default())]
pub struct StampError(String);

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

impl Stamp {
    /// The time `seconds` after 1970 began, held inside the years 1970 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(if seconds < 0 {
            0
        } else if seconds > LAST {
            LAST
        } else {
            seconds
        })
    }

    /// Seconds since 1970 began.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This time moved by `seconds`, which may be negative.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl std::str::FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        parse(text).ok_or_else(|| StampError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Stamp> {
    let bytes = text.as_bytes();
    let template = b"0000-00-00T00:00:00Z";
    if bytes.len() != template.len() {
        return None;
    }
    let fits = |(have, want): (&u8, &u8)| if *want == b'0' { have.is_ascii_digit() } else { have == want };
    if !bytes.iter().zip(template).all(fits) {
        return None;
    }
    let field = |from: usize, to: usize| text[from..to].parse::<u16>().ok();
    let small = |from: usize| field(from, from + 2).and_then(|n| u8::try_from(n).ok());
    let month = Month::try_from(small(5)?).ok()?;
    let date = Date::from_calendar_date(i32::from(field(0, 4)?), month, small(8)?).ok()?;
    let moment = date.with_hms(small(11)?, small(14)?, small(17)?).ok()?.assume_utc();
    let seconds = moment.unix_timestamp();
    (0..=LAST).contains(&seconds).then_some(Stamp(seconds))
}

impl TryFrom<String> for Stamp {
    type Error = StampError;

    fn try_from(text: String) -> Result<Self, StampError> {
        text.parse()
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> Self {
        stamp.to_string()
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (date, (hour, minute, second)) = (moment.date(), moment.to_hms());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_seconds_agree() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-02-28T23:59:59Z", 1_772_323_199),
            ("2106-02-07T06:28:16Z", 4_294_967_296),
            ("9999-12-31T23:59:59Z", LAST),
        ] {
            assert_eq!(text.parse(), Ok(Stamp::from_unix(seconds)));
            assert_eq!(Stamp::from_unix(seconds).to_string(), text);
        }
    }

    #[test]
    fn d31_no_second_is_special_and_a_leap_second_is_none() {
        let at = |text: &str| text.parse::<Stamp>().unwrap();
        for (text, next) in [
            ("2016-12-31T23:59:59Z", "2017-01-01T00:00:00Z"),
            ("2038-01-19T03:14:07Z", "2038-01-19T03:14:08Z"),
            ("2106-02-07T06:28:15Z", "2106-02-07T06:28:16Z"),
        ] {
            assert_eq!(at(text).plus(1), at(next));
            assert_eq!(at(next).since(at(text)), 1);
        }
        assert!("2016-12-31T23:59:60Z".parse::<Stamp>().is_err());
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01 00:00:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert!(bad.parse::<Stamp>().is_err(), "{bad}");
        }
    }
}
