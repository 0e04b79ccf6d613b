//! What this host does not offer to a component that uses PostgreSQL.

use crate::host_contract::database::Probe;

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_refused() {
    let probe = Probe::start().await;
    let secure = probe.address.replace("sslmode=disable", "sslmode=require");
    assert!(probe.at(&secure, &["sql=SELECT 1"]).await.contains("sslmode=disable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostaddr_leads_nowhere() {
    let probe = Probe::start().await;
    for address in [
        format!("{} hostaddr=10.0.0.1", probe.address),
        format!("{} target_session_attrs=any load_balance_hosts=random hostaddr=127.0.0.1", probe.address),
        "hostaddr=127.0.0.1 port=5432 user=x dbname=x".to_owned(),
        "postgres://x@127.0.0.1:1/x?hostaddr=127.0.0.1".to_owned(),
    ] {
        let refused = probe.at(&address, &["sql=SELECT 1"]).await;
        assert!(refused.contains("hostaddr is not permitted"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_not_offered_is_refused_by_name() {
    let probe = Probe::start().await;
    for (call, error) in [("sql", "BadParameter"), ("do", "ValueConversionFailed")] {
        for (parameter, name) in [("uuid:zz", "Uuid"), ("decimals:1.5", "ArrayDecimal")] {
            let refused = probe.run(&[&format!("{call}=SELECT $1"), &format!("p={parameter}")]).await;
            let expected = format!("error: Error::{error}(\"this host does not send ParameterValue::{name};");
            assert!(refused.starts_with(&expected), "{refused}");
        }
    }
    // Those that Spin decodes, and one that it passes on as bytes.
    for kind in [
        "bytea",
        "real",
        "smallint",
        "varchar",
        "bpchar",
        "timestamp",
        "timestamptz",
        "date",
        "time",
        "uuid",
        "jsonb",
        "numeric",
        "int4range",
        "int8range",
        "numrange",
        "int[]",
        "numeric[]",
        "text[]",
        "varchar[]",
        "interval",
        "name",
    ] {
        let value = format!("NULL::{kind}");
        let kind = match kind {
            "real" => "float4",
            "smallint" => "int2",
            "int[]" => "int4[]",
            kind => kind,
        };
        let refused = probe.run(&[&format!("sql=SELECT {value}")]).await;
        assert!(refused.contains("QueryError::Text("), "{refused}");
        assert!(refused.contains(&format!("does not decode {kind}; fix: cast it")), "{refused}");
    }
}
