//! The state of one running guest: everything it may touch, and its limits.

use crate::app::App;
use crate::bindings::fermyon::spin::variables;
use crate::component::Component;
use crate::log::{GuestOutput, Source};
use crate::meter::Meter;
use crate::outbound::Outbound;
use crate::trace::Trace;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Table elements a guest may have; a compiled program uses a few hundred.
const MOST_TABLE_ELEMENTS: usize = 100_000;

pub struct Guest {
    pub app: Arc<App>,
    pub component: Arc<Component>,
    pub table: ResourceTable,
    pub meter: Arc<Meter>,
    /// Where the spans of what it does hang.
    pub trace: Trace,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    memory_left: usize,
}

impl Guest {
    /// A store for one call of `component`, `depth` chained calls away from the client.
    pub fn store(app: &Arc<App>, component: &Arc<Component>, depth: usize, trace: Trace) -> Store<Self> {
        let output = |source| GuestOutput::new(app.log.clone(), component.id.clone(), source);
        let wasi = WasiCtx::builder()
            .stdout(output(Source::GuestStdout))
            .stderr(output(Source::GuestStderr))
            .envs(&component.environment)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let guest = Self {
            app: app.clone(),
            component: component.clone(),
            table: ResourceTable::new(),
            meter: Arc::default(),
            trace: trace.clone(),
            wasi,
            http: WasiHttpCtx::new(),
            outbound: Outbound { app: app.clone(), component: component.clone(), depth, trace },
            memory_left: app.limits.memory,
        };
        let mut store = Store::new(component.pre.engine(), guest);
        store.limiter(|guest| guest);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            let guest = store.data();
            let limit = guest.app.limits.execution;
            if guest.meter.spent() > limit {
                wasmtime::bail!("the execution limit of {limit:?} is used up");
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// Tells the operator about a refused call and the entry that would permit it.
    pub fn log_denied(&self, url: &str) {
        self.outbound.log_denied(url);
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        match self.memory_left.checked_sub(more) {
            Some(left) => self.memory_left = left,
            None => wasmtime::bail!("the memory limit of {} MiB is exceeded", self.app.limits.memory >> 20),
        }
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MOST_TABLE_ELEMENTS)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

impl variables::Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables::Error>> {
        let _span = self.trace.variable(&name);
        if let Err(reason) = crate::variables::check_name(&name) {
            return Ok(Err(variables::Error::InvalidName(reason)));
        }
        let undefined = || variables::Error::Undefined(format!("no variable for {:?}.{name:?}", &*self.component.id));
        Ok(self.component.variables.get(&name).cloned().ok_or_else(undefined))
    }
}
