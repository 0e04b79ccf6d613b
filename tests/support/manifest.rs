//! The application's own `spin.toml`, as it is or with the changes that a test needs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toml::{Table, Value};

/// The repository's `spin.toml` in memory, with absolute paths to the components.
pub struct Manifest(Table);

impl Manifest {
    /// Reads it. The components must be built; if `TEST_COMPONENTS` names a folder, they come from there.
    pub fn read() -> Manifest {
        let text = fs::read_to_string(root().join("spin.toml")).expect("read spin.toml");
        let mut manifest = Manifest(text.parse().expect("parse spin.toml"));
        let names: Vec<String> = manifest.table("component").keys().cloned().collect();
        for name in names {
            let source = manifest.component(&name)["source"].as_str().expect("a path").to_owned();
            let source = match (env::var_os("TEST_COMPONENTS"), Path::new(&source).file_name()) {
                (Some(folder), Some(file)) => Path::new(&folder).join(file),
                _ => root().join(source),
            };
            manifest.source(&name, &source);
        }
        manifest
    }

    /// Runs `wasm` instead of the component's own code; routes, variables and permissions stay.
    pub fn source(&mut self, component: &str, wasm: &Path) {
        assert!(wasm.is_file(), "{} is missing; fix: make build", wasm.display());
        self.component(component).insert("source".into(), wasm.to_str().expect("a UTF-8 path").into());
    }

    /// The table `[component.NAME]`.
    pub fn component(&mut self, name: &str) -> &mut Table {
        let component = self.table("component").get_mut(name).and_then(Value::as_table_mut);
        component.unwrap_or_else(|| panic!("no component {name}"))
    }

    /// A table at the top of the manifest.
    pub fn table(&mut self, name: &str) -> &mut Table {
        self.0.get_mut(name).and_then(Value::as_table_mut).unwrap_or_else(|| panic!("no table {name}"))
    }

    /// The HTTP triggers, one for each route.
    pub fn triggers(&mut self) -> &mut Vec<Value> {
        self.table("trigger")["http"].as_array_mut().expect("HTTP triggers")
    }

    /// Adds a route to a component.
    pub fn add_route(&mut self, route: &str, component: &str) {
        let trigger = [("route", route), ("component", component)].map(|(key, value)| (key.into(), value.into()));
        self.triggers().push(Table::from_iter(trigger).into());
    }

    /// Writes it where a host can read it. The file is gone when the folder is dropped.
    pub fn write(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("make a folder for the manifest");
        let path = folder.path().join("spin.toml");
        fs::write(&path, self.0.to_string()).expect("write the manifest");
        (folder, path)
    }
}

/// The schema that test databases have: the repository's, or the one that `TEST_SCHEMA` names.
pub fn schema() -> PathBuf {
    env::var_os("TEST_SCHEMA").map_or_else(|| root().join("schema/schema.sql"), PathBuf::from)
}

/// The folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository")
}
