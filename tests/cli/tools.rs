//! The smaller tools as agents and scripts call them, on a file: forms that are cut apart and
//! exit statuses that are told apart. What is expected was taken from Pacemaker 2.1.5.

use super::home::Home;

/// Two nodes that run things, with a score and an attribute.
const RUNNING: &str = r#"<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="8" num_updates="2" admin_epoch="0" cib-last-written="Sat Nov 21 01:00:00 2026" update-origin="ser1" update-client="cibadmin" update-user="root" have-quorum="1" dc-uuid="1">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="cib-bootstrap-options-dc-version" name="dc-version" value="1"/>
        <nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="ser1"/>
      <node id="2" uname="ser2"/>
    </nodes>
    <resources>
      <primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>
      <clone id="P">
        <meta_attributes id="P-meta"><nvpair id="P-meta-p" name="promotable" value="true"/></meta_attributes>
        <primitive id="PP" class="ocf" provider="pacemaker" type="Stateful"/>
      </clone>
    </resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="ser1" in_ccm="true" crmd="online" join="member" expected="member">
      <transient_attributes id="1"><instance_attributes id="status-1"><nvpair id="status-1-master-PP" name="master-PP" value="10"/></instance_attributes></transient_attributes>
      <lrm id="1"><lrm_resources>
        <lrm_resource id="A" class="ocf" provider="pacemaker" type="Dummy">
          <lrm_rsc_op id="A_last_0" operation_key="A_start_0" operation="start" transition-key="2:1:0:x" call-id="2" rc-code="0" op-status="0" interval="0" last-rc-change="1700000000" exec-time="12" queue-time="0"/>
          <lrm_rsc_op id="A_monitor_10000" operation_key="A_monitor_10000" operation="monitor" transition-key="3:1:0:x" call-id="5" rc-code="193" op-status="-1" interval="10000"/>
        </lrm_resource>
        <lrm_resource id="PP" class="ocf" provider="pacemaker" type="Stateful">
          <lrm_rsc_op id="PP_last_0" operation_key="PP_promote_0" operation="promote" transition-key="3:1:0:x" call-id="4" rc-code="0" op-status="0" interval="0" last-rc-change="1700000000" exec-time="3" queue-time="0"/>
        </lrm_resource>
      </lrm_resources></lrm>
    </node_state>
    <node_state id="2" uname="ser2" in_ccm="true" crmd="online" join="member" expected="member">
      <lrm id="2"><lrm_resources>
        <lrm_resource id="PP" class="ocf" provider="pacemaker" type="Stateful">
          <lrm_rsc_op id="PP_last_0" operation_key="PP_start_0" operation="start" transition-key="3:1:0:x" call-id="4" rc-code="0" op-status="0" interval="0" last-rc-change="1700000000" exec-time="3" queue-time="0"/>
        </lrm_resource>
      </lrm_resources></lrm>
    </node_state>
  </status>
</cib>
"#;

fn running() -> Home {
    let home = Home::new();
    home.put(RUNNING);
    home
}

#[test]
fn resources_are_located() {
    let home = running();
    for (words, expected) in [
        ("-W -r A", "resource A is running on: ser1\n"),
        (
            "--locate --resource P",
            "resource P is running on: ser2\nresource P is running on: ser1 Promoted\n",
        ),
        ("-QW -r A", "ser1\n"),
        (
            "-W -r nothing",
            "crm_resource: Resource 'nothing' not found\nError performing operation: No such \
             object\nexit 105\n",
        ),
        ("-W", "crm_resource: Must supply a resource id with -r\nexit 64\n"),
    ] {
        assert_eq!(home.tool(&format!("crm_resource {words}"), &[]), expected, "{words}");
    }
}

#[test]
fn the_last_word_of_an_operation_tells_whether_it_is_done() {
    let text = running().tool("crm_resource --list-operations -N ser1 -r A", &[]);
    let last: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(last, ["complete", "pending"], "{text}");
    assert!(
        text.starts_with(
            "A\t(ocf:pacemaker:Dummy):\t Started: A_start_0 (node=ser1, call=2, rc=0, \
             last-rc-change='Tue Nov 14 22:13:20 2023', exec=12ms): complete\n"
        ),
        "{text}"
    );
}

#[test]
fn an_attribute_that_is_missing_is_no_error_of_another_kind() {
    let home = running();
    for (words, expected) in [
        ("-N ser1 -n master-PP -l reboot -G", "scope=status  name=master-PP value=10\n"),
        ("-N ser1 -n master-PP -l reboot -G -q", "10\n"),
        (
            "-N ser1 -n nope -l reboot -G",
            "crm_attribute: Error performing operation: No such device or address\nexit 105\n",
        ),
        ("-N ser1 -n nope -G -d 5 -Q", "5\n"),
        ("-N none -n a -G", "crm_attribute: Could not map name=none to a UUID\nexit 105\n"),
        ("-n stonith-enabled -G", "scope=crm_config  name=stonith-enabled value=false\n"),
    ] {
        assert_eq!(home.tool(&format!("crm_attribute {words}"), &[]), expected, "{words}");
    }
}

#[test]
fn an_agent_sets_its_promotion_score_and_asks_for_it() {
    let home = running();
    let agent = [("OCF_RESOURCE_INSTANCE", "PP"), ("OCF_RESKEY_CRM_meta_on_node", "ser2")];
    for (line, expected) in [
        (
            "crm_master -Q -G -l reboot",
            "crm_attribute: Error performing operation: No such device or address\nexit 105\n",
        ),
        ("crm_attribute -p -v 5", ""),
        ("crm_master -Q -G -l reboot", "5\n"),
        ("crm_master -l reboot -v 7", ""),
        ("crm_attribute --promotion --query --quiet", "7\n"),
        (
            "crm_master -D -l reboot",
            "Deleted status attribute: id=status-2-master-PP name=master-PP\n",
        ),
        // without a lifetime it is the node's own, as Pacemaker's crm_master has it
        ("crm_master -v 3", ""),
        ("crm_master -G", "scope=nodes  name=master-PP value=3\n"),
        ("crm_attribute --promotion --query --quiet --default 0", "0\n"),
        ("crm_node -n", "ser2\n"),
    ] {
        assert_eq!(home.tool(line, &agent), expected, "{line}");
    }
    assert!(!home.tool("cibadmin -Q", &[]).contains("status-2-master-PP"));
}

#[test]
fn standby_is_an_attribute_of_a_node() {
    let home = running();
    for (line, expected) in [
        ("crm_standby -G -N ser1", "scope=status  name=standby value=off\n"),
        ("crm_standby -v on -N ser1", ""),
        ("crm_standby -G -N ser1 -q", "on\n"),
        (
            "crm_mon -1 --exclude=all --include=nodes",
            "Node List:\n  * Node ser1: standby (with active resources)\n  * Online: [ ser2 ]\n",
        ),
        ("crm_standby -D -N ser1", "Deleted nodes attribute: id=nodes-1-standby name=standby\n"),
        ("crm_failcount -G -r A -N ser1", "scope=status  name=fail-count-A value=0\n"),
    ] {
        assert_eq!(home.tool(line, &[]), expected, "{line}");
    }
}

#[test]
fn resources_are_moved_and_let_go() {
    let home = running();
    assert_eq!(home.tool("crm_resource -M -r A -N ser2", &[]), "");
    assert!(home.document().contains(
        r#"<rsc_location id="cli-prefer-A" rsc="A" role="Started" node="ser2" score="INFINITY"/>"#
    ));
    assert_eq!(home.tool("crm_resource -U -r A", &[]), "Removing constraint: cli-prefer-A\n");
    assert!(!home.document().contains("cli-prefer-A"));
    let banned = home.tool("crm_resource --ban -r A", &[]);
    assert!(banned.starts_with("WARNING: Creating rsc_location constraint 'cli-ban-A-on-ser1' "));
    assert_eq!(
        home.tool("crm_resource -r PP -m -p target-role -v Stopped", &[]),
        "Performing update of 'target-role' on 'P', the parent of 'PP'\nSet 'P' option: \
         id=P-meta_attributes-target-role set=P-meta_attributes name=target-role value=Stopped\n"
    );
}

#[test]
fn the_state_in_xml_has_name_and_id_first_in_a_line() {
    let home = running();
    let xml = home.tool("crm_mon --output-as=xml", &[]);
    for expected in [
        r#"<node name="ser1" id="1" online="true""#,
        r#"<resource id="PP" resource_agent="ocf:pacemaker:Stateful" role="Promoted" active="true""#,
        r#"<attribute name="master-PP" value="10"/>"#,
        r#"<status code="0" message="OK"/>"#,
    ] {
        assert!(
            xml.lines().any(|line| line.trim_start().starts_with(expected)),
            "{expected}\n{xml}"
        );
    }
    let same = home.pcs("status xml");
    assert!(same.contains(r#"<resource id="A" resource_agent="ocf:pacemaker:Dummy" "#), "{same}");
    assert_eq!(
        home.tool("crm_mon -1s", &[]),
        "CLUSTER OK: 2 nodes online, 3 resource instances configured\n"
    );
}

#[test]
fn without_a_cluster_tools_say_so_and_exit_102() {
    let home = Home::new();
    let nowhere = [("CIB_file", ""), ("SYSTOLE_ROOT", "/nonexistent")];
    for line in [
        "crm_node -l",
        "crmadmin -D",
        "attrd_updater -n a -Q",
        "crm_attribute -n a -G",
        "crm_resource -W -r A",
        "crm_mon -1",
    ] {
        let said = home.tool(line, &nowhere);
        assert!(
            said.contains("running on this node") && said.ends_with("exit 102\n"),
            "{line}: {said}"
        );
    }
    assert!(home.tool("pacemakerd -$", &nowhere).starts_with("Pacemaker 3."));
}

#[test]
fn what_leaves_a_node_in_doubt_or_makes_no_sense_is_not_valid() {
    let home = running();
    assert_eq!(home.tool("crm_verify -x cib.xml", &[]), "");
    let lost = RUNNING.replace(
        r#"id="2" uname="ser2" in_ccm="true" crmd="online" join="member""#,
        r#"id="2" uname="ser2" in_ccm="true" crmd="offline" join="down""#,
    );
    home.put(&lost);
    let said = home.tool("crm_verify -x cib.xml", &[]);
    assert!(said.starts_with("cib.xml: warning: node `ser2` is unclean: "), "{said}");
    assert!(
        said.ends_with(
            "crm_verify: Warnings found during check: config may not be valid\nexit 78\n"
        ),
        "{said}"
    );
    home.put(&RUNNING.replace(
        r#"type="Dummy"/>"#,
        r#"type="Dummy"><meta_attributes id="A-m"><nvpair id="A-m-r" name="target-role" value="Sleeping"/></meta_attributes></primitive>"#,
    ));
    let said = home.tool("crm_verify -x cib.xml", &[]);
    assert!(said.contains("Ignoring 'target-role' for A because 'Sleeping' is no role; use"));
    assert!(said.ends_with("exit 78\n"), "{said}");
}

#[test]
fn bonds_tell_the_role_they_need_and_a_promoted_place_is_the_one_that_is_left() {
    let home = running();
    home.put(&RUNNING.replace(
        "<constraints/>",
        r#"<constraints><rsc_colocation id="c" rsc="A" with-rsc="P" score="INFINITY" with-rsc-role="Promoted"/></constraints>"#,
    ));
    for (line, expected) in [
        (
            "crm_resource -a -r A",
            "Resources A is colocated with:\n  * P (score=INFINITY, with role=Promoted, id=c)\n",
        ),
        (
            "crm_resource -a -r P",
            "Resources colocated with P:\n  * A (score=INFINITY, needs role=Promoted, id=c)\n",
        ),
        ("crm_resource -QM -r P", ""),
        ("crm_resource -R", "Dry run: skipping clean-up of all nodes due to CIB_file\n"),
        ("crm_resource -r A extra", "crm_resource: non-option words: extra\nexit 64\n"),
        ("crmadmin -N guest", "No nodes configured\n"),
        ("crmadmin --nodes cluster", "cluster node: ser1 (1)\ncluster node: ser2 (2)\n"),
        ("crm_resource --clear --expired", ""),
    ] {
        assert_eq!(home.tool(line, &[]), expected, "{line}");
    }
    let document = home.document();
    let ban = r#"<rsc_location id="cli-ban-P-on-ser1" rsc="P" role="Started" node="ser1" score="-INFINITY"/>"#;
    assert!(document.contains(ban), "{document}");
    let xml = home.tool("crm_attribute -n x -v 5 --output-as=xml", &[]);
    assert!(xml.contains(r#"<status code="0" message="OK"/>"#), "{xml}");
    let xml = home.tool("crm_error -X 70 --output-as=xml", &[]);
    assert!(
        xml.contains(r#"<result-code code="70" description="Internal software bug"/>"#),
        "{xml}"
    );
}
