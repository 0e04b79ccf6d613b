//! An HTTP response, read to its end.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A response with its whole body.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

/// An item as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its id, from 1 on.
    pub id: i64,
    /// Its name, as it was sent.
    pub name: String,
    /// Its description, empty where none was sent.
    pub description: String,
    /// RFC 3339, in UTC.
    pub created_at: String,
    /// RFC 3339, in UTC.
    pub updated_at: String,
}

impl Response {
    pub(crate) async fn read(response: reqwest::Response) -> anyhow::Result<Response> {
        let status = response.status();
        let headers = response.headers().clone();
        Ok(Response { status, headers, text: response.text().await? })
    }

    /// The value of a header, which must occur exactly once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no header {name} in {self:?}"))
    }

    /// The value of a header, which must occur at most once.
    #[track_caller]
    pub fn find(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "header {name} is repeated in {self:?}");
        Some(value.to_str().expect("header value is ASCII"))
    }

    /// The path of the next page, from the `Link` header.
    #[track_caller]
    pub fn next_page(&self) -> Option<String> {
        let link = self.find("link")?;
        let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        Some(target.unwrap_or_else(|| panic!("not a link to the next page: {link}")).to_owned())
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.decode()
    }

    /// The body as an item.
    #[track_caller]
    pub fn item(&self) -> Item {
        self.decode()
    }

    /// The body as a list of items.
    #[track_caller]
    pub fn items(&self) -> Vec<Item> {
        self.decode()
    }

    /// The problem document of an error (RFC 9457). Its `status` and `request_id` must be those of the response, and no
    /// text may be empty.
    #[track_caller]
    pub fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{self:?}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "no {member} in {self:?}");
        }
        problem
    }

    #[track_caller]
    fn decode<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
