//! A core module with descriptions of its interfaces, as the Rust target `wasm32-wasip1` and wit-bindgen make it.

use anyhow::{Context as _, Result};
use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use tempfile::NamedTempFile;
use wasm_encoder::{CustomSection, Section as _};
use wasmparser::{Parser, Payload};
use wit_component::StringEncoding;
use wit_component::metadata::{Bindgen, decode, encode};
use wit_parser::{InterfaceId, Resolve, World, WorldId, WorldItem};

/// Trims a file and replaces it by a rename, so that no reader sees half of it. The build's own copy, a hard link,
/// stays as it is.
///
/// # Errors
/// If it cannot be read, is not a component, or cannot be written.
pub fn replace(file: &Path) -> Result<()> {
    let replace = || -> Result<()> {
        let trimmed = trim(&std::fs::read(file)?)?;
        let mut new = NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        new.write_all(&trimmed)?;
        new.as_file().set_permissions(std::fs::metadata(file)?.permissions())?;
        new.persist(file)?;
        Ok(())
    };
    replace().with_context(|| format!("cannot trim {}", file.display()))
}

/// The module with only the descriptions of the interfaces it imports and exports, and of those whose types they use.
fn trim(bytes: &[u8]) -> Result<Vec<u8>> {
    let imports = imports(bytes)?;
    let (module, Bindgen { mut resolve, world, producers, .. }) = decode(bytes)?;
    let mut module = module.context("it describes no interfaces: build it as a component first")?;
    keep(&mut resolve, world, &imports);
    // Another name than `decode` chooses: the world of a WASI adapter has that one too, and two of one name must be
    // equal.
    let package = resolve.worlds[world].package.context("its world belongs to no package")?;
    resolve.packages[package].name.name = "trimmed".to_owned();
    // With its producers, by which Spin recognises how the module was made.
    let data = encode(&resolve, world, StringEncoding::UTF8, producers.as_ref())?.into();
    CustomSection { name: "component-type".into(), data }.append_to(&mut module);
    Ok(module)
}

/// The names of the interfaces that a core module imports functions of.
fn imports(module: &[u8]) -> Result<HashSet<&str>> {
    let mut names = HashSet::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                names.insert(import?.module);
            }
        }
    }
    Ok(names)
}

/// Removes from a world the imported interfaces that are not used, not even by their types. The others stay complete,
/// because a WASI adapter brings descriptions of its own, which must match.
fn keep(resolve: &mut Resolve, world: WorldId, used: &HashSet<&str>) {
    let World { imports, exports, .. } = &resolve.worlds[world];
    let imported = imports.values().filter_map(interface);
    let called = imported.filter(|id| resolve.id_of(*id).is_some_and(|name| used.contains(name.as_str())));
    let mut rest: Vec<_> = called.chain(exports.values().filter_map(interface)).collect();
    let mut needed = HashSet::new();
    while let Some(id) = rest.pop() {
        if needed.insert(id) {
            rest.extend(resolve.interface_direct_deps(id));
        }
    }
    resolve.worlds[world].imports.retain(|_, item| interface(item).is_none_or(|id| needed.contains(&id)));
}

fn interface(item: &WorldItem) -> Option<InterfaceId> {
    if let WorldItem::Interface { id, .. } = item { Some(*id) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasi_preview1_component_adapter_provider::{
        WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
    };
    use wasm_metadata::Producers;
    use wit_component::ComponentEncoder;

    const INTERFACES: &str = "
        package test:test;
        interface kinds { record pair { a: u32, b: u32 }  never: func(); }
        interface store { use kinds.{pair};  get: func() -> pair;  put: func(pair: pair); }
        interface files { open: func(); }
        interface answer { use kinds.{pair};  handle: func() -> pair; }
        world app { import files; import store; export answer; }
    ";
    const MODULE: &str = r#"(module
        (import "test:test/store" "get" (func (param i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "test:test/answer#handle") (result i32) unreachable))"#;

    fn built() -> Vec<u8> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("test.wit", INTERFACES).unwrap();
        let world = resolve.select_world(&[package], Some("app")).unwrap();
        let mut producers = Producers::empty();
        producers.add("processed-by", "wit-bindgen-rust", "0.51.0");
        let data = encode(&resolve, world, StringEncoding::UTF8, Some(&producers)).unwrap().into();
        let mut module = wat::parse_str(MODULE).unwrap();
        CustomSection { name: "component-type:built".into(), data }.append_to(&mut module);
        module
    }

    fn described(module: &[u8]) -> Vec<String> {
        let (_, Bindgen { resolve, world, .. }) = decode(module).unwrap();
        let World { imports, exports, .. } = &resolve.worlds[world];
        imports.keys().chain(exports.keys()).map(|key| resolve.name_world_key(key)).collect()
    }

    #[test]
    fn only_interfaces_that_are_used_stay_described() {
        assert_eq!(described(&built()), ["files", "kinds", "store", "answer"].map(|name| format!("test:test/{name}")));
        let trimmed = trim(&built()).unwrap();
        assert_eq!(described(&trimmed), ["kinds", "store", "answer"].map(|name| format!("test:test/{name}")));
        assert!(trimmed.len() < built().len());
    }

    #[test]
    fn an_interface_stays_complete() {
        let (_, Bindgen { resolve, .. }) = decode(&trim(&built()).unwrap()).unwrap();
        let (_, store) = resolve.interfaces.iter().find(|(_, found)| found.name.as_deref() == Some("store")).unwrap();
        assert_eq!(store.functions.keys().collect::<Vec<_>>(), ["get", "put"]);
    }

    #[test]
    fn a_trimmed_module_can_become_a_component() {
        let encoder = ComponentEncoder::default().validate(true).module(&trim(&built()).unwrap()).unwrap();
        encoder.adapter(ADAPTER_NAME, ADAPTER).unwrap().encode().unwrap();
    }

    #[test]
    fn the_producers_stay() {
        let (_, Bindgen { producers, .. }) = decode(&trim(&built()).unwrap()).unwrap();
        let tools = producers.unwrap();
        assert_eq!(tools.get("processed-by").unwrap().get("wit-bindgen-rust").unwrap(), "0.51.0");
    }

    #[test]
    fn trimming_twice_changes_nothing() {
        let once = trim(&built()).unwrap();
        assert_eq!(trim(&once).unwrap(), once);
    }

    #[test]
    fn a_module_that_is_not_a_component_is_refused_and_left_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plain.wasm");
        let plain = wat::parse_str("(module)").unwrap();
        std::fs::write(&file, &plain).unwrap();
        let error = format!("{:#}", replace(&file).unwrap_err());
        assert!(error.contains("plain.wasm") && error.contains("describes no interfaces"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), plain);
    }
}
