//! Getting into a lab: the program starts itself again inside fresh namespaces.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

/// Set inside a lab, so that the program knows it need not enter again.
pub const INSIDE: &str = "SYSTOLE_LAB";

/// Tells whether this process already lives in a lab.
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Tells whether this process is the superuser of its host.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Why a lab cannot be had here; the text names what is missing and how to get it.
#[derive(Debug, thiserror::Error)]
pub enum CannotEnter {
    /// A program of util-linux or iproute2 is missing.
    #[error("`{program}` is not installed; on Debian: apt-get install {package}")]
    NoProgram { program: &'static str, package: &'static str },
    /// The kernel refuses namespaces to this user.
    #[error(
        "this machine gives an ordinary user no namespaces ({reason}); run as root, or allow \
         them: sysctl kernel.unprivileged_userns_clone=1"
    )]
    NoNamespaces { reason: String },
}

/// Checks that the programs are there and that namespaces are to be had.
///
/// # Errors
/// What is missing, and how to get it.
pub fn check() -> Result<(), CannotEnter> {
    for (program, package) in [
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("mount", "mount"),
        ("ip", "iproute2"),
    ] {
        if find_program(program).is_none() {
            return Err(CannotEnter::NoProgram { program, package });
        }
    }
    let tried = unshare(Path::new("/bin/true"), &[]).output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(CannotEnter::NoNamespaces {
            reason: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
        Err(error) => Err(CannotEnter::NoNamespaces { reason: error.to_string() }),
    }
}

/// Finds a program in PATH or the system directories an ordinary user's PATH may lack.
pub fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(Into::into))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

fn unshare(program: &Path, arguments: &[OsString]) -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args(["--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"])
        .arg("--mount-proc")
        // a shell as the first process reaps what nobody else waits for: without that, hosts whose
        // processes were adopted could never end
        .args(["sh", "-c", "\"$@\"; exit $?", "lab"])
        .arg(program)
        .args(arguments);
    command
}

/// Names the directory for the hosts' disks to the program inside.
pub const DIRECTORY: &str = "SYSTOLE_LAB_DIRECTORY";

/// Returns the directory for the hosts' disks; it is removed when the lab has ended.
pub fn directory() -> std::path::PathBuf {
    std::env::var_os(DIRECTORY).map_or_else(std::env::temp_dir, Into::into)
}

/// Runs a command of this program again in a new lab, as [`run_inside`] does.
///
/// # Errors
/// What kept it from that, in words.
pub(crate) fn run_command_inside(
    command: &str,
    arguments: &[OsString],
    keep_failed: bool,
) -> Result<ExitCode, String> {
    let entered = std::env::current_exe().and_then(|program| {
        let mut words = vec![OsString::from(command)];
        words.extend_from_slice(arguments);
        run_inside(&program, &words, keep_failed)
    });
    let status = entered.map_err(|error| format!("cannot make the lab: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a program (usually this one again) in a new lab and waits for it. When this process is
/// killed, the lab and all in it go with it. What the hosts wrote is kept only after a failure,
/// and only if `keep_failed`.
///
/// # Errors
/// `unshare` could not be started, or there is no place for the hosts' disks.
pub fn run_inside(
    program: &Path,
    arguments: &[OsString],
    keep_failed: bool,
) -> std::io::Result<ExitStatus> {
    let number = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let directory = std::env::temp_dir().join(format!("systole-lab-{number:x}"));
    std::fs::create_dir_all(&directory)?;
    let status = run_in(program, arguments, &directory);
    if !keep_failed || status.as_ref().is_ok_and(ExitStatus::success) {
        open_work_directories(&directory);
        std::fs::remove_dir_all(&directory)?;
    }
    status
}

/// overlayfs leaves a `work` directory that even its owner must open before it can be removed.
fn open_work_directories(directory: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let below = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    for host in below(directory) {
        for entry in below(&host.path()) {
            let work = entry.path().join("work");
            // what stays closed is named by the removal that follows
            let _opened = std::fs::set_permissions(&work, std::fs::Permissions::from_mode(0o700));
        }
    }
}

fn run_in(program: &Path, arguments: &[OsString], directory: &Path) -> std::io::Result<ExitStatus> {
    let mut command = unshare(program, arguments);
    command.env(DIRECTORY, directory);
    command.env(INSIDE, if is_root() { "root" } else { "user" });
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin:/usr/bin:/bin"));
    // Ctrl-C goes to the whole foreground group; the inner process cleans up, this one waits
    let mut child = command.process_group(0).spawn()?;
    let group = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap_or(0));
    let forward = signals_to(group)?;
    let status = child.wait();
    drop(forward);
    status
}

/// While alive, hands SIGINT and SIGTERM on to a group as SIGINT, so that Ctrl-C ends a lab in order.
#[derive(Debug)]
struct Forward {
    /// What was blocked before: the next lab's processes would inherit what is blocked now.
    former: nix::sys::signal::SigSet,
    stop: Option<std::sync::mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
        // fails for a malformed set only, and this one came from the kernel
        let _restored = self.former.thread_set_mask();
    }
}

fn signals_to(group: nix::unistd::Pid) -> std::io::Result<Forward> {
    use nix::sys::signal::{SigSet, Signal, killpg};
    use nix::sys::signalfd::{SfdFlags, SignalFd};
    let mut set = SigSet::empty();
    set.add(Signal::SIGINT);
    set.add(Signal::SIGTERM);
    let former = SigSet::thread_get_mask()?;
    set.thread_block()?;
    let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK)?;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        loop {
            match stopped.recv_timeout(std::time::Duration::from_millis(100)) {
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                _ => return,
            }
            if let Ok(Some(_signal)) = signals.read_signal() {
                // the group may be gone already
                let _sent = killpg(group, Signal::SIGINT);
            }
        }
    });
    Ok(Forward { former, stop: Some(stop), thread: Some(thread) })
}
