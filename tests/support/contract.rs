//! The contract that the service publishes at `/openapi.json`, and whether a response is in it.

use std::collections::BTreeSet;

use http::Method;
use jsonschema::draft202012;
use reqwest::Client;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{App, Response};

static CONTRACT: OnceCell<Contract> = OnceCell::const_new();

/// An OpenAPI 3.1 document.
pub struct Contract(Value);

impl Contract {
    /// The published contract of an application.
    pub async fn of(app: &App) -> &'static Contract {
        Contract::at(app.http(), &app.url("")).await
    }

    /// The contract that is published at an address: read once, by the first test that needs it.
    pub async fn at(client: &Client, url: &str) -> &'static Contract {
        CONTRACT
            .get_or_init(async || {
                let document = client.get(format!("{url}/openapi.json")).send().await.expect("GET /openapi.json");
                Contract(document.json().await.expect("the contract is JSON"))
            })
            .await
    }

    /// Every documented response: method, path and status.
    pub fn documented(&self) -> BTreeSet<(String, String, u16)> {
        let mut all = BTreeSet::new();
        for (path, item) in members(&self.0["paths"]) {
            for (method, operation) in members(item) {
                for (status, _) in members(&operation["responses"]) {
                    let number = status.parse();
                    let number = number.unwrap_or_else(|_| panic!("{method} {path}: {status} is not a status"));
                    all.insert((method.to_uppercase(), path.clone(), number));
                }
            }
        }
        all
    }

    /// Checks a response: its status, headers, media type and body.
    pub fn check(&self, method: &Method, path: &str, response: &Response) {
        let what = format!("{method} {path} with {}", response.status);
        let Some(template) = self.template(path) else {
            assert_eq!(response.status, 404, "{what}: no such path in the contract: {response:?}");
            return;
        };
        let documented = self.response(template, method, response.status.as_str());
        let documented = documented.unwrap_or_else(|| panic!("{what}: not in the contract: {response:?}"));
        for (name, header) in members(&documented["headers"]) {
            let header = self.follow(header);
            match response.find(name) {
                Some(value) => self.check_value(&format!("{name} of {what}"), &header["schema"], &value.into()),
                None => assert!(header["required"] != true, "{what}: no header {name}: {response:?}"),
            }
        }
        let Some(content) = documented["content"].as_object() else {
            assert!(response.text.is_empty(), "{what}: the contract has no body: {response:?}");
            return;
        };
        let media = response.header("content-type").split(';').next().unwrap_or_default();
        let known = content.get(media).unwrap_or_else(|| panic!("{what}: the contract has no {media}"));
        if media.ends_with("json") {
            self.check_value(&what, &known["schema"], &response.json());
        }
    }

    /// The template that `path` matches, as in `/items/{id}`.
    fn template(&self, path: &str) -> Option<&str> {
        let path: Vec<&str> = path.split('/').collect();
        let matches = |template: &&String| {
            let template: Vec<&str> = template.split('/').collect();
            let same = |(known, part): (&&str, &&str)| known == part || known.starts_with('{') && !part.is_empty();
            template.len() == path.len() && template.iter().zip(&path).all(same)
        };
        members(&self.0["paths"]).map(|(template, _)| template).find(matches).map(String::as_str)
    }

    /// A documented response. For a method that the path does not have: the 405 that its other operations document.
    fn response<'a>(&'a self, template: &str, method: &Method, status: &str) -> Option<&'a Value> {
        let item = &self.0["paths"][template];
        let of = |operation: &'a Value| Some(&operation["responses"][status]).filter(|response| response.is_object());
        let response = match item.get(method.as_str().to_lowercase()) {
            Some(operation) => of(operation),
            None if status == "405" => members(item).find_map(|(_, operation)| of(operation)),
            None => None,
        };
        response.map(|response| self.follow(response))
    }

    fn check_value(&self, what: &str, schema: &Value, value: &Value) {
        let mut schema = schema.clone();
        // References start at the root of the document, so the schema gets the parts that they point to.
        let members = schema.as_object_mut().unwrap_or_else(|| panic!("no schema for {what}"));
        members.insert("components".into(), self.0["components"].clone());
        let validator =
            draft202012::options().should_validate_formats(true).build(&schema).expect("a schema of the contract");
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{what} does not match its schema: {errors:?} in {value}");
    }

    /// The object itself, or the one that its `$ref` points to.
    fn follow<'a>(&'a self, object: &'a Value) -> &'a Value {
        let Some(reference) = object["$ref"].as_str() else { return object };
        let pointer = reference.strip_prefix('#').expect("references stay in the document");
        self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} points nowhere"))
    }
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}
