//! Application variables and the `{{ name }}` templates over them.

use crate::error::Error;
use crate::manifest::Variable;
use std::collections::{BTreeMap, HashMap};

/// The values of all application variables.
#[derive(Debug)]
pub(crate) struct Variables(HashMap<String, String>);

impl Variables {
    /// Finds the value of each declared variable: in `given`, else in the environment, else its default.
    ///
    /// # Errors
    /// Names every required variable without a value, and a given one that is not declared.
    pub fn resolve(
        declared: &BTreeMap<String, Variable>,
        given: &[(String, String)],
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        for name in declared.keys() {
            check_name(name).map_err(Error::Variable)?;
        }
        if let Some((name, _)) = given.iter().find(|(name, _)| !declared.contains_key(name)) {
            return Err(Error::Variable(format!("variable {name} is set, but [variables] does not declare it")));
        }
        let mut values = HashMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            let value = given
                .iter()
                .rev()
                .find_map(|(key, value)| (key == name).then(|| value.clone()))
                .or_else(|| environment(&format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase())))
                .or_else(|| variable.default.clone());
            match value {
                Some(value) => drop(values.insert(name.clone(), value)),
                None => missing.push(name.clone()),
            }
        }
        if missing.is_empty() { Ok(Self(values)) } else { Err(Error::MissingVariables(missing)) }
    }

    /// Fills in a template.
    ///
    /// # Errors
    /// What is wrong with the template, never a value.
    pub fn fill(&self, template: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((literal, tail)) = rest.split_once("{{") {
            let (name, tail) = tail.split_once("}}").ok_or("unmatched '{{' in template")?;
            let name = name.trim();
            filled += literal;
            filled += self.0.get(name).ok_or_else(|| format!("unknown variable {name:?} in template"))?;
            rest = tail;
        }
        Ok(filled + rest)
    }
}

/// Checks the spelling of a variable name.
///
/// # Errors
/// Spin's message, since components get it.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let reason = if name.is_empty() {
        "must not be empty".to_owned()
    } else if let Some(odd) = name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_')) {
        format!(
            "invalid character {odd:?}. Variable names may contain only lower-case letters, numbers, and underscores."
        )
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        "must start with a lowercase ASCII letter".to_owned()
    } else if name.ends_with('_') {
        "must end with a lowercase ASCII letter or digit".to_owned()
    } else if name.contains("__") {
        "must not contain multiple consecutive underscores".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("{name:?}: {reason}"))
}

/// Parses the argument of `--variable`: `NAME=VALUE` or `NAME=@FILE`, where the value is the file's content.
///
/// # Errors
/// One line, when there is no `=` or the file cannot be read.
pub fn parse_argument(argument: &str) -> Result<(String, String), String> {
    let (name, value) =
        argument.split_once('=').ok_or_else(|| format!("{argument:?} is not NAME=VALUE or NAME=@FILE"))?;
    let value = match value.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{name}: cannot read {file}: {error}"))?,
        None => value.to_owned(),
    };
    Ok((name.to_owned(), value))
}

/// Looks a name up in the process environment, then in the file `.env` of the working folder, read as Spin does.
///
/// # Errors
/// [`Error::Variable`] for a file that is not a list of NAME=VALUE; without the line, which may hold a password.
pub(crate) fn environment() -> Result<impl Fn(&str) -> Option<String>, Error> {
    let broken =
        |_| Error::Variable(".env is not a list of NAME=VALUE; fix: quote values with spaces or `$` by '".to_owned());
    let file = dotenvy::from_path_iter(".env").into_iter().flatten();
    let file: HashMap<_, _> = file.collect::<Result<_, _>>().map_err(broken)?;
    Ok(move |name: &str| std::env::var(name).ok().or_else(|| file.get(name).cloned()))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> BTreeMap<String, Variable> {
        toml::from_str(text).expect("the test's variables must parse")
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_given_value_wins_over_the_environment_and_the_environment_over_the_default() {
        let declared = declared("a = { default = 'd' }\nb = { default = 'd' }\nc = { default = 'd' }");
        let environment = |name: &str| (name != "SPIN_VARIABLE_C").then(|| "e".to_owned());
        let variables = Variables::resolve(&declared, &[pair("a", "g")], environment).unwrap();
        assert_eq!(variables.fill("{{ a }}{{b}}-{{ c }}").unwrap(), "ge-d");
    }

    #[test]
    fn all_missing_variables_are_named_in_one_line() {
        let declared = declared("x = { required = true }\ny = { required = true }\nz = { default = '' }");
        let error = Variables::resolve(&declared, &[], |_| None).unwrap_err().to_string();
        assert!(error.starts_with("missing variables: x, y; fix: "), "{error}");
    }

    #[test]
    fn an_undeclared_value_is_refused() {
        let error = Variables::resolve(&declared(""), &[pair("typo", "v")], |_| None).unwrap_err();
        assert!(error.to_string().contains("typo"), "{error}");
    }

    #[test]
    fn a_broken_template_is_refused_without_its_values() {
        let variables = Variables::resolve(&declared("a = { default = 'secret' }"), &[], |_| None).unwrap();
        assert_eq!(variables.fill("{{ a").unwrap_err(), "unmatched '{{' in template");
        assert_eq!(variables.fill("{{ a }}{{ b }}").unwrap_err(), "unknown variable \"b\" in template");
    }
}
