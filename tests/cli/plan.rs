//! `--plan`: what would come of a command, without doing it.

use crate::home::Home;

const STATUS: &str = r#"<status>
<node_state id="1" uname="ser1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
<lrm_resource id="IP" class="ocf" provider="test" type="Address"><lrm_rsc_op id="IP_last_0" operation="start"
operation_key="IP_start_0" call-id="2" rc-code="0" op-status="0" interval="0" exec-time="1500" op-digest="ba6a72f3ccfb84f58fad1ff6a1d34598" transition-key="1:1:0:u"
transition-magic="0:0;1:1:0:u"/></lrm_resource></lrm_resources></lrm></node_state>
<node_state id="2" uname="ser2" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="2"><lrm_resources>
<lrm_resource id="IP" class="ocf" provider="test" type="Address"><lrm_rsc_op id="IP_last_0" operation="stop"
operation_key="IP_stop_0" call-id="2" rc-code="0" op-status="0" interval="0" exec-time="500" transition-key="1:1:0:u"
transition-magic="0:0;1:1:0:u"/></lrm_resource></lrm_resources></lrm></node_state></status>"#;

/// Two nodes that are online, and an address that runs on the first; it was on the second before.
fn running() -> Home {
    let home = Home::new();
    home.quietly(&["resource create IP ocf:test:Address ip=10.0.0.1 --no-default-ops"]);
    home.put(&home.document().replace("<status/>", STATUS));
    home
}

#[test]
fn a_move_is_foretold_with_its_time_and_reason_and_not_made() {
    let home = running();
    let before = home.document();
    assert_eq!(
        home.pcs("node standby ser1 --plan"),
        "Plan (nothing has been changed):
  Configuration:
    + instance_attributes nodes-1
  The cluster would:
    Move IP (ser1 -> ser2), away for about 2.0 s, because: ser1 is in standby
  It takes about 2.0 s
"
    );
    assert_eq!(home.document(), before);
}

#[test]
fn what_is_so_already_needs_no_plan() {
    let home = running();
    assert_eq!(
        home.pcs("resource enable IP --plan"),
        "Nothing to do: the configuration is as asked already\n"
    );
}

#[test]
fn a_change_that_moves_nothing_says_so() {
    let home = running();
    assert_eq!(
        home.pcs("resource meta IP resource-stickiness=5 --plan"),
        "Plan (nothing has been changed):
  Configuration:
    + meta_attributes IP-meta_attributes
  The cluster would not start, stop, move or promote anything
"
    );
}

#[test]
fn a_document_without_nodes_online_says_why_nothing_would_be_done() {
    let home = Home::new();
    let text = home.pcs("resource create IP ocf:test:Address ip=10.0.0.1 --plan");
    assert!(
        text.contains("No node of this document is online, so nothing would be started"),
        "{text}"
    );
}

#[test]
fn events_can_be_planned_too() {
    let home = running();
    assert_eq!(
        home.pcs("cluster stop ser1 --plan"),
        "Error: Specified option '-f' is not supported in this command\nexit 1\n"
    );
}

#[test]
fn json_has_the_same_in_fields() {
    let home = running();
    let text = home.pcs("resource disable IP --plan --output-format=json");
    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["nothing_to_do"], false);
    let action = &answer["steps"][0]["actions"][0];
    assert_eq!((action["verb"].as_str(), action["subject"].as_str()), (Some("Stop"), Some("IP")));
    assert_eq!(answer["steps"][0]["time"]["ms"], 500);
}

#[test]
fn an_error_is_the_same_with_a_plan() {
    let home = running();
    assert_eq!(home.pcs("resource disable nothing --plan"), home.pcs("resource disable nothing"));
}

#[test]
fn there_is_no_plan_of_what_changes_nothing_or_not_only_the_configuration() {
    let home = running();
    for line in ["status", "resource config", "cluster cib", "cluster cib out.xml", "config"] {
        assert_eq!(
            home.pcs(&format!("{line} --plan")),
            "Error: this command changes nothing, so there is no plan to show\nexit 1\n",
            "{line}"
        );
    }
    assert_eq!(
        home.bare("cluster sync --plan"),
        "Error: Specified option '--plan' is not supported in this command\nexit 1\n"
    );
}

#[test]
fn what_would_be_written_to_corosync_conf_is_shown_and_not_written() {
    let home = Home::new();
    let setup = "cluster setup c n1 addr=10.0.0.1 n2 addr=10.0.0.2 --corosync_conf=new.conf";
    let planned = home.bare(&format!("{setup} --plan"));
    assert!(
        planned.starts_with("Plan (nothing has been changed):\n  Write 'new.conf':\n")
            && planned.contains("    +     cluster_name: c\n")
            && planned.contains("    +         ring0_addr: 10.0.0.2\n"),
        "{planned}"
    );
    let update = "quorum update wait_for_all=1 --corosync_conf=new.conf";
    assert!(home.bare(update).contains("No such file"), "the plan wrote the file");
    assert_eq!(home.bare(setup), "");
    assert_eq!(
        home.bare(&format!("{update} --plan")),
        "Plan (nothing has been changed):\n  Write 'new.conf':\n    +     wait_for_all: 1\n"
    );
    assert_eq!(home.bare(update), "");
    assert_eq!(
        home.bare(&format!("{update} --plan")),
        "Nothing to do: the configuration is as asked already\n"
    );
    let json = home
        .bare("quorum update wait_for_all=0 --corosync_conf=new.conf --plan --output-format=json");
    assert!(
        json.contains("\"nothing_to_do\": false") && json.contains("wait_for_all: 0"),
        "{json}"
    );
}
