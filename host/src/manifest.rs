//! The part of `spin.toml` (manifest version 2) that this host understands. Every other key is refused by name.

use crate::error::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A manifest as written: templates are not resolved yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub trigger: Triggers,
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub name: String,
    pub version: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "authors")]
    _authors: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub default: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(rename = "description")]
    _description: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(rename = "id")]
    _id: Option<String>,
    pub route: Route,
    pub component: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "route must be a string or { private = true }")]
pub enum Route {
    Path(String),
    Private(Private),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    pub private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub source: PathBuf,
    pub description: Option<String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    pub build: Option<Build>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    pub command: String,
    #[serde(rename = "workdir")]
    _workdir: Option<PathBuf>,
    #[serde(rename = "watch")]
    _watch: Option<Vec<String>>,
}

impl Manifest {
    /// Reads a manifest; `path` names the file or the folder that holds a `spin.toml`. Also returns the folder its sources are relative to.
    pub fn read(path: &Path) -> Result<(Self, PathBuf), Error> {
        let file = if path.is_dir() { path.join("spin.toml") } else { path.to_owned() };
        let text =
            std::fs::read_to_string(&file).map_err(|source| Error::ReadManifest { file: file.clone(), source })?;
        let refuse = |reason: String| Error::Manifest { file: file.clone(), reason };
        let manifest = Self::parse(&text).map_err(refuse)?;
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok((manifest, folder))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let breaks = |span: Range<usize>| text[..span.start].matches('\n').count();
            let line = error.span().map_or(0, breaks) + 1;
            format!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.spin_manifest_version != 2 {
            return Err(format!("spin_manifest_version is {}, this host reads version 2", self.spin_manifest_version));
        }
        for (name, variable) in &self.variables {
            if variable.required == variable.default.is_some() {
                return Err(format!("variable {name} needs either `required = true` or a `default`"));
            }
        }
        for trigger in &self.trigger.http {
            if let Route::Private(Private { private: false }) = trigger.route {
                return Err(format!("the route of {} must be a string or {{ private = true }}", trigger.component));
            }
            if !self.component.contains_key(&trigger.component) {
                return Err(format!("a trigger names component {}, which is not defined", trigger.component));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = "spin_manifest_version = 2\n[application]\nname = 'a'\n";

    fn refusal(rest: &str) -> String {
        Manifest::parse(&format!("{SMALLEST}{rest}")).expect_err("the manifest must be refused")
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let reason = refusal("[component.c]\nsource = 'c.wasm'\nsqlite_databases = []\n");
        assert!(reason.starts_with("line 6: unknown field `sqlite_databases`"), "{reason}");
    }

    #[test]
    fn a_trigger_without_its_component_is_refused() {
        let reason = refusal("[[trigger.http]]\nroute = '/'\ncomponent = 'gone'\n");
        assert!(reason.contains("component gone"), "{reason}");
    }

    #[test]
    fn a_private_route_that_is_false_is_refused() {
        let reason =
            refusal("[[trigger.http]]\nroute = { private = false }\ncomponent = 'c'\n[component.c]\nsource = 'c'\n");
        assert!(reason.contains("{ private = true }"), "{reason}");
    }

    #[test]
    fn a_variable_is_either_required_or_has_a_default() {
        assert!(refusal("[variables]\nv = {}\n").contains("variable v"));
        assert!(refusal("[variables]\nv = { required = true, default = 'd' }\n").contains("variable v"));
    }

    #[test]
    fn another_manifest_version_is_refused() {
        let reason = Manifest::parse("spin_manifest_version = 1\n[application]\nname = 'a'\n").unwrap_err();
        assert!(reason.contains("version 2"), "{reason}");
    }
}
