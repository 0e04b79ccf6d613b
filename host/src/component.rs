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

/// What a component may import: packages of WASI, in any release 0.2, and interfaces of Spin.
const PACKAGES: [&str; 7] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random", "wasi:sockets"];
const INTERFACES: [&str; 2] = ["fermyon:spin/variables@2.0.0", "spin:postgres/postgres@4.0.0"];
/// What a component exports to answer HTTP. Spin runs other versions, and its own interface, as well.
const HANDLERS: [&str; 3] = ["wasi:http/incoming-handler@", "wasi:http/handler@", "fermyon:spin/inbound-http"];

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
    let kind = component.component_type();
    let imports: Vec<_> = kind.imports(engine).map(|(name, _)| name.to_owned()).collect();
    let unknown: Vec<_> = imports.iter().filter(|name| !is_offered(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownImports(id.to_owned(), unknown));
    }
    let link = || {
        let mut linker = Linker::new(engine);
        Instance::link(&mut linker)?;
        linker.instantiate_pre(&component)
    };
    let linked = link().map_err(|error| match imports.iter().find(|name| format!("{error:#}").contains(*name)) {
        Some(name) => Error::UnknownImports(id.to_owned(), vec![name.clone()]),
        None => refuse(error),
    })?;
    let handlers = kind.exports(engine).map(|(name, _)| name);
    let handlers: Vec<_> = handlers.filter(|name| HANDLERS.iter().any(|known| name.starts_with(known))).collect();
    if handlers.len() != 1 || !is_offered(handlers[0]) {
        let reason = format!("exports {handlers:?}, this host runs only wasi:http/incoming-handler@0.2");
        return Err(Error::Component(id.to_owned(), reason));
    }
    ProxyPre::new(linked).map_err(refuse)
}

/// Whether this host knows the package of an interface in this version: of WASI, no release candidate.
fn is_offered(name: &str) -> bool {
    let (package, version) = (name.split('/').next(), name.rsplit_once("@0.2."));
    let released = version.is_some_and(|(_, patch)| patch.bytes().all(|byte| byte.is_ascii_digit()));
    INTERFACES.contains(&name) || released && PACKAGES.iter().any(|known| package == Some(known))
}
