//! Which component answers a path.

use super::{HttpTrigger, Route};
use std::collections::HashSet;

/// The routes of all triggers. Paths are matched by the crate that Spin uses: exact before parameter before wildcard,
/// outer slashes ignored.
pub struct Router(routefinder::Router<Target>);

/// One trigger's route.
#[derive(Debug)]
pub struct Target {
    /// The id of the component.
    pub component: String,
    /// The route as written in the manifest.
    pub raw: String,
    /// The route without a trailing slash: `/` becomes the empty string.
    pub based: String,
}

/// A path and the route that covers it.
pub struct Match<'a> {
    /// The route.
    pub target: &'a Target,
    /// What its parameters and its wildcard cover.
    pub captures: routefinder::Captures<'a, 'a>,
    path: &'a str,
}

impl Router {
    /// A router over the public routes of `triggers`.
    ///
    /// # Errors
    /// Names the route that is invalid, or that two triggers have (in Spin the later one wins, which hides a mistake).
    pub fn new(triggers: &[HttpTrigger]) -> Result<Self, String> {
        let mut router = routefinder::Router::new();
        let mut seen = HashSet::new();
        for HttpTrigger { route, component } in triggers {
            let Route::Path(raw) = route else {
                continue;
            };
            let refuse = |reason: &str| format!("route {raw} of component {component}: {reason}");
            let absolute = if raw.starts_with('/') { raw.clone() } else { format!("/{raw}") };
            let based = absolute.strip_suffix('/').unwrap_or(&absolute).to_owned();
            if !seen.insert(based.clone()) {
                return Err(refuse("another trigger has the same route"));
            }
            let spec = based.strip_suffix("/...").map_or_else(|| based.clone(), |prefix| format!("{prefix}/*"));
            let target = Target { component: component.clone(), raw: raw.clone(), based };
            router.add(spec, target).map_err(|reason| refuse(&reason))?;
        }
        Ok(Self(router))
    }

    /// The route that covers a path.
    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a>> {
        let found = self.0.best_match(path)?;
        Some(Match { target: found.handler(), captures: found.captures(), path })
    }

    /// The routes as `spin up` lists them, with their components.
    pub fn list(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.iter().map(|(_, target)| {
            let shown = match target.based.strip_suffix("/...").or(target.based.strip_suffix("/*")) {
                Some(prefix) => format!("{prefix} (wildcard)"),
                None => target.based.clone(),
            };
            (shown, target.component.as_str())
        })
    }
}

impl Match<'_> {
    /// What a trailing wildcard covers, with its leading slash and, unlike in [`Match::captures`], the trailing one.
    pub fn path_info(&self) -> String {
        let Some(rest) = self.captures.wildcard() else {
            return String::new();
        };
        let slash = |there| if there { "/" } else { "" };
        format!("{}{rest}{}", slash(!rest.is_empty()), slash(self.path.ends_with('/')))
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_of_two_triggers_is_refused() {
        let trigger = |route: &str| HttpTrigger { route: Route::Path(route.to_owned()), component: "c".to_owned() };
        for second in ["/a", "/a/", "a"] {
            let error = Router::new(&[trigger("/a"), trigger(second)]).err().expect(second);
            assert_eq!(error, format!("route {second} of component c: another trigger has the same route"));
        }
    }
}
