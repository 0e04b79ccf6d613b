//! Templates and names of variables against Spin's rules.

use proptest::prelude::*;

use super::*;

const VALUES: [(&str, &str); 3] = [("host", "db.example"), ("password", "{{ host }}"), ("empty", "")];

fn variables() -> Variables {
    Variables(VALUES.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

proptest! {
    #[test]
    fn a_template_is_filled_once_from_the_left(
        parts in prop::collection::vec(("[a-z:/} -]{0,8}", 0..VALUES.len(), " {0,2}"), 0..6),
    ) {
        let (mut template, mut expected) = (String::new(), String::new());
        for (text, which, space) in &parts {
            let (name, value) = VALUES[*which];
            template += &format!("{text}{{{{{space}{name}{space}}}}}");
            // A value that looks like a template stays as it is.
            expected += &format!("{text}{value}");
        }
        prop_assert_eq!(variables().fill(&template), Ok(expected));
    }

    #[test]
    fn any_text_is_filled_or_refused_without_a_value(template in "[{} a-z]{0,20}") {
        match variables().fill(&template) {
            Ok(filled) => prop_assert!(filled == template || template.contains("{{")),
            Err(reason) => {
                let shown = VALUES.iter().any(|(_, value)| !value.is_empty() && reason.contains(value));
                prop_assert!(!shown, "{}", reason);
            }
        }
    }

    #[test]
    fn a_name_is_words_joined_by_single_underscores(name in "[a-z0-9_A-]{0,6}|[a-z][a-z0-9_]{0,8}") {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let word = |word: &str| !word.is_empty() && word.bytes().all(plain);
        let expected = name.split('_').all(word) && name.as_bytes()[0].is_ascii_lowercase();
        prop_assert_eq!(check_name(&name).is_ok(), expected);
    }

    #[test]
    fn an_argument_is_split_at_its_first_equals_sign(name in "[a-z_]{0,8}", value in "([^@\0]\\PC{0,20})?") {
        let given = parse_argument(&format!("{name}={value}"));
        prop_assert_eq!(given, Ok((name, value)));
    }
}
