//! Cluster properties: names old and new, with their defaults.

use cib::Element;
use model::Score;

use crate::cluster::{HealthStrategy, Placement, Properties, QuorumPolicy};
use crate::pairs;
use crate::rules::{Context, NextChange, Pairs};
use crate::values;

/// Current names and the older ones that mean the same.
const SYNONYMS: [(&str, &str); 6] = [
    ("fencing-enabled", "stonith-enabled"),
    ("fencing-action", "stonith-action"),
    ("fencing-timeout", "stonith-timeout"),
    ("stop-removed-resources", "stop-orphan-resources"),
    ("cancel-removed-actions", "stop-orphan-actions"),
    ("fencing-watchdog-timeout", "stonith-watchdog-timeout"),
];

/// Reads the properties of a document.
pub(crate) fn read(document: &Element, context: &Context<'_>, next: &mut NextChange) -> Properties {
    let mut all = Pairs::new();
    if let Some(config) = document.at(&["configuration", "crm_config"]) {
        let context = Context { document: context.document, ..*context };
        let config: &Element = config;
        pairs::collect(
            config,
            "cluster_property_set",
            &context,
            Some("cib-bootstrap-options"),
            &mut all,
            next,
        );
    }
    for (new, old) in SYNONYMS {
        if let (false, Some(value)) = (all.contains_key(new), all.get(old).cloned()) {
            all.insert(new.into(), value);
        }
    }
    let text = |name: &str| all.get(name).map(String::as_str);
    let flag = |name: &str, default: bool| text(name).and_then(values::boolean).unwrap_or(default);
    let ms = |name: &str| text(name).map_or(0, values::milliseconds);
    let score = |name: &str, default: Score| text(name).and_then(values::score).unwrap_or(default);
    let fencing = flag("fencing-enabled", true);
    let quorate = document.get("have-quorum").is_some_and(|text| values::truth(Some(text)));
    let panic = document
        .get("no-quorum-panic")
        .is_some_and(|text| values::number(text).map_or(values::truth(Some(text)), |n| n != 0));
    let quorum_policy = match text("no-quorum-policy").map(str::to_ascii_lowercase).as_deref() {
        Some("ignore") => QuorumPolicy::Ignore,
        Some("freeze") => QuorumPolicy::Freeze,
        Some("demote") => QuorumPolicy::Demote,
        // a partition that was never quorate has nothing that others might be running, too
        Some("suicide" | "fence") if fencing && (quorate || panic) => QuorumPolicy::Fence,
        _ => QuorumPolicy::Stop,
    };
    let placement = match text("placement-strategy").map(str::to_ascii_lowercase).as_deref() {
        Some("utilization") => Placement::Utilization,
        Some("minimal") => Placement::Minimal,
        Some("balanced") => Placement::Balanced,
        _ => Placement::Default,
    };
    let health = match text("node-health-strategy").map(str::to_ascii_lowercase).as_deref() {
        Some("only-green") => HealthStrategy::OnlyGreen,
        Some("progressive") => HealthStrategy::Progressive,
        Some("custom") => HealthStrategy::Custom,
        Some("migrate-on-red") => HealthStrategy::MigrateOnRed,
        _ => HealthStrategy::None,
    };
    let fencing_action = match text("fencing-action") {
        Some("off" | "poweroff") => "off",
        _ => "reboot",
    };
    Properties {
        symmetric: flag("symmetric-cluster", true),
        fencing,
        fencing_action: fencing_action.to_owned(),
        fencing_timeout: text("fencing-timeout").unwrap_or("60s").to_owned(),
        have_watchdog: flag("have-watchdog", false),
        concurrent_fencing: flag("concurrent-fencing", true),
        startup_fencing: flag("startup-fencing", true),
        priority_fencing_delay_ms: ms("priority-fencing-delay"),
        node_pending_timeout_ms: ms("node-pending-timeout"),
        maintenance: flag("maintenance-mode", false),
        start_failure_is_fatal: flag("start-failure-is-fatal", true),
        startup_probes: flag("enable-startup-probes", true),
        stop_all: flag("stop-all-resources", false),
        stop_removed_resources: flag("stop-removed-resources", true),
        cancel_removed_actions: flag("cancel-removed-actions", true),
        remove_after_stop: flag("remove-after-stop", false),
        shutdown_lock: flag("shutdown-lock", false),
        shutdown_lock_limit_ms: ms("shutdown-lock-limit"),
        quorum_policy,
        placement,
        health,
        health_scores: [
            score("node-health-green", Score::ZERO),
            score("node-health-yellow", Score::ZERO),
            score("node-health-red", Score::MINUS_INFINITY),
        ],
        health_base: text("node-health-base").and_then(values::number).unwrap_or(0),
        all,
    }
}
