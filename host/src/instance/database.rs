//! `spin:postgres@4.0.0` for an instance.

use super::Instance;
use super::outbound::Outbound;
use crate::postgres::Connection;
use crate::postgres::bindings::spin::postgres::postgres::{Error, Host, HostConnection, ParameterValue, RowSet};
use crate::trace::Span;
use tokio_postgres::Config;
use tokio_postgres::config::{Host as Server, SslMode};
use wasmtime::component::Resource;

impl Host for Instance {}

impl HostConnection for Instance {
    async fn open(&mut self, address: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let span = self.outbound.trace.connection();
        let outbound = &self.outbound;
        let connecting = outbound.services.pools.connect(&address, |config| check_address(outbound, config));
        match measured(span, connecting).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<RowSet, Error>> {
        let span = self.outbound.trace.statement(&statement);
        let session = self.table.get_mut(&connection)?;
        Ok(measured(span, session.query(&statement, &params)).await)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let span = self.outbound.trace.statement(&statement);
        let session = self.table.get_mut(&connection)?;
        Ok(measured(span, session.execute(&statement, &params)).await)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        drop(self.table.delete(connection)?);
        Ok(())
    }
}

async fn measured<T>(mut span: Span, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let result = work.await;
    if let Err(error) = &result {
        span.failed(error);
    }
    result
}

/// Checks that every server of an address is on the allow list and that nothing in it leads past the list.
fn check_address(outbound: &Outbound, config: &Config) -> Result<(), String> {
    if !config.get_hostaddrs().is_empty() {
        let reason = "hostaddr is not permitted, since allowed_outbound_hosts names hosts";
        return Err(reason.to_owned());
    }
    for (index, server) in config.get_hosts().iter().enumerate() {
        let Server::Tcp(host) = server else {
            return Err("Unix sockets are not supported on WebAssembly".to_owned());
        };
        let ports = config.get_ports();
        let port = ports.get(index).or(ports.first()).copied();
        if !outbound.grants.allowed.allows("postgres", host, port) {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let url = format!("postgres://{host}{port}");
            outbound.log_denied(&url);
            return Err(format!("address {url} is not permitted"));
        }
    }
    if config.get_ssl_mode() != SslMode::Disable {
        return Err("this host offers no TLS to the database; fix: set sslmode=disable, or run under Spin".to_owned());
    }
    Ok(())
}
