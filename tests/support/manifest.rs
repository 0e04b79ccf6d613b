//! The application's own `spin.toml`, as it is or with the changes a test needs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toml::{Table, Value};

/// A manifest in memory: the root `spin.toml` with its sources made absolute.
pub struct Manifest(Table);

impl Manifest {
    /// The root `spin.toml`, with the components of `TEST_COMPONENTS` where that names a folder.
    ///
    /// # Panics
    /// When a component is not built.
    pub fn read() -> Manifest {
        let root = root();
        let others = env::var_os("TEST_COMPONENTS").map(PathBuf::from);
        let text = fs::read_to_string(root.join("spin.toml")).expect("read spin.toml");
        let mut manifest = Manifest(text.parse().expect("parse spin.toml"));
        for name in manifest.component_names() {
            let source = manifest.component(&name)["source"]
                .as_str()
                .map(|source| root.join(source))
                .map(|source| match (&others, source.file_name()) {
                    (Some(folder), Some(name)) => folder.join(name),
                    _ => source,
                })
                .expect("a source is a path");
            manifest.source(&name, &source);
        }
        manifest
    }

    /// Runs `wasm` in place of the component's own code; routes, variables and grants stay.
    pub fn source(&mut self, component: &str, wasm: &Path) {
        assert!(wasm.is_file(), "{} is missing: run `make build`", wasm.display());
        self.component(component).insert("source".into(), wasm.to_str().expect("a UTF-8 path").into());
    }

    /// The table `[component.NAME]`.
    pub fn component(&mut self, name: &str) -> &mut Table {
        self.table("component")
            .get_mut(name)
            .and_then(Value::as_table_mut)
            .unwrap_or_else(|| panic!("no component {name}"))
    }

    /// A table at the top of the manifest.
    pub fn table(&mut self, name: &str) -> &mut Table {
        self.0.get_mut(name).and_then(Value::as_table_mut).unwrap_or_else(|| panic!("no table {name}"))
    }

    /// The whole manifest, to change as a test likes.
    pub fn toml(&mut self) -> &mut Table {
        &mut self.0
    }

    fn component_names(&mut self) -> Vec<String> {
        self.table("component").keys().cloned().collect()
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
