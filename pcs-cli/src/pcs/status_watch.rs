//! `--watch`: a state that is shown again when it has changed, until somebody ends it.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use super::context::{Cli, Context, Failure, fail};

/// How often it is looked when nothing tells of a change.
const PAUSE: Duration = Duration::from_secs(2);

/// A cluster where much happens would keep the terminal busy with nothing else.
const AT_LEAST: Duration = Duration::from_millis(200);

/// Back to the corner; what is left of a former, longer screen is taken away behind each line.
const HOME: &str = "\u{1b}[H";
const END_OF_LINE: &str = "\u{1b}[K";
const END_OF_SCREEN: &str = "\u{1b}[J";

/// Returns how often is to be looked; none without `--watch`.
pub(crate) fn pause(context: &Context) -> Cli<Option<Duration>> {
    if !context.has("--watch") {
        return Ok(None);
    }
    match context.arguments.value("--watch") {
        None => Ok(Some(PAUSE)),
        Some(text) => match pcs::options::seconds(text).filter(|seconds| *seconds > 0) {
            Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
            None => fail(format!("'{text}' is not a valid number of seconds to wait")),
        },
    }
}

/// Shows it again and again. It ends when nobody reads it any more.
pub(crate) fn run(
    context: &mut Context,
    pause: Duration,
    show: &mut dyn FnMut(&mut Context) -> Cli,
) -> Cli {
    let terminal = std::io::stdout().is_terminal();
    let mut former = None;
    loop {
        let shown = show(context);
        if let Err(failure) = shown {
            // a cluster that is not there now may come back
            context.stdout.clear();
            match failure {
                Failure::Text(text) => context.print(&format!("Error: {text}")),
                other => return Err(other),
            }
            context.disconnect();
        }
        let text = std::mem::take(&mut context.stdout);
        if former.as_ref() != Some(&text) {
            context.stdout = if terminal {
                format!("{HOME}{}{END_OF_SCREEN}", text.replace('\n', &format!("{END_OF_LINE}\n")))
            } else if former.is_some() {
                format!("\n{text}")
            } else {
                text.clone()
            };
            if !context.flush() {
                return Err(Failure::Exit(0));
            }
            former = Some(text);
        } else if !terminal && std::io::stdout().lock().flush().is_err() {
            return Err(Failure::Exit(0));
        }
        wait(context, pause);
    }
}

fn wait(context: &mut Context, pause: Duration) {
    let least = AT_LEAST.min(pause);
    sleep(least);
    let rest = pause.saturating_sub(least);
    let told =
        context.is_live() && context.live().is_ok_and(|live| live.wait_for_event(rest).is_ok());
    if !told {
        sleep(rest);
    }
}

/// Sleeps in the kernel; nothing else is to be done meanwhile.
fn sleep(time: Duration) {
    let time = rustix::event::Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    // a signal that is not deadly only ends the pause early
    let _early = rustix::event::poll(&mut [], Some(&time));
}
