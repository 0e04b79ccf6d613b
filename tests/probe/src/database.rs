//! Database calls.

use crate::bindings::spin::postgres::postgres::{Connection, Error, ParameterValue};
use crate::misbehave::wait;
use crate::query::Query;

/// Opens `address`, executes each `do`, then queries each `sql`; `p=type:value` are the parameters of all statements.
/// `hold` opens that many further connections, `ms` keeps all of them for a while, `trap` then panics.
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
        lines.extend(
            set.rows.iter().map(|row| row.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" | ")),
        );
    }
    if query.number("ms") > 0 {
        wait(query.number("ms"));
    }
    assert!(query.get("trap").is_empty(), "on purpose, with a connection in hand");
    Ok(())
}

fn parameter(text: &str) -> ParameterValue {
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "bool" => ParameterValue::Boolean(value == "true"),
        "i32" => ParameterValue::Int32(number(value)),
        "i64" => ParameterValue::Int64(number(value)),
        "f64" => ParameterValue::Floating64(number(value)),
        "str" => ParameterValue::Str(value.to_owned()),
        "uuid" => ParameterValue::Uuid(value.to_owned()),
        "decimals" => ParameterValue::ArrayDecimal(vec![Some(value.to_owned())]),
        "i64s" => ParameterValue::ArrayInt64(value.split(',').map(|part| part.parse().ok()).collect()),
        "null" => ParameterValue::DbNull,
        _ => panic!("unknown type of parameter: {kind}"),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a number of that type"))
}
