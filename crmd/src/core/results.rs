//! What hands report: results are recorded, settled against the plan, and failures counted.

use std::collections::BTreeSet;

use cib::Element;
use model::{
    AgentSpec, Authority, BootId, ExecStatus, HandsCommand, HandsReport, NodeId, OcfCode, OpRecord,
    ResourceId,
};

use super::carrying::{executing_node, key_of};
use super::controller::{Controller, Role};
use super::graph::GraphAction;
use super::history;
use super::interface::{Cleanup, Effect, Now};
use super::journal::What;
use super::options::primitives_of;
use super::planning::Urgency;
use super::runner::Began;
use super::status::StatusChange;

impl Controller {
    /// Answers what a node's hands say.
    pub(super) fn hands_spoke(
        &mut self,
        now: Now,
        node: NodeId,
        report: HandsReport,
        out: &mut Vec<Effect>,
    ) {
        if !self.decides() {
            return; // not acknowledged, so that whoever decides next hears it
        }
        match report {
            HandsReport::History { authority, boot, hands, records } => {
                let ours = (authority.generation, authority.term)
                    == (self.next.generation, self.next.term);
                if ours {
                    let asked_at = authority.sequence;
                    self.history_told(now, node, (boot, hands), records, asked_at, out);
                }
            }
            HandsReport::Result { report, record } => {
                let Some(peer) = self.peers.get_mut(&node).filter(|p| p.joined) else {
                    return; // it will be told again after the join
                };
                if report > peer.heard.1 {
                    peer.heard.1 = report;
                    self.operation_ended(now, node, &record, out);
                }
                let through = report;
                out.push(Effect::Hands { node, command: HandsCommand::Acknowledge { through } });
            }
            HandsReport::Refused { authority, highest, transition_key } => {
                self.refused(now, node, authority, highest, &transition_key, out);
            }
        }
    }

    /// Records a result and settles what waited for it.
    pub(super) fn operation_ended(
        &mut self,
        now: Now,
        node: NodeId,
        record: &OpRecord,
        out: &mut Vec<Effect>,
    ) {
        let cancelled = record.status == ExecStatus::Cancelled;
        let unexpected = record.is_unexpected();
        let mut key = key_of(node, record);
        let mut under_way = None;
        if self.in_flight.get(&key).is_some_and(|o| o.transition_key == record.transition_key) {
            under_way = self.in_flight.remove(&key);
        }
        if cancelled {
            // its first run may still have been waited for
            let first_run = self.in_flight.remove(&key).and_then(|o| o.action);
            self.fail_action(first_run);
            key.2 = format!("cancel {}", record.action);
            under_way = self.in_flight.remove(&key).or(under_way);
        }
        if under_way.is_none() && !cancelled && self.is_recorded(node, record) {
            return; // told again
        }
        let migration = under_way.as_ref().and_then(super::carrying::InFlight::migration);
        let counted = self.was_counted(node, record);
        let recovered = record.interval_ms > 0 && !unexpected && self.had_failed(node, record);
        self.emit(StatusChange::Operation { node, record: record.clone(), migration }, out);
        if record.interval_ms == 0 {
            self.show_what_follows(node, &record.resource, out);
        }
        if !cancelled {
            self.journal_operation(now, node, record, !unexpected, out);
        }
        if unexpected && !counted {
            self.count_failure(now, node, record, out);
        }
        let as_wanted = !unexpected;
        let followed = under_way.as_ref().is_some_and(|o| o.followed);
        if key.3 == 0 && !cancelled && under_way.is_some() && !followed {
            self.settled_meanwhile(&key, as_wanted);
        }
        let expected = under_way.as_ref().and_then(|o| o.action).is_some_and(|action| {
            self.transition.as_mut().is_some_and(|transition| {
                if as_wanted {
                    transition.runner.confirm(action)
                } else {
                    transition.runner.fail(action)
                }
            })
        });
        let what = format!("{} of {} on {}", record.action, record.resource, self.name(node));
        let outdated = under_way.as_ref().is_some_and(|o| o.outdated);
        if unexpected {
            // a repeated failure that was counted already is known to the scheduler
            if !counted || expected {
                let reason = if history::is_probe(record) {
                    let (found, node) = (OcfCode::from_code(record.rc), self.name(node));
                    format!("a probe of {} on {node} says: {found}", record.resource)
                } else {
                    format!("{what} failed")
                };
                self.want_plan(now, Urgency::Soon, reason);
            }
        } else if recovered {
            self.want_plan(now, Urgency::Soon, format!("{what} works again"));
        } else if let Some(transition) = self.transition.as_mut().filter(|_| outdated) {
            transition.follow_up = Some(format!("{what} had begun before its plan"));
        } else if under_way.is_some() && !expected && !cancelled && !self.is_asking() {
            let transition = self.transition.as_mut().filter(|_| key.3 == 0);
            if let Some(transition) = transition {
                if followed && transition.runner.aborted().is_none() {
                    return; // the plan knew of it, and has sent what comes after it
                }
                if !followed && transition.settle(&key, as_wanted) {
                    return; // it is in the plan again, and counts when its turn comes
                }
            }
            self.want_plan(now, Urgency::Soon, format!("{what} ended after its plan"));
        }
    }

    fn journal_operation(
        &mut self,
        now: Now,
        node: NodeId,
        record: &OpRecord,
        expected: bool,
        out: &mut Vec<Effect>,
    ) {
        let what = What::Operation {
            resource: record.resource.clone(),
            node: self.name(node),
            action: record.action.clone(),
            interval_ms: record.interval_ms,
            rc: record.rc,
            status: record.status,
            exit_reason: record.exit_reason.clone(),
            expected,
            exec_time_ms: record.exec_time_ms,
        };
        Self::journal(now, what, out);
    }

    /// Returns a resource's history on a node.
    fn resource_history(&self, node: NodeId, resource: &ResourceId) -> Option<&Element> {
        let id = node.to_string();
        let state = self.status().children().find(|state| state.id() == Some(&id))?;
        let resources = state.at(&["lrm", "lrm_resources"])?;
        resources.children().find(|child| child.id() == Some(resource.as_str()))
    }

    fn last_failure(&self, node: NodeId, resource: &ResourceId) -> Option<&Element> {
        last_failure_in(self.resource_history(node, resource)?)
    }

    /// Tells whether this very failure is in the status section, and so was counted.
    fn was_counted(&self, node: NodeId, record: &OpRecord) -> bool {
        self.last_failure(node, &record.resource).is_some_and(|entry| {
            entry.get("transition-magic") == Some(&record.transition_magic())
                && entry.get("call-id") == Some(&record.call_id.to_string())
                && entry.get("last-rc-change") == Some(&record.last_rc_change.secs().to_string())
        })
    }

    /// Tells whether this very result is in the status section.
    fn is_recorded(&self, node: NodeId, record: &OpRecord) -> bool {
        let ids = history::entry_ids(record);
        let Some(history) = self.resource_history(node, &record.resource) else { return false };
        history.children().any(|entry| {
            entry.id().is_some_and(|id| ids.iter().any(|own| own == id))
                && entry.get("transition-magic") == Some(&record.transition_magic())
                && entry.get("call-id") == Some(&record.call_id.to_string())
                && entry.get("last-rc-change") == Some(&record.last_rc_change.secs().to_string())
        })
    }

    /// Tells whether the last thing known of a recurring operation is that it failed.
    fn had_failed(&self, node: NodeId, record: &OpRecord) -> bool {
        self.last_failure(node, &record.resource).is_some_and(|entry| {
            entry.get("transition-key") == Some(&record.transition_key)
                && entry.get("call-id") == Some(&record.call_id.to_string())
        })
    }

    /// Returns the failures in a node's own history that the status section does not know of:
    /// they happened while nobody listened.
    pub(super) fn uncounted_failures(
        &self,
        node: NodeId,
        boot: BootId,
        records: &[OpRecord],
    ) -> Vec<OpRecord> {
        let id = node.to_string();
        let known_boot = self.status().children().find(|state| state.id() == Some(&id));
        let same_boot =
            known_boot.and_then(|state| state.get("boot-id")) == Some(&boot.to_string());
        records
            .iter()
            .filter(|record| history::counts_as_failure(record))
            .filter(|record| !(same_boot && self.was_counted(node, record)))
            .cloned()
            .collect()
    }

    /// Counts a failure against its resource on its node: one more, or for ever where one failed
    /// start or stop is one too many.
    pub(super) fn count_failure(
        &mut self,
        now: Now,
        node: NodeId,
        record: &OpRecord,
        out: &mut Vec<Effect>,
    ) {
        if !history::counts_as_failure(record) {
            return;
        }
        let operation = format!("{}_{}", record.action, record.interval_ms);
        let (resource, fatal) = (&record.resource, self.is_fatal(&record.action));
        let name = format!("fail-count-{resource}#{operation}");
        let request = if fatal { "INFINITY" } else { "value++" };
        let count = super::attributes::evaluate(request, self.attribute(node, &name));
        self.set_attribute(node, &name, Some(count.clone()), out);
        let last = format!("last-failure-{resource}#{operation}");
        self.set_attribute(node, &last, Some(now.wall.secs().to_string()), out);
        let (resource, node) = (resource.clone(), self.name(node));
        Self::journal(now, What::FailCount { resource, node, operation, count }, out);
    }

    fn is_fatal(&self, action: &str) -> bool {
        let head = |name: &str| {
            let head = self.transition.as_ref().map(|t| &t.runner.graph().head);
            head.and_then(|head| head.get(name)).map(|value| value == "INFINITY")
        };
        match action {
            "start" => head("failed-start-offset").unwrap_or(self.options.start_failure_is_fatal),
            "stop" => head("failed-stop-offset").unwrap_or(true),
            _ => false,
        }
    }

    fn refused(
        &mut self,
        now: Now,
        node: NodeId,
        authority: Authority,
        highest: Authority,
        transition_key: &str,
        out: &mut Vec<Effect>,
    ) {
        let ours = (self.next.generation, self.next.term);
        if (highest.generation, highest.term) > ours && self.role == Role::Coordinating {
            // The log of this side has missed whom these hands obeyed last. They take nothing of a
            // side without quorum but what ends something, so that may be said in any name.
            self.take_over(now, Role::Coordinating, highest.generation, highest.term, out);
            return;
        }
        if (highest.generation, highest.term) > ours {
            // somebody else decides by now, and this node will hear of it from the log; or these
            // hands are wrong, and the others must not suffer for it
            self.shut_out(now, node, out);
            return;
        }
        if (authority.generation, authority.term) != ours {
            return; // an older command of this node's, from before
        }
        // else the hands' side has no quorum, as far as they know
        let used_up = (highest.generation, highest.term) == ours && highest > authority;
        self.next.sequence = self.next.sequence.max(highest.sequence + 1);
        let key = self
            .in_flight
            .iter()
            .find(|((at, ..), o)| *at == node && o.transition_key == transition_key)
            .map(|(key, _)| key.clone());
        match key {
            Some(key) if used_up => self.send_again(now, &key, out),
            Some(key) => {
                self.drop_operation(&key);
                self.hold(now, node);
            }
            None => self.reconnected(now, node, out),
        }
    }

    /// Carries out a plan's wish to forget a resource on a node.
    pub(super) fn forget_resource(
        &mut self,
        now: Now,
        action: &GraphAction,
        out: &mut Vec<Effect>,
    ) -> Began {
        let (Some(node), Some(resource)) = (executing_node(action), &action.resource) else {
            return Began::Failed;
        };
        let resource = ResourceId::from(resource.id.as_str());
        self.forget_everywhere(now, node, &resource, "plan", out);
        Began::Done
    }

    /// Carries out a plan's wish to forget failures, since they expired or their resource changed.
    pub(super) fn clear_fail_count(
        &mut self,
        now: Now,
        action: &GraphAction,
        out: &mut Vec<Effect>,
    ) -> Began {
        let (Some(node), Some(resource)) = (executing_node(action), &action.resource) else {
            return Began::Failed;
        };
        let resource = ResourceId::from(resource.id.as_str());
        self.clear_counts(node, &resource, None, out);
        if let Some(entry) = self.last_failure(node, &resource) {
            let interval = entry.get("interval").and_then(|n| n.parse().ok()).unwrap_or(0);
            let operation = (entry.get("operation").unwrap_or_default().to_owned(), interval);
            let name = resource.clone();
            self.emit(StatusChange::ForgetFailure { node, resource: name, operation: None }, out);
            let name = resource.clone();
            // else the failure would come back with the next join
            if self.peers.contains_key(&node) {
                self.command(node, out, |authority| HandsCommand::Forget {
                    authority,
                    resource: name,
                    operation: Some(operation),
                });
            }
        }
        let by = "plan".to_owned();
        let node = self.name(node);
        Self::journal(now, What::Cleared { resource, node, by }, out);
        Began::Done
    }

    fn clear_counts(
        &mut self,
        node: NodeId,
        resource: &ResourceId,
        operation: Option<&(String, u64)>,
        out: &mut Vec<Effect>,
    ) {
        let prefixes = [format!("fail-count-{resource}#"), format!("last-failure-{resource}#")];
        let suffix = operation.map(|(action, interval)| format!("#{action}_{interval}"));
        let names: Vec<String> = self
            .attributes
            .get(&node)
            .into_iter()
            .flat_map(|values| values.keys())
            .filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .filter(|name| suffix.as_ref().is_none_or(|suffix| name.ends_with(suffix)))
            .cloned()
            .collect();
        for name in names {
            self.set_attribute(node, &name, None, out);
        }
    }

    fn forget_everywhere(
        &mut self,
        now: Now,
        node: NodeId,
        resource: &ResourceId,
        by: &str,
        out: &mut Vec<Effect>,
    ) {
        self.emit(StatusChange::ForgetResource { node, resource: resource.clone() }, out);
        self.end_recurring(node, resource);
        if self.peers.contains_key(&node) {
            let resource = resource.clone();
            self.command(node, out, |authority| HandsCommand::Forget {
                authority,
                resource,
                operation: None,
            });
        }
        let (resource, node, by) = (resource.clone(), self.name(node), by.to_owned());
        Self::journal(now, What::Cleared { resource, node, by }, out);
    }

    /// Forgets failures and history as a human asks; the resources are probed again.
    pub(super) fn cleanup(&mut self, now: Now, cleanup: &Cleanup, out: &mut Vec<Effect>) {
        if !self.decides() {
            return;
        }
        let by = if cleanup.only_failed { "cleanup" } else { "refresh" };
        let mut cleared = BTreeSet::new();
        for (node, resource, failed) in self.cleanup_targets(cleanup) {
            let prefix = format!("fail-count-{resource}#");
            let counted = self
                .attributes
                .get(&node)
                .is_some_and(|values| values.keys().any(|name| name.starts_with(&prefix)));
            if cleanup.only_failed && !failed && !counted {
                continue;
            }
            self.clear_counts(node, &resource, cleanup.operation.as_ref(), out);
            self.forget_everywhere(now, node, &resource, by, out);
            cleared.insert(resource);
        }
        if !cleared.is_empty() {
            let names: Vec<&str> = cleared.iter().map(ResourceId::as_str).take(5).collect();
            self.want_plan(now, Urgency::Soon, format!("{by} of {}", names.join(", ")));
        }
    }

    /// Returns what may be meant, and whether its history tells of a failure.
    fn cleanup_targets(&self, cleanup: &Cleanup) -> Vec<(NodeId, ResourceId, bool)> {
        let wanted = cleanup.resource.as_ref().map(|id| {
            let mut names = primitives_of_option(self.config.as_deref(), id.as_str());
            names.insert(id.as_str().to_owned());
            names
        });
        let mut targets = Vec::new();
        for state in self.status().children() {
            let Some(node) = state.id().and_then(|id| id.parse().ok()).map(NodeId) else {
                continue;
            };
            if cleanup.node.is_some_and(|only| only != node) {
                continue;
            }
            let resources = state.at(&["lrm", "lrm_resources"]);
            for history in resources.into_iter().flat_map(Element::children) {
                let Some(id) = history.id() else { continue };
                // an instance is meant when its clone's primitive is named, and the other way
                let base = id.split(':').next().unwrap_or(id);
                let meant = wanted.as_ref().is_none_or(|w| w.contains(id) || w.contains(base));
                if meant {
                    let failed = last_failure_in(history).is_some();
                    targets.push((node, ResourceId::from(id), failed));
                }
            }
        }
        targets
    }

    /// Treats a resource as failed because a human says so.
    pub(super) fn pretend_failure(
        &mut self,
        now: Now,
        node: NodeId,
        resource: &ResourceId,
        out: &mut Vec<Effect>,
    ) {
        if !self.decides() {
            return;
        }
        let Some(history) = self.resource_history(node, resource) else { return };
        let text = |name: &str| history.get(name).unwrap_or_default().to_owned();
        let calls = history.children().filter_map(|op| op.get("call-id")?.parse::<i64>().ok());
        // with another digest than its start it would be taken for redefined
        let op_digest = history.children().find_map(|entry| entry.get("op-digest"));
        let op_digest = op_digest.unwrap_or_default().to_owned();
        let record = OpRecord {
            resource: resource.clone(),
            agent: AgentSpec {
                class: text("class"),
                provider: history.get("provider").map(str::to_owned),
                kind: text("type"),
            },
            action: "asyncmon".to_owned(),
            interval_ms: 0,
            call_id: calls.max().unwrap_or(0) + 1,
            rc: OcfCode::UnknownError.code(),
            status: ExecStatus::Done,
            exit_reason: "Simulated failure".to_owned(),
            transition_key: format!("0:{}:0:{}", self.transition_number, self.identity.uuid),
            last_rc_change: now.wall,
            exec_time_ms: 0,
            queue_time_ms: 0,
            op_digest,
            restart: None,
            secure: None,
            origin: "controld_fail_resource".to_owned(),
        };
        self.operation_ended(now, node, &record, out);
    }
}

/// Returns the entry of a resource's last failure.
fn last_failure_in(history: &Element) -> Option<&Element> {
    let id = format!("{}_last_failure_0", history.id().unwrap_or_default());
    history.children().find(|entry| entry.id() == Some(&id))
}

fn primitives_of_option(config: Option<&Element>, id: &str) -> BTreeSet<String> {
    config.map(|config| primitives_of(config, id)).unwrap_or_default()
}
