//! An HTTP answer, read to its end.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Status, headers and the whole body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// An item as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub id: i64,
    pub name: String,
    pub description: String,
    pub created_at: String,
    pub updated_at: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> anyhow::Result<Answer> {
        let status = response.status();
        let headers = response.headers().clone();
        Ok(Answer { status, headers, text: response.text().await? })
    }

    /// The value of a header that occurs exactly once.
    ///
    /// # Panics
    /// When it is missing, repeated or not visible ASCII.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no header {name} in {self:?}"))
    }

    /// The value of a header that occurs at most once.
    ///
    /// # Panics
    /// When it is repeated or not visible ASCII.
    #[track_caller]
    pub fn find(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "header {name} is repeated in {self:?}");
        Some(value.to_str().expect("header value is ASCII"))
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

    /// The problem document of an error: JSON whose media type, `status` and `request_id` agree with the answer around it.
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
