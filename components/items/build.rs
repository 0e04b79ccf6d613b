//! Computes the Content-Security-Policy of the page: its inline style and script are allowed by their hashes, so the
//! page can be one file and still forbid everything that is not in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const PAGE: &str = "assets/index.html";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    let page = std::fs::read_to_string(PAGE).unwrap_or_else(|error| panic!("cannot read {PAGE}: {error}"));
    let (style, script) = (hashes(&page, "style"), hashes(&page, "script"));
    println!(
        "cargo::rustc-env=PAGE_POLICY=default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src {style}; \
         script-src {script}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
}

/// The source list that allows each `<element>` of `page`, or nothing.
fn hashes(page: &str, element: &str) -> String {
    let sources: Vec<String> = page
        .split(&format!("<{element}>"))
        .skip(1)
        .filter_map(|rest| rest.split_once(&format!("</{element}>")))
        .map(|(content, _)| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content))))
        .collect();
    if sources.is_empty() { "'none'".to_owned() } else { sources.join(" ") }
}
