//! Disabling resources only if that does nothing to others.

use std::collections::BTreeSet;

use cib::Element;

use super::{find, is_resource};
use crate::environment::Environment;
use crate::message::Message;
use crate::plan::Stage;
use crate::report::{Outcome, Report};

/// Returns what is in resources, themselves included.
fn family(cib: &Element, ids: &[String]) -> BTreeSet<String> {
    ids.iter()
        .filter_map(|id| find(cib, id))
        .flat_map(Element::descendants)
        .filter(|element| is_resource(element))
        .filter_map(|element| element.id().map(str::to_owned))
        .collect()
}

/// Returns the resources beside those to disable that a plan does something to: anything, or with
/// `strict` off only what keeps them from running or being promoted.
pub fn affected(cib: &Element, disabled: &[String], stage: &Stage, strict: bool) -> Vec<String> {
    let family = family(cib, disabled);
    let known: BTreeSet<&str> = super::all_ids(cib).into_iter().collect();
    let base = |subject: &str| subject.split(':').next().unwrap_or(subject).to_owned();
    let of_bundle = |subject: &str| {
        !known.contains(subject)
            && disabled.iter().any(|id| {
                subject.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('-'))
            })
    };
    let harmful = |verb: &str| verb == "Stop" || verb == "Demote" || verb.starts_with("Fence");
    let all: BTreeSet<String> = stage
        .actions
        .iter()
        .filter(|action| strict || harmful(&action.verb))
        .map(|action| base(&action.subject))
        .filter(|subject| !family.contains(subject) && !of_bundle(subject))
        .collect();
    all.into_iter().collect()
}

/// Refuses to disable resources when others are affected.
///
/// # Errors
/// Reported.
pub fn check(env: &mut Environment<'_>, disabled: &[String], affected: &[String]) -> Outcome {
    if !affected.is_empty() {
        env.report(Report::error(Message::DisableAffectsOthers {
            disabled: disabled.to_vec(),
            affected: affected.to_vec(),
        }));
    }
    env.checked()
}

#[cfg(test)]
mod tests {
    use model::WallTime;

    /// `web` needs `db`; `other` only has to be elsewhere than `db`.
    const CLUSTER: &str = r#"<cib have-quorum="1"><configuration><crm_config><cluster_property_set id="p">
        <nvpair id="s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
        <nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
        <resources><primitive id="db" class="ocf" provider="heartbeat" type="Dummy"/>
        <primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>
        <primitive id="other" class="ocf" provider="heartbeat" type="Dummy"/></resources>
        <constraints><rsc_colocation id="c" rsc="web" with-rsc="db" score="INFINITY"/>
        <rsc_location id="l" rsc="other" node="a" score="10"/><rsc_location id="l2" rsc="db" node="a" score="20"/>
        <rsc_colocation id="d" rsc="other" with-rsc="db" score="-50"/></constraints></configuration><status>
        <node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>DB WEB</lrm_resources></lrm></node_state>
        <node_state id="2" uname="b" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="2"><lrm_resources>OTHER</lrm_resources></lrm></node_state>
        </status></cib>"#;

    fn running(id: &str) -> String {
        format!(
            "<lrm_resource id=\"{id}\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"><lrm_rsc_op id=\"{id}_last_0\" \
             operation=\"start\" operation_key=\"{id}_start_0\" call-id=\"2\" rc-code=\"0\" op-status=\"0\" interval=\"0\" \
             transition-key=\"1:1:0:u\" transition-magic=\"0:0;1:1:0:u\"/></lrm_resource>"
        )
    }

    #[test]
    fn what_stops_with_it_is_affected_and_what_moves_only_strictly() {
        let text = CLUSTER
            .replace("DB", &running("db"))
            .replace("WEB", &running("web"))
            .replace("OTHER", &running("other"));
        let before = cib::parse(&text).unwrap();
        let mut after = before.clone();
        let pairs = [("target-role".to_owned(), "Stopped".to_owned())];
        crate::nvset::update(&mut after, "db", "meta_attributes", &pairs);
        let stage = crate::plan::stage(&before, &after, WallTime(0), &pengine::Options::default());
        let of = |ids: &[&str], strict: bool| {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            super::affected(&after, &ids, &stage, strict)
        };
        assert_eq!(of(&["db"], false), ["web"]);
        assert_eq!(of(&["db"], true), ["other", "web"]);
        assert!(of(&["db", "web"], false).is_empty());
    }
}
