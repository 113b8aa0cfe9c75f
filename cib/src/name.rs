//! Names of elements and attributes: those of the formats cost nothing, others are shared text.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The name of an element or an attribute.
///
/// A status section says the same hundred names some hundred thousand times.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// A place in [`KNOWN`]; a known name is never `Other`.
    Known(u8),
    Other(Arc<str>),
}

/// Names that documents, histories and transition graphs are made of.
///
/// One for the whole program: a constant would be a table in each unit of code that knows a name.
#[rustfmt::skip]
static KNOWN: [&str; 224] = [
    "CRM_meta_clone", "CRM_meta_clone_max", "CRM_meta_clone_node_max", "CRM_meta_container",
    "CRM_meta_container_attribute_target", "CRM_meta_globally_unique", "CRM_meta_interval",
    "CRM_meta_master_max", "CRM_meta_master_node_max", "CRM_meta_migrate_source",
    "CRM_meta_migrate_target", "CRM_meta_name", "CRM_meta_notify",
    "CRM_meta_notify_active_resource", "CRM_meta_notify_active_uname",
    "CRM_meta_notify_all_hosts", "CRM_meta_notify_all_uname", "CRM_meta_notify_available_uname",
    "CRM_meta_notify_demote_resource", "CRM_meta_notify_demote_uname",
    "CRM_meta_notify_inactive_resource", "CRM_meta_notify_key_operation",
    "CRM_meta_notify_key_type", "CRM_meta_notify_master_resource",
    "CRM_meta_notify_master_uname", "CRM_meta_notify_operation",
    "CRM_meta_notify_promote_resource", "CRM_meta_notify_promote_uname",
    "CRM_meta_notify_promoted_resource", "CRM_meta_notify_promoted_uname",
    "CRM_meta_notify_slave_resource", "CRM_meta_notify_slave_uname",
    "CRM_meta_notify_start_resource", "CRM_meta_notify_start_uname",
    "CRM_meta_notify_stop_resource", "CRM_meta_notify_stop_uname", "CRM_meta_notify_type",
    "CRM_meta_notify_unpromoted_resource", "CRM_meta_notify_unpromoted_uname",
    "CRM_meta_on_node", "CRM_meta_on_node_uuid", "CRM_meta_op_no_wait", "CRM_meta_op_target_rc",
    "CRM_meta_physical_host", "CRM_meta_promoted_max", "CRM_meta_promoted_node_max",
    "CRM_meta_record_pending", "CRM_meta_role", "CRM_meta_stonith_action", "CRM_meta_timeout",
    "acl_permission", "acl_role", "acl_target", "acls", "action_set", "admin_epoch", "alert",
    "alerts", "attribute", "attributes", "boolean-op", "bundle", "call-id", "cib",
    "cib-last-written", "class", "clone", "cluster-delay", "cluster_property_set",
    "configuration", "constraints", "container", "control-port", "crm-debug-origin",
    "crm_config", "crm_event", "crm_feature_set", "crmd", "date_expression", "date_in",
    "date_spec", "dc-uuid", "description", "devices", "directory", "docker", "downed",
    "duration", "epoch", "exec-time", "exit-reason", "expected", "expression",
    "failed-start-offset", "failed-stop-offset", "fencing-level", "fencing-timeout",
    "fencing-topology", "first", "first-action", "granted", "group", "have-quorum", "id",
    "image", "in_ccm", "index", "influence", "inputs", "instance_attributes",
    "internal_operation_key", "interval", "join", "kind", "last-rc-change", "last-run",
    "long-id", "loss-policy", "lrm", "lrm_resource", "lrm_resources", "lrm_rsc_op",
    "meta_attributes", "migrate_source", "migrate_target", "name", "network", "node",
    "node-attribute", "node_fenced", "node_state", "nodes", "num_updates", "nvpair", "obj_ref",
    "on-fail", "on_node", "on_node_uuid", "op", "op-digest", "op-force-restart",
    "op-restart-digest", "op-secure-digest", "op-secure-params", "op-status", "op_defaults",
    "op_expression", "operation", "operation_key", "operations", "options", "podman", "port",
    "port-mapping", "primitive", "priority", "provider", "pseudo_event", "queue-time",
    "rc-code", "recipient", "remote-tls-port", "remote_node", "replicas", "require-all",
    "resource-discovery", "resource_ref", "resource_set", "resources", "reuse", "role",
    "router_node", "rsc", "rsc-role", "rsc_colocation", "rsc_defaults", "rsc_expression",
    "rsc_location", "rsc_op", "rsc_order", "rsc_ticket", "rule", "run-command", "run_opts",
    "score", "score-attribute", "sequential", "set_policy", "shutdown", "source-dir",
    "start-delay", "status", "storage", "storage-mapping", "symmetrical", "synapse", "tag",
    "tags", "target", "target-dir", "template", "then", "then-action", "ticket", "ticket_state",
    "tickets", "timeout", "transient_attributes", "transition-key", "transition-magic",
    "transition_graph", "transition_id", "trigger", "type", "uname", "update-client",
    "update-origin", "update-user", "utilization", "validate-with", "value", "value-source",
    "with-rsc", "with-rsc-role",
];

/// Slots of [`SLOTS`]: some four times as many as names, so that a look mostly finds at once.
const SLOT_COUNT: usize = 1024;

/// A slot nobody sits in.
const FREE: u8 = u8::MAX;

/// The places of the known names by what [`slot`] says of them, or as near behind as is free.
const SLOTS: [u8; SLOT_COUNT] = {
    assert!(KNOWN.len() < FREE as usize);
    let mut slots = [FREE; SLOT_COUNT];
    let mut place = 0;
    while place < KNOWN.len() {
        let mut at = slot(KNOWN[place].len(), ENDS[place]);
        while slots[at] != FREE {
            at = (at + 1) % SLOT_COUNT;
        }
        #[allow(clippy::cast_possible_truncation, reason = "there are fewer; see above")]
        {
            slots[at] = place as u8;
        }
        place += 1;
    }
    slots
};

/// The first and the last bytes of a name, which may overlap: with its length, they are all there
/// is of a name that is not longer than both.
type Ends = (u64, u64);

/// How long a name may be for its ends to be all of it.
const BOTH_ENDS: usize = 2 * size_of::<u64>();

/// The ends of the known names.
static ENDS: [Ends; KNOWN.len()] = {
    let mut all = [(0, 0); KNOWN.len()];
    let mut place = 0;
    while place < KNOWN.len() {
        all[place] = ends(KNOWN[place].as_bytes());
        place += 1;
    }
    all
};

const fn ends(name: &[u8]) -> Ends {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64);
    }
    match name {
        [] => (0, 0),
        [first, .., last] => (*first as u64 | (name[1] as u64) << 8, *last as u64),
        [only] => (*only as u64, 0),
    }
}

/// Where to look for a name: a mixture of its length and its ends.
const fn slot(length: usize, (first, last): Ends) -> usize {
    // (the upper bits of a product with many bits come of all the lower ones)
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (first ^ last.rotate_left(23) ^ length as u64).wrapping_mul(MIX);
    #[allow(clippy::cast_possible_truncation, reason = "ten bits fit")]
    let slot = (mixed >> (u64::BITS - SLOT_COUNT.trailing_zeros())) as usize;
    slot
}

impl Name {
    /// Returns the place of a known name in the table.
    pub(crate) fn place(text: &str) -> Option<u8> {
        let ends = ends(text.as_bytes());
        let mut at = slot(text.len(), ends);
        loop {
            let place = SLOTS[at];
            if place == FREE {
                return None;
            }
            let known = KNOWN[usize::from(place)];
            if ENDS[usize::from(place)] == ends
                && known.len() == text.len()
                && (text.len() <= BOTH_ENDS || known == text)
            {
                return Some(place);
            }
            at = (at + 1) % SLOT_COUNT;
        }
    }

    /// Returns the known name in this place.
    pub(crate) fn known(place: usize) -> &'static str {
        KNOWN[place]
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(Self::place(text).map_or_else(|| Kind::Other(text.into()), Kind::Known))
    }
}

impl Default for Name {
    fn default() -> Self {
        Self(Kind::Other(Arc::default()))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Kind::Known(place) => KNOWN[usize::from(*place)],
            Kind::Other(text) => text,
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, Kind, Name, SLOTS, slot};

    #[test]
    fn known_names_are_in_order_and_have_a_place_each() {
        assert!(KNOWN.is_sorted_by(|a, b| a < b));
        let looks = |name: &str| {
            let at = slot(name.len(), super::ends(name.as_bytes()));
            (0..).find(|step| {
                let found = SLOTS[(at + step) % super::SLOT_COUNT];
                found != super::FREE && KNOWN[usize::from(found)] == name
            })
        };
        let worst = KNOWN.iter().filter_map(|name| looks(name)).max();
        assert!(worst < Some(8), "{worst:?} looks for one name: mix better");
        for name in &KNOWN {
            let Name(kind) = Name::from(*name);
            assert!(matches!(kind, Kind::Known(_)), "{name} is known without a place");
        }
    }

    #[test]
    fn a_name_is_its_text() {
        let longest = "CRM_meta_notify_unpromoted_resource";
        for text in ["id", "rsc_order", longest, "banana", "", "i", "d", "idd"] {
            assert_eq!(&*Name::from(text), text);
        }
        assert_eq!(Name::from("banana"), Name::from("banana"));
        assert_ne!(Name::from("id"), Name::from("banana"));
    }

    #[test]
    fn a_name_differs_from_a_known_one_by_any_of_its_bytes() {
        for name in KNOWN {
            for at in 0..name.len() {
                let other = format!("{}~{}", &name[..at], &name[at + 1..]);
                assert_eq!(Name::place(&other), None, "{other} is taken for {name}");
                let shorter = format!("{}{}", &name[..at], &name[at + 1..]);
                assert_eq!(
                    Name::place(&shorter).map(usize::from).map(Name::known),
                    KNOWN.into_iter().find(|known| *known == shorter)
                );
            }
        }
    }

    #[test]
    fn a_name_is_two_words() {
        assert_eq!(size_of::<Name>(), 2 * size_of::<usize>());
    }
}
