//! `sim --seeds N --steps M`: runs seeds until all are done, and prints for each that failed the one
//! line that runs it again.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command line")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sim::{Order, Protection, run};

const USAGE: &str = "\
Usage: sim [--seeds N | --seed S] [--first S] [--steps M] [--trace] [--break NAME] [--stop]

  --seeds N      run N seeds (default 100), beginning with --first (default 1)
  --seed S       run one seed
  --steps M      steps with faults, 40 simulated milliseconds each (default 1000)
  --trace        print the event log
  --break NAME   remove a protection on purpose: authority, persistence, taking-up, adoption,
                 proof, boot-id
  --stop         stop at the first failure";

struct Arguments {
    first: u64,
    count: u64,
    steps: u64,
    trace: bool,
    stop: bool,
    removed: Option<(String, Protection)>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments =
        Arguments { first: 1, count: 100, steps: 1000, trace: false, stop: false, removed: None };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| {
            text.parse::<u64>().map_err(|_not_a_number| format!("{text} is not a number"))
        };
        match word.as_str() {
            "--seeds" => arguments.count = number(value()?)?,
            "--first" => arguments.first = number(value()?)?,
            "--seed" => {
                arguments.first = number(value()?)?;
                arguments.count = 1;
            }
            "--steps" => arguments.steps = number(value()?)?,
            "--trace" => arguments.trace = true,
            "--stop" => arguments.stop = true,
            "--break" => {
                let name = value()?;
                let protection = Protection::named(&name).ok_or_else(|| {
                    let known: Vec<&str> = Protection::ALL.iter().map(|(name, _)| *name).collect();
                    format!("no protection is called {name}; there are {}", known.join(", "))
                })?;
                arguments.removed = Some((name, protection));
            }
            _ => return Err(format!("unknown argument {word}\n\n{USAGE}")),
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("sim: {why}");
            return ExitCode::from(64);
        }
    };
    // a panic in a core is reported as the seed's failure
    if !arguments.trace {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let totals = Mutex::new((0_u64, 0_u64, 0_usize, 0_u64));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= arguments.count {
                return;
            }
            let seed = arguments.first + at;
            let removed = arguments.removed.as_ref().map(|(_, protection)| *protection);
            let order = Order { seed, steps: arguments.steps, removed, trace: arguments.trace };
            let report = run(order);
            for line in &report.trace {
                println!("{line}");
            }
            if let Ok(mut totals) = totals.lock() {
                totals.0 += report.events;
                totals.1 += report.plans;
                totals.2 += report.writes;
                totals.3 = totals.3.max(report.settled_ms);
            }
            let Some(why) = report.failure else { continue };
            let flag = arguments.removed.as_ref().map(|(name, _)| format!(" --break {name}"));
            println!(
                "FAILED: {why}\n  cargo run --release --bin sim -- --seed {seed} --steps {}{}",
                arguments.steps,
                flag.unwrap_or_default()
            );
            if let Ok(mut failures) = failures.lock() {
                failures.push(seed);
            }
            if arguments.stop {
                next.store(arguments.count, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failed = failures.lock().map_or(1, |failures| failures.len());
    let (events, plans, writes, slowest) = totals.lock().map_or((0, 0, 0, 0), |totals| *totals);
    println!(
        "{} seeds of {} steps: {failed} failed; {events} events, {plans} plans, {writes} writes \
         acknowledged, slowest to settle {slowest} ms; took {:.1} s",
        arguments.count,
        arguments.steps,
        began.elapsed().as_secs_f64()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
