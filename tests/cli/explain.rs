//! `pcs resource explain`, on a file and on a saved input.

use crate::home::Home;

const STATUS: &str = r#"<status>
<node_state id="1" uname="ser1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
<lrm_resource id="IP" class="ocf" provider="test" type="Address"><lrm_rsc_op id="IP_last_0" operation="start"
operation_key="IP_start_0" call-id="2" rc-code="0" op-status="0" interval="0" exec-time="1500" op-digest="ba6a72f3ccfb84f58fad1ff6a1d34598" transition-key="1:1:0:u"
transition-magic="0:0;1:1:0:u"/></lrm_resource></lrm_resources></lrm></node_state>
<node_state id="2" uname="ser2" in_ccm="true" crmd="online" join="member" expected="member"/></status>"#;

/// Two nodes that are online, and an address that runs on the first.
fn running() -> Home {
    let home = Home::new();
    home.quietly(&[
        "resource create IP ocf:test:Address ip=10.0.0.1",
        "resource meta IP resource-stickiness=100",
    ]);
    home.pcs("constraint location IP prefers ser2=30");
    home.put(&home.document().replace("<status/>", STATUS));
    home
}

#[test]
fn scores_have_parts_and_the_winner_a_lead() {
    let home = running();
    assert_eq!(
        home.pcs("resource explain IP"),
        "Resource: IP, started on ser1
  Scores:
    ser1: 100
      +100  resource-stickiness: it runs here
    ser2: 30
       +30  location constraint location-IP-ser2-30
  Chosen: ser1, by 70 over ser2
  Nothing is to be done: it is where it should be
"
    );
}

#[test]
fn a_move_and_a_stop_say_why() {
    let home = running();
    home.quietly(&["node standby ser1"]);
    assert_eq!(
        home.pcs("resource explain IP --node=ser1"),
        "Resource: IP, started on ser1
  Scores:
    ser1: 100, but it is in standby
      +100  resource-stickiness: it runs here
  Chosen: ser2, as no other node can take it
  To be done:
    Move (ser1 -> ser2), because: ser1 is in standby
"
    );
    home.quietly(&["resource disable IP"]);
    let text = home.pcs("resource explain IP");
    assert!(text.contains("Stop (ser1), because: it is disabled (target-role=Stopped)"), "{text}");
}

#[test]
fn a_saved_input_needs_no_cluster_and_json_is_typed() {
    let home = running();
    let text = home.bare("resource explain IP --xml cib.xml --output-format=json");
    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let ip = &answer["resources"][0];
    assert_eq!(ip["winner"]["margin"], 70);
    assert_eq!(ip["still"]["why"], "in-place");
    assert_eq!(ip["nodes"][1]["contributions"][0]["kind"], "location");
    assert_eq!(ip["nodes"][1]["contributions"][0]["constraint"], "location-IP-ser2-30");
}

#[test]
fn what_is_not_there_is_named() {
    let home = running();
    assert_eq!(
        home.pcs("resource explain IPP --hints=always"),
        "Hint: did you mean IP?\nError: bundle / clone / group / resource 'IPP' does not exist\nexit 1\n"
    );
    assert_eq!(
        home.pcs("resource explain IP --node ser9"),
        "Error: Node 'ser9' does not appear to exist in configuration\nexit 1\n"
    );
    assert_eq!(
        home.pcs("resource explain IP --xml cib.xml"),
        "Error: Only one of '--xml', '-f' can be used\nexit 1\n"
    );
}

/// Commands in a document with what they print, both indented by four spaces.
fn examples(document: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for line in document.lines() {
        match (line.strip_prefix("    $ "), line.strip_prefix("    ")) {
            (Some(command), _) => {
                found.push((command.to_owned(), String::new()));
                is_open = true;
            }
            (None, Some(said)) if is_open => {
                if let Some((_, text)) = found.last_mut() {
                    text.push_str(&format!("{said}\n"));
                }
            }
            _ => is_open = false,
        }
    }
    found
}

#[test]
fn the_examples_in_the_documentation_are_true() {
    let home = Home::new();
    let root = env!("CARGO_MANIFEST_DIR");
    for (name, count) in [("explain.md", 4), ("plan-and-apply.md", 3)] {
        let document = std::fs::read_to_string(format!("{root}/docs/{name}")).expect("a document");
        let examples = examples(&document);
        assert!(examples.len() >= count, "{examples:?}");
        for (command, said) in examples {
            let line = command.strip_prefix("pcs ").expect("a command of pcs");
            let line = line.replace("docs/explain/", &format!("{root}/docs/explain/"));
            assert_eq!(home.bare(&line), said, "{command}");
        }
    }
}
