//! `crm_mon` and `crm_resource` on a document with a bundle, a group that runs in part, and a failure.
//! What is expected was taken from Pacemaker 2.1.5, with the words that 3.0 has for results.

use super::home::Home;

/// Two nodes; one of two replicas runs, of a group one of two members.
const BOXED: &str = r#"<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="8" num_updates="2" admin_epoch="0" have-quorum="1" dc-uuid="1">
  <configuration>
    <crm_config><cluster_property_set id="o">
      <nvpair id="o-f" name="stonith-enabled" value="false"/>
      <nvpair id="o-v" name="dc-version" value="9"/>
      <nvpair id="o-i" name="cluster-infrastructure" value="corosync"/>
    </cluster_property_set></crm_config>
    <nodes><node id="1" uname="alder"/><node id="2" uname="birch"/></nodes>
    <resources>
      <bundle id="box">
        <podman image="img:1" replicas="2"/>
        <network ip-range-start="10.0.0.5"/>
        <primitive id="inner" class="ocf" provider="pacemaker" type="Dummy"/>
      </bundle>
      <group id="web">
        <primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>
        <primitive id="b" class="ocf" provider="pacemaker" type="Dummy"/>
      </group>
      <primitive id="reach" class="ocf" provider="pacemaker" type="ping">
        <instance_attributes id="reach-i">
          <nvpair id="reach-h" name="host_list" value="x y"/>
          <nvpair id="reach-m" name="multiplier" value="100"/>
        </instance_attributes>
      </primitive>
    </resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="alder" in_ccm="true" crmd="online" join="member" expected="member">
      <transient_attributes id="1"><instance_attributes id="s1"><nvpair id="s1-p" name="pingd" value="100"/></instance_attributes></transient_attributes>
      <lrm id="1"><lrm_resources>
        <lrm_resource id="box-ip-10.0.0.5" class="ocf" provider="heartbeat" type="IPaddr2">
          <lrm_rsc_op id="i_last_0" operation_key="box-ip-10.0.0.5_start_0" operation="start" transition-key="2:1:0:x" transition-magic="0:0;2:1:0:x" call-id="2" rc-code="0" op-status="0" interval="0"/>
        </lrm_resource>
        <lrm_resource id="box-podman-0" class="ocf" provider="heartbeat" type="podman">
          <lrm_rsc_op id="p_last_0" operation_key="box-podman-0_start_0" operation="start" transition-key="3:1:0:x" transition-magic="0:0;3:1:0:x" call-id="3" rc-code="0" op-status="0" interval="0"/>
        </lrm_resource>
        <lrm_resource id="box-0" class="ocf" provider="pacemaker" type="remote">
          <lrm_rsc_op id="r_last_0" operation_key="box-0_start_0" operation="start" transition-key="4:1:0:x" transition-magic="0:0;4:1:0:x" call-id="4" rc-code="0" op-status="0" interval="0"/>
        </lrm_resource>
        <lrm_resource id="a" class="ocf" provider="pacemaker" type="Dummy">
          <lrm_rsc_op id="a_last_0" operation_key="a_monitor_0" operation="monitor" transition-key="5:1:7:x" transition-magic="0:0;5:1:7:x" call-id="5" rc-code="0" op-status="0" interval="0"/>
        </lrm_resource>
        <lrm_resource id="b" class="ocf" provider="pacemaker" type="Dummy">
          <lrm_rsc_op id="b_last_failure_0" operation_key="b_start_0" operation="start" transition-key="6:1:0:x" transition-magic="0:1;6:1:0:x" call-id="6" rc-code="1" op-status="0" interval="0" exit-reason="no luck"/>
          <lrm_rsc_op id="b_last_0" operation_key="b_stop_0" operation="stop" transition-key="7:1:0:x" transition-magic="0:0;7:1:0:x" call-id="7" rc-code="0" op-status="0" interval="0"/>
        </lrm_resource>
      </lrm_resources></lrm>
    </node_state>
    <node_state id="2" uname="birch" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="2"><lrm_resources/></lrm></node_state>
    <node_state id="box-0" uname="box-0" remote_node="true" in_ccm="true" node_fenced="0">
      <lrm id="box-0"><lrm_resources>
        <lrm_resource id="inner" class="ocf" provider="pacemaker" type="Dummy">
          <lrm_rsc_op id="n_last_0" operation_key="inner_start_0" operation="start" transition-key="8:1:0:x" transition-magic="0:0;8:1:0:x" call-id="2" rc-code="0" op-status="0" interval="0"/>
        </lrm_resource>
      </lrm_resources></lrm>
    </node_state>
  </status>
</cib>
"#;

fn boxed(line: &str) -> String {
    let home = Home::new();
    home.put(BOXED);
    home.tool(line, &[])
}

#[test]
fn what_runs_is_shown_and_what_does_not_is_counted() {
    assert_eq!(
        boxed("crm_mon -1D"),
        "\
Node List:
  * Online: [ alder birch ]
  * GuestOnline: [ box-0 ]

Active Resources:
  * Container bundle set: box [img:1]:
    * box-0 (10.0.0.5)\t(ocf:pacemaker:Dummy):\t Started alder
    * box-1 (10.0.0.6)\t(ocf:pacemaker:Dummy):\t Stopped
  * Resource Group: web (1 member inactive):
    * a\t(ocf:pacemaker:Dummy):\t Started alder

Failed Resource Actions:
  * b start on alder returned 'Error occurred' (no luck)
"
    );
}

#[test]
fn details_show_ids_hosts_of_guests_and_all_parts_of_a_bundle() {
    assert_eq!(
        boxed("crm_mon -1DRr"),
        "\
Node List:
  * Node alder (1): online, feature set <3.15.1
  * Node birch (2): online, feature set <3.15.1
  * GuestNode box-0@alder: online
  * GuestNode box-1@: OFFLINE

Full List of Resources:
  * Container bundle set: box [img:1]:
    * Replica[0]
      * box-ip-10.0.0.5\t(ocf:heartbeat:IPaddr2):\t Started alder
      * inner\t(ocf:pacemaker:Dummy):\t Started box-0
      * box-podman-0\t(ocf:heartbeat:podman):\t Started alder
      * box-0\t(ocf:pacemaker:remote):\t Started alder
    * Replica[1]
      * box-ip-10.0.0.6\t(ocf:heartbeat:IPaddr2):\t Stopped
      * inner\t(ocf:pacemaker:Dummy):\t Stopped
      * box-podman-1\t(ocf:heartbeat:podman):\t Stopped
      * box-1\t(ocf:pacemaker:remote):\t Stopped
  * Resource Group: web:
    * a\t(ocf:pacemaker:Dummy):\t Started alder
    * b\t(ocf:pacemaker:Dummy):\t Stopped
  * reach\t(ocf:pacemaker:ping):\t Stopped

Failed Resource Actions:
  * b_start_0 on alder 'Error occurred' (1): call=6, status='Done', exitreason='no luck'
"
    );
}

#[test]
fn by_node_and_in_brief_agents_are_counted() {
    assert_eq!(
        boxed("crm_mon -1Dnb --exclude=failures"),
        "\
Node List:
  * Node alder: online:
    * Resources:
      * 1\t(ocf:heartbeat:IPaddr2):\tActive 
      * 1\t(ocf:heartbeat:podman):\tActive 
      * 1\t(ocf:pacemaker:Dummy):\tActive 
      * 1\t(ocf:pacemaker:remote):\tActive 
  * GuestNode box-0: online:
    * Resources:
      * 1\t(ocf:pacemaker:Dummy):\tActive 
"
    );
}

#[test]
fn a_bundle_and_its_guest_nodes_are_whole_in_xml() {
    let xml = boxed("crm_mon --output-as=xml");
    let mut rest = xml.as_str();
    for expected in [
        r#"<node name="box-0" id="box-0" online="true""#,
        r#"is_dc="false" resources_running="1" type="remote" id_as_resource="box-podman-0"/>"#,
        r#"<bundle id="box" type="podman" image="img:1" unique="false" managed="true" failed="false">"#,
        r#"<replica id="0">"#,
        r#"<resource id="box-ip-10.0.0.5" resource_agent="ocf:heartbeat:IPaddr2" role="Started""#,
        r#"<node name="alder" id="1" cached="true"/>"#,
        r#"<resource id="inner" resource_agent="ocf:pacemaker:Dummy" role="Started""#,
        r#"<node name="box-0" id="box-0" cached="true"/>"#,
        r#"<resource id="box-podman-0""#,
        r#"<resource id="box-0" resource_agent="ocf:pacemaker:remote" role="Started""#,
        r#"<replica id="1">"#,
        r#"<operation_history call="5" task="probe" rc="0""#,
    ] {
        let at = rest.find(expected);
        assert!(at.is_some(), "no `{expected}` in:\n{xml}");
        rest = &rest[at.unwrap_or_default() + expected.len()..];
    }
    let planned = boxed("crm_simulate -x cib.xml --output-as=xml");
    assert!(planned.contains(r#"id_as_resource="box-podman-0""#), "{planned}");
}

#[test]
fn parts_of_a_bundle_are_resources_by_their_names() {
    for (words, expected) in [
        ("-W -r inner", "resource inner is running on: box-0\n"),
        ("-W -r box-0", "resource box-0 is running on: alder\n"),
        ("-W -r b", "resource b is NOT running\n"),
        (
            "-l",
            "box-podman-0\nbox-ip-10.0.0.5\nbox-0\nbox-podman-1\nbox-ip-10.0.0.6\nbox-1\n\
             inner:0\ninner:1\na\nb\nreach\n",
        ),
    ] {
        assert_eq!(boxed(&format!("crm_resource {words}")), expected, "{words}");
    }
}
