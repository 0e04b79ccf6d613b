//! The contract, and a page for a browser that tries it.

use http_toolkit::{Request, Response};

use crate::store::Store;
use crate::{Error, headers};

/// Packed by the build script, as the contract is: unpacked, the two would be two thirds of the component's data.
const EXPLORER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/explorer.html.lz4"));

/// Computed by the build script from the explorer's style and script.
const EXPLORER_POLICY: &str = env!("EXPLORER_POLICY");

const CONTRACT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.lz4"));

/// `GET /`: the explorer, a page on which a person can try the API. 304 if `If-None-Match` lists it.
///
/// # Errors
/// 400 if that header cannot be read.
pub fn explorer(request: &Request, _: &Store) -> Result<Response<'static>, Error> {
    let response = document(request, env!("EXPLORER_TAG"), "text/html; charset=utf-8", EXPLORER)?;
    // A 304 has it too: a cache takes the headers of a 304 over (RFC 9111, section 3.2).
    Ok(response.header("content-security-policy", EXPLORER_POLICY))
}

/// `GET /openapi.json`: the contract, as OpenAPI 3.1. 304 if `If-None-Match` lists it.
///
/// # Errors
/// 400 if that header cannot be read.
pub fn contract(request: &Request, _: &Store) -> Result<Response<'static>, Error> {
    document(request, env!("CONTRACT_TAG"), "application/json", CONTRACT)
}

/// `tag` is made by the build script from the text, and has no quotes yet.
fn document(
    request: &Request,
    tag: &'static str,
    content_type: &'static str,
    packed: &[u8],
) -> Result<Response<'static>, Error> {
    let response = match headers::has_document(&request.headers, tag)? {
        true => Response::new(304),
        false => Response::new(200).body(content_type, unpack(packed)),
    };
    Ok(response.header("etag", format!("\"{tag}\"")))
}

fn unpack(document: &[u8]) -> Vec<u8> {
    lz4_flex::decompress_size_prepended(document).expect("the build script packs what can be unpacked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_explorer_allows_its_own_style_and_script_and_nothing_unsafe() {
        let page = String::from_utf8(unpack(EXPLORER)).unwrap();
        for (element, directive) in [("<style>", "style-src"), ("<script>", "script-src")] {
            let hashes = EXPLORER_POLICY.split("; ").find(|part| part.starts_with(directive)).expect(directive);
            assert_eq!(hashes.matches("'sha256-").count(), page.matches(element).count(), "{hashes}");
        }
        assert!(!EXPLORER_POLICY.contains("unsafe"));
        for forbidden in [" style=\"", " onclick=\"", "<script ", "<style "] {
            assert!(!page.contains(forbidden), "{forbidden} is not covered by the policy");
        }
    }

    #[test]
    fn the_contract_is_json() {
        assert!(http_toolkit::json::Json::parse(&unpack(CONTRACT)).is_ok());
    }
}
