//! Finding a route: exact paths, and at most one number-like last segment.

use crate::request::Method;

/// One path and what answers it. `{id}` as the last segment of a template stands for one non-empty segment.
#[derive(Debug)]
pub struct Route<E: 'static> {
    pub template: &'static str,
    /// `GET` answers `HEAD` as well.
    pub endpoints: &'static [(Method, E)],
}

/// What a method and a path lead to.
#[derive(Debug, PartialEq)]
pub enum Found<'p, E> {
    /// `id` is the segment that stands for `{id}`, not yet checked; empty where the template has none.
    Endpoint {
        template: &'static str,
        endpoint: E,
        id: &'p str,
    },
    /// `OPTIONS` of a known path.
    Options {
        template: &'static str,
        allow: String,
    },
    /// A known path under a method it does not have.
    WrongMethod {
        template: &'static str,
        allow: String,
    },
    Nothing,
}

impl<E> Found<'_, E> {
    /// The route for log lines: a template, or `other`; never a path, which would be unbounded.
    pub fn template(&self) -> &'static str {
        match self {
            Self::Endpoint { template, .. } | Self::Options { template, .. } | Self::WrongMethod { template, .. } => {
                template
            }
            Self::Nothing => "other",
        }
    }
}

/// Looks `path` up as it was sent.
pub fn find<'p, E: Copy>(routes: &'static [Route<E>], method: Method, path: &'p str) -> Found<'p, E> {
    let Some((route, id)) = routes.iter().find_map(|route| Some((route, matched(route.template, path)?))) else {
        return Found::Nothing;
    };
    let template = route.template;
    let wanted = if method == Method::Head { Method::Get } else { method };
    match route.endpoints.iter().find(|(offered, _)| *offered == wanted) {
        Some((_, endpoint)) => Found::Endpoint { template, endpoint: *endpoint, id },
        None if method == Method::Options => Found::Options { template, allow: allow(route) },
        None => Found::WrongMethod { template, allow: allow(route) },
    }
}

/// The segment that stands for `{id}`, empty where the template is the path itself; `None` for another path.
fn matched<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    match template.strip_suffix("{id}") {
        Some(prefix) => path.strip_prefix(prefix).filter(|id| !id.is_empty() && !id.contains('/')),
        None => (template == path).then_some(""),
    }
}

fn allow<E>(route: &Route<E>) -> String {
    let mut methods: Vec<&str> = route.endpoints.iter().map(|(method, _)| method.name()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    static ROUTES: &[Route<u8>] = &[
        Route { template: "/", endpoints: &[(Method::Get, 0)] },
        Route { template: "/things", endpoints: &[(Method::Get, 1), (Method::Post, 2)] },
        Route { template: "/things/{id}", endpoints: &[(Method::Delete, 3)] },
    ];

    #[test]
    fn paths_are_exact() {
        for path in
            ["", "//", "/things/", "//things", "/things//", "/things/1/", "/things/1/2", "/Things", "/thing", "*"]
        {
            assert_eq!(find(ROUTES, Method::Get, path), Found::Nothing, "{path}");
        }
    }

    #[test]
    fn a_segment_is_handed_over_undecoded() {
        for id in ["1", "%31", "x", "1;a"] {
            let path = format!("/things/{id}");
            assert_eq!(
                find(ROUTES, Method::Delete, &path),
                Found::Endpoint { template: "/things/{id}", endpoint: 3, id }
            );
        }
    }

    #[test]
    fn get_answers_head_and_other_methods_learn_what_is_allowed() {
        let get = find(ROUTES, Method::Get, "/things");
        assert_eq!(get, Found::Endpoint { template: "/things", endpoint: 1, id: "" });
        assert_eq!(find(ROUTES, Method::Head, "/things"), get);
        let allow = "GET, POST, HEAD, OPTIONS".to_owned();
        assert_eq!(
            find(ROUTES, Method::Other, "/things"),
            Found::WrongMethod { template: "/things", allow: allow.clone() }
        );
        assert_eq!(find(ROUTES, Method::Options, "/things"), Found::Options { template: "/things", allow });
        assert_eq!(
            find(ROUTES, Method::Head, "/things/1"),
            Found::WrongMethod { template: "/things/{id}", allow: "DELETE, OPTIONS".to_owned() }
        );
        assert_eq!(find(ROUTES, Method::Options, "/nowhere"), Found::Nothing);
    }

    #[test]
    fn log_lines_name_a_template_never_a_path() {
        assert_eq!(find(ROUTES, Method::Get, "/things/1").template(), "/things/{id}");
        assert_eq!(find(ROUTES, Method::Get, "/secret/path").template(), "other");
    }
}
