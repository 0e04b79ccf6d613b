//! `spin:postgres@4.0.0` for guests.

mod calendar;
mod failure;
mod pool;
mod session;
mod values;

use crate::bindings::spin::postgres::postgres::{Error, Host, HostConnection, ParameterValue, RowSet};
use crate::guest::Guest;
use crate::trace::Span;
use deadpool::managed::Object;
use tokio_postgres::Config;
use tokio_postgres::config::Host as ServerHost;
use wasmtime::component::Resource;

pub use pool::Pools;

/// A pooled session that a guest holds; dropping it gives the session back.
pub struct Connection(Object<pool::Manager>);

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let span = self.trace.connection();
        match measured(span, self.open_session(&address)).await {
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
        let limit = self.app.limits.query_bytes;
        let span = self.trace.statement(&statement);
        let session = &mut self.table.get_mut(&connection)?.0;
        Ok(measured(span, session.query(&statement, params, limit)).await)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let span = self.trace.statement(&statement);
        let session = &mut self.table.get_mut(&connection)?.0;
        Ok(measured(span, session.execute(&statement, params)).await)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
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

impl Guest {
    async fn open_session(&mut self, address: &str) -> Result<Connection, Error> {
        let pool = self.pool(address).map_err(Error::ConnectionFailed)?;
        let failed = |error| Error::ConnectionFailed(failure::chain(&error));
        pool.get().await.map(Connection).map_err(failed)
    }

    fn pool(&self, address: &str) -> Result<pool::Pool, String> {
        let config: Config = address.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
        self.check_allowed(&config)?;
        self.app.pools.get(address, config)
    }

    /// Every host must be on the allow list, and nothing may lead round it.
    fn check_allowed(&self, config: &Config) -> Result<(), String> {
        if !config.get_hostaddrs().is_empty() {
            let reason = "hostaddr is not permitted, since allowed_outbound_hosts names hosts";
            return Err(reason.to_owned());
        }
        for (index, host) in config.get_hosts().iter().enumerate() {
            let ServerHost::Tcp(host) = host else {
                return Err("Unix sockets are not supported on WebAssembly".to_owned());
            };
            let ports = config.get_ports();
            let port = ports.get(index).or(ports.first()).copied();
            if !self.component.allowed.allows("postgres", host, port) {
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                let url = format!("postgres://{host}{port}");
                self.log_denied(&url);
                return Err(format!("address {url} is not permitted"));
            }
        }
        Ok(())
    }
}
