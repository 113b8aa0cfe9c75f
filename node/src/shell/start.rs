//! Coming up: read what is configured, take the sockets, open the log, then run the loop. What
//! goes wrong here is one sentence that reaches whoever typed `pcs cluster start`.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use nix::fcntl::{Flock, FlockArg};
use tokio::sync::{mpsc, watch};

use crmd::inputs::Inputs;
use membership::conf::{self, Conf, NodeEntry};
use membership::heartbeat;
use membership::raft::log_store::LogStore;
use model::{Incarnation, Monotonic, NodeId, Paths, WallTime};

use crate::core::{Brain, Settings};

use super::disk::{log_thread, paper_thread, replace, whole};
use super::engine::Engine;
use super::hands_link;
use super::heartbeats::Heartbeats;
use super::info::Warnings;
use super::peers::{PeerAddress, Peers};
use super::run::{Daemon, engine_task};
use super::showing::Showing;
use super::tools;
use super::trust::Trust;

/// Inputs of one kind that may wait for the loop; it takes thousands a second.
const INBOX_MAX: usize = 4096;

/// Why the brain cannot start, in one sentence with the way out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Fatal(String);

fn fatal(text: impl Into<String>) -> Fatal {
    Fatal(text.into())
}

/// Runs the brain: `systole node`.
pub fn main(arguments: &[std::ffi::OsString]) -> ExitCode {
    logging();
    if !arguments.is_empty() {
        return refuse("`systole node` takes no arguments; pcsd or systemd start it");
    }
    let paths = Paths::under(std::env::var_os(model::paths::ROOT_VARIABLE));
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("brain")
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("failed to start: {error}")),
    };
    let ended = runtime.block_on(async {
        let Started { daemon, first, papers, lock } = start(&paths).await?;
        exec::notify::ready("running");
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "the brain is up");
        let ended = daemon.run(first).await.map_err(|e| fatal(format!("failed to run: {e}")));
        // nobody gives it papers any more: it ends when all is written
        if papers.join().is_err() {
            tracing::error!("the thread that writes documents has failed");
        }
        drop(lock);
        ended
    });
    match ended {
        Ok(()) => {
            tracing::info!("left in order");
            exec::notify::stopping("left in order");
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error.to_string()),
    }
}

fn refuse(text: &str) -> ExitCode {
    tracing::error!("{text}");
    exec::notify::failed(text);
    ExitCode::FAILURE
}

fn logging() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("SYSTOLE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}

/// A brain that is ready to run.
struct Started {
    daemon: Daemon,
    /// What it does first.
    first: Vec<crate::core::Output>,
    papers: std::thread::JoinHandle<()>,
    /// Held as long as it runs.
    lock: Flock<fs::File>,
}

async fn start(paths: &Paths) -> Result<Started, Fatal> {
    for directory in [paths.run_dir(), paths.cib_dir(), paths.pengine_dir()] {
        fs::create_dir_all(&directory)
            .map_err(|e| fatal(format!("cannot make {}: {e}", directory.display())))?;
    }
    let lock = lock(&paths.run_dir().join("node.lock"))?;
    let conf = read_conf(&paths.corosync_conf())?;
    let me = local_node(&conf, &paths.corosync_conf())?.clone();
    let authkey = read_authkey(&paths.corosync_authkey())?;
    let boot = exec::boot_id(&paths.boot_id())
        .map_err(|e| fatal(format!("cannot read this boot's id: {e}")))?;
    let incarnation = next_incarnation(&paths.cib_dir().join("incarnation"))?;
    let salt = random_u64()?;
    // the store makes its own directory below this one
    let (store, recovered) = LogStore::open(&paths.cib_dir()).map_err(|e| fatal(whole(&e)))?;
    if let Some(torn) = &recovered.torn {
        tracing::warn!("{torn}");
    }

    let listeners = listen(&conf, &me)?;
    let view_file = paths.cib_dir().join("view");
    let identity = membership::core::Identity {
        node: me.id,
        boot,
        incarnation,
        seed: random_u64()?,
        last_view: fs::read_to_string(&view_file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0),
    };
    let key = heartbeat::load_authkey(&paths.corosync_authkey(), &cluster_name(&conf))
        .map_err(|e| fatal(whole(&e)))?;
    let heartbeats =
        Heartbeats::start(identity, conf.clone(), key).await.map_err(|e| fatal(whole(&e)))?;
    // The name, as for heartbeats: it never changes while anybody runs, the uuid may.
    let trust = Trust::new(&authkey, &cluster_name(&conf), me.id).map_err(|e| fatal(whole(&e)))?;
    let (peer_sender, peer_inputs) = mpsc::channel(INBOX_MAX);
    let hello = wire::peer::Hello {
        node: me.id.0,
        incarnation: incarnation.0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut peers = Peers::start(hello, Arc::new(trust), listeners, peer_sender)
        .map_err(|e| fatal(format!("cannot listen for peers: {e}")))?;
    peers.configure(&peer_addresses(&conf, me.id)?);

    let birth_mark = paths.cib_dir().join("birth");
    let began = Instant::now();
    let settings = Settings {
        me: me.id,
        boot,
        incarnation,
        nodelist: conf.nodes.values().map(|node| (node.id, node.name.clone())).collect(),
        cluster_name: cluster_name(&conf),
        uuid: uuid(random_u64()?, salt),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        salt,
        token_ms: heartbeats.token_ms(),
        marked: birth_mark.exists(),
        seed: read_seed(&birth_mark)?,
        may_go_alone: true,
    };
    let now = crmd::core::Now { monotonic: Monotonic(0), wall: wall_time() };
    let mut first = Vec::new();
    let brain = Brain::open(settings, recovered.state, now, &mut first);

    let (log_done_sender, log_done) = mpsc::unbounded_channel();
    let cannot = |what: &str, e: &io::Error| fatal(format!("cannot start {what}: {e}"));
    let log = log_thread(store, log_done_sender).map_err(|e| cannot("the log's thread", &e))?;
    let inputs = Inputs::new(paths.pengine_dir());
    let papers = paper_thread(paths.cib_dir(), view_file, inputs)
        .map_err(|e| cannot("the documents' thread", &e))?;
    let (hands_sender, hands_inputs) = mpsc::channel(INBOX_MAX);
    let hands = hands_link::link(paths.lrmd_socket(), hands_sender);
    let program =
        std::env::current_exe().map_err(|e| fatal(format!("cannot find this program: {e}")))?;
    let (plans, plan_requests) = watch::channel(None);
    let (planned_sender, planned) = mpsc::channel(4);
    tokio::spawn(engine_task(Engine::new(program), plan_requests, planned_sender));
    let (tool_sender, tool_inputs) = mpsc::channel(INBOX_MAX);
    let (showing, shown) = Showing::new(brain.document_parts());
    tools::serve(&paths.node_socket(), &paths.uidgid_dir(), tool_sender, shown)
        .map_err(|e| fatal(format!("cannot listen on {}: {e}", paths.node_socket().display())))?;
    let daemon = Daemon {
        brain,
        began,
        heartbeats,
        peers,
        peer_inputs,
        hands,
        hands_inputs,
        hands_connected: false,
        log,
        log_done,
        papers: papers.sender,
        paper_trouble: papers.trouble,
        tool_inputs,
        plans,
        planned,
        showing,
        warnings: Warnings::default(),
        birth_mark,
        conf_file: paths.corosync_conf(),
        leaving: false,
    };
    Ok(Started { daemon, first, papers: papers.thread, lock })
}

fn lock(path: &Path) -> Result<Flock<fs::File>, Fatal> {
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|e| fatal(format!("cannot open {}: {e}", path.display())))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_file, error)| {
        fatal(format!(
            "another `systole node` runs on this host (it holds {}: {error})",
            path.display()
        ))
    })
}

pub(super) fn read_conf(path: &Path) -> Result<Conf, Fatal> {
    let text = fs::read_to_string(path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            fatal(format!(
                "{} is not there: this host is in no cluster; make one with `pcs cluster setup`",
                path.display()
            ))
        } else {
            fatal(format!("cannot read {}: {error}", path.display()))
        }
    })?;
    conf::load(&text, &path.display().to_string()).map_err(|e| fatal(e.to_string()))
}

/// Finds which of the nodes this host is: by its hostname, else by its addresses.
fn local_node<'a>(conf: &'a Conf, path: &Path) -> Result<&'a NodeEntry, Fatal> {
    let host_name = nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let local: Vec<IpAddr> = nix::ifaddrs::getifaddrs()
        .map(|all| {
            all.filter_map(|interface| {
                let address = interface.address?;
                address
                    .as_sockaddr_in()
                    .map(|v4| IpAddr::V4(v4.ip()))
                    .or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
            })
            .collect()
        })
        .unwrap_or_default();
    conf.local_node(&host_name, &local).ok_or_else(|| {
        let names: Vec<&str> = conf.nodes.values().map(|node| node.name.as_str()).collect();
        fatal(format!(
            "{} names {}, and this host is none of them (its name is {host_name}, its addresses \
             {}); give a node one of these, or set the cluster up anew",
            path.display(),
            names.join(", "),
            local.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ))
    })
}

fn cluster_name(conf: &Conf) -> String {
    conf.totem.cluster_name.clone().unwrap_or_default()
}

/// corosync refuses shorter keys, too.
const AUTHKEY_MIN: usize = 128;

fn read_authkey(path: &Path) -> Result<Vec<u8>, Fatal> {
    let key = fs::read(path).map_err(|error| {
        fatal(format!(
            "cannot read {}: {error}; `pcs cluster setup` makes it, `corosync-keygen` too, and it \
             must be the same on every node",
            path.display()
        ))
    })?;
    if key.len() < AUTHKEY_MIN {
        return Err(fatal(format!(
            "{} has {} bytes, at least {AUTHKEY_MIN} are needed; make one with `corosync-keygen` \
             and copy it to every node",
            path.display(),
            key.len()
        )));
    }
    Ok(key)
}

/// Each life of the brain has a greater number than the one before, also after a crash.
fn next_incarnation(path: &Path) -> Result<Incarnation, Fatal> {
    let cannot = |e: &dyn std::fmt::Display| {
        fatal(format!("cannot count this start in {}: {e}", path.display()))
    };
    let last: u64 = match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().unwrap_or(0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(cannot(&error)),
    };
    // the clock keeps the count growing after a disk was wiped; it may only help
    let clock = u64::try_from(wall_time().0).unwrap_or(0);
    let next = (last + 1).max(clock);
    replace(path, next.to_string().as_bytes()).map_err(|e| cannot(&e))?;
    Ok(Incarnation(next))
}

fn listen(conf: &Conf, me: &NodeEntry) -> Result<Vec<TcpListener>, Fatal> {
    me.addresses
        .iter()
        .map(|(link, address)| {
            let port = conf.port(*link);
            let address = resolve(address, port)?;
            listener(address).map_err(|error| {
                let hint = match error.kind() {
                    io::ErrorKind::AddrInUse => {
                        "another program uses it: end that (corosync?) or \
                         give this cluster another mcastport"
                    }
                    io::ErrorKind::AddrNotAvailable => {
                        "this host has no such address: configure \
                         it, or correct ringX_addr in corosync.conf"
                    }
                    _ => "see the reason",
                };
                fatal(format!("cannot listen on TCP {address}: {error}; {hint}"))
            })
        })
        .collect()
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    // a brain that starts again must not wait for its predecessor's connections to time out
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(64)?;
    Ok(socket.into())
}

fn resolve(address: &str, port: u16) -> Result<SocketAddr, Fatal> {
    use std::net::ToSocketAddrs as _;
    (address, port).to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(|| {
        fatal(format!(
            "corosync.conf names the address {address}, which has no IP address here; add it \
                 to /etc/hosts or write the IP address"
        ))
    })
}

pub(super) fn peer_addresses(conf: &Conf, me: NodeId) -> Result<Vec<PeerAddress>, Fatal> {
    conf.nodes
        .values()
        .filter(|node| node.id != me)
        .map(|node| {
            let addresses: Result<Vec<_>, _> = node
                .addresses
                .iter()
                .map(|(link, address)| resolve(address, conf.port(*link)))
                .collect();
            Ok(PeerAddress { id: node.id, addresses: addresses? })
        })
        .collect()
}

fn random_u64() -> Result<u64, Fatal> {
    exec::random_id()
        .map(|id| u64::try_from(id & u128::from(u64::MAX)).unwrap_or(0))
        .map_err(|e| fatal(format!("cannot read random numbers: {e}")))
}

fn wall_time() -> WallTime {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_millis()).unwrap_or(0))
}

/// Reads what the cluster begins with, which `pcs config restore` leaves in the mark of birth; the
/// mark of a new cluster is empty.
fn read_seed(birth_mark: &Path) -> Result<Option<Arc<cib::Element>>, Fatal> {
    let path = birth_mark.display();
    let text = match fs::read_to_string(birth_mark) {
        Ok(text) if text.trim().is_empty() => return Ok(None),
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fatal(format!("cannot read {path}: {error}"))),
    };
    let document = cib::parse(&text).map_err(|error| {
        fatal(format!("{path} holds no document ({error}): run 'pcs config restore' again"))
    })?;
    Ok(Some(Arc::new(document)))
}

/// Returns two random numbers in the form of a version 4 UUID.
fn uuid(high: u64, low: u64) -> String {
    let number = (u128::from(high) << 64) | u128::from(low);
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{number:032x}");
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn a_uuid_has_the_usual_form() {
        let made = uuid(u64::MAX, 0);
        assert_eq!(made, "ffffffff-ffff-4fff-8000-000000000000");
    }
}
