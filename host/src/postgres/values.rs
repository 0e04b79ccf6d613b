//! Values between a component and the server, of the types that the components use. Nothing is converted.

use super::bindings::spin::postgres::postgres::{DbDataType, DbValue, ParameterValue};
use super::failure::with_causes;
use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type};

/// Parameters in the form the driver sends.
pub type Parameters<'a> = Vec<&'a (dyn ToSql + Sync)>;

/// Prepares parameters for the driver. The error is for the component.
pub fn parameters(values: &[ParameterValue]) -> Result<Parameters<'_>, String> {
    values.iter().map(parameter).collect()
}

fn parameter(value: &ParameterValue) -> Result<&(dyn ToSql + Sync), String> {
    Ok(match value {
        ParameterValue::Boolean(value) => value,
        ParameterValue::Int32(value) => value,
        ParameterValue::Int64(value) => value,
        ParameterValue::Floating64(value) => value,
        ParameterValue::Str(value) => value,
        ParameterValue::ArrayInt64(values) => values,
        ParameterValue::DbNull => &Null,
        other => {
            let debug = format!("{other:?}");
            let kind = debug.split('(').next().unwrap_or_default();
            return Err(format!("this host does not send {kind}; fix: send text and cast it in the statement"));
        }
    })
}

/// NULL of the type that the statement expects.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// The interface's name for a column's type.
pub fn data_type(column: &Type) -> DbDataType {
    match *column {
        Type::BOOL => DbDataType::Boolean,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT => DbDataType::Str,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        _ => DbDataType::Other(column.name().to_owned()),
    }
}

/// One column of a row. The error is for the component.
pub fn value(row: &Row, index: usize) -> Result<DbValue, String> {
    let column = &row.columns()[index];
    match *column.type_() {
        Type::BOOL => read(row, index, DbValue::Boolean),
        Type::INT4 => read(row, index, DbValue::Int32),
        Type::INT8 => read(row, index, DbValue::Int64),
        Type::FLOAT8 => read(row, index, DbValue::Floating64),
        Type::TEXT => read(row, index, DbValue::Str),
        Type::INT8_ARRAY => read(row, index, DbValue::ArrayInt64),
        // The interface has no such type.
        Type::VOID => Ok(DbValue::Unsupported(Vec::new())),
        ref other => Err(format!(
            "column {}: this host does not decode {}; fix: cast it to text or an integer in the statement",
            column.name(),
            sql_name(other)
        )),
    }
}

/// The name of a type in SQL; the server's own name of `numeric[]` is `_numeric`.
fn sql_name(kind: &Type) -> String {
    match kind.kind() {
        Kind::Array(element) => format!("{element}[]"),
        _ => kind.to_string(),
    }
}

fn read<'a, T: FromSql<'a>>(row: &'a Row, index: usize, wrap: impl Fn(T) -> DbValue) -> Result<DbValue, String> {
    match row.try_get::<_, Option<T>>(index) {
        Ok(value) => Ok(value.map_or(DbValue::DbNull, wrap)),
        Err(error) => Err(with_causes(&error)),
    }
}

/// The size of a value, in bytes.
pub fn size(value: &DbValue) -> usize {
    let content = match value {
        DbValue::Str(text) => text.len(),
        DbValue::ArrayInt64(values) => values.len() * size_of::<Option<i64>>(),
        _ => 0,
    };
    size_of::<DbValue>() + content
}
