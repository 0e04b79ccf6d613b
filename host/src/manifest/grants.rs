//! What one component may use.

use super::Component;
use super::allow_list::AllowList;
use super::variables::{Variables, check_name};
use std::collections::HashMap;
use std::sync::Arc;

/// What one component may use; its templates are filled in.
pub struct Grants {
    /// The component's id.
    pub component: Arc<str>,
    /// The values of its variables.
    pub variables: HashMap<String, String>,
    /// The hosts it may call.
    pub allowed: AllowList,
}

impl Grants {
    /// Fills in the templates of component `id`.
    ///
    /// # Errors
    /// Names the variable or the allow list entry that is broken, never a value of a variable.
    pub fn resolve(id: &str, declared: &Component, application: &Variables) -> Result<Self, String> {
        let fill = |(name, template): (&String, &String)| {
            check_name(name)?;
            let value = application.fill(template).map_err(|reason| format!("variable {name}: {reason}"))?;
            Ok((name.clone(), value))
        };
        let variables = declared.variables.iter().map(fill).collect::<Result<_, String>>()?;
        let entries = declared.allowed_outbound_hosts.iter().map(|entry| application.fill(entry));
        let allowed = AllowList::parse(&entries.collect::<Result<Vec<_>, _>>()?)?;
        Ok(Self { component: id.into(), variables, allowed })
    }
}
