//! Metrics read in place, against what generated types read from the same bytes.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    metric::Data,
    number_data_point::Value::{AsDouble, AsInt},
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;

use super::*;

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let attribute = ("[ab]", "\\PC{0,4}").prop_map(|(key, text)| KeyValue {
        key,
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }),
        ..KeyValue::default()
    });
    prop::collection::vec(attribute, 0..3)
}

prop_compose! {
    fn number_point()(
        attributes in attributes(),
        start_time_unix_nano: u64,
        flags in 0..4_u32,
        value in prop::option::of(prop_oneof![any::<f64>().prop_map(AsDouble), any::<i64>().prop_map(AsInt)]),
    ) -> NumberDataPoint {
        NumberDataPoint { attributes, start_time_unix_nano, flags, value, ..NumberDataPoint::default() }
    }
}

prop_compose! {
    fn histogram_point()(
        attributes in attributes(),
        start_time_unix_nano: u64,
        flags in 0..4_u32,
        count: u64,
        sum in prop::option::of(any::<f64>()),
        bucket_counts in prop::collection::vec(any::<u64>(), 0..3),
    ) -> HistogramDataPoint {
        HistogramDataPoint { attributes, start_time_unix_nano, flags, count, sum, bucket_counts, ..HistogramDataPoint::default() }
    }
}

fn metric() -> impl Strategy<Value = Metric> {
    let numbers = || prop::collection::vec(number_point(), 0..3);
    let data = prop_oneof![
        (numbers(), 0..4, any::<bool>()).prop_map(|(data_points, aggregation_temporality, is_monotonic)| Data::Sum(
            Sum { data_points, aggregation_temporality, is_monotonic }
        )),
        (prop::collection::vec(histogram_point(), 0..3), 0..4).prop_map(|(data_points, aggregation_temporality)| {
            Data::Histogram(Histogram { data_points, aggregation_temporality })
        }),
        numbers().prop_map(|data_points| Data::Gauge(Gauge { data_points })),
    ];
    ("[a-z.]{0,4}", prop::option::of(data)).prop_map(|(name, data)| Metric { name, data, ..Metric::default() })
}

fn export() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let resource = prop::option::of(attributes().prop_map(|attributes| Resource { attributes, ..Resource::default() }));
    let metrics = prop::collection::vec(metric(), 0..3);
    let resource_metrics = (resource, metrics).prop_map(|(resource, metrics)| ResourceMetrics {
        resource,
        scope_metrics: vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }],
        ..ResourceMetrics::default()
    });
    prop::collection::vec(resource_metrics, 0..3)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}

/// What a point says, as text: a value may be NaN, which equals nothing.
fn told(resource: &[u8], metric: &[u8], start: u64, cumulative: bool, value: Total, attribute: &[u8]) -> String {
    format!("{resource:?} {metric:?} {start} {cumulative} {value:?} {attribute:?}")
}

/// The points that [`each`] has to tell of, in their order.
fn expected(export: &ExportMetricsServiceRequest) -> Vec<String> {
    let mut points = Vec::new();
    for resource_metrics in &export.resource_metrics {
        let resource = resource_metrics.resource.as_ref().map_or_else(Vec::new, Message::encode_to_vec);
        for metric in resource_metrics.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let mut point = |temporality, start, flags, value: Option<Total>, attributes: &[KeyValue]| {
                let Some(value) = value.filter(|_| flags & 1 == 0 && [1, 2].contains(&temporality)) else {
                    return;
                };
                let text = attributes
                    .iter()
                    .find(|attribute| attribute.key == "a")
                    .and_then(|attribute| attribute.value.clone()?.value);
                let Some(any_value::Value::StringValue(text)) =
                    text.or(Some(any_value::Value::StringValue(String::new())))
                else {
                    return;
                };
                points.push(told(&resource, metric.name.as_bytes(), start, temporality == 2, value, text.as_bytes()));
            };
            match &metric.data {
                Some(Data::Sum(sum)) if sum.is_monotonic => sum.data_points.iter().for_each(|number| {
                    let value = number.value.map(|value| match value {
                        AsDouble(value) => value,
                        AsInt(value) => value as f64,
                    });
                    let total = value.map(|value| Total { count: value as u64, sum: value });
                    point(
                        sum.aggregation_temporality,
                        number.start_time_unix_nano,
                        number.flags,
                        total,
                        &number.attributes,
                    );
                }),
                Some(Data::Histogram(histogram)) => histogram.data_points.iter().for_each(|values| {
                    let total = Total { count: values.count, sum: values.sum.unwrap_or_default() };
                    let start = values.start_time_unix_nano;
                    point(histogram.aggregation_temporality, start, values.flags, Some(total), &values.attributes);
                }),
                _ => {}
            }
        }
    }
    points
}

fn read(request: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut points = Vec::new();
    each(request, |point| {
        let Point { resource, metric, start, cumulative, value, .. } = point;
        points.push(told(resource, metric, start, cumulative, value, point.attribute("a").text()));
    })
    .map(|()| points)
}

proptest! {
    #[test]
    fn metrics_are_read_as_generated_types_wrote_them(export in export()) {
        prop_assert_eq!(read(&export.encode_to_vec()).unwrap(), expected(&export));
    }

    #[test]
    fn damaged_metrics_are_refused_or_read_within_their_bytes(
        export in export(), from in any::<Index>(), length in 0..4_usize, put in prop::collection::vec(any::<u8>(), 1..4),
    ) {
        let mut bytes = export.encode_to_vec();
        let from = from.index(bytes.len() + 1);
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, put);
        if let Ok(points) = read(&bytes) {
            prop_assert!(points.len() * 2 <= bytes.len());
        }
    }
}
