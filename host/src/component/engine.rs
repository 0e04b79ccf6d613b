//! The WebAssembly engine, one for the whole process.

use crate::error::Error;
use std::sync::LazyLock;
use std::time::Duration;
use wasmtime::{Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Instances are interrupted this often, to let others run and to check their limits.
const TICK: Duration = Duration::from_millis(10);
/// Instances at once, over all hosts of the process; one Spin process has the same limit.
const MOST_INSTANCES: u32 = 1000;
/// Core instances of one component; made from a module, it has four: the module, the WASI adapter and two shims.
const CORES_PER_INSTANCE: u32 = 8;
/// Memory of a slot that is reset by copying; what an instance touched beyond it goes back to the system.
const KEPT_MEMORY: usize = 256 << 10;

/// The engine, made on first use.
///
/// # Errors
/// [`Error::Engine`] when the system does not give it memory or a thread.
pub fn get() -> Result<&'static Engine, Error> {
    static ENGINE: LazyLock<Result<Engine, String>> = LazyLock::new(|| {
        let engine = Engine::new(&config()).map_err(|error| format!("{error:#}"))?;
        start_ticks(engine.clone()).map_err(|error| error.to_string())?;
        Ok(engine)
    });
    ENGINE.as_ref().map_err(|reason| Error::Engine(reason.clone()))
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MOST_INSTANCES)
        .total_core_instances(MOST_INSTANCES * CORES_PER_INSTANCE)
        .total_memories(MOST_INSTANCES)
        .total_tables(MOST_INSTANCES * 2)
        .total_stacks(MOST_INSTANCES)
        .max_core_instances_per_component(CORES_PER_INSTANCE)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_MEMORY)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        // Components are WASI 0.2: support for concurrent calls into one instance would only cost time.
        .concurrency_support(false)
        // Without a usable cache folder every start compiles again, which is slower but works.
        .cache(Cache::from_file(None).ok());
    config
}

/// Advances the epoch for as long as the process lives.
fn start_ticks(engine: Engine) -> std::io::Result<()> {
    std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(TICK);
            engine.increment_epoch();
        }
    })?;
    Ok(())
}
