//! A document that tests of `crm_resource` look at: one of each kind of resource, on three nodes.

use cib::Element;

/// Makes it.
pub(crate) fn document() -> Element {
    let operation = |resource: &str, name: &str, rc: u8, call: u8| {
        format!(
            "<lrm_rsc_op id='{resource}_last_0' operation_key='{resource}_{name}_0' \
             operation='{name}' transition-key='1:1:{rc}:x' call-id='{call}' rc-code='{rc}' \
             op-status='0' interval='0' last-rc-change='1700000000' exec-time='12' \
             queue-time='0'/>"
        )
    };
    let history = |resource: &str, operations: &str| {
        format!(
            "<lrm_resource id='{resource}' class='ocf' provider='pacemaker' type='Dummy'>\
             {operations}</lrm_resource>"
        )
    };
    let state = |id: u8, histories: String| {
        format!(
            "<node_state id='{id}' uname='ser{id}' in_ccm='true' crmd='online' join='member' \
             expected='member'><lrm id='{id}'><lrm_resources>{histories}</lrm_resources></lrm>\
             </node_state>"
        )
    };
    let started = |resource: &str| history(resource, &operation(resource, "start", 0, 2));
    let first: String = [
        started("A"),
        history("B", &operation("B", "monitor", 7, 1)),
        started("G1"),
        started("G2"),
        history("PP", &operation("PP", "promote", 0, 3)),
    ]
    .concat();
    let text = format!(
        r#"<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="8" num_updates="2" admin_epoch="0" have-quorum="1" dc-uuid="1">
<configuration><crm_config/>
<nodes><node id="1" uname="ser1"/><node id="2" uname="ser2"/><node id="3" uname="ser3"/></nodes>
<resources>
<primitive id="A" class="ocf" provider="pacemaker" type="Dummy">
<instance_attributes id="A-ia"><nvpair id="A-ia-fake" name="fake" value="x"/></instance_attributes>
<meta_attributes id="A-meta"><nvpair id="A-meta-s" name="resource-stickiness" value="5"/></meta_attributes>
</primitive>
<primitive id="B" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="B-meta"><nvpair id="B-meta-tr" name="target-role" value="Stopped"/></meta_attributes></primitive>
<group id="G"><primitive id="G1" class="ocf" provider="heartbeat" type="Dummy"/><primitive id="G2" class="ocf" provider="heartbeat" type="Dummy"/></group>
<clone id="P"><meta_attributes id="P-meta"><nvpair id="P-meta-p" name="promotable" value="true"/></meta_attributes><primitive id="PP" class="ocf" provider="pacemaker" type="Stateful"/></clone>
</resources>
<constraints>
<rsc_location id="loc-A-1" rsc="A" node="ser1" score="100"/>
<rsc_location id="cli-ban-G-on-ser3" rsc="G" role="Started" node="ser3" score="-INFINITY"/>
<rsc_colocation id="col" rsc="G" with-rsc="A" score="INFINITY"/>
</constraints>
<rsc_defaults><meta_attributes id="rsc-options"><nvpair id="rsc-options-s" name="resource-stickiness" value="1"/></meta_attributes></rsc_defaults>
</configuration>
<status>{}{}{}</status></cib>"#,
        state(1, first),
        state(2, started("PP")),
        state(3, history("A", &operation("A", "monitor", 7, 1))),
    );
    cib::parse(&text).expect("the document of the tests is XML")
}
