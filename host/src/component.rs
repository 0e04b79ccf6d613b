//! Components: from a file to a program that is instantiated in microseconds.

mod engine;

use crate::error::Error;
use crate::instance::outbound::Chaining;
use crate::instance::{Instance, Services};
use crate::manifest;
use crate::manifest::grants::Grants;
use crate::manifest::variables::Variables;
use crate::trace::Trace;
use std::path::Path;
use std::sync::Arc;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wasmtime::Store;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

/// What a component may import: packages of WASI (in any version 0.2, which the linker checks) and interfaces of Spin.
const KNOWN: [&str; 9] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
    "fermyon:spin/variables@2.0.0",
    "spin:postgres/postgres@4.0.0",
];

/// A component ready to serve.
pub struct Component {
    /// What it may use.
    pub grants: Arc<Grants>,
    /// What the manifest says about it.
    pub description: Option<String>,
    /// The compiled program, linked to its imports.
    pub pre: ProxyPre<Instance>,
}

impl Component {
    /// Resolves the grants of a component and compiles it, or reads the compiled code from the cache on disk.
    ///
    /// # Errors
    /// [`Error::Component`], [`Error::MissingSource`], [`Error::UnknownImports`] or [`Error::Engine`].
    pub fn load(id: &str, declared: &manifest::Component, folder: &Path, variables: &Variables) -> Result<Self, Error> {
        let grants = Grants::resolve(id, declared, variables);
        let grants = grants.map_err(|reason| Error::Component(id.to_owned(), reason))?;
        let pre = compile(id, &read(id, declared, folder)?)?;
        Ok(Self { grants: Arc::new(grants), description: declared.description.clone(), pre })
    }

    /// A store for one instance; its spans hang below `trace`.
    pub fn store(&self, services: &Arc<Services>, chaining: Arc<dyn Chaining>, trace: Trace) -> Store<Instance> {
        Instance::store(self.pre.engine(), &self.grants, services, chaining, trace)
    }
}

/// Reads a component; a core module becomes one through the WASI adapter.
fn read(id: &str, declared: &manifest::Component, folder: &Path) -> Result<Vec<u8>, Error> {
    let file = folder.join(&declared.source);
    let refuse = |reason: String| Error::Component(id.to_owned(), reason);
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let build = declared.build.as_ref().map_or("spin build", |build| &build.command).to_owned();
            return Err(Error::MissingSource { component: id.to_owned(), file, build });
        }
        Err(error) => return Err(refuse(format!("cannot read {}: {error}", file.display()))),
    };
    if is_component(&bytes) {
        return Ok(bytes);
    }
    wit_component::ComponentEncoder::default()
        .module(&bytes)
        .and_then(|encoder| encoder.adapter(ADAPTER_NAME, ADAPTER))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| {
            let causes = one_line(&format!("{error:#}"));
            refuse(format!("{} is not a component this host can run: {causes}", file.display()))
        })
}

/// The compiler's messages run over several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A component differs from a core module in the layer field of the preamble.
fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") && bytes.get(6..8) == Some(&[1, 0])
}

fn compile(id: &str, bytes: &[u8]) -> Result<ProxyPre<Instance>, Error> {
    let refuse = |error: wasmtime::Error| Error::Component(id.to_owned(), one_line(&format!("{error:#}")));
    let engine = engine::get()?;
    let component = wasmtime::component::Component::new(engine, bytes).map_err(refuse)?;
    let imports = component.component_type();
    let names = imports.imports(engine).map(|(name, _)| name);
    let unknown = names.filter(|name| !KNOWN.iter().any(|known| name.starts_with(known)));
    let unknown: Vec<_> = unknown.map(str::to_owned).collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownImports(id.to_owned(), unknown));
    }
    let link = || {
        let mut linker = Linker::new(engine);
        Instance::link(&mut linker)?;
        ProxyPre::new(linker.instantiate_pre(&component)?)
    };
    link().map_err(refuse)
}
