//! Whether systems give the same responses: what they are compared for is worth nothing if they do not.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// The values of these headers differ from one response to the next; all others have to be equal.
const OWN: [&str; 5] = ["x-request-id", "server-timing", "date", "etag", "location"];

/// The responses to one request of each kind that is measured, and of each kind that is refused.
pub async fn responses(url: &str) -> anyhow::Result<Vec<String>> {
    let client = Client::new();
    let get = |path: &str| client.get(format!("{url}{path}"));
    let post =
        |body: &'static str| client.post(format!("{url}/items")).header("content-type", "application/json").body(body);
    let created = post(r#"{"name":"lamp","description":"brass"}"#).send().await?;
    let header =
        |name: &str| Ok::<_, anyhow::Error>(created.headers().get(name).context("no header")?.to_str()?.to_owned());
    let (item, tag) = (header("location")?, header("etag")?);
    let key = format!("\"{item}\"");
    let mut shown = Vec::new();
    for request in [
        get("/livez"),
        get("/readyz"),
        get("/items?limit=100&after=7"),
        get("/items?limit=0"),
        get(&item),
        get(&item).header("if-none-match", tag),
        get("/items/999999999"),
        get("/items/x"),
        post(r#"{"name":"lamp"}"#),
        post(r#"{"name":"lamp"}"#).header("idempotency-key", &key),
        post(r#"{"name":"lamp"}"#).header("idempotency-key", &key),
        post(r#"{"name":"other"}"#).header("idempotency-key", &key),
        post(r#"{"name":""}"#),
        post("{"),
        client.post(format!("{url}/items")).body("{}"),
    ] {
        shown.push(response(request).await?);
    }
    Ok(shown)
}

/// Fails with the first difference.
pub fn compare(name: &str, responses: &[String], twin: &[String]) -> anyhow::Result<()> {
    for (response, other) in responses.iter().zip(twin) {
        ensure!(response == other, "{name} and the twin give different responses:\n{response}\n\n{other}");
    }
    Ok(())
}

/// Request, status, headers, and the form of the body.
async fn response(request: RequestBuilder) -> anyhow::Result<String> {
    let request = request.build()?;
    // Without its id.
    let asked = format!("{} {}", request.method(), request.url().path().trim_end_matches(char::is_numeric));
    let response = Client::new().execute(request).await?;
    let (status, headers) = (response.status(), fields(response.headers()));
    let body = response.text().await?;
    let body = serde_json::from_str(&body).map_or(body, |json| form(&json));
    Ok(format!("{asked}\n{status}\n{headers}\n{body}"))
}

fn fields(headers: &HeaderMap) -> String {
    let field = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        let own = OWN.contains(&name.as_str()) || name == "content-length";
        format!("{name}: {}\n", if own { "…" } else { value.to_str().unwrap_or("not text") })
    };
    let mut lines: Vec<_> = headers.iter().map(field).collect();
    lines.sort();
    lines.concat()
}

/// Values are left out, since ids and times differ.
fn form(json: &Value) -> String {
    match json {
        Value::Object(members) => {
            members.iter().map(|(key, value)| format!("{key}: {}, ", form(value))).collect::<String>()
        }
        Value::Array(values) => {
            let forms: BTreeSet<_> = values.iter().map(form).collect();
            format!("{} times {forms:?}", values.len())
        }
        Value::String(_) => "text".to_owned(),
        Value::Number(_) => "number".to_owned(),
        other => other.to_string(),
    }
}
