//! The part of `spin.toml` (manifest version 2) that this host offers. Every other key is refused by name.

mod allow_list;
pub mod grants;
pub mod internal_host;
pub mod routes;
pub mod variables;

use crate::error::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The version of a manifest, whose other keys depend on it.
#[derive(Deserialize)]
struct Version {
    #[serde(alias = "spin_version")]
    spin_manifest_version: toml::Value,
}

/// A manifest as written: templates are not filled in yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[expect(dead_code, reason = "read before everything else")]
    spin_manifest_version: u32,
    #[expect(dead_code, reason = "read for its unknown keys")]
    application: Application,
    /// The application's variables by their name.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// The triggers.
    #[serde(default)]
    pub trigger: Triggers,
    /// The components by their id.
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "these keys have no effect here")]
struct Application {
    name: String,
    version: Option<String>,
    description: Option<String>,
}

/// A variable of the application.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys have no effect here")]
pub struct Variable {
    /// The value when none is set.
    pub default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    secret: bool,
    description: Option<String>,
}

/// The triggers of an application.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// The routes of HTTP requests.
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
}

/// One route and its component.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// Which requests reach the component.
    pub route: Route,
    /// The component's id.
    pub component: String,
}

/// Which requests reach a component.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "route must be a string or { private = true }")]
pub enum Route {
    /// Those with such a path.
    Path(String),
    /// Chained calls only.
    Private {
        /// Always true in a valid manifest.
        private: bool,
    },
}

/// A component as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The `.wasm` file, relative to the manifest's folder.
    pub source: PathBuf,
    /// What the component does.
    pub description: Option<String>,
    /// Templates of the hosts it may call.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Templates of its variables by their name.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How to build the file.
    pub build: Option<Build>,
}

/// How to build a component.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys have no effect here")]
pub struct Build {
    /// The command, for a shell.
    pub command: String,
    workdir: Option<PathBuf>,
    watch: Option<Vec<String>>,
}

impl Manifest {
    /// Reads the manifest `path`, or the `spin.toml` in that folder. Also returns the manifest's folder.
    ///
    /// # Errors
    /// [`Error::ReadManifest`] or [`Error::Manifest`].
    pub fn read(path: &Path) -> Result<(Self, PathBuf), Error> {
        let file = if path.is_dir() { path.join("spin.toml") } else { path.to_owned() };
        let text = std::fs::read_to_string(&file).map_err(|source| Error::ReadManifest(file.clone(), source))?;
        let manifest = Self::parse(&text).map_err(|reason| Error::Manifest(file.clone(), reason))?;
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok((manifest, folder))
    }

    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(Version { spin_manifest_version: version }) = toml::from_str(text)
            && version.as_integer() != Some(2)
        {
            let version = match version {
                toml::Value::String(text) => format!("{text:?}"),
                toml::Value::Integer(number) => number.to_string(),
                other => format!("of type {}", other.type_str()),
            };
            return Err(format!("spin_manifest_version is {version}; fix: write version 2, as the number 2"));
        }
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let breaks = |span: Range<usize>| text[..span.start].matches('\n').count();
            let line = error.span().map_or(0, breaks) + 1;
            format!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        for (name, variable) in &self.variables {
            if variable.required == variable.default.is_some() {
                return Err(format!("variable {name} needs either `required = true` or a `default`"));
            }
        }
        if let Some(id) = self.component.keys().find(|id| !id.split('-').all(is_word)) {
            return Err(format!("the id of component {id} must be words of letters and digits, joined by hyphens"));
        }
        if self.trigger.http.is_empty() {
            return Err("the application has no [[trigger.http]]".to_owned());
        }
        for trigger in &self.trigger.http {
            if let Route::Private { private: false } = trigger.route {
                return Err(format!("the route of {} must be a string or {{ private = true }}", trigger.component));
            }
            if !self.component.contains_key(&trigger.component) {
                return Err(format!("a trigger names component {}, which is not defined", trigger.component));
            }
        }
        Ok(())
    }
}

/// A letter, then letters and digits; all letters in the same case.
fn is_word(word: &str) -> bool {
    let upper = word.bytes().any(|byte| byte.is_ascii_uppercase());
    let letter = |byte: u8| if upper { byte.is_ascii_uppercase() } else { byte.is_ascii_lowercase() };
    word.bytes().all(|byte| letter(byte) || byte.is_ascii_digit()) && word.bytes().next().is_some_and(letter)
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_manifest_is_refused_with_its_reason() {
        for (rest, reason) in [
            ("[component.c]\nsource = 'c'\nsqlite_databases = []", "line 6: unknown field `sqlite_databases`"),
            ("[[trigger.http]]\nroute = '/'\ncomponent = 'gone'", "component gone"),
            (
                "[[trigger.http]]\nroute = { private = false }\ncomponent = 'c'\n[component.c]\nsource = 'c'",
                "{ private = true }",
            ),
            ("[variables]\nv = {}", "variable v"),
            ("[variables]\nv = { required = true, default = 'd' }", "variable v"),
            ("[component.c]\nsource = 'c'", "no [[trigger.http]]"),
            ("[component.a_b]\nsource = 'c'", "component a_b"),
            ("[component.aB]\nsource = 'c'", "component aB"),
            ("[component.a-1]\nsource = 'c'", "component a-1"),
        ] {
            let text = format!("spin_manifest_version = 2\n[application]\nname = 'a'\n{rest}\n");
            let refusal = Manifest::parse(&text).expect_err(rest);
            assert!(refusal.contains(reason), "{refusal}");
        }
        for version in ["1", "3", "\"1\"", "\"2\""] {
            let old = format!("spin_manifest_version = {version}\nname = 'a'\ntrigger = {{ type = 'http' }}\n");
            let refusal = Manifest::parse(&old).unwrap_err();
            assert!(refusal.starts_with(&format!("spin_manifest_version is {version};")), "{refusal}");
        }
    }
}
