//! Exports as this reader reads them, compared with what the generated types read from the same bytes.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{self as proto, ResourceSpans, ScopeSpans, Status};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use prost::Message;

use super::super::wire::Fields;
use super::*;

const KEYS: [&str; 7] =
    ["http.request.method", "http.route", "http.response.status_code", "error.type", "db.system", "url.path", ""];

fn value() -> impl Strategy<Value = Option<AnyValue>> {
    use any_value::Value::*;
    let value = prop_oneof![
        "\\PC{0,8}|[0-9]{3}|postgresql".prop_map(StringValue),
        any::<i64>().prop_map(IntValue),
        any::<bool>().prop_map(BoolValue),
        any::<f64>().prop_map(DoubleValue),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(BytesValue),
        Just(ArrayValue(self::ArrayValue { values: vec![] })),
    ];
    prop::option::of(prop::option::of(value).prop_map(|value| AnyValue { value }))
}

prop_compose! {
    fn span()(
        trace_id in prop::collection::vec(any::<u8>(), 0..17),
        name in "\\PC{0,8}|spin_outbound_pg.open",
        kind in 0..6,
        start_time_unix_nano in prop_oneof![Just(0), Just(5), any::<u64>()],
        end_time_unix_nano in prop_oneof![Just(0), Just(5), any::<u64>()],
        attributes in prop::collection::vec((select(&KEYS[..]), value()), 0..5),
        code in prop::option::of(0..3),
        // The sidecar does not read this one, the only field of 32 bits.
        flags: u32,
    ) -> proto::Span {
        let attribute = |(key, value): (&str, _)| KeyValue { key: key.into(), value, ..KeyValue::default() };
        proto::Span {
            trace_id,
            name,
            kind,
            start_time_unix_nano,
            end_time_unix_nano,
            attributes: attributes.into_iter().map(attribute).collect(),
            flags,
            status: code.map(|code| Status { code, ..Status::default() }),
            ..proto::Span::default()
        }
    }
}

/// An export of at most two resources with at most two spans each.
fn export() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let resource = prop::collection::vec(span(), 0..3).prop_map(|spans| {
        let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
        ResourceSpans { scope_spans, ..ResourceSpans::default() }
    });
    prop::collection::vec(resource, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// The span that [`Span::read`] must return.
fn expected(span: &proto::Span) -> Span<'_> {
    let attribute = |key: &str| match span
        .attributes
        .iter()
        .rev()
        .find(|found| found.key == key)
        .and_then(|found| found.value.as_ref()?.value.as_ref())
    {
        Some(any_value::Value::StringValue(text)) => Attribute::Text(text.as_bytes()),
        Some(any_value::Value::IntValue(number)) => Attribute::Number(*number),
        _ => Attribute::None,
    };
    Span {
        trace_id: &span.trace_id,
        name: span.name.as_bytes(),
        failed: span.status.as_ref().is_some_and(|status| status.code == 2),
        method: attribute("http.request.method"),
        route: attribute("http.route"),
        error: attribute("error.type"),
        status: attribute("http.response.status_code"),
        kind: span.kind.cast_unsigned().into(),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        system: attribute("db.system"),
    }
}

fn read(request: &[u8]) -> Result<Vec<Span<'_>>, Malformed> {
    let mut spans = Vec::new();
    each(request, |span| spans.push(span)).map(|()| spans)
}

proptest! {
    #[test]
    fn an_export_is_read_as_the_generated_types_wrote_it(export in export()) {
        let bytes = export.encode_to_vec();
        let scopes = export.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let expected: Vec<_> = scopes.flat_map(|scope| &scope.spans).map(expected).collect();
        prop_assert_eq!(read(&bytes).unwrap(), expected);
    }

    #[test]
    fn a_damaged_export_is_refused_or_read_within_its_bytes(
        export in export(), from: Index, length in 0..4_usize, put in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = export.encode_to_vec();
        let from = from.index(bytes.len() + 1);
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, put);
        if let Ok(spans) = read(&bytes) {
            prop_assert!(spans.len() * 2 <= bytes.len());
            for span in spans {
                prop_assert!(span.duration().is_ok_and(|seconds| (0.0..=3600.0).contains(&seconds)) || span.duration().is_err());
            }
        }
    }

    #[test]
    fn any_bytes_are_fields_with_at_most_one_error_at_the_end(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let fields: Vec<_> = Fields::of(&bytes).collect();
        prop_assert!(fields.len() <= bytes.len());
        prop_assert!(fields.iter().rev().skip(1).all(Result::is_ok));
    }
}
