//! Templates and names of variables against Spin's rules.

use proptest::prelude::*;

use super::*;

/// What a template is made of, and the text that Spin makes of it; `None` where it refuses the template.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Known(usize, String),
    Unknown(String),
}

const VALUES: [(&str, &str); 3] = [("host", "db.example"), ("password", "{{ host }}"), ("empty", "")];

fn variables() -> Variables {
    Variables(VALUES.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[a-z:/} -]{0,8}".prop_map(Part::Text),
        (0..VALUES.len(), " {0,2}").prop_map(|(which, space)| Part::Known(which, space)),
        "[a-z]{1,3}".prop_map(Part::Unknown),
    ]
}

proptest! {
    #[test]
    fn a_template_is_filled_once_from_the_left(parts in prop::collection::vec(part(), 0..6)) {
        let mut template = String::new();
        let mut expected = Some(String::new());
        for part in &parts {
            match part {
                Part::Text(text) => {
                    template += text;
                    expected = expected.map(|filled| filled + text.as_str());
                }
                Part::Known(which, space) => {
                    let name = VALUES[*which].0;
                    template += &format!("{{{{{space}{name}{space}}}}}");
                    // A value that looks like a template stays what it is.
                    expected = expected.map(|filled| filled + VALUES[*which].1);
                }
                Part::Unknown(name) => {
                    template += &format!("{{{{{name}}}}}");
                    expected = None;
                }
            }
        }
        prop_assert_eq!(variables().fill(&template).ok(), expected, "{}", template);
    }

    #[test]
    fn any_text_is_filled_or_refused_without_a_value(template in "[{} a-z]{0,20}") {
        match variables().fill(&template) {
            Ok(filled) => prop_assert!(filled == template || template.contains("{{")),
            Err(reason) => prop_assert!(VALUES.iter().all(|(_, value)| value.is_empty() || !reason.contains(value)), "{}", reason),
        }
    }

    #[test]
    fn a_name_is_words_joined_by_single_underscores(name in "[a-z0-9_A-]{0,6}|[a-z][a-z0-9_]{0,8}") {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let expected = name.split('_').all(word) && name.as_bytes()[0].is_ascii_lowercase();
        prop_assert_eq!(check_name(&name).is_ok(), expected);
    }

    #[test]
    fn an_argument_is_split_at_its_first_equals_sign(name in "[a-z_]{0,8}", value in "([^@\0]\\PC{0,20})?") {
        let given = parse_argument(&format!("{name}={value}"));
        prop_assert_eq!(given, Ok((name, value)));
    }
}
