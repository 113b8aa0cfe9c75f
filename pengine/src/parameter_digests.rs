//! The digests by which it is found out that a resource runs with other parameters than those configured, as
//! `crm_resource --digests` shows them.

use cib::Element;
use model::WallTime;

use crate::action::Key;
use crate::cluster::Cluster;
use crate::digest::{self, SECRET, SECURE_DIGESTS_OF_ALL, special};
use crate::entry::Entry;
use crate::history::base_name;
use crate::index::{NodeIx, ResourceIx};
use crate::plan::Options;
use crate::rules::{Pairs, compare_versions};
use crate::task;

/// The digests of a resource on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// The resource; of a clone, the instance.
    pub resource: String,
    /// The operation that is compared with: what made the resource active on the node, or what found out that it
    /// is not; without a history, the start that is to come.
    pub task: String,
    /// Its interval.
    pub interval_ms: u64,
    /// Of all parameters.
    pub all: Digest,
    /// Of those that are no secret.
    pub open: Digest,
    /// Of those that a reload can't change, where the history says which.
    pub fixed: Option<Digest>,
}

/// Parameters and their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// By name.
    pub parameters: Vec<(String, String)>,
    /// MD5, in hexadecimal digits.
    pub hash: String,
}

impl Digest {
    fn of(parameters: &Pairs) -> Self {
        let list = parameters.iter().map(|(name, value)| (name.clone(), value.clone()));
        Self { hash: digest::of_parameters(parameters), parameters: list.collect() }
    }
}

/// Returns the digests of a primitive on a node, with some parameters instead of the document's; none when the
/// document knows no such primitive or node.
pub fn read(
    input: &Element,
    now: WallTime,
    options: &Options,
    place: (&str, &str),
    instead: &[(String, String)],
) -> Option<Digests> {
    let (resource, node) = place;
    let mut unpacked = crate::unpack::unpack(input, now, options);
    let cluster = &mut unpacked.cluster;
    let node = *cluster.node_by_name.get(node)?;
    let rsc = primitive(cluster, resource, node)?;
    let history =
        crate::fail_count::entries(cluster, &cluster[node].name, cluster[rsc].history_id());
    let entry = compared(&history);
    let (task, recorded_ms) = entry.map_or((task::START, 0), |entry| {
        let task = entry.task.unwrap_or(task::MONITOR);
        (if task == task::PROMOTE { task::START } else { task }, entry.interval_ms)
    });
    let asked = instead.iter().rev().find(|(name, _)| name == "CRM_meta_interval");
    let asked = asked.and_then(|(_, text)| {
        text.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().ok()
    });
    let interval_ms = asked.unwrap_or(recorded_ms);
    let key = match (task, interval_ms) {
        // what finds out how things are is compared with the start
        (task::MONITOR, 0) => Key::once(task::START),
        (task, interval_ms) => Key { task, interval_ms },
    };
    let all = digest::parameters_of(
        cluster,
        unpacked.book.operations_mut(),
        rsc,
        Some(node),
        key,
        instead,
    );
    let open = without_secrets(&all, entry, cluster[rsc].fence_device);
    let fixed = entry.filter(|entry| entry.xml.get("op-restart-digest").is_some()).map(|entry| {
        let list = entry.xml.get("op-force-restart");
        only(&all, |name| list.is_none_or(|list| list.split_whitespace().any(|word| word == name)))
    });
    Some(Digests {
        resource: cluster[rsc].id.clone(),
        task: task.to_string(),
        interval_ms,
        all: Digest::of(&all),
        open: Digest::of(&open),
        fixed: fixed.as_ref().map(Digest::of),
    })
}

/// Finds a primitive by its name or that of an instance; of several instances, the one on the node.
fn primitive(cluster: &Cluster, id: &str, node: NodeIx) -> Option<ResourceIx> {
    let all = cluster.top.iter().flat_map(|top| cluster.family(*top));
    let named: Vec<ResourceIx> = all
        .filter(|one| cluster[*one].is_primitive())
        .filter(|one| {
            let one = &cluster[*one];
            [&one.id, one.history_id(), base_name(&one.id)].contains(&id)
        })
        .collect();
    let here = named.iter().find(|one| cluster[**one].running_on.contains(&node));
    here.or(named.first()).copied()
}

/// The entry whose digest counts: what made the resource active, else the last one.
fn compared(history: &[Entry]) -> Option<&Entry> {
    let starts = [task::START, task::PROMOTE, task::MIGRATE_FROM];
    let begins = |entry: &&Entry| {
        entry.interval_ms == 0 && entry.task.is_some_and(|task| starts.contains(&task))
    };
    let last = |one: &&Entry| one.call_id;
    history.iter().filter(begins).max_by_key(last).or(history.iter().max_by_key(last))
}

fn only(parameters: &Pairs, keep: impl Fn(&str) -> bool) -> Pairs {
    let kept = parameters.iter().filter(|(name, _)| keep(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn without_secrets(parameters: &Pairs, entry: Option<&Entry>, device: bool) -> Pairs {
    let secret = |name: &str| match entry {
        None => SECRET.contains(&name),
        Some(entry) => {
            let list = entry.xml.get("op-secure-params").unwrap_or_default();
            let feature_set = entry.xml.get("crm_feature_set").unwrap_or("0");
            let old = compare_versions(feature_set, SECURE_DIGESTS_OF_ALL).is_lt();
            list.split_whitespace().any(|word| word == name) || (old && device && special(name))
        }
    };
    only(parameters, |name| !secret(name) && !name.starts_with("CRM_meta_"))
}

#[cfg(test)]
mod tests {
    use model::WallTime;

    use super::read;
    use crate::plan::Options;

    const CIB: &str = r#"<cib><configuration><nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
        <resources><primitive id="r" class="ocf" provider="pacemaker" type="Dummy">
          <instance_attributes id="i"><nvpair id="n1" name="passwd" value="x"/>
            <nvpair id="n2" name="state" value="/s"/><nvpair id="n3" name="fake" value="1"/></instance_attributes>
          <operations><op id="m" name="monitor" interval="10s" timeout="20s"/></operations>
        </primitive></resources></configuration>
        <status><node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1">
          <lrm_resources><lrm_resource id="r" class="ocf" provider="pacemaker" type="Dummy">
            <lrm_rsc_op id="r_last_0" operation_key="r_start_0" operation="start" call-id="5" rc-code="0" op-status="0"
              interval="0" crm_feature_set="3.20.5" op-secure-params=" passwd " op-force-restart=" state "
              op-restart-digest="x" transition-key="1:1:0:u"/>
            <lrm_rsc_op id="r_monitor_10000" operation_key="r_monitor_10000" operation="monitor" call-id="6" rc-code="0"
              op-status="0" interval="10000" transition-key="2:1:0:u"/>
          </lrm_resource></lrm_resources></lrm></node_state></status></cib>"#;

    fn shown(node: &str, instead: &[(&str, &str)]) -> String {
        let cib = cib::parse(CIB).unwrap();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let instead: Vec<(String, String)> = instead.iter().map(own).collect();
        let found =
            read(&cib, WallTime::from_secs(0), &Options::default(), ("r", node), &instead).unwrap();
        let names = |digest: &super::Digest| {
            let pairs = digest.parameters.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(" ")
        };
        let fixed = found.fixed.as_ref().map(names).unwrap_or_default();
        format!(
            "{}_{} all: {} open: {} fixed: {fixed}",
            found.task,
            found.interval_ms,
            names(&found.all),
            names(&found.open)
        )
    }

    #[test]
    fn parameters_are_told_apart_as_the_history_says() {
        assert_eq!(
            shown("a", &[]),
            "start_0 all: fake=1 passwd=x state=/s open: fake=1 state=/s fixed: state=/s"
        );
        assert_eq!(
            shown("b", &[]),
            "start_0 all: fake=1 passwd=x state=/s open: fake=1 state=/s fixed: "
        );
    }

    #[test]
    fn other_parameters_and_another_interval_can_be_tried() {
        assert_eq!(
            shown("b", &[("fake", "2"), ("CRM_meta_interval", "10000")]),
            "start_10000 all: CRM_meta_timeout=20000 fake=2 passwd=x state=/s open: fake=2 state=/s fixed: "
        );
    }

    #[test]
    fn what_is_not_there_has_no_digests() {
        let cib = cib::parse(CIB).unwrap();
        let ask = |place| read(&cib, WallTime::from_secs(0), &Options::default(), place, &[]);
        assert_eq!(ask(("r", "c")), None);
        assert_eq!(ask(("s", "a")), None);
    }
}
