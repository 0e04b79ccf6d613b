//! The components as `scripts/build-components.sh` builds them: what they import from a host, and their size.

use std::collections::BTreeSet;
use std::fs;

use support::Manifest;
use wit_component::metadata::{Bindgen, decode};

const MOST_BYTES: usize = 250_000;

fn built(component: &str) -> Vec<u8> {
    let mut manifest = Manifest::read();
    let source = manifest.component(component)["source"].as_str().expect("a path");
    fs::read(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

#[test]
fn a_component_imports_only_what_it_uses() {
    let common = [
        "fermyon:spin/variables@2.0.0",
        "spin:postgres/postgres@4.0.0",
        "wasi:cli/stdout@0.2.0",
        "wasi:clocks/monotonic-clock@0.2.0",
        "wasi:http/types@0.2.0",
        "wasi:io/error@0.2.0",
        "wasi:io/poll@0.2.0",
        "wasi:io/streams@0.2.0",
        "wasi:random/random@0.2.0",
    ];
    // Only items calls another component.
    for (component, own) in [("items", &["wasi:http/outgoing-handler@0.2.0"][..]), ("audit", &[])] {
        let (_, Bindgen { resolve, world, .. }) = decode(&built(component)).expect("a component");
        let imports = resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key));
        let imports: BTreeSet<String> = imports.collect();
        let expected = common.iter().chain(own).map(|name| (*name).to_owned());
        assert_eq!(imports, expected.collect(), "{component}");
    }
}

#[test]
fn every_component_is_smaller_than_250_kb() {
    for component in ["items", "audit"] {
        let size = built(component).len();
        assert!(size < MOST_BYTES, "{component} has {size} bytes");
    }
}
