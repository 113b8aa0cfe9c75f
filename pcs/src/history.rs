//! The operation histories of the status section, forgotten.

use cib::Element;

use crate::resource;

/// Forgets failures, or all of the history, as `cleanup` and `refresh` make the cluster do: of one
/// resource (and what is in it) or of all, on one node or on all.
pub fn forget(cib: &mut Element, resource: Option<&str>, node: Option<&str>, only_failed: bool) {
    let primitives: Option<Vec<String>> = resource.map(|id| {
        let found = resource::find(cib, id).into_iter().flat_map(Element::descendants);
        found
            .filter(|e| e.name() == "primitive")
            .filter_map(|e| e.id().map(str::to_owned))
            .collect()
    });
    let is_meant = |id: &str| {
        let base = id.split(':').next().unwrap_or(id);
        primitives.as_ref().is_none_or(|all| all.iter().any(|primitive| primitive == base))
    };
    let Some(status) = cib.child_mut("status") else { return };
    for state in status.children_mut() {
        if node.is_some_and(|node| state.get("uname") != Some(node)) {
            continue;
        }
        let mut counted = Vec::new();
        for set in
            state.child_mut("transient_attributes").into_iter().flat_map(Element::children_mut)
        {
            set.retain_children(|pair| {
                let name = pair.get("name").unwrap_or_default();
                let of = name
                    .strip_prefix("fail-count-")
                    .or_else(|| name.strip_prefix("last-failure-"))
                    .map(|rest| rest.split('#').next().unwrap_or(rest));
                match of {
                    Some(of) if is_meant(of) => {
                        counted.push(of.to_owned());
                        false
                    }
                    _ => true,
                }
            });
        }
        let Some(resources) = state.at_mut(&["lrm", "lrm_resources"]) else { continue };
        resources.retain_children(|resource| {
            let id = resource.id().unwrap_or_default();
            let failed = counted.iter().any(|name| name == id)
                || resource
                    .children()
                    .any(|entry| entry.id().is_some_and(|id| id.ends_with("_last_failure_0")));
            !is_meant(id) || (only_failed && !failed)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::forget;

    #[test]
    fn only_what_failed_is_forgotten_unless_all_is() {
        let cib = cib::parse(
            r#"<cib><configuration><resources><primitive id="A"/><primitive id="B"/></resources></configuration>
            <status><node_state uname="n1"><transient_attributes><instance_attributes>
            <nvpair id="f" name="fail-count-A#start_0" value="1"/><nvpair id="s" name="shutdown" value="0"/></instance_attributes></transient_attributes>
            <lrm><lrm_resources><lrm_resource id="A"/><lrm_resource id="B"/></lrm_resources></lrm></node_state></status></cib>"#,
        )
        .unwrap();
        let left = |resource: Option<&str>, only_failed: bool| {
            let mut cib = cib.clone();
            forget(&mut cib, resource, None, only_failed);
            let ids: Vec<String> = cib
                .child("status")
                .into_iter()
                .flat_map(cib::Element::descendants)
                .filter_map(|e| e.id().map(str::to_owned))
                .collect();
            ids.join(" ")
        };
        assert_eq!(left(None, true), "s B");
        assert_eq!(left(Some("B"), true), "f s A B");
        assert_eq!(left(Some("B"), false), "f s A");
        assert_eq!(left(None, false), "s");
    }
}
