//! What a valid document may still get wrong.

use std::collections::BTreeSet;

use cib::Element;

use crate::{constraint, options, property, resource};

/// Returns what keeps a configuration from working, a sentence each.
pub fn problems(cib: &Element) -> Vec<String> {
    let mut problems = Vec::new();
    let fencing = property::value(cib, "stonith-enabled").is_none_or(options::is_true);
    if fencing && !resource::config::has_stonith(cib) && resource::primitives(cib).next().is_some()
    {
        problems.push(
            "Resource start-up disabled since no STONITH resources have been defined: either configure some or disable STONITH with the stonith-enabled option"
                .to_owned(),
        );
    }
    let configuration = cib.child("configuration").into_iter();
    let ids: BTreeSet<&str> =
        configuration.flat_map(Element::descendants).filter_map(Element::id).collect();
    for constraint in constraint::all(cib) {
        for key in constraint::NAMING {
            if let Some(id) = constraint.get(key)
                && !ids.contains(id)
            {
                problems.push(format!(
                    "Constraint '{}' names '{id}', which does not exist",
                    constraint.id().unwrap_or_default()
                ));
            }
        }
    }
    for bundle in cib
        .at(&["configuration", "resources"])
        .into_iter()
        .flat_map(|resources| resources.children_named("bundle"))
    {
        let network = bundle.child("network");
        let reachable = network
            .is_some_and(|n| n.get("ip-range-start").is_some() || n.get("control-port").is_some());
        if resource::members(bundle).next().is_some() && !reachable {
            problems.push(format!(
                "Bundle '{}' has a resource but no address and no control port to reach it",
                bundle.id().unwrap_or_default()
            ));
        }
    }
    problems
}

/// Properties of old that no document may have any more.
const OBSOLETE: [&str; 3] =
    ["default-action-timeout", "default-resource-stickiness", "is-managed-default"];

/// Returns the properties of a document that nothing understands any more.
pub fn obsolete_properties(cib: &Element) -> Vec<String> {
    OBSOLETE
        .iter()
        .filter(|name| property::value(cib, name).is_some())
        .map(|name| format!("the property '{name}' has gone; use 'pcs resource defaults update'"))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_resource_without_fencing_is_a_problem_and_a_dangling_constraint_another() {
        let cib = cib::parse(
            r#"<cib><configuration><resources><primitive id="A"/></resources>
            <constraints><rsc_location id="l" rsc="B" node="n"/></constraints></configuration></cib>"#,
        )
        .unwrap();
        assert_eq!(super::problems(&cib).len(), 2);
    }
}
