//! The management agent on every node: setup, authentication, file distribution, starting and
//! stopping of the cluster, supervision of its daemons where systemd does not do it.
//!
//! It is there before a cluster is, and outlives it. What it is asked is in
//! `pcs::cluster::protocol`.

mod booth;
mod brain;
mod certificate;
mod files;
mod form;
mod http;
mod remote;
mod services;
mod settings;
mod store;
mod supervisor;
mod users;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use model::Paths;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use crate::remote::Remote;
use crate::services::Services;

/// Why pcsd does not run.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Settings(#[from] settings::SettingsError),
    #[error(transparent)]
    Certificate(#[from] certificate::CertificateError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Tokens(#[from] users::tokens::TokensError),
    #[error("cannot listen on {address}{hint}")]
    Listen {
        address: std::net::SocketAddr,
        hint: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot start working")]
    Runtime(#[source] std::io::Error),
}

/// Runs the daemon until it is told to end. `args` are those after the program's name.
#[must_use]
pub fn main(args: &[OsString]) -> ExitCode {
    let paths = Paths::under(std::env::var_os(model::paths::ROOT_VARIABLE));
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words[..] {
        [] => {}
        [users::pam::HELPER_ARGUMENT, service] => {
            start_log(None, false);
            return users::pam::helper(service);
        }
        _ => {
            complain("usage: systole pcsd   (settings are in /etc/default/pcsd)");
            return ExitCode::from(64);
        }
    }
    match start(paths) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let reason = store::chain(&error);
            exec::notify::failed(&reason);
            complain(&format!("pcsd: {reason}"));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the daemon's last words go to whoever started it")]
fn complain(text: &str) {
    eprintln!("{text}");
}

/// Opens the log: the journal's where systemd reads our stderr, else pcsd's own file.
fn start_log(paths: Option<&Paths>, debug: bool) {
    use tracing_subscriber::EnvFilter;
    let default = if debug { "debug" } else { "info" };
    let filter = EnvFilter::try_from_env("SYSTOLE_LOG").unwrap_or_else(|_| default.into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let file = paths
        .filter(|_| std::env::var_os("JOURNAL_STREAM").is_none())
        .and_then(|paths| open_log(&paths.pcsd_log()).ok());
    // A log is set up once; tests may have one already.
    drop(match file {
        Some(file) => log.with_writer(std::sync::Mutex::new(file)).try_init(),
        None => log.with_writer(std::io::stderr).try_init(),
    });
}

fn open_log(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn start(paths: Paths) -> Result<(), StartError> {
    let settings = settings::load(&paths)?;
    start_log(Some(&paths), settings.debug);
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "localhost".to_owned());
    let shown = certificate::load(&paths, &host)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(run(paths, &settings, shown))
}

async fn run(
    paths: Paths,
    settings: &settings::Settings,
    certificate: Arc<certificate::Shown>,
) -> Result<(), StartError> {
    let tls = certificate::server_config(Arc::clone(&certificate))?;
    let tls = TlsAcceptor::from(Arc::new(tls));
    let mut listeners = Vec::new();
    for address in &settings.listen {
        let listener = http::listen(*address).map_err(|source| StartError::Listen {
            address: *address,
            hint: match source.kind() {
                std::io::ErrorKind::AddrInUse => {
                    " because another process holds that port; end it, or set PCSD_PORT in \
                     /etc/default/pcsd"
                }
                _ => "",
            },
            source,
        })?;
        listeners.push(listener);
    }
    // Only the pcsd that holds the port may touch the socket and the daemons.
    let local = http::listen_local(&paths.pcsd_socket())?;
    let services = Services::find(&paths)?;
    let remote = Arc::new(Remote::new(paths.clone(), services.clone(), certificate)?);
    for listener in listeners {
        tokio::spawn(http::serve(listener, tls.clone(), Arc::clone(&remote)));
    }
    tokio::spawn(http::serve_local(local, remote));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = ?settings.listen, "pcsd is up");
    exec::notify::ready("serving");
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Runtime)?;
    let autostart = tokio::spawn(async move { services.autostart(&paths).await });
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    autostart.abort();
    // Brain and hands go on: the next pcsd takes them over.
    tracing::info!("pcsd ends, the cluster's daemons go on");
    exec::notify::stopping("ending");
    Ok(())
}
