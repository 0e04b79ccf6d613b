//! The state of one running instance: everything it may touch, and its limits.

mod client;
mod database;
mod meter;
pub mod outbound;
mod output;
mod variables;

use crate::config::Limits;
use crate::log::{Log, Source};
use crate::manifest::grants::Grants;
use crate::postgres::Pools;
use crate::postgres::bindings::Postgres;
use crate::trace::Trace;
use client::Client;
use meter::Meter;
use outbound::{Chaining, Outbound};
use output::Output;
use std::sync::Arc;
use variables::bindings::Variables;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Table elements an instance may have; a compiled program uses a few hundred.
const MOST_TABLE_ELEMENTS: usize = 100_000;

/// What all instances of one host share.
pub struct Services {
    /// What the host, an instance and a connection may use.
    pub limits: Limits,
    /// Where the lines of components and of the host go.
    pub log: Log,
    pools: Pools,
    client: Client,
}

impl Services {
    /// Services without connections; those are opened when they are first needed.
    pub fn new(limits: Limits, log: Log) -> Self {
        Self { limits, log, pools: Pools::default(), client: Client::new() }
    }
}

/// One running copy of a component, made for one request.
pub struct Instance {
    /// The resources it holds.
    pub table: ResourceTable,
    /// Its CPU time.
    pub meter: Arc<Meter>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    memory_left: usize,
}

impl Instance {
    /// Adds everything that components may import.
    pub fn link(linker: &mut Linker<Self>) -> wasmtime::Result<()> {
        wasmtime_wasi::p2::add_to_linker_async(linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
        Variables::add_to_linker::<_, HasSelf<Self>>(linker, |instance| instance)?;
        Postgres::add_to_linker::<_, HasSelf<Self>>(linker, |instance| instance)
    }

    /// A store for one call of the component that has `grants`; its spans hang below `trace`.
    pub fn store(
        engine: &Engine,
        grants: &Arc<Grants>,
        services: &Arc<Services>,
        chaining: Arc<dyn Chaining>,
        trace: Trace,
    ) -> Store<Self> {
        let output = |source| Output::new(services.log.clone(), grants.component.clone(), source);
        let (sockets, component) = (services.clone(), grants.component.clone());
        let wasi = WasiCtx::builder()
            .stdout(output(Source::Stdout))
            .stderr(output(Source::Stderr))
            .allow_tcp(true)
            .allow_udp(true)
            .socket_addr_check(move |_, _| {
                // The address would not help: the first one that is asked for is the socket's own, 0.0.0.0:0.
                let text = "a socket is denied: this host grants none; fix: run under Spin";
                sockets.log.host(&component, text.to_owned());
                Box::pin(std::future::ready(false))
            })
            .build();
        let meter = Arc::<Meter>::default();
        let instance = Self {
            table: ResourceTable::new(),
            meter: meter.clone(),
            wasi,
            http: WasiHttpCtx::new(),
            outbound: Outbound { services: services.clone(), grants: grants.clone(), chaining, trace, meter },
            memory_left: services.limits.memory,
        };
        let mut store = Store::new(engine, instance);
        store.limiter(|instance| instance);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            let instance = store.data();
            let limit = instance.outbound.services.limits.execution;
            if instance.meter.spent() > limit {
                wasmtime::bail!("the execution limit of {limit:?} is used up");
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

impl ResourceLimiter for Instance {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        match self.memory_left.checked_sub(more) {
            Some(left) => self.memory_left = left,
            None => {
                wasmtime::bail!("the memory limit of {} MiB is exceeded", self.outbound.services.limits.memory >> 20)
            }
        }
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MOST_TABLE_ELEMENTS)
    }
}

impl WasiView for Instance {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Instance {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}
