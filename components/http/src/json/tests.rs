use super::*;

#[test]
fn whole_documents_are_read() {
    assert_eq!(
        Json::parse(br#" {"a": [null, true, -1, 18446744073709551615, 1.5, "\ud83d\ude00"], "b": {}} "#).unwrap(),
        Json::Object(vec![
            (
                "a".to_owned(),
                Json::Array(vec![
                    Json::Null,
                    Json::Bool(true),
                    Json::Integer(-1),
                    Json::Number,
                    Json::Number,
                    Json::String("😀".to_owned()),
                ])
            ),
            ("b".to_owned(), Json::Object(vec![])),
        ])
    );
}

#[test]
fn text_that_is_not_strict_json_is_refused() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(Json::parse(nested(127).as_bytes()).is_ok());
    let nested = nested(128);
    let surrogate = r#"{"name":"\ud800"}"#;
    let cases: [&[u8]; 15] = [
        b"",
        b"   ",
        b"name=x",
        b"{\"name\":\"x\"",
        b"{} {}",
        b"{'name':1}",
        b"[1,]",
        b"01",
        b"1e",
        b"{\"name\":\"a\xff\"}",
        b"\xef\xbb\xbf{}",
        br#"{"name":"a","name":"b"}"#,
        br#"{"x":[{"y":{"a":1,"\u0061":2}}]}"#,
        surrogate.as_bytes(),
        nested.as_bytes(),
    ];
    for case in cases {
        let shown = String::from_utf8_lossy(&case[..case.len().min(40)]);
        assert!(Json::parse(case).is_err(), "accepted {shown}");
    }
}

#[test]
fn a_number_is_read_whatever_its_size_is() {
    let long = "9".repeat(1_000);
    for number in ["1e400", "-1E+400", "1.5e-400", "9223372036854775808", &long] {
        assert_eq!(Json::parse(number.as_bytes()).unwrap(), Json::Number, "{number}");
    }
    assert_eq!(Json::parse(b"-9223372036854775808").unwrap(), Json::Integer(i64::MIN));
}

#[test]
fn an_error_names_its_place() {
    for (text, reason) in [
        ("{\"name\":\n \"a\"x}", "a comma or the end of an array or object is missing at line 2 column 5"),
        ("\u{feff}{}", "a byte order mark, to be left out (RFC 8259, 8.1), at line 1 column 1"),
        ("", "a value is missing at line 1 column 1"),
    ] {
        assert_eq!(Json::parse(text.as_bytes()).unwrap_err().0, reason, "{text}");
    }
}

#[test]
fn one_repeated_key_among_ten_thousand_is_found() {
    let keys: Vec<String> = (0..10_000).map(|n| format!("\"{n}\":0")).collect();
    assert!(Json::parse(format!("{{{}}}", keys.join(",")).as_bytes()).is_ok());
    let error = Json::parse(format!("{{{},\"77\":1}}", keys.join(",")).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("\"77\""), "{error}");
}

#[test]
fn objects_are_written_in_order_and_escaped() {
    let object = Object::default().text("a", "x\"\n\u{1}é").optional("b", None).optional("c", Some("")).raw("d", "1.5");
    assert_eq!(object.finish(), "{\"a\":\"x\\\"\\n\\u0001é\",\"b\":null,\"c\":\"\",\"d\":1.5}");
    assert_eq!(Object::default().finish(), "{}");
}

#[test]
fn long_text_is_abridged_between_characters() {
    assert_eq!(abridged("short"), "short");
    assert_eq!(abridged(&"é".repeat(65)), "é".repeat(64));
}
