//! Receivers that this host does not offer.

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_an_invalid_receiver_does_not_start() {
    for (url, reason) in [("https://collector/v1/traces", "no TLS"), ("collector", "no TLS"), ("http://", "not a URL")]
    {
        let mut config = host::Config::new("../spin.toml");
        config.listen.set_port(0);
        config.spans = Some(url.to_owned());
        let error = host::Host::start(config).await.err().expect("an error");
        assert!(error.to_string().contains(reason), "{url}: {error}");
    }
}
