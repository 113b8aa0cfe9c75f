//! Where resources run, read off the operation histories of the status section.

use cib::Element;

use crate::resource::{self, members};

/// Returns the nodes a resource is active on.
pub fn active_nodes(cib: &Element, id: &str) -> Vec<String> {
    let Some(element) = resource::find(cib, id) else { return Vec::new() };
    let mut primitives: Vec<&str> =
        element.descendants().filter(|e| e.name() == "primitive").filter_map(Element::id).collect();
    if element.name() == "group" {
        primitives.truncate(members(element).count());
    }
    let mut nodes: Vec<String> = cib
        .child("status")
        .into_iter()
        .flat_map(|status| status.children_named("node_state"))
        .filter(|state| primitives.iter().any(|primitive| runs(state, primitive)))
        .filter_map(|state| state.get("uname").map(str::to_owned))
        .collect();
    nodes.sort();
    nodes
}

/// Says whether a node's history ends with the resource active.
fn runs(state: &Element, primitive: &str) -> bool {
    let resources = state.at(&["lrm", "lrm_resources"]);
    resources.into_iter().flat_map(Element::children).any(|resource| {
        let id = resource.id().unwrap_or_default();
        let base = id.split(':').next().unwrap_or(id);
        base == primitive && is_active(resource)
    })
}

fn is_active(resource: &Element) -> bool {
    let mut operations: Vec<&Element> = resource.children_named("lrm_rsc_op").collect();
    let call = |o: &Element| o.get("call-id").and_then(|id| id.parse::<i64>().ok()).unwrap_or(-1);
    operations.sort_by_key(|o| call(o));
    let mut active = false;
    for operation in operations {
        let result = operation.get("rc-code").unwrap_or_default();
        match (operation.get("operation").unwrap_or_default(), result) {
            ("start" | "promote" | "demote" | "migrate_from", "0") | ("monitor", "0" | "8") => {
                active = true;
            }
            ("stop" | "migrate_to", "0") | ("monitor", "7") => active = false,
            _ => {}
        }
    }
    active
}

#[cfg(test)]
mod tests {
    use super::active_nodes;

    #[test]
    fn the_last_operation_decides() {
        let cib = cib::parse(
            r#"<cib><configuration><resources><primitive id="A"/></resources></configuration>
            <status><node_state uname="n1"><lrm><lrm_resources><lrm_resource id="A">
            <lrm_rsc_op operation="start" call-id="5" rc-code="0"/>
            <lrm_rsc_op operation="stop" call-id="9" rc-code="0"/></lrm_resource></lrm_resources></lrm></node_state>
            <node_state uname="n2"><lrm><lrm_resources><lrm_resource id="A">
            <lrm_rsc_op operation="start" call-id="3" rc-code="0"/></lrm_resource></lrm_resources></lrm></node_state>
            </status></cib>"#,
        )
        .unwrap();
        assert_eq!(active_nodes(&cib, "A"), ["n2"]);
    }
}
