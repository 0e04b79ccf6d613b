use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use host::Config;

use crate::Error;
use crate::spin::Spin;

/// The program that runs the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// This repository's own, in this process.
    #[default]
    Embedded,
    /// `spin up`, the program on PATH.
    Spin,
}

impl Kind {
    /// The one that the variable `APP_HOST` names; `make` sets it from `HOST=`.
    ///
    /// # Errors
    /// [`Error::Setting`] if it names none.
    pub fn chosen() -> Result<Self, Error> {
        match env::var("APP_HOST").as_deref() {
            Err(_) | Ok("" | "embedded") => Ok(Self::Embedded),
            Ok("spin") => Ok(Self::Spin),
            Ok(other) => Err(Error::Setting(format!("HOST={other} is no host"), "embedded or spin".into())),
        }
    }
}

/// A host that runs the application, of either kind.
pub enum Host {
    /// In this process.
    Embedded(host::Host),
    /// A process of its own.
    Spin(Spin),
}

impl Host {
    /// Starts one and returns when it serves. Of the limits Spin knows only the memory of an instance.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn start(kind: Kind, config: Config) -> Result<Self, Error> {
        Ok(match kind {
            Kind::Embedded => Self::Embedded(host::Host::start(config).await?),
            Kind::Spin => Self::Spin(Spin::start(config).await?),
        })
    }

    /// Where the application listens.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded(host) => host.address(),
            Self::Spin(spin) => spin.address(),
        }
    }

    /// Stops it. The embedded host first finishes requests and the work after them, for at most `grace`; Spin does not.
    pub async fn shutdown(self, grace: Duration) {
        match self {
            Self::Embedded(host) => host.shutdown(grace).await,
            Self::Spin(spin) => spin.stop().await,
        }
    }
}
