//! Dates and times on the wire: PostgreSQL counts from 2000-01-01, guests use calendar fields.

use bytes::{BufMut as _, BytesMut};
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

type Fallible<T> = Result<T, Box<dyn Error + Sync + Send>>;

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Days from 0000-03-01, where the calculation starts, to 2000-01-01.
const EPOCH: i64 = 730_425;
/// Seconds from 1970-01-01 to 2000-01-01.
const UNIX_EPOCH: i64 = 946_684_800;
/// What `infinity` and `-infinity` are sent as.
const INFINITE_DAYS: [i32; 2] = [i32::MIN, i32::MAX];
const INFINITE_MICROS: [i64; 2] = [i64::MIN, i64::MAX];

/// A DATE, as year, month and day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Date(pub i32, pub u8, pub u8);

/// A TIME, as hour, minute, second and nanosecond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time(pub u8, pub u8, pub u8, pub u32);

/// A TIMESTAMP without time zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datetime(pub Date, pub Time);

/// A TIMESTAMPTZ parameter, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Instant(pub i64);

/// An INTERVAL, in microseconds, days and months.
#[derive(Clone, Copy, Debug)]
pub struct Interval(pub i64, pub i32, pub i32);

impl Date {
    pub fn check(self) -> Result<Self, String> {
        // A date that does not exist comes back from its day number as another one.
        let exists = (1..=12).contains(&self.1) && Self::from_days(self.days()) == Some(self);
        if exists { Ok(self) } else { Err(format!("invalid date y={}, m={}, d={}", self.0, self.1, self.2)) }
    }

    /// Days since 2000-01-01. Years are counted from March, so that a leap day comes last.
    fn days(self) -> i64 {
        let (year, month, day) = (i64::from(self.0), i64::from(self.1), i64::from(self.2));
        let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - EPOCH
    }

    fn from_days(days: i64) -> Option<Self> {
        let days = days + EPOCH;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (year * 365 + year / 4 - year / 100);
        let month = (day * 5 + 2) / 153;
        let day = day - (month * 153 + 2) / 5 + 1;
        let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
        Some(Self(i32::try_from(year + era * 400).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
    }
}

impl Time {
    pub fn check(self) -> Result<Self, String> {
        let Self(hour, minute, second, nano) = self;
        let exists = hour < 24 && minute < 60 && second < 60 && nano < 1_000_000_000;
        if exists { Ok(self) } else { Err(format!("invalid time {hour}:{minute}:{second}:{nano}")) }
    }

    fn micros(self) -> i64 {
        let seconds = (i64::from(self.0) * 60 + i64::from(self.1)) * 60 + i64::from(self.2);
        seconds * 1_000_000 + i64::from(self.3) / 1000
    }

    fn from_micros(micros: i64) -> Option<Self> {
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let field = |number: i64| u8::try_from(number).ok();
        Some(Self(
            field(seconds / 3600)?,
            field(seconds / 60 % 60)?,
            field(seconds % 60)?,
            u32::try_from(micros * 1000).ok()?,
        ))
    }
}

impl ToSql for Date {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Fallible<IsNull> {
        out.put_i32(i32::try_from(self.days())?);
        Ok(IsNull::No)
    }
    accepts!(DATE);
    to_sql_checked!();
}

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Fallible<IsNull> {
        out.put_i64(self.micros());
        Ok(IsNull::No)
    }
    accepts!(TIME);
    to_sql_checked!();
}

impl ToSql for Datetime {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Fallible<IsNull> {
        let days = self.0.days().checked_mul(MICROS_PER_DAY).ok_or("the date is out of range")?;
        out.put_i64(days + self.1.micros());
        Ok(IsNull::No)
    }
    accepts!(TIMESTAMP);
    to_sql_checked!();
}

impl ToSql for Instant {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Fallible<IsNull> {
        let micros = self.0.checked_sub(UNIX_EPOCH).and_then(|seconds| seconds.checked_mul(1_000_000));
        out.put_i64(micros.ok_or("the timestamp is out of range")?);
        Ok(IsNull::No)
    }
    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl ToSql for Interval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Fallible<IsNull> {
        out.put_i64(self.0);
        out.put_i32(self.1);
        out.put_i32(self.2);
        Ok(IsNull::No)
    }
    accepts!(INTERVAL);
    to_sql_checked!();
}

impl FromSql<'_> for Date {
    fn from_sql(_: &Type, raw: &[u8]) -> Fallible<Self> {
        let days = i32::from_be_bytes(raw.try_into()?);
        let date = Self::from_days(days.into()).filter(|_| !INFINITE_DAYS.contains(&days));
        date.ok_or_else(|| "value too large to decode".into())
    }
    accepts!(DATE);
}

impl FromSql<'_> for Time {
    fn from_sql(_: &Type, raw: &[u8]) -> Fallible<Self> {
        Self::from_micros(i64::from_be_bytes(raw.try_into()?)).ok_or_else(|| "value too large to decode".into())
    }
    accepts!(TIME);
}

impl FromSql<'_> for Datetime {
    fn from_sql(_: &Type, raw: &[u8]) -> Fallible<Self> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        let date = Date::from_days(micros.div_euclid(MICROS_PER_DAY)).filter(|_| !INFINITE_MICROS.contains(&micros));
        let time = Time::from_micros(micros.rem_euclid(MICROS_PER_DAY));
        date.zip(time).map(|(date, time)| Self(date, time)).ok_or_else(|| "value too large to decode".into())
    }
    // TIMESTAMPTZ is left out because Spin cannot decode it either.
    accepts!(TIMESTAMP);
}

impl FromSql<'_> for Interval {
    fn from_sql(_: &Type, raw: &[u8]) -> Fallible<Self> {
        let (micros, rest) = raw.split_first_chunk().ok_or("an interval has 16 bytes")?;
        let (days, months) = rest.split_first_chunk().ok_or("an interval has 16 bytes")?;
        Ok(Self(i64::from_be_bytes(*micros), i32::from_be_bytes(*days), i32::from_be_bytes(months.try_into()?)))
    }
    accepts!(INTERVAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_convert_both_ways() {
        for (date, days) in [
            (Date(2000, 1, 1), 0),
            (Date(2000, 2, 29), 59),
            (Date(1999, 12, 31), -1),
            (Date(1970, 1, 1), -10_957),
            (Date(2026, 11, 21), 9821),
            (Date(1900, 3, 1), -36_465),
            (Date(0, 1, 1), -730_485),
        ] {
            assert_eq!(Date::from_days(date.days()), Some(date));
            assert_eq!(date.days(), days, "{date:?}");
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for date in [Date(2023, 2, 29), Date(2024, 13, 1), Date(2024, 0, 1), Date(2024, 4, 31), Date(1900, 2, 29)] {
            assert!(date.check().is_err(), "{date:?}");
        }
        assert!(Date(2024, 2, 29).check().is_ok());
        assert!(Time(24, 0, 0, 0).check().is_err());
    }

    #[test]
    fn a_timestamp_before_the_epoch_keeps_its_time_of_day() {
        let moment = Datetime(Date(1969, 7, 20), Time(20, 17, 40, 123_456_000));
        let mut wire = BytesMut::new();
        moment.to_sql(&Type::TIMESTAMP, &mut wire).unwrap();
        assert_eq!(Datetime::from_sql(&Type::TIMESTAMP, &wire).unwrap(), moment);
    }
}
