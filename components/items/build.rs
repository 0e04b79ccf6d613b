//! Packs the explorer and the contract, and computes their entity tags and the Content-Security-Policy of the explorer:
//! it allows the inline style and script by their hashes, so the explorer can be one file and still forbid everything
//! that is not in it.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

fn main() {
    let explorer = pack("explorer.html", "EXPLORER_TAG");
    pack("openapi.json", "CONTRACT_TAG");
    let (style, script) = (hashes(&explorer, "style"), hashes(&explorer, "script"));
    println!(
        "cargo::rustc-env=EXPLORER_POLICY=default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src {style}; \
         script-src {script}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
}

/// Packs a document into the folder that the sources include it from, puts a hash of it into the variable `tag`, and
/// returns its text.
fn pack(name: &str, tag: &str) -> String {
    let file = format!("assets/{name}");
    println!("cargo::rerun-if-changed={file}");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("cannot read {file}: {error}"));
    let packed = Path::new(&std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join(format!("{name}.lz4"));
    std::fs::write(&packed, lz4_flex::compress_prepend_size(text.as_bytes()))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", packed.display()));
    let hash: String = Sha256::digest(&text)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env={tag}={hash}");
    text
}

/// The source list that allows each `<element>` of `html`, or nothing.
fn hashes(html: &str, element: &str) -> String {
    let sources: Vec<String> = html
        .split(&format!("<{element}>"))
        .skip(1)
        .filter_map(|rest| rest.split_once(&format!("</{element}>")))
        .map(|(content, _)| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content))))
        .collect();
    if sources.is_empty() { "'none'".to_owned() } else { sources.join(" ") }
}
