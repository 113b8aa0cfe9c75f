//! `crm_simulate` with events, failures and XML. What is expected was taken from Pacemaker 2.1.5.

use super::home::Home;

/// One node and a resource that runs nowhere yet.
const STOPPED: &str = r#"<cib crm_feature_set="3.16.1" validate-with="none" epoch="8" num_updates="2" admin_epoch="0" have-quorum="1" execution-date="1767225600">
  <configuration>
    <crm_config><cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
    <nodes><node id="1" uname="alder"/></nodes>
    <resources>
      <primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>
    </resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="alder" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources/></lrm></node_state>
  </status>
</cib>
"#;

fn stopped() -> Home {
    let home = Home::new();
    home.put(STOPPED);
    home
}

/// What `crm_simulate` says from a line on.
fn said(words: &str, from: &str) -> String {
    let text = stopped().tool(&format!("crm_simulate -x cib.xml {words}"), &[]);
    let start = text.find(from);
    assert!(start.is_some(), "no `{from}` in:\n{text}");
    text[start.unwrap_or_default()..].to_owned()
}

#[test]
fn a_status_that_nothing_follows_ends_with_its_last_line() {
    let status = said("", "Current cluster status:");
    // (what comes next is standard error)
    let last = "a\t(ocf:pacemaker:Dummy):\t Stopped\nSchema validation";
    assert!(status.contains(last), "{status:?}");
}

#[test]
fn an_operation_that_is_made_to_fail_is_counted_and_the_run_succeeds() {
    let text = said("-S -F a_start_0@alder=1", "Executing Cluster Transition:");
    let lines: Vec<&str> = text.lines().take(5).collect();
    assert_eq!(
        lines[..4],
        [
            "Executing Cluster Transition:",
            "  * Resource action: a               monitor on alder",
            "  * Resource action: a               start on alder",
            "Pretending action 2 failed with rc=1",
        ]
    );
    assert_eq!(
        lines[4],
        "  * Injecting attribute fail-count-a#start_0=value++ into /node_state '1'"
    );
    assert!(!text.contains("Transition failed") && !text.contains("exit "), "{text}");
    let counts = said("-S -c -F a_start_0@alder=1", "Revised Cluster Status:");
    let count = "      * a: migration-threshold=1000000 fail-count=1 last-failure='";
    assert!(counts.contains(count), "{counts}");
    assert!(counts.contains("  * Failed Resource Actions:\n    * a_start_0 on alder"), "{counts}");
}

#[test]
fn events_are_told_before_the_moment_and_the_plan() {
    let text = said("-R -u birch -g site -i a_monitor_10000@alder=1", "\nPerforming");
    let mut lines = text.lines().filter(|line| !line.contains("last-failure-"));
    for expected in [
        "",
        "Performing Requested Modifications:",
        "  * Bringing node birch online",
        "  * Granting ticket site",
        "  * Injecting a_monitor_10000@alder=1 into the configuration",
        "  * Injecting attribute fail-count-a#monitor_10000=value++ into /node_state '1'",
        "Using the original execution date of: 2026-01-01 00:00:00Z",
        "",
        "Transition Summary:",
    ] {
        assert_eq!(lines.next(), Some(expected), "{text}");
    }
}

#[test]
fn an_event_of_a_resource_that_is_not_there_is_passed_over() {
    let text = said("-S -i b_monitor_10000@alder=1", "Current cluster status:");
    assert!(text.contains("Invalid resource name: b\n"), "{text}");
    assert!(text.contains("Transition Summary:\n  * Start      a       ( alder )\n"), "{text}");
}

#[test]
fn an_event_may_be_about_what_a_bundle_implies_or_a_template_says() {
    let bundle = r#"<bundle id="box"><docker image="i:1"/></bundle><template id="t" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="b" template="t"/>"#;
    let home = Home::new();
    home.put(&STOPPED.replace("</resources>", &format!("{bundle}</resources>")));
    let events = "-i box-docker-0_start_0@alder=0 -i b_start_0@alder=0 -i box_start_0@alder=0";
    let text = home.tool(&format!("crm_simulate -x cib.xml -I in.xml {events}"), &[]);
    assert!(text.contains("Resource box has no operations, only what is in it\n"), "{text}");
    let stored = home.read("in.xml");
    for history in [
        r#"<lrm_resource id="box-docker-0" class="ocf" provider="heartbeat" type="docker">"#,
        r#"<lrm_resource id="b" class="ocf" provider="pacemaker" type="Dummy">"#,
    ] {
        assert!(stored.contains(history), "no `{history}` in:\n{stored}");
    }
    assert!(!stored.contains(r#"<lrm_resource id="box""#), "{stored}");
}

#[test]
fn in_xml_every_part_has_its_element() {
    let text = said("-S -s --output-as=xml -d alder", "<modifications>");
    assert!(text.contains(r#"<modify_node action="Offline" node="alder"/>"#), "{text}");
    let text = said("-S -s --output-as=xml -F a_start_0@alder=1", "<cluster_status>");
    let mut rest = text.as_str();
    for expected in [
        r#"<node name="alder" id="1" online="true""#,
        r#"<resource id="a" resource_agent="ocf:pacemaker:Dummy" role="Stopped""#,
        "</cluster_status>",
        r#"<node_weight function="pcmk__primitive_assign" node="alder" score="0" id="a"/>"#,
        r#"<rsc_action action="start" resource="a" node="alder"/>"#,
        r#"<rsc_action resource="a" op="monitor" node="alder"/>"#,
        r#"<inject_attr name="fail-count-a#start_0" value="value++" node_path="/node_state" cib_node="1"/>"#,
        "<revised_cluster_status>",
        r#"<status code="0" message="OK"/>"#,
    ] {
        let at = rest.find(expected);
        assert!(at.is_some(), "no `{expected}` in:\n{rest}");
        let at = at.unwrap_or_default();
        rest = &rest[at + expected.len()..];
    }
}

/// The document that is stored after some events and what the cluster does then.
fn stored(words: &str) -> String {
    let home = stopped();
    home.tool(&format!("crm_simulate -x cib.xml -S -O out.xml {words}"), &[]);
    home.read("out.xml")
}

#[test]
fn a_lost_node_left_without_a_word() {
    let state = r#"<node_state id="1" uname="alder" in_ccm="false" crmd="online" join="member" expected="member""#;
    let text = stored("-f alder");
    assert!(text.contains(state), "{text}");
    let text = stopped().tool("crm_simulate -x cib.xml -S -f birch", &[]);
    assert!(text.contains("there is no node `birch`"), "{text}");
    let text = stopped().tool("crm_simulate -x cib.xml -S -i a_start_0@birch=1", &[]);
    assert!(text.contains("there is no node `birch`"), "{text}");
}

#[test]
fn an_injected_failure_is_counted_under_a_valid_id_unless_nothing_was_running() {
    let text = stored("-i a_monitor_10000@alder=1 -i a_monitor_10000@alder=7");
    let count = r#"<nvpair id="1-fail-count-a.monitor_10000" name="fail-count-a#monitor_10000" value="2"/>"#;
    assert!(text.contains(count), "{text}");
    assert!(text.contains(r#"exit-reason="Simulated action result""#), "{text}");
    let text = stored("-i a_start_0@alder=7");
    assert!(!text.contains("fail-count-a"), "{text}");
}

#[test]
fn a_transition_ends_with_what_was_made_to_fail() {
    let text = said("-S -F a_monitor_0@alder=7", "Executing Cluster Transition:");
    assert!(text.contains("Pretending action 1 failed with rc=7\n"), "{text}");
    assert!(!text.contains("a               start on alder"), "{text}");
    assert!(!text.contains("fail-count-a"), "{text}");
    let text = stored("-F a_monitor_0@alder=1");
    assert!(text.contains(r#"exit-reason="User-injected result""#), "{text}");
}

#[test]
fn quorum_and_watchdog_are_stored_as_given() {
    let text = stored("-q no -w 1");
    assert!(text.contains(r#"have-quorum="no""#), "{text}");
    let watchdog = r#"<nvpair id="o-have-watchdog" name="have-watchdog" value="1"/>"#;
    assert!(text.contains(watchdog), "{text}");
}

#[test]
fn health_is_told_with_every_state() {
    let home = Home::new();
    let sick = r#"<node id="1" uname="alder"><instance_attributes id="i"><nvpair id="s" name="standby" value="true"/><nvpair id="h" name="HEALTH-disk" value="yellow"/></instance_attributes></node>"#;
    let document = STOPPED
        .replace(r#"<node id="1" uname="alder"/>"#, &sick.replace("HEALTH", "#health"))
        .replace("</cluster_property_set>", r#"<nvpair id="o-h" name="node-health-strategy" value="only-green"/></cluster_property_set>"#);
    home.put(&document);
    let text = home.tool("crm_simulate -x cib.xml", &[]);
    assert!(text.contains("* Node alder: standby (health is YELLOW)\n"), "{text}");
}

#[test]
fn where_nothing_is_configured_that_is_said() {
    let home = Home::new();
    let resource = r#"<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>"#;
    home.put(&STOPPED.replace(resource, "").replace(r#"<node id="1" uname="alder"/>"#, ""));
    let text = home.tool("crm_simulate -x cib.xml", &[]);
    assert!(text.contains("  * Full List of Resources:\n    * No resources\n"), "{text}");
}

#[test]
fn a_clone_that_no_constraint_allows_anywhere_is_stopped_where_it_was_looked_for() {
    let clone = r#"<clone id="k"><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/></clone>"#;
    let resource = r#"<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>"#;
    let document = STOPPED.replace(resource, clone).replace(
        "</cluster_property_set>",
        r#"<nvpair id="o-y" name="symmetric-cluster" value="false"/></cluster_property_set>"#,
    );
    let home = Home::new();
    home.put(&document);
    let text = home.tool("crm_simulate -x cib.xml", &[]);
    assert!(!text.contains("Stopped: [ alder ]"), "{text}");
    home.tool("crm_simulate -x cib.xml -S -O out.xml", &[]);
    let text = home.tool("crm_simulate -x out.xml", &[]);
    assert!(text.contains("* Clone Set: k [a]:\n      * Stopped: [ alder ]\n"), "{text}");
}

/// What a rule decides five hours east of Greenwich: `date` is the date expression.
fn decided_east(date: &str, time: &str) -> bool {
    let rule = format!(
        r#"<constraints><rsc_location id="l" rsc="a"><rule id="r" score="100">{date}</rule></rsc_location></constraints>"#
    );
    let home = Home::new();
    home.put(&STOPPED.replace("<constraints/>", &rule));
    let line = format!("crm_simulate -x cib.xml -s {time}");
    let text = home.tool(&line, &[("TZ", "XST-5")]);
    assert!(text.contains("a allocation score on alder:"), "{text}");
    text.contains("a allocation score on alder: 100")
}

#[test]
fn times_of_a_document_are_local_unless_they_say_otherwise_and_dates_alone_are_utc() {
    let after = |start: &str, time: &str| {
        let date = format!(r#"<date_expression id="d" operation="gt" start="{start}"/>"#);
        decided_east(&date, &format!("-t {time}"))
    };
    assert!(after("2020-01-02T00:00:00", "2020-01-01T19:30:00Z"));
    assert!(!after("2020-01-02T00:00:00", "2020-01-01T18:30:00Z"));
    assert!(after("2020-01-02T00:00:00", "2020-01-02T00:30:00"));
    assert!(!after("2020-01-02T00:00:00Z", "2020-01-02T00:30:00"));
    assert!(after("2020-01-02T00:00:00Z", "2020-01-02T05:30:00"));
    assert!(!after("2020-01-02", "2020-01-01T19:30:00Z"));
    assert!(after("2020-01-02", "2020-01-02T00:30:00Z"));
}

#[test]
fn rules_look_at_the_hours_where_the_time_was_written_and_at_local_ones_otherwise() {
    let hour = |hours: u8, time: &str| {
        let date = format!(
            r#"<date_expression id="d" operation="date_spec"><date_spec id="s" hours="{hours}"/></date_expression>"#
        );
        decided_east(&date, time)
    };
    assert!(hour(0, "-t 2020-01-02T00:30:00Z"));
    assert!(hour(0, "-t 2020-01-02T00:30:00"));
    assert!(!hour(19, "-t 2020-01-02T00:30:00"));
    // the document is of 2026-01-01 00:00 UTC
    assert!(hour(5, "") && !hour(0, ""));
}

#[test]
fn what_is_stored_without_a_simulation_is_the_document_with_its_events() {
    let home = stopped();
    home.tool("crm_simulate -x cib.xml -u birch -O out.xml", &[]);
    assert!(home.read("out.xml").contains(r#"uname="birch""#));
    let text = home.tool("crm_simulate -x cib.xml -Q -D -", &[]);
    assert!(text.contains("digraph") && text.contains("a_start_0 alder"), "{text}");
    let text = home.tool("crm_simulate -x cib.xml --output-as=xml -D -", &[]);
    assert!(text.contains("--save-dotfile=- goes with --output-as=text only"), "{text}");
}

#[test]
fn an_operation_that_is_to_fail_makes_a_simulation() {
    let text = said("-F a_start_0@alder=1", "Executing Cluster Transition:");
    assert!(text.contains("Revised Cluster Status:"), "{text}");
    // success that was not expected is told, but not counted
    let text = said("-F a_monitor_0@alder=0", "Pretending action 1 failed with rc=0\n");
    assert!(!text.contains("fail-count-a"), "{text}");
}

#[test]
fn capacities_are_told_among_the_scores_as_they_change() {
    let home = Home::new();
    let wants =
        r#"<utilization id="a-u"><nvpair id="a-u-m" name="memory" value="3"/></utilization>"#;
    let has = wants.replace("a-u", "1-u").replace("\"3\"", "\"8\"");
    let document = STOPPED
        .replace(r#"type="Dummy"/>"#, &format!(r#"type="Dummy">{wants}</primitive>"#))
        .replace(
            r#"<node id="1" uname="alder"/>"#,
            &format!(r#"<node id="1" uname="alder">{has}</node>"#),
        );
    home.put(&document.replace(
        "</cluster_property_set>",
        r#"<nvpair id="o-p" name="placement-strategy" value="utilization"/></cluster_property_set>"#,
    ));
    let text = home.tool("crm_simulate -x cib.xml -s -U -Q", &[]);
    let lines: Vec<&str> = text.lines().take(4).collect();
    assert_eq!(
        lines,
        [
            "Original: alder capacity: memory=8",
            "pcmk__primitive_assign: a allocation score on alder: 0",
            "pcmk__finalize_assignment: a utilization on alder: memory=3",
            "Remaining: alder capacity: memory=5",
        ],
        "{text}"
    );
    let text = home.tool("crm_simulate -x cib.xml -U --output-as=xml", &[]);
    let capacity = "<capacity node=\"alder\" comment=\"Remaining\">\n      <memory>5</memory>";
    assert!(text.contains(capacity), "{text}");
}

#[test]
fn attributes_are_told_where_there_are_any_but_not_those_of_the_cluster_itself() {
    let home = stopped();
    assert!(!home.tool("crm_simulate -x cib.xml -A", &[]).contains("Node Attributes"));
    let sets = r#"<instance_attributes id="i"><nvpair id="s" name="standby" value="off"/><nvpair id="c" name="color" value="red"/></instance_attributes>"#;
    home.put(&STOPPED.replace(
        r#"<node id="1" uname="alder"/>"#,
        &format!(r#"<node id="1" uname="alder">{sets}</node>"#),
    ));
    let text = home.tool("crm_simulate -x cib.xml -A", &[]);
    let told = "\n  * Node Attributes:\n    * Node: alder:\n      * color                           \t: red       \n";
    assert!(text.contains(told) && !text.contains("standby"), "{text}");
}

#[test]
fn in_xml_what_is_under_way_is_the_role_and_who_leaves_is_not_expected() {
    let home = Home::new();
    let pending = r#"<lrm_resource id="a" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="a_last_0" operation_key="a_start_0" operation="start" transition-key="3:3:0:u" transition-magic="-1:193;3:3:0:u" call-id="-1" rc-code="193" op-status="-1" interval="0"/></lrm_resource>"#;
    let leaves = r#"<transient_attributes id="1"><instance_attributes id="t"><nvpair id="x" name="shutdown" value="1767225500"/></instance_attributes></transient_attributes><lrm id="1">"#;
    let histories = format!("<lrm_resources>{pending}</lrm_resources>");
    home.put(&STOPPED.replace("<lrm_resources/>", &histories).replace(r#"<lrm id="1">"#, leaves));
    let text = home.tool("crm_simulate -x cib.xml --output-as=xml", &[]);
    assert!(text.contains(r#"role="Starting""#) && !text.contains(r#"pending="S"#), "{text}");
    assert!(text.contains(r#"shutdown="true" expected_up="false""#), "{text}");
}

#[test]
fn each_document_of_a_directory_is_timed_the_last_by_name_first() {
    let home = stopped();
    for name in ["one.xml", "two.xml", ".hidden.xml", "three.txt"] {
        std::fs::create_dir_all(home.path("inputs")).expect("a directory");
        std::fs::write(home.path("inputs").join(name), STOPPED).expect("a document");
    }
    let text = home.tool("crm_simulate -P inputs -N 2", &[]);
    let files: Vec<&str> = text.lines().filter_map(|line| line.split(" ... ").next()).collect();
    let expected = ["Timings:", "  * Testing inputs/two.xml", "  * Testing inputs/one.xml"];
    assert_eq!(files, expected, "{text}");
    let text = home.tool("crm_simulate -P inputs --output-as=xml", &[]);
    assert!(text.contains(r#"<timing file="inputs/two.xml" duration=""#), "{text}");
    let text = home.tool("crm_simulate -P inputs -N some", &[]);
    assert!(text.contains("`some` is no number of times"), "{text}");
}

#[test]
fn an_input_that_is_no_document_is_refused_and_a_live_check_takes_what_other_tools_work_on() {
    let home = stopped();
    std::fs::write(home.path("wrong.xml"), "<resources/>").expect("a file");
    let text = home.tool("crm_simulate -x wrong.xml", &[]);
    assert!(text.contains("wrong.xml is not a CIB: it holds <resources>, not <cib>"), "{text}");
    assert!(text.contains("exit 66"), "{text}");
    let text = home.tool("crm_simulate -L --output-as=html", &[]);
    assert!(text.contains("formats are text, xml, none") && text.contains("exit 105"), "{text}");
    let text = home.tool("crm_simulate -L -R", &[]);
    assert!(text.contains("* Start      a       ( alder )"), "{text}");
    assert!(!home.tool("crm_simulate -L -R --output-as=none", &[]).contains("Start"));
}

/// A clone whose instances are told of each other.
const TOLD: &str = r#"<clone id="m"><meta_attributes id="mm"><nvpair id="mn" name="notify" value="true"/></meta_attributes><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/></clone>"#;

/// A primitive of its own.
const SINGLE: &str = r#"<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>"#;

#[test]
fn a_stop_that_was_made_to_fail_is_still_told_to_the_others() {
    let started = r#"<lrm_resource id="a" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="a_last_0" operation_key="a_start_0" operation="start" crm_feature_set="3.16.1" transition-key="3:3:0:u" transition-magic="0:0;3:3:0:u" call-id="3" rc-code="0" op-status="0" interval="0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/></lrm_resource>"#;
    let state = |id: u8, name: &str| {
        format!(
            r#"<node_state id="{id}" uname="{name}" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="{id}"><lrm_resources>{started}</lrm_resources></lrm></node_state>"#
        )
    };
    let (head, rest) = STOPPED.split_once("<status>").expect("a status");
    let (_, tail) = rest.split_once("</status>").expect("its end");
    let head = head
        .replace(SINGLE, TOLD)
        .replace("<constraints/>", r#"<constraints><rsc_location id="l" rsc="m" node="alder" score="-INFINITY"/></constraints>"#)
        .replace("</nodes>", r#"<node id="2" uname="birch"/></nodes>"#);
    let home = Home::new();
    home.put(&format!("{head}<status>{}{}</status>{tail}", state(1, "alder"), state(2, "birch")));
    let text = home.tool("crm_simulate -x cib.xml -S -F a_stop_0@alder=1", &[]);
    let (_, after) = text.split_once("Pretending action").expect("a failure");
    assert!(after.contains("  * Resource action: a               notify on birch\n"), "{text}");
    assert!(after.contains("  * Pseudo action:   m_confirmed-post_notify_stopped_0\n"), "{text}");
}

#[test]
fn an_instance_is_listed_with_what_is_under_way_even_where_it_does_not_run() {
    let home = Home::new();
    let stopping = r#"<lrm_resources><lrm_resource id="a" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="a_last_0" operation_key="a_stop_0" operation="stop" crm_feature_set="3.16.1" transition-key="3:3:0:u" transition-magic="-1:193;3:3:0:u" call-id="-1" rc-code="193" op-status="-1" interval="0"/></lrm_resource></lrm_resources>"#;
    home.put(&STOPPED.replace(SINGLE, TOLD).replace("<lrm_resources/>", stopping));
    let text = home.tool("crm_simulate -x cib.xml", &[]);
    let listed = "Clone Set: m [a]:\n      * a\t(ocf:pacemaker:Dummy):\t Stopping alder\n      * Stopped: [ alder ]\n";
    assert!(text.contains(listed), "{text}");
}

#[test]
fn in_xml_a_clone_without_a_wish_of_its_own_has_that_of_its_instances() {
    let wish = r#"<meta_attributes id="aw"><nvpair id="awt" name="target-role" value="Stopped"/></meta_attributes></primitive>"#;
    let clone = format!(r#"<clone id="k">{}{wish}</clone>"#, SINGLE.replace("/>", ">"));
    let home = Home::new();
    home.put(&STOPPED.replace(SINGLE, &clone));
    let text = home.tool("crm_simulate -x cib.xml --output-as=xml", &[]);
    let line = text.lines().find(|line| line.contains(r#"<clone id="k""#)).expect("a clone");
    assert!(line.contains(r#"disabled="false""#), "{line}");
    assert!(line.contains(r#"target_role="Stopped""#), "{line}");
}
