//! Rules that say what cannot be, each as an installed pcs judges them (`tests/beside`).

use crate::borderline::refused;
use crate::home::Home;

const CLOSING: &str = "Error: Errors have occurred, therefore pcs is unable to continue";

fn no_rule(rule: &str, column: usize) -> String {
    let mark = format!("{}^", "-".repeat(column - 1));
    format!(
        "Error: '{rule}' is not a valid rule expression, parse error near or after line 1 column {column}\n  {rule}\n  {mark}"
    )
}

#[test]
fn what_a_rule_says_must_be_possible() {
    let home = Home::new();
    let parts = "'hours', 'monthdays', 'months', 'moon', 'weekdays', 'weeks', 'weekyears', 'years', 'yearsdays'";
    for (rule, text) in [
        ("date gt 2026-02-30", "Error: '2026-02-30' is not a valid date value, use ISO 8601 date"),
        (
            "date in_range 2026-01-01 to 2025-01-01",
            "Error: Since '2026-01-01' is not sooner than until '2025-01-01'",
        ),
        (
            "date in_range 2026-01-01 to duration hours=0 months=x",
            "Error: '0' is not a valid hours value, use a positive integer\nError: 'x' is not a valid months value, use a positive integer",
        ),
        ("date-spec hours=99", "Error: '99' is not a valid hours value, use 0..23 or 0..22-1..23"),
        (
            "date-spec years=2026-",
            "Error: '2026-' is not a valid years value, use an integer or integer-integer",
        ),
        (
            "date-spec bogus=1 hours=24 hours=16-9",
            &format!(
                "Error: '16-9' is not a valid hours value, use 0..23 or 0..22-1..23\nError: invalid datespec option 'bogus', allowed options are: {parts}\nError: Duplicate options in a single (sub)expression: 'hours'"
            ),
        ),
        ("a eq integer 1.5", "Error: '1.5' is not a valid integer attribute value, use an integer"),
        (
            "a eq number inf",
            "Error: 'inf' is not a valid number attribute value, use a floating-point number",
        ),
        (
            "a eq version 1.",
            "Error: '1.' is not a valid version attribute value, use a version number (e.g. 1, 1.2, 1.23.45, ...)",
        ),
        ("defined a and", &no_rule("defined a and", 11)),
        ("resource systemd:foo", &no_rule("resource systemd:foo", 10)),
        ("op monitor interval=x", &no_rule("op monitor interval=x", 12)),
        ("a eq string", &no_rule("a eq string", 12)),
    ] {
        let line = format!(
            "resource op defaults set create meta timeout=5s rule {}",
            rule.replace(' ', "~")
        );
        refused(&home, &[(&line, &format!("{text}\n{CLOSING}"))]);
    }
}

#[test]
fn keywords_of_rules_have_no_case_and_bind_from_the_left() {
    let home = Home::new();
    home.pcs(
        "resource op defaults set create id=S meta timeout=5s rule DEFINED~a~Or~date-spec~hours=9-16~AND~b~EQ~INTEGER~5",
    );
    assert_eq!(
        home.pcs("resource op defaults config"),
        "Meta Attrs: S
  timeout=5s
  Rule: boolean-op=and
    Rule: boolean-op=or
      Expression: defined a
      Expression:
        Date Spec: hours=9-16
    Expression: b eq integer 5
"
    );
}

#[test]
fn a_constraint_is_judged_by_the_same_rules() {
    let home = Home::new();
    home.pcs("resource create A ocf:test:Address ip=10.0.0.1");
    refused(
        &home,
        &[(
            "constraint location A rule date-spec~weekdays=8",
            "Error: '8' is not a valid weekdays value, use 1..7 or 1..6-2..7\nError: Errors have occurred, therefore pcs is unable to continue",
        )],
    );
}
