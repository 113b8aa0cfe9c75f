//! The policy engine in a process of its own: warm, bounded in time, and free to die.
//!
//! A frame is a 4-byte big-endian length and that many bytes. A question is one frame of JSON
//! ([`Question`]) and one of XML; an answer is one frame of JSON ([`Answer`]).

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A document of 10 MB with as much status makes a frame of some 20 MB; more is a broken peer.
const FRAME_MAX: usize = 256 << 20;

/// How long one plan may take, whatever it is for: also on a machine that is busy with something
/// else a small one is made in far less.
const PLAN_TIME_MIN: Duration = Duration::from_secs(10);

/// What a plan may take longer for each mebibyte of its input. 32 nodes with 5,000 resources make
/// some 10 MiB and need a few seconds.
const PLAN_TIME_PER_MIB: Duration = Duration::from_secs(4);

/// Returns the time after which the engine is taken to hang on an input: meanwhile nothing else is
/// planned, so it is no longer than it must be.
fn patience(document_bytes: usize) -> Duration {
    let mebibytes = u32::try_from(document_bytes >> 20).unwrap_or(u32::MAX);
    PLAN_TIME_MIN + PLAN_TIME_PER_MIB.saturating_mul(mebibytes)
}

/// What goes with the document.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    now_ms: i64,
}

/// What the engine made of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The transition graph as XML.
    pub graph: String,
    /// The report as JSON (`pengine::Report`).
    pub report: serde_json::Value,
    /// What the plan checker objected to; empty for a plan that may be executed.
    pub objections: Vec<String>,
}

/// Why there is no plan. In each case nothing is executed and nobody is fenced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The child could not be started.
    #[error("failed to start the policy engine `{program}`")]
    Start {
        program: String,
        #[source]
        source: std::io::Error,
    },
    /// The child died, or closed its pipe, on this input.
    #[error("the policy engine died on this input")]
    Died(#[source] std::io::Error),
    /// The child did not answer.
    #[error("the policy engine gave no plan within {} s", .0.as_secs())]
    Late(Duration),
    /// The child answered something else.
    #[error("the policy engine's answer makes no sense")]
    Nonsense(#[from] serde_json::Error),
}

/// The warm child.
#[derive(Debug)]
pub(crate) struct Engine {
    program: std::path::PathBuf,
    arguments: Vec<String>,
    patience: fn(usize) -> Duration,
    running: Option<(Child, ChildStdin, ChildStdout)>,
}

impl Engine {
    /// Makes an engine whose child is started by the first plan, or by [`Engine::warm`].
    pub(crate) fn new(program: std::path::PathBuf) -> Self {
        Self { program, arguments: vec!["pengine".to_owned()], patience, running: None }
    }

    /// Starts the child, if it does not run, so that the first plan need not wait for that.
    pub(crate) fn warm(&mut self) -> Result<(), EngineError> {
        if let Some((child, ..)) = &mut self.running
            && matches!(child.try_wait(), Ok(None))
        {
            return Ok(());
        }
        let failed = |source| EngineError::Start {
            program: format!("{} pengine", self.program.display()),
            source,
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::Error::other("no pipe")));
        };
        self.running = Some((child, stdin, stdout));
        Ok(())
    }

    /// Asks for a plan. A child that dies may have been killed for what is not the input's fault (by
    /// a person, for want of memory), so a fresh one is asked once more before the input is blamed.
    pub(crate) async fn plan(
        &mut self,
        document: &str,
        now_ms: i64,
    ) -> Result<Answer, EngineError> {
        match self.try_plan(document, now_ms).await {
            Err(EngineError::Died(_)) => self.try_plan(document, now_ms).await,
            outcome => outcome,
        }
    }

    /// Asks once. After any failure the child is ended, and the next call starts another.
    async fn try_plan(&mut self, document: &str, now_ms: i64) -> Result<Answer, EngineError> {
        self.warm()?;
        let patience = (self.patience)(document.len());
        let answer = match &mut self.running {
            Some((_, stdin, stdout)) => {
                tokio::time::timeout(patience, ask(stdin, stdout, document, now_ms)).await
            }
            None => return Err(EngineError::Died(std::io::ErrorKind::BrokenPipe.into())),
        };
        let failure = match answer {
            Ok(Ok(bytes)) => match serde_json::from_slice(&bytes) {
                Ok(answer) => return Ok(answer),
                Err(error) => EngineError::Nonsense(error),
            },
            Ok(Err(error)) => EngineError::Died(error),
            Err(_elapsed) => EngineError::Late(patience),
        };
        // dropping the child kills it; the runtime reaps it
        self.running = None;
        Err(failure)
    }
}

async fn ask(
    stdin: &mut ChildStdin,
    stdout: &mut ChildStdout,
    document: &str,
    now_ms: i64,
) -> std::io::Result<Vec<u8>> {
    let question = serde_json::to_vec(&Question { now_ms }).map_err(std::io::Error::other)?;
    for frame in [&question[..], document.as_bytes()] {
        let length = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
        stdin.write_all(&length.to_be_bytes()).await?;
        stdin.write_all(frame).await?;
    }
    stdin.flush().await?;
    let mut length = [0; 4];
    stdout.read_exact(&mut length).await?;
    let length = frame_length(length)?;
    let mut answer = vec![0; length];
    stdout.read_exact(&mut answer).await?;
    Ok(answer)
}

fn frame_length(bytes: [u8; 4]) -> std::io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX);
    if length > FRAME_MAX {
        return Err(std::io::Error::other(format!("a frame of {length} bytes")));
    }
    Ok(length)
}

/// Serves plans on standard input and output until the pipe closes: `systole pengine`.
///
/// # Errors
/// A pipe that broke in the middle of a frame.
pub fn serve() -> std::io::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    loop {
        let mut length = [0; 4];
        match input.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(e) => return Err(e),
        }
        let question = read_frame(&mut input, length)?;
        input.read_exact(&mut length)?;
        let document = read_frame(&mut input, length)?;
        let answer = answer(&question, &document).map_err(std::io::Error::other)?;
        let answer = serde_json::to_vec(&answer).map_err(std::io::Error::other)?;
        let length = u32::try_from(answer.len()).map_err(std::io::Error::other)?;
        output.write_all(&length.to_be_bytes())?;
        output.write_all(&answer)?;
        output.flush()?;
    }
}

fn read_frame(input: &mut impl Read, length: [u8; 4]) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; frame_length(length)?];
    input.read_exact(&mut frame)?;
    Ok(frame)
}

/// Makes the plan.
fn answer(question: &[u8], document: &[u8]) -> Result<Answer, String> {
    let Question { now_ms } = serde_json::from_slice(question).map_err(|e| e.to_string())?;
    let text = std::str::from_utf8(document).map_err(|e| e.to_string())?;
    let input = cib::parse(text).map_err(|e| e.to_string())?;
    let options = pengine::Options {
        time_is_set: true,
        utc_offset: i64::from(exec::local_zone().to_offset(jiff::Timestamp::now()).seconds()),
        ..pengine::Options::default()
    };
    let plan = pengine::schedule(&input, model::WallTime(now_ms), &options);
    let status = pengine::status::read(&input, model::WallTime(now_ms), &options);
    let objections = pengine::check::objections(&status, &plan.graph);
    let report = serde_json::to_value(&plan.report).map_err(|e| e.to_string())?;
    Ok(Answer { graph: plan.graph.to_xml_compact(), report, objections })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An engine that is this script.
    fn engine(script: String) -> Engine {
        let arguments = vec!["-c".to_owned(), script];
        Engine { arguments, ..Engine::new("/bin/sh".into()) }
    }

    #[tokio::test]
    async fn an_engine_that_hangs_is_ended_and_another_one_asked_next_time() {
        let mut engine = engine("exec sleep 1000".to_owned());
        engine.patience = |_| Duration::from_millis(20);
        let failure = engine.plan("<cib/>", 0).await.unwrap_err();
        assert!(matches!(failure, EngineError::Late(_)), "{failure:?}");
        assert!(engine.running.is_none(), "the one that hangs is not asked again");
    }

    #[tokio::test]
    async fn an_engine_that_dies_is_asked_once_more_before_the_input_is_blamed() {
        let lives = std::env::temp_dir().join(format!("systole-lives-{}", std::process::id()));
        // it reads all of the question before it dies
        let script = format!("echo >> '{}'; head -c 20 > /dev/null; exit 1", lives.display());
        let failure = engine(script).plan("<cib/>", 0).await.unwrap_err();
        assert!(matches!(failure, EngineError::Died(_)), "{failure:?}");
        assert_eq!(std::fs::read_to_string(&lives).unwrap().lines().count(), 2);
        std::fs::remove_file(lives).unwrap();
    }

    #[test]
    fn a_large_document_may_take_longer() {
        assert_eq!(patience(1000), PLAN_TIME_MIN);
        assert_eq!(patience(10 << 20), PLAN_TIME_MIN + PLAN_TIME_PER_MIB * 10);
    }
}
