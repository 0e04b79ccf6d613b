//! Database calls.

use crate::bindings::spin::postgres::postgres::{Connection, DbValue, Error, ParameterValue};
use crate::misbehave::wait;
use crate::query::Query;

/// Opens `address` and runs each `sql` as a query, each `do` for its effect: first all of these. `p=type:value` are parameters of every query.
/// `hold` opens that many further connections, `ms` keeps all of them for a while, `trap` then gives up.
pub fn run(query: &Query) -> String {
    let mut lines = Vec::new();
    if let Err(error) = work(query, &mut lines) {
        lines.push(format!("error: {error:?}"));
    }
    lines.join("\n")
}

fn work(query: &Query, lines: &mut Vec<String>) -> Result<(), Error> {
    let address = query.get("address");
    let connection = Connection::open(address)?;
    let _held = (0..query.number("hold")).map(|_| Connection::open(address)).collect::<Result<Vec<_>, _>>()?;
    let params: Vec<_> = query.all("p").map(parameter).collect();
    for statement in query.all("do") {
        lines.push(format!("touched {}", connection.execute(statement, &params)?));
    }
    for statement in query.all("sql") {
        let set = connection.query(statement, &params)?;
        let columns: Vec<_> =
            set.columns.iter().map(|column| format!("{}:{:?}", column.name, column.data_type)).collect();
        lines.push(format!("columns [{}]", columns.join(", ")));
        lines.extend(set.rows.iter().map(|row| row.iter().map(show).collect::<Vec<_>>().join(" | ")));
    }
    if query.number("ms") > 0 {
        wait(query.number("ms"));
    }
    assert!(query.get("trap").is_empty(), "on purpose, with a connection in hand");
    Ok(())
}

/// Long values are shown by their length.
fn show(value: &DbValue) -> String {
    match value {
        DbValue::Str(text) if text.len() > 1000 => format!("Str of {} bytes", text.len()),
        value => format!("{value:?}"),
    }
}

fn parameter(text: &str) -> ParameterValue {
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    let list = || value.split(',').filter(|part| !part.is_empty());
    match kind {
        "bool" => ParameterValue::Boolean(value == "true"),
        "i8" => ParameterValue::Int8(number(value)),
        "i16" => ParameterValue::Int16(number(value)),
        "i32" => ParameterValue::Int32(number(value)),
        "i64" => ParameterValue::Int64(number(value)),
        "f32" => ParameterValue::Floating32(number(value)),
        "f64" => ParameterValue::Floating64(number(value)),
        "str" => ParameterValue::Str(value.to_owned()),
        "bytes" => ParameterValue::Binary(value.as_bytes().to_vec()),
        "date" => ParameterValue::Date((2024, 2, number(value))),
        "time" => ParameterValue::Time((number(value), 17, 40, 123_456_000)),
        "datetime" => ParameterValue::Datetime((1969, 7, 20, number(value), 17, 40, 123_456_000)),
        "timestamp" => ParameterValue::Timestamp(number(value)),
        "uuid" => ParameterValue::Uuid(value.to_owned()),
        "jsonb" => ParameterValue::Jsonb(value.as_bytes().to_vec()),
        "decimal" => ParameterValue::Decimal(value.to_owned()),
        "i32s" => ParameterValue::ArrayInt32(list().map(|part| part.parse().ok()).collect()),
        "i64s" => ParameterValue::ArrayInt64(list().map(|part| part.parse().ok()).collect()),
        "strs" => ParameterValue::ArrayStr(list().map(|part| (part != "NULL").then(|| part.to_owned())).collect()),
        "null" => ParameterValue::DbNull,
        _ => panic!("no parameter of kind {kind}"),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number of the wanted kind"))
}
