//! The contract that the service publishes at `/openapi.json`, and whether an answer keeps it.

use std::collections::BTreeSet;

use http::Method;
use jsonschema::draft202012;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{Answer, App};

static CONTRACT: OnceCell<Contract> = OnceCell::const_new();

/// An OpenAPI 3.1 document.
pub struct Contract(Value);

impl Contract {
    /// What the service publishes; read once, from the first application that asks.
    pub async fn of(app: &App) -> &'static Contract {
        CONTRACT
            .get_or_init(async || {
                let document = app.http().get(app.url("/openapi.json")).send().await.expect("GET /openapi.json");
                Contract(document.json().await.expect("the contract is JSON"))
            })
            .await
    }

    /// Every answer that the contract names: method, path and status.
    pub fn documented(&self) -> BTreeSet<(String, String, u16)> {
        let mut all = BTreeSet::new();
        for (path, item) in members(&self.0["paths"]) {
            for (method, operation) in members(item) {
                for (status, _) in members(&operation["responses"]) {
                    let status =
                        status.parse().unwrap_or_else(|_| panic!("{method} {path}: status {status} is not a number"));
                    all.insert((method.to_uppercase(), path.clone(), status));
                }
            }
        }
        all
    }

    /// The template that `path` falls under, as in `/items/{id}`.
    pub fn template(&self, path: &str) -> Option<&str> {
        let path: Vec<&str> = path.split('/').collect();
        let fits = |template: &&String| {
            let template: Vec<&str> = template.split('/').collect();
            template.len() == path.len()
                && template
                    .iter()
                    .zip(&path)
                    .all(|(known, part)| known == part || known.starts_with('{') && !part.is_empty())
        };
        members(&self.0["paths"]).map(|(template, _)| template).find(fits).map(String::as_str)
    }

    /// Holds an answer against the contract: its status, headers, media type and body.
    ///
    /// # Panics
    /// When the contract does not allow it.
    pub fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let what = format!("{method} {path} answers {}", answer.status);
        let Some(template) = self.template(path) else {
            assert_eq!(answer.status, 404, "{what}, no such path in the contract: {answer:?}");
            return;
        };
        let response = self.response(template, method, answer.status.as_str());
        let response = response.unwrap_or_else(|| panic!("{what}, no such answer in the contract: {answer:?}"));
        for (name, header) in members(&response["headers"]) {
            let header = self.follow(header);
            match answer.find(name) {
                Some(value) => self.check_value(&format!("{name} of {what}"), &header["schema"], &value.into()),
                None => assert!(header["required"] != true, "{what} without the header {name}: {answer:?}"),
            }
        }
        let Some(content) = response["content"].as_object() else {
            assert!(answer.text.is_empty(), "{what} with a body, the contract says none: {answer:?}");
            return;
        };
        let media = answer.header("content-type").split(';').next().unwrap_or_default();
        let known =
            content.get(media).unwrap_or_else(|| panic!("{what} with {media}, which the contract does not know"));
        if media.ends_with("json") {
            self.check_value(&what, &known["schema"], &answer.json());
        }
    }

    /// A documented answer. A method that a path does not have gives the 405 that the path's operations document.
    fn response<'a>(&'a self, template: &str, method: &Method, status: &str) -> Option<&'a Value> {
        let item = &self.0["paths"][template];
        let answer =
            |operation: &'a Value| Some(&operation["responses"][status]).filter(|response| response.is_object());
        let response = match item.get(method.as_str().to_lowercase()) {
            Some(operation) => answer(operation),
            None if status == "405" => members(item).find_map(|(_, operation)| answer(operation)),
            None => None,
        };
        response.map(|response| self.follow(response))
    }

    /// Holds a value against a schema of the contract.
    fn check_value(&self, what: &str, schema: &Value, value: &Value) {
        let mut schema = schema.clone();
        // References start at the root of the document, so the schema gets the parts that they point to.
        schema
            .as_object_mut()
            .unwrap_or_else(|| panic!("no schema for {what}"))
            .insert("components".into(), self.0["components"].clone());
        let validator =
            draft202012::options().should_validate_formats(true).build(&schema).expect("a schema of the contract");
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{what}, against its schema: {errors:?} in {value}");
    }

    /// The object itself, or what its `$ref` points to.
    fn follow<'a>(&'a self, object: &'a Value) -> &'a Value {
        match object["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("references stay in the document");
                self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} points nowhere"))
            }
            None => object,
        }
    }
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}
