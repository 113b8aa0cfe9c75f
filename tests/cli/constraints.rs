//! Constraints.

use crate::home::Home;

fn two() -> Home {
    let home = Home::new();
    home.quietly(&[
        "resource create A ocf:test:Address ip=10.0.0.1",
        "resource create B ocf:test:Address ip=10.0.0.2",
    ]);
    home
}

#[test]
fn every_kind_is_shown_in_words() {
    let home = two();
    home.pcs("constraint location A prefers ser1=50");
    home.pcs("constraint order A then B");
    home.quietly(&["constraint colocation add B with A score=100"]);
    assert_eq!(home.pcs("constraint ticket add T A loss-policy=stop"), "");
    assert_eq!(home.pcs("constraint location B rule score=7 #uname~eq~ser2"), "");
    assert_eq!(
        home.pcs("constraint --full"),
        "Location Constraints:
  resource 'A' prefers node 'ser1' with score 50 (id: location-A-ser1-50)
  resource 'B' (id: location-B)
    Rules:
      Rule: boolean-op=and score=7 (id: location-B-rule)
        Expression: #uname eq ser2 (id: location-B-rule-expr)
Colocation Constraints:
  resource 'B' with resource 'A' (id: colocation-B-A-100)
    score=100
Order Constraints:
  start resource 'A' then start resource 'B' (id: order-A-B-mandatory)
Ticket Constraints:
  resource 'A' depends on ticket 'T' (id: ticket-T-A)
    loss-policy=stop
"
    );
}

#[test]
fn an_order_says_what_it_adds() {
    let home = two();
    assert_eq!(
        home.pcs("constraint order stop A then start B kind=Serialize"),
        "Adding A B (kind: Serialize) (Options: first-action=stop then-action=start)\n"
    );
    assert_eq!(
        home.pcs("constraint order stop A then start B"),
        "Error: duplicate constraint already exists, use --force to override
  stop A then start B (kind:Serialize) (id:order-A-B-Serialize)
exit 1
"
    );
}

#[test]
fn a_rule_that_makes_no_sense_is_shown_where_it_stops_to() {
    let home = two();
    assert_eq!(
        home.pcs("constraint location A rule rack~eq"),
        "Error: 'rack eq' is not a valid rule expression, parse error near or after line 1 column 8
  rack eq
  -------^
Error: Errors have occurred, therefore pcs is unable to continue
exit 1
"
    );
}

#[test]
fn what_the_schema_refuses_is_not_written() {
    let home = two();
    let before = home.document();
    assert_eq!(
        home.pcs("constraint colocation add A with B bogus=1"),
        "Error: Unable to update cib\nCall failed: Update does not conform to the configured schema\n\nexit 1\n"
    );
    assert_eq!(home.document(), before);
}
