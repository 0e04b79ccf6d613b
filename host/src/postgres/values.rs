//! Values between a guest and the server. Types are strict: the statement decides, nothing is converted.

use super::calendar::{Date, Datetime, Instant, Interval, Time};
use super::failure::chain;
use crate::bindings::spin::postgres::postgres::{self as wit, DbDataType, DbValue, ParameterValue};
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use uuid::Uuid;

/// A parameter in the form the driver sends. The error is for the guest.
pub fn parameter(value: ParameterValue) -> Result<Box<dyn ToSql + Sync + Send>, String> {
    use ParameterValue as P;
    let missing =
        |kind: &str| Err(format!("this host does not send {kind} parameters: send text and cast it in the statement"));
    Ok(match value {
        P::Boolean(value) => Box::new(value),
        P::Int8(value) => Box::new(value),
        P::Int16(value) => Box::new(value),
        P::Int32(value) => Box::new(value),
        P::Int64(value) => Box::new(value),
        P::Floating32(value) => Box::new(value),
        P::Floating64(value) => Box::new(value),
        P::Str(value) => Box::new(value),
        P::Binary(value) => Box::new(value),
        P::Date((year, month, day)) => Box::new(Date(year, month, day).check()?),
        P::Time((hour, minute, second, nano)) => Box::new(Time(hour, minute, second, nano).check()?),
        P::Datetime((year, month, day, hour, minute, second, nano)) => {
            Box::new(Datetime(Date(year, month, day).check()?, Time(hour, minute, second, nano).check()?))
        }
        P::Timestamp(seconds) => Box::new(Instant(seconds)),
        P::Uuid(text) => {
            Box::new(Uuid::parse_str(&text).map_err(|error| format!("invalid UUID {text}\n\nCaused by:\n    {error}"))?)
        }
        P::Jsonb(text) => {
            Box::new(serde_json::from_slice::<serde_json::Value>(&text).map_err(|error| {
                format!("invalid JSON {}\n\nCaused by:\n    {error}", String::from_utf8_lossy(&text))
            })?)
        }
        P::ArrayInt32(values) => Box::new(values),
        P::ArrayInt64(values) => Box::new(values),
        P::ArrayStr(values) => Box::new(values),
        P::Interval(wit::Interval { micros, days, months }) => Box::new(Interval(micros, days, months)),
        P::DbNull => Box::new(Null),
        P::Decimal(_) => return missing("decimal"),
        P::RangeInt32(_) => return missing("range-int32"),
        P::RangeInt64(_) => return missing("range-int64"),
        P::RangeDecimal(_) => return missing("range-decimal"),
        P::ArrayDecimal(_) => return missing("array-decimal"),
    })
}

/// NULL of whatever type the statement wants.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// A value of a type the interface does not know, as the server sent it.
struct Raw(Vec<u8>);

impl FromSql<'_> for Raw {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What the interface calls a column's type.
pub fn data_type(column: &Type) -> DbDataType {
    match *column {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(column.name().to_owned()),
    }
}

/// One column of a row. The error is for the guest.
pub fn value(row: &Row, index: usize) -> Result<DbValue, String> {
    match *row.columns()[index].type_() {
        Type::BOOL => read(row, index, DbValue::Boolean),
        Type::BYTEA => read(row, index, DbValue::Binary),
        Type::FLOAT4 => read(row, index, DbValue::Floating32),
        Type::FLOAT8 => read(row, index, DbValue::Floating64),
        Type::INT2 => read(row, index, DbValue::Int16),
        Type::INT4 => read(row, index, DbValue::Int32),
        Type::INT8 => read(row, index, DbValue::Int64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => read(row, index, DbValue::Str),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => read(row, index, |Datetime(date, time)| {
            DbValue::Datetime((date.0, date.1, date.2, time.0, time.1, time.2, time.3))
        }),
        Type::DATE => read(row, index, |Date(year, month, day)| DbValue::Date((year, month, day))),
        Type::TIME => read(row, index, |Time(hour, minute, second, nano)| DbValue::Time((hour, minute, second, nano))),
        Type::UUID => read(row, index, |value: Uuid| DbValue::Uuid(value.to_string())),
        Type::JSONB => read(row, index, |value: serde_json::Value| DbValue::Jsonb(value.to_string().into_bytes())),
        Type::INT4_ARRAY => read(row, index, DbValue::ArrayInt32),
        Type::INT8_ARRAY => read(row, index, DbValue::ArrayInt64),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => read(row, index, DbValue::ArrayStr),
        Type::INTERVAL => {
            read(row, index, |Interval(micros, days, months)| DbValue::Interval(wit::Interval { micros, days, months }))
        }
        ref kind @ (Type::NUMERIC | Type::NUMERIC_ARRAY | Type::INT4_RANGE | Type::INT8_RANGE | Type::NUM_RANGE) => {
            let name = row.columns()[index].name();
            Err(format!(
                "column {name}: this host does not decode {kind}: cast it to text or a whole number in the statement"
            ))
        }
        _ => read(row, index, |Raw(bytes)| DbValue::Unsupported(bytes)),
    }
}

fn read<'a, T: FromSql<'a>>(row: &'a Row, index: usize, wrap: impl Fn(T) -> DbValue) -> Result<DbValue, String> {
    match row.try_get::<_, Option<T>>(index) {
        Ok(value) => Ok(value.map_or(DbValue::DbNull, wrap)),
        Err(error) => Err(chain(&error)),
    }
}

/// What a value takes up, in bytes.
pub fn size(value: &DbValue) -> usize {
    size_of::<DbValue>()
        + match value {
            DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
            DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
            DbValue::ArrayInt32(values) => values.len() * size_of::<Option<i32>>(),
            DbValue::ArrayInt64(values) => values.len() * size_of::<Option<i64>>(),
            DbValue::ArrayStr(values) => {
                values.iter().map(|text| size_of::<Option<String>>() + text.as_ref().map_or(0, String::len)).sum()
            }
            _ => 0,
        }
}
