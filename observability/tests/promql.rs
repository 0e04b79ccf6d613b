//! Finds the series and labels that a PromQL expression uses. The expression must be valid; promtool checks that.

/// A series, with the labels of its matchers.
#[derive(Debug, PartialEq)]
pub struct Selector {
    pub name: String,
    pub labels: Vec<String>,
}

/// What an expression uses.
#[derive(Debug, Default, PartialEq)]
pub struct Names {
    pub selectors: Vec<Selector>,
    /// Labels in `by (…)`, `on (…)` and the like.
    pub grouping: Vec<String>,
}

const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"];

pub fn names(expression: &str) -> Names {
    let mut names = Names::default();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => after_string(rest),
            '[' => rest.split_once(']').expect("a range ends").1,
            '0'..='9' | '.' => rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.'),
            '{' => panic!("a selector without a name in {expression}"),
            _ if is_name(first) => word(rest, &mut names),
            _ => &rest[first.len_utf8()..],
        };
    }
    names
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Reads the word at the start of `text` together with its labels, and returns the rest.
fn word<'t>(text: &'t str, names: &mut Names) -> &'t str {
    let rest = text.trim_start_matches(is_name);
    let name = &text[..text.len() - rest.len()];
    let next = rest.trim_start();
    if GROUPING.contains(&name) {
        let Some(inside) = next.strip_prefix('(') else { return rest };
        let (labels, rest) = inside.split_once(')').expect("a list of labels ends");
        names.grouping.extend(labels.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()));
        rest
    } else if next.starts_with('(') || is_aggregation(next) || WORDS.contains(&name.to_lowercase().as_str()) {
        rest
    } else {
        let (labels, rest) = next.strip_prefix('{').map_or((Vec::new(), rest), matchers);
        names.selectors.push(Selector { name: name.to_owned(), labels });
        rest
    }
}

/// Whether `next` makes the word before it an operator, such as `sum by (…) (…)`.
fn is_aggregation(next: &str) -> bool {
    ["by", "without"].iter().any(|word| next.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_name)))
}

/// The labels of the matchers up to the closing brace, and the rest after it.
fn matchers(mut text: &str) -> (Vec<String>, &str) {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(rest) = text.strip_prefix('}') {
            return (labels, rest);
        }
        let rest = text.trim_start_matches(is_name);
        labels.push(text[..text.len() - rest.len()].to_owned());
        let quote = rest.find(['"', '\'', '`']).expect("a matcher has a value");
        text = after_string(&rest[quote..]);
    }
}

fn after_string(text: &str) -> &str {
    let mut characters = text.char_indices();
    let (_, quote) = characters.next().expect("a string begins");
    while let Some((at, c)) = characters.next() {
        if c == '\\' && quote != '`' {
            characters.next();
        } else if c == quote {
            return &text[at + c.len_utf8()..];
        }
    }
    panic!("a string does not end: {text}")
}

#[test]
fn series_and_labels_are_found_but_not_functions_keywords_strings_or_numbers() {
    let found = names(
        r#"histogram_quantile(0.99, sum by (le, route) (rate(a_bucket{x=~"b, \"}c", y!='d'}[5m] offset 1h)))
             / on () group_left (z) (level:b:rate5m > bool 1e3) or vector(+Inf) unless label_replace(c, "l", "$1", "m", "(n)")"#,
    );
    let selector = |name: &str, labels: &[&str]| Selector {
        name: name.to_owned(),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
    };
    assert_eq!(
        found.selectors,
        [selector("a_bucket", &["x", "y"]), selector("level:b:rate5m", &[]), selector("c", &[])]
    );
    assert_eq!(found.grouping, ["le", "route", "z"]);
}
