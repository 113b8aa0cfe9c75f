//! A few seeds of the simulator: the cluster is safe and becomes whole, runs repeat themselves to
//! the letter, and the invariants notice when a protection is missing. Many more seeds:
//! `cargo run --release --bin sim -- --seeds 2000 --steps 1000`.

use sim::{Order, Protection, run};

fn order(seed: u64, steps: u64) -> Order {
    Order { seed, steps, removed: None, trace: false }
}

#[test]
fn some_clusters_are_safe_under_faults_and_whole_after_them() {
    for seed in 1..=40 {
        let report = run(order(seed, 400));
        assert_eq!(
            report.failure, None,
            "cargo run --release --bin sim -- --seed {seed} --steps 400 --trace"
        );
    }
}

#[test]
fn what_failed_once_does_not_fail_again() {
    for line in include_str!("../regressions.txt").lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace().map(|word| word.parse::<u64>().expect("a number"));
        let (Some(seed), Some(steps)) = (words.next(), words.next()) else { continue };
        let report = run(order(seed, steps));
        assert_eq!(
            report.failure, None,
            "cargo run --release --bin sim -- --seed {seed} --steps {steps} --trace"
        );
    }
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in [3, 7, 11] {
        let traced = Order { trace: true, ..order(seed, 300) };
        let (one, other) = (run(traced), run(traced));
        assert_eq!(one.events, other.events);
        let differs = one.trace.iter().zip(&other.trace).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert!(one.trace.len() > 300 && one.trace.len() == other.trace.len());
    }
}

/// Seeds within which a missing protection must be noticed.
const NOTICED_WITHIN: u64 = 400;

fn is_noticed(removed: Protection) -> bool {
    (1..=NOTICED_WITHIN).any(|seed| {
        let report = run(Order { removed: Some(removed), ..order(seed, 500) });
        report.failure.is_some()
    })
}

#[test]
fn late_commands_let_in_by_the_hands_are_noticed() {
    assert!(is_noticed(Protection::Authority));
}

#[test]
fn a_log_that_answers_before_it_has_written_is_noticed() {
    assert!(is_noticed(Protection::Persistence));
}

#[test]
fn a_fence_device_that_lies_is_noticed() {
    assert!(is_noticed(Protection::Proof));
}

#[test]
fn operations_under_way_that_no_new_dc_hears_of_are_noticed() {
    assert!(is_noticed(Protection::Adoption));
}

#[test]
fn hands_that_forget_what_runs_under_runners_are_noticed() {
    assert!(is_noticed(Protection::TakingUp));
}
