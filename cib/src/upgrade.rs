//! Older documents in the current form, as `cibadmin --upgrade` gives it.
//!
//! Two steps: what schemas before 3.0 spelled otherwise or did not drop yet, and (3.x on) the
//! names `Promoted`, `Unpromoted` and promotable clones in place of masters and slaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::tree::{Content, Element};
use crate::validate::{SCHEMAS, nearest};

/// The schema that documents made here name: the newest that Pacemaker 2.1 and 3 both read.
pub const CURRENT: &str = "pacemaker-3.9";

/// Why a document can't be upgraded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// The document does not say which schema it follows.
    #[error("the document has no `validate-with` that says which schema it follows now")]
    NoSchema,
    /// The document's schema is not known.
    #[error("the document follows the schema `{schema}`, which is not known here{hint}")]
    UnknownSchema {
        /// What it names.
        schema: String,
        /// What may be meant.
        hint: String,
    },
}

/// Returns the document in the current form; unchanged when it is current already.
///
/// # Errors
/// When the document's schema is not known.
pub fn to_current(document: &Element) -> Result<Element, UpgradeError> {
    let mut new = to_third_generation(document)?;
    if let Some(configuration) = new.child_mut("configuration") {
        promotable(configuration);
    }
    if rank(&new) < rank_of(CURRENT) || new.get("validate-with") == Some("none") {
        new.set("validate-with", CURRENT);
    }
    Ok(new)
}

/// Returns the document with what schemas before 3.0 spelled otherwise put right, and nothing
/// else; for reading older documents in memory.
///
/// # Errors
/// When the document's schema is not known.
pub fn to_third_generation(document: &Element) -> Result<Element, UpgradeError> {
    let schema = document.get("validate-with").ok_or(UpgradeError::NoSchema)?;
    if !SCHEMAS.contains(&schema) {
        let hint = nearest(schema, SCHEMAS).map(|near| format!("; did you mean `{near}`?"));
        return Err(UpgradeError::UnknownSchema {
            schema: schema.to_owned(),
            hint: hint.unwrap_or_default(),
        });
    }
    let mut new = document.clone();
    if rank(document) >= rank_of("pacemaker-3.0") || schema == "none" {
        return Ok(new);
    }
    if let Some(configuration) = new.child_mut("configuration") {
        cluster_options(configuration);
        nodes(configuration);
        if let Some(resources) = configuration.child_mut("resources") {
            walk(resources, &mut resource);
        }
        if let Some(constraints) = configuration.child_mut("constraints") {
            for constraint in constraints.children_mut() {
                if constraint.name() == "rsc_colocation" {
                    constraint.unset("score-attribute");
                    constraint.unset("score-attribute-mangle");
                }
            }
        }
        access_lists(configuration);
    }
    new.set("validate-with", "pacemaker-3.0");
    Ok(new)
}

fn rank(document: &Element) -> usize {
    document.get("validate-with").map_or(0, rank_of)
}

fn rank_of(schema: &str) -> usize {
    SCHEMAS.iter().position(|known| *known == schema).unwrap_or(0)
}

fn walk(element: &mut Element, f: &mut impl FnMut(&mut Element)) {
    for child in element.children_mut() {
        f(child);
        walk(child, f);
    }
}

/// What becomes of a cluster option of old.
enum Fate {
    Keep,
    Rename(&'static str),
    Drop,
    /// Goes to `rsc_defaults` or `op_defaults` under another name.
    Default(&'static str, &'static str),
}

fn option_of_old(name: &str) -> Fate {
    match name {
        "default-resource-stickiness" | "default_resource_stickiness" => {
            Fate::Default("rsc_defaults", "resource-stickiness")
        }
        "is-managed-default" | "is_managed_default" => Fate::Default("rsc_defaults", "is-managed"),
        "default-action-timeout" | "default_action_timeout" => {
            Fate::Default("op_defaults", "timeout")
        }
        "default-resource-failure-stickiness"
        | "default_resource_failure_stickiness"
        | "default-migration-threshold"
        | "default_migration_threshold"
        | "notification-agent"
        | "notification-recipient" => Fate::Drop,
        "cluster_recheck_interval" => Fate::Rename("cluster-recheck-interval"),
        "dc_deadtime" => Fate::Rename("dc-deadtime"),
        "election_timeout" => Fate::Rename("election-timeout"),
        "no_quorum_policy" => Fate::Rename("no-quorum-policy"),
        "remove_after_stop" => Fate::Rename("remove-after-stop"),
        "shutdown_escalation" => Fate::Rename("shutdown-escalation"),
        "startup_fencing" => Fate::Rename("startup-fencing"),
        "stonith_action" => Fate::Rename("stonith-action"),
        "stonith_enabled" => Fate::Rename("stonith-enabled"),
        "stop_orphan_actions" => Fate::Rename("stop-orphan-actions"),
        "stop_orphan_resources" => Fate::Rename("stop-orphan-resources"),
        "symmetric_cluster" => Fate::Rename("symmetric-cluster"),
        "transition_idle_timeout" | "transition-idle-timeout" => Fate::Rename("cluster-delay"),
        _ => Fate::Keep,
    }
}

fn cluster_options(configuration: &mut Element) {
    let mut defaults: Vec<(&str, Element)> = Vec::new();
    if let Some(options) = configuration.child_mut("crm_config") {
        for set in options.children_mut() {
            let mut kept = Vec::new();
            for content in std::mem::take(set.content_mut()) {
                let Content::Element(mut pair) = content else {
                    kept.push(content);
                    continue;
                };
                match option_of_old(pair.get("name").unwrap_or_default()) {
                    Fate::Keep => {}
                    Fate::Rename(name) => Arc::make_mut(&mut pair).set("name", name),
                    Fate::Drop => continue,
                    Fate::Default(section, name) => {
                        Arc::make_mut(&mut pair).set("name", name);
                        defaults.push((section, (*pair).clone()));
                        continue;
                    }
                }
                kept.push(Content::Element(pair));
            }
            *set.content_mut() = kept;
        }
    }
    for (section, pair) in defaults {
        add_default(configuration, section, pair);
    }
}

/// Adds a default unless there is one with this name already.
fn add_default(configuration: &mut Element, section: &str, pair: Element) {
    let id = format!("_2TO3_-{}", section.replace('_', "-"));
    let defaults = configuration.child_or_insert(section);
    let there =
        defaults.descendants().any(|e| e.name() == "nvpair" && e.get("name") == pair.get("name"));
    if there {
        return;
    }
    match defaults.find_id_mut(&id) {
        Some(set) => set.push(pair),
        None => defaults.push(Element::new("meta_attributes").with("id", id).with_child(pair)),
    }
}

fn nodes(configuration: &mut Element) {
    for node in configuration.child_mut("nodes").into_iter().flat_map(Element::children_mut) {
        if node.get("type") == Some("normal") {
            node.set("type", "member");
        }
    }
}

fn resource(element: &mut Element) {
    match element.name() {
        "primitive" | "template" => {
            requires(element);
            for set in element.children_mut() {
                match set.name() {
                    "meta_attributes" => meta_attributes(set),
                    "instance_attributes" => fence_parameters(set),
                    _ => {}
                }
            }
        }
        "group" | "clone" | "master" => {
            for set in element.children_mut().filter(|c| c.name() == "meta_attributes") {
                meta_attributes(set);
            }
        }
        _ => {}
    }
}

/// `requires` of a start or promote operation becomes one of the resource.
fn requires(primitive: &mut Element) {
    let mut wanted = None;
    for operations in primitive.children_mut().filter(|c| c.name() == "operations") {
        for operation in operations.children_mut() {
            let starts = matches!(operation.get("name"), Some("start" | "promote"));
            let id = operation.id().unwrap_or_default().to_owned();
            if let Some(value) = operation.unset("requires")
                && starts
            {
                wanted = Some((id, value));
            }
        }
    }
    let Some((operation, value)) = wanted else { return };
    let has = primitive
        .children_named("meta_attributes")
        .flat_map(Element::children)
        .any(|pair| pair.get("name") == Some("requires"));
    if has {
        return;
    }
    let pair = Element::new("nvpair")
        .with("id", format!("_2TO3_{operation}-meta-requires"))
        .with("name", "requires")
        .with("value", value);
    let id = format!("_2TO3_{}-meta", primitive.id().unwrap_or_default());
    primitive.push(Element::new("meta_attributes").with("id", id).with_child(pair));
}

fn meta_attributes(set: &mut Element) {
    let mut isolated = false;
    set.retain_children(|pair| match pair.get("name") {
        Some("isolation" | "isolation-host" | "isolation-instance" | "isolation-wrapper") => {
            // the first stays: it becomes the switch that keeps the resource off
            !std::mem::replace(&mut isolated, true)
        }
        Some("resource-failure-stickiness" | "resource_failure_stickiness") => false,
        _ => true,
    });
    for pair in set.children_mut() {
        if pair.get("name").is_some_and(|name| name.starts_with("isolation")) {
            pair.set("name", "target-role");
            pair.set("value", "Stopped");
        }
    }
}

fn fence_parameters(set: &mut Element) {
    set.retain_children(|pair| pair.get("name") != Some("pcmk_arg_map"));
    for pair in set.children_mut() {
        let renamed = match pair.get("name") {
            Some(
                name @ ("pcmk_list_cmd" | "pcmk_monitor_cmd" | "pcmk_status_cmd"
                | "pcmk_reboot_cmd" | "pcmk_off_cmd" | "pcmk_on_cmd"),
            ) => name.replace("_cmd", "_action"),
            _ => continue,
        };
        pair.set("name", renamed);
    }
}

fn access_lists(configuration: &mut Element) {
    let Some(lists) = configuration.child_mut("acls") else { return };
    let mut new = Vec::new();
    for content in std::mem::take(lists.content_mut()) {
        match content {
            Content::Element(list) if list.name() == "acl_user" => {
                new.extend(target_of(&list).into_iter().map(Content::from));
            }
            Content::Element(list) if list.name() == "acl_role" => {
                new.push(role_of(&list, list.id().unwrap_or_default()).into());
            }
            other => new.push(other),
        }
    }
    *lists.content_mut() = new;
}

/// A user of old names roles or holds permissions of its own, which become a role.
fn target_of(user: &Element) -> Vec<Element> {
    let id = user.id().unwrap_or_default();
    let mut target = Element::new("acl_target").with("id", id);
    let mut made = Vec::new();
    for reference in user.children_named("role_ref") {
        target.push(Element::new("role").with("id", reference.id().unwrap_or_default()));
    }
    if user.children().any(|child| child.name() != "role_ref") {
        let role = format!("auto-{id}");
        target.push(Element::new("role").with("id", role.clone()));
        made.push(role_of(user, &role));
    }
    made.insert(0, target);
    made
}

fn role_of(old: &Element, id: &str) -> Element {
    let mut role = Element::new("acl_role").with("id", id);
    if let Some(description) = old.get("description") {
        role.set("description", description);
    }
    for permission in old.children() {
        if !matches!(permission.name(), "read" | "write" | "deny") {
            if permission.name() == "acl_permission" {
                role.push(permission.clone());
            }
            continue;
        }
        let mut new = Element::new("acl_permission")
            .with("id", permission.id().unwrap_or_default())
            .with("kind", permission.name());
        for (from, to) in [("xpath", "xpath"), ("ref", "reference"), ("tag", "object-type")] {
            if let Some(value) = permission.get(from) {
                new.set(to, value);
            }
        }
        if let Some(value) = permission.get("attribute") {
            new.set("attribute", value);
        }
        role.push(new);
    }
    role
}

/// Masters become promotable clones, and roles get their names of today.
fn promotable(configuration: &mut Element) {
    let ids: BTreeSet<String> =
        configuration.descendants().filter_map(Element::id).map(str::to_owned).collect();
    walk(configuration, &mut |element| {
        if element.name() == "master" {
            element.rename("clone");
            make_promotable(element, &ids);
        }
        for role in ["role", "rsc-role", "with-rsc-role"] {
            match element.get(role) {
                Some("Master") => element.set(role, "Promoted"),
                Some("Slave") => element.set(role, "Unpromoted"),
                _ => {}
            }
        }
        if element.name() == "nvpair" && element.get("name") == Some("target-role") {
            match element.get("value") {
                Some("Master") => element.set("value", "Promoted"),
                Some("Slave") => element.set("value", "Unpromoted"),
                _ => {}
            }
        }
    });
}

fn make_promotable(clone: &mut Element, ids: &BTreeSet<String>) {
    for pair in clone
        .children_mut()
        .filter(|set| set.name() == "meta_attributes")
        .flat_map(Element::children_mut)
    {
        match pair.get("name") {
            Some("master-max") => pair.set("name", "promoted-max"),
            Some("master-node-max") => pair.set("name", "promoted-node-max"),
            _ => {}
        }
    }
    let id = clone.id().unwrap_or_default().to_owned();
    let free = |wanted: String| {
        let mut free = wanted.clone();
        let mut n = 1;
        while ids.contains(&free) {
            free = format!("{wanted}-{n}");
            n += 1;
        }
        free
    };
    let own_set = clone.children().any(|c| {
        c.name() == "meta_attributes" && c.get("id-ref").is_none() && c.child("rule").is_none()
    });
    if !own_set {
        let set = Element::new("meta_attributes").with("id", free(format!("{id}-meta_attributes")));
        clone.content_mut().insert(0, set.into());
    }
    let set = clone.children_mut().find(|c| {
        c.name() == "meta_attributes" && c.get("id-ref").is_none() && c.child("rule").is_none()
    });
    let Some(set) = set else { return };
    let pair_id = free(format!("{}-promotable", set.id().unwrap_or(&id)));
    if let Some(pair) = set.children_mut().find(|pair| pair.get("name") == Some("promotable")) {
        pair.set("value", "true");
        return;
    }
    set.push(
        Element::new("nvpair").with("id", pair_id).with("name", "promotable").with("value", "true"),
    );
}

#[cfg(test)]
mod tests {
    use super::{to_current, to_third_generation};
    use crate::patch::diff_unversioned;
    use crate::{parse, validate};

    /// What `cibadmin --upgrade` of Pacemaker 2.1.5 makes of a document of 2013.
    #[test]
    fn a_document_of_2013_becomes_one_of_today() {
        let old = parse(
            r#"<cib validate-with="pacemaker-1.2" epoch="5" num_updates="3" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="cs"><nvpair id="cn" name="default-resource-stickiness" value="100"/><nvpair id="cn2" name="default-action-timeout" value="20"/><nvpair id="c6" name="no_quorum_policy" value="stop"/><nvpair id="c7" name="notification-agent" value="x"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1" type="normal"/></nodes>
<resources>
<primitive id="pr" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="po" name="start" interval="0" requires="quorum"/></operations></primitive>
<master id="ms"><meta_attributes id="msm"><nvpair id="msmn" name="master-max" value="1"/></meta_attributes><primitive id="msp" class="ocf" provider="heartbeat" type="Stateful"/></master>
<primitive id="st" class="stonith" type="fence_x"><instance_attributes id="sti"><nvpair id="stin" name="pcmk_arg_map" value="a:b"/><nvpair id="sti2" name="pcmk_list_cmd" value="l"/></instance_attributes></primitive>
</resources>
<constraints><rsc_colocation id="c1" rsc="pr" with-rsc="msp" score="INFINITY" with-rsc-role="Master"/></constraints>
<acls><acl_user id="bob"><role_ref id="ro"/></acl_user><acl_user id="al"><read id="r9" xpath="/cib"/></acl_user><acl_role id="ro"><write id="r2" ref="pr"/><deny id="r3" tag="nvpair" attribute="value"/></acl_role></acls>
</configuration><status/></cib>"#,
        )
        .unwrap();
        let expected = parse(
            r#"<cib validate-with="pacemaker-3.9" epoch="5" num_updates="3" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="cs"><nvpair id="c6" name="no-quorum-policy" value="stop"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1" type="member"/></nodes>
<resources>
<primitive id="pr" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="po" name="start" interval="0"/></operations><meta_attributes id="_2TO3_pr-meta"><nvpair id="_2TO3_po-meta-requires" name="requires" value="quorum"/></meta_attributes></primitive>
<clone id="ms"><meta_attributes id="msm"><nvpair id="msmn" name="promoted-max" value="1"/><nvpair id="msm-promotable" name="promotable" value="true"/></meta_attributes><primitive id="msp" class="ocf" provider="heartbeat" type="Stateful"/></clone>
<primitive id="st" class="stonith" type="fence_x"><instance_attributes id="sti"><nvpair id="sti2" name="pcmk_list_action" value="l"/></instance_attributes></primitive>
</resources>
<constraints><rsc_colocation id="c1" rsc="pr" with-rsc="msp" score="INFINITY" with-rsc-role="Promoted"/></constraints>
<acls><acl_target id="bob"><role id="ro"/></acl_target><acl_target id="al"><role id="auto-al"/></acl_target><acl_role id="auto-al"><acl_permission id="r9" kind="read" xpath="/cib"/></acl_role><acl_role id="ro"><acl_permission id="r2" kind="write" reference="pr"/><acl_permission id="r3" kind="deny" object-type="nvpair" attribute="value"/></acl_role></acls>
<rsc_defaults><meta_attributes id="_2TO3_-rsc-defaults"><nvpair id="cn" name="resource-stickiness" value="100"/></meta_attributes></rsc_defaults>
<op_defaults><meta_attributes id="_2TO3_-op-defaults"><nvpair id="cn2" name="timeout" value="20"/></meta_attributes></op_defaults>
</configuration><status/></cib>"#,
        )
        .unwrap();
        let new = to_current(&old).unwrap();
        assert_eq!(diff_unversioned(&new, &expected).to_xml(), "<diff format=\"2\"/>\n");
        assert_eq!(validate::errors(&new), []);
        assert_eq!(to_current(&new).unwrap(), new);
    }

    #[test]
    fn a_current_document_is_left_alone() {
        let text = "<cib validate-with=\"pacemaker-3.9\"><configuration><resources/></configuration></cib>";
        let document = parse(text).unwrap();
        assert_eq!(to_current(&document).unwrap(), document);
        assert_eq!(to_third_generation(&document).unwrap(), document);
    }

    #[test]
    fn an_unknown_schema_is_named() {
        let error =
            to_current(&parse("<cib validate-with=\"pacemaker-33\"/>").unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the document follows the schema `pacemaker-33`, which is not known here; \
             did you mean `pacemaker-3.3`?"
        );
        assert!(to_current(&parse("<cib/>").unwrap()).is_err());
    }
}
