//! Running a child under tokio: never more than its time, its whole process group, no `pre_exec`
//! (fork of a large parent costs 50 times what `posix_spawn` does).

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::capture::Captured;
use crate::group;
use crate::program::{Ending, Finished, Limits, Program};

/// Runs a program to its end, its deadline or until `stop` completes, whatever comes first.
///
/// Children that it leaves behind are not waited for, also when they hold its outputs open.
pub async fn run(program: &Program, limits: &Limits, stop: impl Future<Output = ()>) -> Finished {
    let started = Instant::now();
    let (mut child, streams) = match spawn(program) {
        Ok(spawned) => spawned,
        Err(error) => return Finished::not_started(&error),
    };
    let mut watch = Watch { streams, output_max: limits.output_max, buffer: vec![0; 8192] };
    let ending = watch.until_end(&mut child, program, limits, started, stop).await;
    watch.streams.drain(limits.output_max);
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Streams { stdout, stderr, .. } = watch.streams;
    Finished { ending, stdout: stdout.captured, stderr: stderr.captured, elapsed_ms }
}

fn spawn(program: &Program) -> io::Result<(Child, Streams)> {
    let (out_reader, out_writer) = io::pipe()?;
    let (err_reader, err_writer) = io::pipe()?;
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(if program.stdin.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(out_writer)
        .stderr(err_writer)
        .process_group(0);
    let mut child = command.spawn()?;
    // The command holds our copies of the writing ends.
    drop(command);
    let stdin = child.stdin.take();
    let stdout = Stream::new(out_reader.into())?;
    let stderr = Stream::new(err_reader.into())?;
    Ok((child, Streams { stdin, stdout, stderr }))
}

struct Stream {
    /// `None` once the other side has closed it.
    pipe: Option<pipe::Receiver>,
    captured: Captured,
}

impl Stream {
    fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { pipe: Some(pipe::Receiver::from_owned_fd(fd)?), captured: Captured::default() })
    }

    async fn read(&mut self, buffer: &mut [u8], output_max: usize) {
        let Some(pipe) = &mut self.pipe else { return std::future::pending().await };
        match pipe.read(buffer).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => {
                self.captured.add(buffer.get(..count).unwrap_or_default(), output_max);
            }
        }
    }

    /// Takes what the pipe holds now and waits for nothing.
    fn drain(&mut self, output_max: usize) {
        /// A pipe holds 64 KiB; who writes faster than we read is not waited for.
        const READS_MAX: usize = 64;
        let Some(pipe) = &self.pipe else { return };
        let mut buffer = [0; 8192];
        for _ in 0..READS_MAX {
            match nix::unistd::read(pipe.as_fd(), &mut buffer) {
                Ok(count) if count > 0 => {
                    self.captured.add(buffer.get(..count).unwrap_or_default(), output_max);
                }
                Ok(_) | Err(_) => return,
            }
        }
    }
}

struct Streams {
    stdin: Option<tokio::process::ChildStdin>,
    stdout: Stream,
    stderr: Stream,
}

impl Streams {
    fn drain(&mut self, output_max: usize) {
        self.stdout.drain(output_max);
        self.stderr.drain(output_max);
    }
}

struct Watch {
    streams: Streams,
    output_max: usize,
    buffer: Vec<u8>,
}

impl Watch {
    async fn until_end(
        &mut self,
        child: &mut Child,
        program: &Program,
        limits: &Limits,
        started: Instant,
        stop: impl Future<Output = ()>,
    ) -> Ending {
        let Some(leader) = child.id() else { return Ending::Signalled(0) };
        tokio::pin!(stop);
        let mut why = None;
        let mut kill_at = started + limits.bounded_timeout();
        let mut second_buffer = vec![0; 8192];
        let mut fed = self.streams.stdin.is_none();
        let mut stdin = self.streams.stdin.take();
        loop {
            tokio::select! {
                () = self.streams.stdout.read(&mut self.buffer, self.output_max) => {}
                () = self.streams.stderr.read(&mut second_buffer, self.output_max) => {}
                () = feed(&mut stdin, &program.stdin), if !fed => {
                    fed = true;
                    stdin = None;
                }
                status = child.wait() => {
                    if let Some(why) = why {
                        // What the leader left of its group has had its time as well.
                        group::signal(leader, Signal::SIGKILL);
                        return why;
                    }
                    return match status {
                        Ok(status) => Ending::from_status(status),
                        Err(error) => Ending::not_started(&error),
                    };
                }
                () = tokio::time::sleep_until(kill_at) => {
                    if why.is_none() {
                        why = Some(Ending::TimedOut);
                        group::signal(leader, Signal::SIGTERM);
                        kill_at = Instant::now() + limits.grace;
                    } else {
                        group::signal(leader, Signal::SIGKILL);
                        kill_at = Instant::now() + Duration::from_secs(1);
                    }
                }
                () = &mut stop, if why.is_none() => {
                    why = Some(Ending::Stopped);
                    group::signal(leader, Signal::SIGTERM);
                    kill_at = Instant::now() + limits.grace;
                }
            }
        }
    }
}

/// Writes the input. A child that does not read it all is no error.
async fn feed(stdin: &mut Option<tokio::process::ChildStdin>, input: &[u8]) {
    if let Some(stdin) = stdin
        && let Err(error) = stdin.write_all(input).await
    {
        tracing::debug!(%error, "a child did not read its input");
    }
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

    /// Ends what a program left behind, which must still be there.
    fn end_of(daemon: &str) {
        let pid = nix::unistd::Pid::from_raw(daemon.parse().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it lives");
    }

    async fn run_script(script: &str, timeout_ms: u64) -> Finished {
        run(&shell(script), &limits(timeout_ms), std::future::pending()).await
    }

    #[tokio::test]
    async fn status_and_output_are_captured() {
        let finished =
            run_script("echo out; echo ocf-exit-reason:because >&2; exit 7", 60_000).await;
        assert_eq!(finished.ending, Ending::Exited(7));
        assert_eq!(finished.stdout.text(), "out\n");
        assert_eq!(finished.exit_reason().as_deref(), Some("because"));
    }

    #[tokio::test]
    async fn the_environment_is_exactly_what_was_given() {
        let finished =
            run_script("/usr/bin/env | grep -v -e ^PWD= -e ^SHLVL= -e ^_=", 60_000).await;
        assert_eq!(finished.stdout.text(), "PATH=/usr/bin:/bin\n");
    }

    #[tokio::test]
    async fn input_is_fed_and_a_child_that_ignores_it_is_fine() {
        let mut program = shell("cat");
        program.stdin = b"a=1\nb=2\n".to_vec();
        let finished = run(&program, &limits(60_000), std::future::pending()).await;
        assert_eq!(finished.stdout.text(), "a=1\nb=2\n");
        let mut program = shell("exit 3");
        program.stdin = vec![b'x'; 1_000_000];
        let finished = run(&program, &limits(60_000), std::future::pending()).await;
        assert_eq!(finished.ending, Ending::Exited(3));
    }

    #[tokio::test]
    async fn at_the_deadline_the_whole_group_dies_also_what_ignores_term() {
        let script = "trap '' TERM; sh -c 'trap \"\" TERM; sleep 600 & echo $!; wait' & wait";
        let finished = run_script(script, 300).await;
        assert_eq!(finished.ending, Ending::TimedOut);
        assert!(finished.elapsed_ms >= 500, "{}", finished.elapsed_ms);
        let sleeper = finished.stdout.text().trim().to_owned();
        let alive = std::fs::read_to_string(format!("/proc/{sleeper}/cmdline"));
        assert!(!alive.is_ok_and(|line| line.contains("sleep")), "{sleeper} lives on");
    }

    #[tokio::test]
    async fn a_daemon_left_behind_is_neither_waited_for_nor_killed() {
        let finished = run_script("sleep 600 & echo $!", 60_000).await;
        assert_eq!(finished.ending, Ending::Exited(0));
        end_of(finished.stdout.text().trim());
    }

    #[tokio::test]
    async fn all_output_written_before_the_end_is_there() {
        for _ in 0..20 {
            let script = "sleep 600 & echo $! >&2; head -c 3000 /dev/zero | tr '\\0' x";
            let finished = run_script(script, 60_000).await;
            end_of(finished.stderr.text().trim());
            assert_eq!(finished.stdout.text().len(), 3000);
        }
    }

    #[tokio::test]
    async fn output_beyond_all_measure_is_cut() {
        let finished = run_script("yes | head -c 3000000", 60_000).await;
        let text = finished.stdout.text();
        assert!(text.len() < 4200 && text.contains("bytes left out"), "{}", text.len());
    }

    #[tokio::test]
    async fn a_caller_can_stop_it() {
        let stop = tokio::time::sleep(Duration::from_millis(100));
        let finished = run(&shell("sleep 600"), &limits(60_000), stop).await;
        assert_eq!(finished.ending, Ending::Stopped);
    }

    #[tokio::test]
    async fn what_cannot_start_says_why() {
        let program = Program { path: "/no/such/agent".into(), ..Program::default() };
        let finished = run(&program, &limits(1_000), std::future::pending()).await;
        assert!(
            matches!(finished.ending, Ending::NotStarted { errno: 2, .. }),
            "{:?}",
            finished.ending
        );
    }

    #[tokio::test]
    async fn a_timeout_beyond_all_clocks_is_fine() {
        let limits = Limits::within(Duration::from_millis(u64::MAX));
        let finished = run(&shell("exit 0"), &limits, std::future::pending()).await;
        assert_eq!(finished.ending, Ending::Exited(0));
    }

    #[tokio::test]
    async fn death_by_a_signal_is_told() {
        let finished = run_script("kill -SEGV $$", 60_000).await;
        assert_eq!(finished.ending, Ending::Signalled(11));
    }
}
