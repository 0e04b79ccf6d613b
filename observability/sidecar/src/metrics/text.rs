//! The text format 0.0.4 of Prometheus, out of OpenMetrics 1.0: the library writes only the latter.

/// Names a counter and an information in full where it declares them, and leaves out units, exemplars and the end mark.
pub fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let (mut help, mut exemplars) = ("", false);
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            exemplars = ["counter", "histogram"].contains(&kind);
            text += &format!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n");
        } else if !line.starts_with('#') {
            let end = if exemplars { line.rfind(" # {") } else { None };
            text += &line[..end.unwrap_or(line.len())];
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_text_format_names_what_it_declares_and_has_no_exemplars() {
    let open_metrics = r##"# HELP spans Spans.
# TYPE spans counter
spans_total{kind="a"} 1
# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="+Inf"} 2 # {trace_id="0a"} 0.5
# HELP build Version.
# TYPE build info
build_info{version="1"} 1
# HELP size_bytes Size.
# TYPE size_bytes gauge
# UNIT size_bytes bytes
size_bytes 3
# EOF
"##;
    let text = r##"# HELP spans_total Spans.
# TYPE spans_total counter
spans_total{kind="a"} 1
# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="+Inf"} 2
# HELP build_info Version.
# TYPE build_info gauge
build_info{version="1"} 1
# HELP size_bytes Size.
# TYPE size_bytes gauge
size_bytes 3
"##;
    assert_eq!(plain(open_metrics), text);
}
