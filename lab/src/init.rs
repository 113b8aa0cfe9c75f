//! The first process of a host: makes it a machine of its own, then reaps what agents leave behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sys::wait::{WaitPidFlag, waitpid};

/// Directories of the machine that a host has its own changes of; empty ones that hide the machine's.
/// Deeper ones have overlays of their own, so that directories can be made in them by a user who is
/// nobody to the machine's own.
const OVERLAID: [&str; 4] = ["/etc", "/var", "/var/lib", "/var/log"];
const HIDDEN: [&str; 6] = [
    "/etc/corosync",
    "/etc/pacemaker",
    "/var/lib/pacemaker",
    "/var/lib/pcsd",
    "/var/log/pacemaker",
    "/var/log/pcsd",
];

/// What went wrong while a host came up.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}")]
pub struct InitError {
    what: String,
    #[source]
    source: io::Error,
}

fn step<T, E: Into<io::Error>>(what: &str, done: Result<T, E>) -> Result<T, InitError> {
    done.map_err(|e| InitError { what: what.to_owned(), source: e.into() })
}

/// Sets the host up and then only reaps, for ever. `disk` is where its changes of /etc and /var
/// live on; `ready` is written when the host can be entered.
///
/// # Errors
/// The first step that failed; nothing of the host is left then, since its namespaces end with
/// this process.
pub fn run(name: &str, disk: &Path, ready: &Path) -> Result<std::convert::Infallible, InitError> {
    step("set the hostname", nix::unistd::sethostname(name))?;
    let none: Option<&str> = None;
    step(
        "make mounts private",
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none),
    )?;
    let fresh = |kind: &str, at: &str| {
        step(
            &format!("mount {kind} on {at}"),
            mount(Some(kind), at, Some(kind), MsFlags::empty(), none),
        )
    };
    fresh("proc", "/proc")?;
    // without its own, /sys/class/net would show the outer machine's devices
    fresh("sysfs", "/sys")?;
    // paths given to us may lie below /run or /var: open them before those are covered
    let ready_file = step("open the ready file", fs::OpenOptions::new().write(true).open(ready))?;
    let disk = hold(disk)?;
    for directory in OVERLAID {
        overlay(directory, &disk)?;
    }
    for directory in HIDDEN {
        own(directory, &disk)?;
    }
    fresh("tmpfs", "/dev/shm")?;
    fresh("tmpfs", "/run")?;
    for directory in ["/run/resource-agents", "/run/lock"] {
        step(&format!("make {directory}"), fs::create_dir_all(directory))?;
    }
    drop(disk);
    step("say that the host is ready", io::Write::write_all(&mut &ready_file, b"ready\n"))?;
    drop(ready_file);
    loop {
        // WNOHANG would spin; a host with no process yet has nobody to wait for
        match waitpid(None, Some(WaitPidFlag::empty())) {
            Ok(_reaped) => {}
            Err(_nobody) => pause(),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a process of its own, without an executor")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(50));
}

/// Returns a path to the directory that stays valid when what is above it gets covered.
fn hold(directory: &Path) -> Result<PathBuf, InitError> {
    use std::os::fd::AsRawFd as _;
    let file = step("open the host's disk", fs::File::open(directory))?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // held for the life of the process: a host's disk is there as long as the host
    std::mem::forget(file);
    Ok(path)
}

fn overlay(directory: &str, disk: &Path) -> Result<(), InitError> {
    let name = directory.trim_start_matches('/').replace('/', "-");
    let (upper, work) = (disk.join(format!("{name}-upper")), disk.join(format!("{name}-work")));
    for made in [&upper, &work] {
        step(&format!("make {}", made.display()), fs::create_dir_all(made))?;
    }
    // names through /proc/self/fd are not taken by overlayfs in all kernels: resolve them
    let real = |path: &Path| step("resolve the host's disk", fs::canonicalize(path));
    let user = if std::env::var(crate::enter::INSIDE).is_ok_and(|v| v == "user") {
        ",userxattr"
    } else {
        ""
    };
    let options = format!(
        "lowerdir={directory},upperdir={},workdir={}{user}",
        real(&upper)?.display(),
        real(&work)?.display()
    );
    step(
        &format!("put an overlay on {directory}"),
        mount(
            Some("overlay"),
            directory,
            Some("overlay"),
            MsFlags::empty(),
            Some(options.as_str()),
        ),
    )
}

/// Puts a directory of the host's own disk in the place of the machine's.
fn own(directory: &str, disk: &Path) -> Result<(), InitError> {
    let mine = disk.join(format!("own{}", directory.replace('/', "-")));
    step(&format!("make {}", mine.display()), fs::create_dir_all(&mine))?;
    step(&format!("make {directory}"), fs::create_dir_all(directory))?;
    let none: Option<&str> = None;
    let bound = mount(Some(&mine), directory, none, MsFlags::MS_BIND, none);
    step(&format!("put the host's own {directory} in place"), bound)
}
