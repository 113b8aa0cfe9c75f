//! Running a child without tokio: for the tiny runner that outlives its daemon.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::capture::Captured;
use crate::group;
use crate::program::{Ending, Finished, Limits, Program};

/// Runs a program to its end or its deadline; SIGTERM to the caller ends it early. `began` is
/// told the process id as soon as there is one.
///
/// Blocks SIGTERM for the calling thread from then on.
pub fn keep(program: &Program, limits: &Limits, began: impl FnOnce(u32)) -> Finished {
    let started = Instant::now();
    match start(program) {
        Ok((child, pipes)) => {
            let leader = child.id();
            let ended = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
            let signals = signals();
            began(leader);
            let mut keeper = Keeper { child, ended, pipes, signals, limits: *limits, started };
            let ending = match keeper.until_end() {
                Ok(ending) => ending,
                Err(error) => {
                    group::signal(leader, Signal::SIGKILL);
                    Ending::not_started(&error)
                }
            };
            for pipe in &mut keeper.pipes {
                pipe.read_available(limits.output_max);
            }
            let [stdout, stderr] = keeper.pipes;
            let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            Finished { ending, stdout: stdout.captured, stderr: stderr.captured, elapsed_ms }
        }
        Err(error) => Finished::not_started(&error),
    }
}

/// The child inherits its parent's signal mask, so this is blocked only once it runs.
fn signals() -> io::Result<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTERM);
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

fn start(program: &Program) -> io::Result<(Child, [Pipe; 2])> {
    let (out_reader, out_writer) = io::pipe()?;
    let (err_reader, err_writer) = io::pipe()?;
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(out_writer)
        .stderr(err_writer)
        .process_group(0);
    let child = command.spawn()?;
    drop(command);
    let out_reader: OwnedFd = out_reader.into();
    let err_reader: OwnedFd = err_reader.into();
    Ok((child, [Pipe::new(out_reader.into())?, Pipe::new(err_reader.into())?]))
}

struct Pipe {
    file: Option<File>,
    captured: Captured,
}

impl Pipe {
    fn new(file: File) -> io::Result<Self> {
        fcntl(file.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self { file: Some(file), captured: Captured::default() })
    }

    fn read_available(&mut self, output_max: usize) {
        /// A pipe holds 64 KiB; more than that in one go is for the next round.
        const READS_MAX: usize = 16;
        let mut buffer = [0; 8192];
        for _ in 0..READS_MAX {
            let Some(file) = &mut self.file else { return };
            match file.read(&mut buffer) {
                Ok(0) => self.file = None,
                Ok(count) => {
                    self.captured.add(buffer.get(..count).unwrap_or_default(), output_max);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.file = None,
            }
        }
    }
}

struct Keeper {
    child: Child,
    /// Readable once the child has ended. (SIGCHLD may be lost to another thread.)
    ended: Option<OwnedFd>,
    pipes: [Pipe; 2],
    signals: io::Result<SignalFd>,
    limits: Limits,
    started: Instant,
}

impl Keeper {
    fn until_end(&mut self) -> io::Result<Ending> {
        let leader = self.child.id();
        let mut why = None;
        let mut act_at = self.started + self.limits.bounded_timeout();
        loop {
            if let Some(status) = self.child.try_wait()? {
                if let Some(why) = why {
                    group::signal(leader, Signal::SIGKILL);
                    return Ok(why);
                }
                return Ok(Ending::from_status(status));
            }
            let wants_end = self.wait_until(act_at)?;
            let now = Instant::now();
            if wants_end && why.is_none() {
                why = Some(Ending::Stopped);
                group::signal(leader, Signal::SIGTERM);
                act_at = now + self.limits.grace;
            } else if now >= act_at && why.is_none() {
                why = Some(Ending::TimedOut);
                group::signal(leader, Signal::SIGTERM);
                act_at = now + self.limits.grace;
            } else if now >= act_at {
                group::signal(leader, Signal::SIGKILL);
                act_at = now + Duration::from_secs(1);
            }
        }
    }

    /// Reads output until something else happens or the time comes; tells whether TERM came.
    fn wait_until(&mut self, at: Instant) -> io::Result<bool> {
        let left = at.saturating_duration_since(Instant::now()).as_millis().saturating_add(1);
        // Without one of them (no memory for a descriptor) a look at the child every 10 ms has to do.
        let most = if self.signals.is_ok() && self.ended.is_some() { 60_000 } else { 10 };
        let timeout = PollTimeout::from(u16::try_from(left.min(most)).unwrap_or(u16::MAX));
        let mut descriptors: Vec<PollFd<'_>> = Vec::with_capacity(4);
        if let Some(ended) = &self.ended {
            descriptors.push(PollFd::new(ended.as_fd(), PollFlags::POLLIN));
        }
        if let Ok(signals) = &self.signals {
            descriptors.push(PollFd::new(signals.as_fd(), PollFlags::POLLIN));
        }
        for pipe in &self.pipes {
            if let Some(file) = &pipe.file {
                descriptors.push(PollFd::new(file.as_fd(), PollFlags::POLLIN));
            }
        }
        match poll(&mut descriptors, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        drop(descriptors);
        for pipe in &mut self.pipes {
            pipe.read_available(self.limits.output_max);
        }
        let mut wants_end = false;
        if let Ok(signals) = &mut self.signals {
            while let Some(signal) = signals.read_signal()? {
                wants_end |= i32::try_from(signal.ssi_signo) == Ok(Signal::SIGTERM as i32);
            }
        }
        Ok(wants_end)
    }
}

/// Tells whether a process of this id and start time (in ticks since boot) is alive.
pub fn is_alive(pid: u32, start_ticks: u64) -> bool {
    self::start_ticks(pid) == Some(start_ticks)
}

/// Returns when a process started, in ticks since boot: with its id this names it for good.
/// A process that has ended but was not collected yet counts as gone.
pub fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if matches!(fields.next(), Some("Z" | "X") | None) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Sends TERM to a single process (a runner, which passes it on to its agent).
pub fn terminate(pid: u32) {
    if let Ok(pid) = i32::try_from(pid)
        && pid > 1
        && let Err(error) = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM)
    {
        tracing::debug!(pid, %error, "a process could not be signalled");
    }
}

/// Kills the process group of a leader whose keeper is gone.
pub fn kill_group(leader: u32) {
    group::signal(leader, Signal::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program {
            path: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            stdin: Vec::new(),
        }
    }

    fn limits(timeout_ms: u64) -> Limits {
        Limits {
            timeout: Duration::from_millis(timeout_ms),
            grace: Duration::from_millis(200),
            output_max: 4096,
        }
    }

    #[test]
    fn status_and_output_are_captured() {
        let mut pid = 0;
        let finished = keep(&shell("echo out; echo err >&2; exit 5"), &limits(60_000), |p| pid = p);
        assert_eq!(finished.ending, Ending::Exited(5));
        assert_eq!(
            (finished.stdout.text(), finished.stderr.text()),
            ("out\n".into(), "err\n".into())
        );
        assert!(pid > 1);
    }

    #[test]
    fn at_the_deadline_the_group_dies_and_the_child_takes_term_as_usual() {
        let finished =
            keep(&shell("trap 'echo bye; exit 0' TERM; sleep 600 & wait"), &limits(2_000), |_| ());
        assert_eq!(finished.ending, Ending::TimedOut);
        assert_eq!(finished.stdout.text(), "bye\n");
    }

    #[test]
    fn the_end_of_a_child_that_closed_its_output_is_noticed() {
        let quiet = shell("exec >&- 2>&-; sleep 0.2; exit 5");
        assert_eq!(keep(&quiet, &limits(30_000), |_| ()).ending, Ending::Exited(5));
    }

    #[test]
    fn a_daemon_left_behind_is_not_waited_for() {
        let finished = keep(&shell("sleep 600 & echo $!"), &limits(60_000), |_| ());
        assert_eq!(finished.ending, Ending::Exited(0));
        let daemon = finished.stdout.text().trim().parse().unwrap();
        let daemon = nix::unistd::Pid::from_raw(daemon);
        nix::sys::signal::kill(daemon, nix::sys::signal::Signal::SIGKILL).expect("it lives");
    }

    #[test]
    fn a_process_is_known_by_its_start_time() {
        let pid = std::process::id();
        let ticks = start_ticks(pid).unwrap();
        assert!(is_alive(pid, ticks));
        assert!(!is_alive(pid, ticks + 1));
        assert!(!is_alive(u32::MAX, 1));
    }
}
