//! Components: from a file to something that can be instantiated in microseconds.

use crate::allow::AllowList;
use crate::bindings;
use crate::engine;
use crate::error::Error;
use crate::guest::Guest;
use crate::manifest;
use crate::variables::{Variables, check_name};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

/// Interfaces a guest may import, without the WASI patch version.
const KNOWN_PACKAGES: [&str; 7] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:http/", "wasi:io/", "wasi:random/", "wasi:sockets/"];
const KNOWN_INTERFACES: [&str; 2] = ["fermyon:spin/variables@2.0.0", "spin:postgres/postgres@4.0.0"];

/// A component ready to serve, with its grants.
pub struct Component {
    pub id: Arc<str>,
    pub description: Option<String>,
    pub pre: ProxyPre<Guest>,
    pub variables: HashMap<String, String>,
    pub environment: Vec<(String, String)>,
    pub allowed: AllowList,
}

impl Component {
    /// Resolves the grants of a component and compiles it, or takes it from the cache on disk.
    pub fn load(id: &str, declared: &manifest::Component, folder: &Path, variables: &Variables) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Component { component: id.to_owned(), reason };
        let fill = |(name, template): (&String, &String)| {
            check_name(name)?;
            let value = variables.fill(template).map_err(|reason| format!("variable {name}: {reason}"))?;
            Ok((name.clone(), value))
        };
        let own = declared.variables.iter().map(fill).collect::<Result<_, String>>().map_err(refuse)?;
        let entries = declared.allowed_outbound_hosts.iter().map(|entry| variables.fill(entry));
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(refuse)?;
        let allowed = AllowList::parse(&entries).map_err(refuse)?;
        let pre = compile(id, &read(id, declared, folder)?)?;
        Ok(Self {
            id: id.into(),
            description: declared.description.clone(),
            pre,
            variables: own,
            environment: declared.environment.clone().into_iter().collect(),
            allowed,
        })
    }
}

/// Reads a component; a core module becomes one through the WASI adapter.
fn read(id: &str, declared: &manifest::Component, folder: &Path) -> Result<Vec<u8>, Error> {
    let file = folder.join(&declared.source);
    let refuse = |reason: String| Error::Component { component: id.to_owned(), reason };
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
            refuse(format!("{} is no component this host can run: {}", file.display(), one_line(&format!("{error:#}"))))
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

fn compile(id: &str, bytes: &[u8]) -> Result<ProxyPre<Guest>, Error> {
    let refuse =
        |error: wasmtime::Error| Error::Component { component: id.to_owned(), reason: one_line(&format!("{error:#}")) };
    let engine = engine::get()?;
    let component = wasmtime::component::Component::new(engine, bytes).map_err(refuse)?;
    let imports = component.component_type();
    let unknown: Vec<_> =
        imports.imports(engine).map(|(name, _)| name).filter(|name| !is_known(name)).map(str::to_owned).collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownImports { component: id.to_owned(), imports: unknown });
    }
    let link = || {
        let mut linker = Linker::<Guest>::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        bindings::Guest::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        ProxyPre::new(linker.instantiate_pre(&component)?)
    };
    link().map_err(refuse)
}

fn is_known(import: &str) -> bool {
    let wasi = KNOWN_PACKAGES.iter().any(|package| import.starts_with(package)) && import.contains("@0.2.");
    wasi || KNOWN_INTERFACES.contains(&import)
}
