//! Options of the cluster itself: what it understands, for commands that check or describe them.

use crate::metadata::{OptionClass, Parameter};

/// `(name, type, default, choices, expert, description)`; choices are separated by `|`.
type Row = (&'static str, &'static str, &'static str, &'static str, bool, &'static str);

const CLUSTER: &[Row] = &[
    (
        "batch-limit",
        "integer",
        "0",
        "",
        false,
        "How many actions run at once in the whole cluster; 0 lets it find out",
    ),
    (
        "cluster-delay",
        "duration",
        "60s",
        "",
        false,
        "How much longer than its timeout an action may stay unanswered by another node",
    ),
    (
        "cluster-ipc-limit",
        "nonnegative_integer",
        "500",
        "",
        false,
        "How many messages a client may leave unread",
    ),
    (
        "cluster-recheck-interval",
        "duration",
        "15min",
        "",
        false,
        "How often the cluster looks again when nothing happens",
    ),
    (
        "concurrent-fencing",
        "boolean",
        "true",
        "",
        false,
        "Whether several nodes are fenced at once",
    ),
    ("dc-deadtime", "duration", "20s", "", false, "How long to wait for other nodes at start-up"),
    ("election-timeout", "duration", "2min", "", true, "How long an election may take"),
    ("enable-acl", "boolean", "false", "", false, "Whether access control lists hold"),
    (
        "enable-startup-probes",
        "boolean",
        "true",
        "",
        false,
        "Whether a starting node is asked what runs on it",
    ),
    (
        "fence-reaction",
        "select",
        "stop",
        "stop|panic",
        false,
        "What a node does that learns of its own fencing",
    ),
    (
        "join-finalization-timeout",
        "duration",
        "30min",
        "",
        true,
        "How long the end of a join may take",
    ),
    ("join-integration-timeout", "duration", "3min", "", true, "How long a join may take"),
    (
        "load-threshold",
        "percentage",
        "80%",
        "",
        false,
        "The load above which fewer actions are started",
    ),
    (
        "maintenance-mode",
        "boolean",
        "false",
        "",
        false,
        "Whether the cluster keeps its hands off all resources",
    ),
    (
        "migration-limit",
        "integer",
        "-1",
        "",
        false,
        "How many migrations run at once on a node; -1 is no limit",
    ),
    (
        "no-quorum-policy",
        "select",
        "stop",
        "stop|freeze|ignore|demote|fence|suicide",
        false,
        "What happens to resources without quorum",
    ),
    (
        "node-action-limit",
        "integer",
        "0",
        "",
        false,
        "How many actions run at once on a node; 0 is twice its cores",
    ),
    ("node-health-base", "score", "0", "", false, "The score a healthy node begins with"),
    ("node-health-green", "score", "0", "", false, "The score of a health attribute that is green"),
    (
        "node-health-red",
        "score",
        "-INFINITY",
        "",
        false,
        "The score of a health attribute that is red",
    ),
    (
        "node-health-strategy",
        "select",
        "none",
        "none|migrate-on-red|only-green|progressive|custom",
        false,
        "How the cluster reacts to health attributes",
    ),
    (
        "node-health-yellow",
        "score",
        "0",
        "",
        false,
        "The score of a health attribute that is yellow",
    ),
    (
        "node-pending-timeout",
        "duration",
        "0",
        "",
        false,
        "How long a node may take to join before it is fenced",
    ),
    (
        "pe-error-series-max",
        "integer",
        "-1",
        "",
        false,
        "How many inputs that led to errors are kept",
    ),
    ("pe-input-series-max", "integer", "4000", "", false, "How many inputs are kept"),
    (
        "pe-warn-series-max",
        "integer",
        "5000",
        "",
        false,
        "How many inputs that led to warnings are kept",
    ),
    (
        "placement-strategy",
        "select",
        "default",
        "default|utilization|minimal|balanced",
        false,
        "How utilization counts in placement",
    ),
    (
        "priority-fencing-delay",
        "duration",
        "0",
        "",
        false,
        "How much longer the fencing of the more important node waits",
    ),
    (
        "shutdown-escalation",
        "duration",
        "20min",
        "",
        true,
        "How long a shutdown may take before the node leaves anyway",
    ),
    (
        "shutdown-lock",
        "boolean",
        "false",
        "",
        false,
        "Whether resources of a node that is shut down wait for it",
    ),
    ("shutdown-lock-limit", "duration", "0", "", false, "For how long they wait; 0 is for ever"),
    (
        "start-failure-is-fatal",
        "boolean",
        "true",
        "",
        false,
        "Whether one failed start bans a resource from the node",
    ),
    (
        "startup-fencing",
        "boolean",
        "true",
        "",
        true,
        "Whether nodes never seen are fenced at start-up",
    ),
    ("stonith-action", "select", "reboot", "reboot|off", false, "What fencing does to a node"),
    ("stonith-enabled", "boolean", "true", "", true, "Whether failed nodes are fenced"),
    (
        "stonith-max-attempts",
        "integer",
        "10",
        "",
        false,
        "How often fencing is tried before it waits for a reason",
    ),
    ("stonith-timeout", "duration", "60s", "", false, "How long fencing may take"),
    (
        "stonith-watchdog-timeout",
        "timeout",
        "0",
        "",
        true,
        "After which time a node with a watchdog counts as off",
    ),
    ("stop-all-resources", "boolean", "false", "", false, "Whether all resources are stopped"),
    (
        "stop-orphan-actions",
        "boolean",
        "true",
        "",
        false,
        "Whether recurring actions are cancelled that are no longer configured",
    ),
    (
        "stop-orphan-resources",
        "boolean",
        "true",
        "",
        false,
        "Whether resources are stopped that are no longer configured",
    ),
    (
        "symmetric-cluster",
        "boolean",
        "true",
        "",
        false,
        "Whether resources may run anywhere by default",
    ),
    (
        "transition-delay",
        "duration",
        "0s",
        "",
        true,
        "How long to wait for further events before planning",
    ),
    (
        "have-watchdog",
        "boolean",
        "false",
        "",
        true,
        "Whether a watchdog is there; the cluster sets this",
    ),
];

const PRIMITIVE: &[Row] = &[
    ("priority", "score", "0", "", false, "How important the resource is"),
    (
        "critical",
        "boolean",
        "true",
        "",
        false,
        "Whether it may pull others along when it must move",
    ),
    (
        "target-role",
        "select",
        "Started",
        "Stopped|Started|Unpromoted|Promoted",
        false,
        "Which role the cluster keeps it in",
    ),
    ("is-managed", "boolean", "true", "", false, "Whether the cluster may start and stop it"),
    (
        "maintenance",
        "boolean",
        "false",
        "",
        false,
        "Whether the cluster keeps its hands off, monitors included",
    ),
    ("resource-stickiness", "score", "", "", false, "How much it wants to stay where it is"),
    ("requires", "select", "", "nothing|quorum|fencing|unfencing", false, "When it may be started"),
    ("migration-threshold", "score", "INFINITY", "", false, "How many failures ban it from a node"),
    ("failure-timeout", "duration", "0", "", false, "When failures are forgotten; 0 is never"),
    (
        "multiple-active",
        "select",
        "stop_start",
        "block|stop_only|stop_start|stop_unexpected",
        false,
        "What happens when it is found running on several nodes",
    ),
    ("allow-migrate", "boolean", "", "", false, "Whether it can migrate live"),
    (
        "allow-unhealthy-nodes",
        "boolean",
        "false",
        "",
        false,
        "Whether the health of nodes does not matter",
    ),
    (
        "container-attribute-target",
        "string",
        "",
        "",
        false,
        "Where user-defined attributes of a bundle are looked up",
    ),
    ("remote-node", "string", "", "", false, "The name of the guest node this resource is"),
    ("remote-addr", "string", "", "", false, "Where the guest node is reached"),
    ("remote-port", "port", "3121", "", false, "The port of the guest node"),
    (
        "remote-connect-timeout",
        "timeout",
        "60s",
        "",
        false,
        "How long connecting to the guest may take",
    ),
    ("remote-allow-migrate", "boolean", "true", "", false, "Whether the guest can migrate live"),
];

const FENCING: &[Row] = &[
    (
        "pcmk_host_argument",
        "string",
        "",
        "",
        true,
        "The parameter that gets the name of the node to fence",
    ),
    (
        "pcmk_host_map",
        "string",
        "",
        "",
        false,
        "Which port belongs to which node: node1:1;node2:2,3",
    ),
    ("pcmk_host_list", "string", "", "", false, "The nodes this device can fence"),
    (
        "pcmk_host_check",
        "select",
        "",
        "dynamic-list|static-list|status|none",
        false,
        "How to find out which nodes this device can fence",
    ),
    ("pcmk_delay_max", "time", "0s", "", false, "A random delay before fencing, at most this"),
    (
        "pcmk_delay_base",
        "string",
        "0s",
        "",
        false,
        "A fixed delay before fencing, or one for each node",
    ),
    (
        "pcmk_action_limit",
        "integer",
        "1",
        "",
        false,
        "How many actions run at once on this device; -1 is no limit",
    ),
];

/// Actions of fence devices each of which can be told apart from its name.
const FENCE_ACTIONS: [&str; 6] = ["reboot", "off", "on", "list", "monitor", "status"];

fn parameter(row: &Row) -> Parameter {
    let (name, kind, default, choices, advanced, description) = *row;
    let mut choices: Vec<String> =
        choices.split('|').filter(|c| !c.is_empty()).map(str::to_owned).collect();
    choices.sort();
    Parameter {
        name: name.into(),
        kind: kind.into(),
        default: (!default.is_empty()).then(|| default.to_owned()),
        choices,
        advanced,
        generated: name == "have-watchdog",
        shortdesc: Some(description.into()),
        longdesc: Some(description.into()),
        ..Parameter::default()
    }
}

/// Returns the options of a class.
pub fn options(class: OptionClass) -> Vec<Parameter> {
    match class {
        OptionClass::Cluster => CLUSTER.iter().map(parameter).collect(),
        OptionClass::Primitive => PRIMITIVE.iter().map(parameter).collect(),
        OptionClass::Fencing => {
            let mut all: Vec<Parameter> = FENCING.iter().map(parameter).collect();
            for action in FENCE_ACTIONS {
                let command = format!("What to run instead of '{action}'");
                let timeout = format!("How long '{action}' may take");
                let retries = format!("How often '{action}' is tried");
                for (what, kind, default, text) in [
                    ("action", "string", action, command),
                    ("timeout", "time", "60s", timeout),
                    ("retries", "integer", "2", retries),
                ] {
                    all.push(Parameter {
                        name: format!("pcmk_{action}_{what}"),
                        kind: kind.into(),
                        default: Some(default.into()),
                        advanced: true,
                        shortdesc: Some(text.clone()),
                        longdesc: Some(text),
                        ..Parameter::default()
                    });
                }
            }
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::options;
    use crate::metadata::OptionClass;

    #[test]
    fn a_select_has_choices_and_its_default_is_one_of_them() {
        for class in [OptionClass::Cluster, OptionClass::Primitive, OptionClass::Fencing] {
            for option in options(class).iter().filter(|o| o.kind == "select") {
                assert!(!option.choices.is_empty(), "{}", option.name);
                if let Some(default) = &option.default {
                    assert!(option.choices.contains(default), "{}", option.name);
                }
            }
        }
    }
}
