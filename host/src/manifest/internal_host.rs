//! `NAME.spin.internal`, the host name by which components of an application call each other.

const DOMAIN: &str = "spin.internal";

/// The component that a host such as `audit.spin.internal:80` names.
pub fn component(host: &str) -> Option<&str> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (component, domain) = host.split_once('.')?;
    (domain == DOMAIN).then_some(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_label_below_the_domain_names_a_component() {
        assert_eq!(component("audit.spin.internal"), Some("audit"));
        assert_eq!(component("audit.spin.internal:80"), Some("audit"));
        for host in ["spin.internal", "a.b.spin.internal", "audit.spin.internal.example", "audit"] {
            assert_eq!(component(host), None, "{host}");
        }
    }
}
