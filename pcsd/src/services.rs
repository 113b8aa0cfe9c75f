//! The cluster's services on this host: through systemd where it is PID 1, else by our own
//! supervisor.

use std::process::Stdio;
use std::time::Duration;

use model::Paths;
use pcs::cluster::protocol::ServiceState;
use tokio::process::Command;

use crate::store::{self, PUBLIC, StoreError};
use crate::supervisor::Supervisor;

/// The unit that runs the brain; it pulls the hands' unit in, and `corosync.service` is its alias.
const UNIT: &str = "pacemaker.service";
/// The unit that runs the hands.
const HANDS_UNIT: &str = "systole-lrmd.service";

/// A minute is enough for a network to come up.
const AUTOSTART_ATTEMPTS: u32 = 12;
const AUTOSTART_PAUSE: Duration = Duration::from_secs(5);

/// How this host starts and stops things.
#[derive(Clone, Debug)]
pub(crate) enum Services {
    /// systemd is PID 1.
    Systemd,
    /// pcsd does it itself.
    Supervised(Supervisor),
}

impl Services {
    /// Finds out how things are started on this host and takes over what already runs.
    ///
    /// # Errors
    /// The runtime directory cannot be used.
    pub(crate) fn find(paths: &Paths) -> Result<Self, StoreError> {
        // What sd_booted(3) asks.
        if paths.at("/run/systemd/system").is_dir() {
            return Ok(Self::Systemd);
        }
        let program = std::env::current_exe()
            .map_err(|source| StoreError::Read { path: "/proc/self/exe".into(), source })?;
        Supervisor::launch(paths.clone(), program).map(Self::Supervised)
    }

    /// Starts the cluster here; answered when its daemons are up.
    ///
    /// # Errors
    /// Why they are not, in one sentence.
    pub(crate) async fn start(&self) -> Result<(), String> {
        match self {
            Self::Systemd => match systemctl(&["start", UNIT]).await {
                Ok(_) => Ok(()),
                Err(error) => Err(unit_status(UNIT).await.unwrap_or(error)),
            },
            Self::Supervised(supervisor) => supervisor.start().await,
        }
    }

    /// Leaves the cluster and ends its daemons.
    ///
    /// # Errors
    /// Why they still run, in one sentence.
    pub(crate) async fn stop(&self, paths: &Paths, all: bool, force: bool) -> Result<(), String> {
        match self {
            Self::Systemd if force => {
                systemctl(&["kill", "--signal=SIGKILL", UNIT, HANDS_UNIT]).await.ok();
                systemctl(&["stop", UNIT, HANDS_UNIT]).await.map(drop)
            }
            Self::Systemd => {
                // The unit's own stop would not know that every node is asked.
                if unit_is(UNIT, "is-active").await
                    && let Err(error) = crate::brain::leave(&paths.node_socket(), all).await
                {
                    tracing::warn!(error, "the brain could not be asked to leave");
                }
                systemctl(&["stop", UNIT, HANDS_UNIT]).await.map(drop)
            }
            Self::Supervised(supervisor) => supervisor.stop(all, force).await,
        }
    }

    /// Lets the cluster start with the host, or not.
    ///
    /// # Errors
    /// Why that could not be noted, in one sentence.
    pub(crate) async fn enable(&self, paths: &Paths, enabled: bool) -> Result<(), String> {
        match self {
            Self::Systemd => {
                let verb = if enabled { "enable" } else { "disable" };
                systemctl(&[verb, UNIT]).await.map(drop)
            }
            Self::Supervised(_) => {
                let marker = paths.pcsd_autostart();
                let noted = if enabled {
                    let text =
                        "pcsd starts the cluster when it starts; see 'pcs cluster disable'\n";
                    store::write(&marker, text.as_bytes(), PUBLIC)
                } else {
                    store::remove(&marker).map(drop)
                };
                noted.map_err(|error| store::chain(&error))
            }
        }
    }

    /// Starts the cluster if it was enabled and nothing else starts it. A host that was just booted
    /// may not have its addresses yet, so a failure is tried again for a while.
    pub(crate) async fn autostart(&self, paths: &Paths) {
        let Self::Supervised(supervisor) = self else { return };
        for _ in 0..AUTOSTART_ATTEMPTS {
            if !paths.pcsd_autostart().exists() {
                return;
            }
            match supervisor.start().await {
                Ok(()) => {
                    tracing::info!("the cluster is enabled and up");
                    return;
                }
                Err(reason) => tracing::error!("the cluster is enabled but not up: {reason}"),
            }
            tokio::time::sleep(AUTOSTART_PAUSE).await;
        }
    }

    /// Returns the state of the services people know: `corosync`, `pacemaker`, `pcsd`.
    ///
    /// # Errors
    /// pcsd is ending.
    pub(crate) async fn states(
        &self,
        paths: &Paths,
    ) -> Result<[(&'static str, ServiceState); 3], String> {
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        let service = ServiceState { installed: true, version, ..ServiceState::default() };
        let (brain, hands, enabled, notes) = match self {
            Self::Systemd => (
                unit_is(UNIT, "is-active").await,
                unit_is(HANDS_UNIT, "is-active").await,
                unit_is(UNIT, "is-enabled").await,
                [None, unit_status(UNIT).await],
            ),
            Self::Supervised(supervisor) => {
                let status = supervisor.status().await?;
                let [hands, brain] = status.daemons;
                let [hands_note, brain_note] = status.notes;
                let notes = [hands.trouble.or(hands_note), brain.trouble.or(brain_note)];
                (brain.running, hands.running, paths.pcsd_autostart().exists(), notes)
            }
        };
        let [hands_note, brain_note] = notes;
        let pcsd_enabled = match self {
            Self::Systemd => unit_is("pcsd.service", "is-enabled").await,
            Self::Supervised(_) => false,
        };
        Ok([
            (
                "corosync",
                ServiceState { enabled, running: brain, note: brain_note, ..service.clone() },
            ),
            (
                "pacemaker",
                ServiceState {
                    enabled,
                    running: brain && hands,
                    note: hands_note,
                    ..service.clone()
                },
            ),
            ("pcsd", ServiceState { enabled: pcsd_enabled, running: true, ..service }),
        ])
    }
}

/// Runs systemctl and returns its output; an error is its own words.
async fn systemctl(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("systemctl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| format!("cannot run systemctl: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("systemctl {} failed: {}", arguments.join(" "), words.trim().replace('\n', "; ")))
}

async fn unit_is(unit: &str, question: &str) -> bool {
    systemctl(&[question, "--quiet", unit]).await.is_ok()
}

/// Returns what a unit's daemon said last about itself (`STATUS=`).
async fn unit_status(unit: &str) -> Option<String> {
    let text = systemctl(&["show", "--property=StatusText", "--value", unit]).await.ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
