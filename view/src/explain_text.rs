//! Explanations of the scheduler in words.

use model::Score;
use pengine::PlannedAction;
use pengine::explain::{
    BUILT_IN, Cause, Contribution, DecidedBy, Explanation, NodeAccount, Promotion, Still,
    Unavailable,
};

/// Returns a resource's account, a line each; with the scores of one node only where `node` names one.
pub fn lines(explanation: &Explanation, node: Option<&str>) -> Vec<String> {
    let mut lines = vec![heading(explanation)];
    let told: Vec<&NodeAccount> =
        explanation.nodes.iter().filter(|a| node.is_none_or(|node| a.node == node)).collect();
    lines.push("  Scores:".to_owned());
    let promoting = explanation.promotion.iter().flat_map(|promotion| &promotion.contributions);
    let width = told
        .iter()
        .flat_map(|account| &account.contributions)
        .chain(promoting)
        .map(|contribution| signed(contribution.score).len())
        .max()
        .unwrap_or(0);
    let (candidates, others): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|account| account.score.is_some());
    for account in candidates {
        lines.push(format!("    {}", account_line(account)));
        for contribution in &account.contributions {
            lines.push(format!(
                "      {:>width$}  {}",
                signed(contribution.score),
                cause_and_remedy(&contribution.cause)
            ));
        }
    }
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|account| account.node.as_str()).collect();
        lines.push(format!("    not candidates: {}", names.join(", ")));
    }
    if let Some(promotion) = &explanation.promotion {
        lines.push(format!("  Promotion: {}", promotion.score));
        for contribution in &promotion.contributions {
            lines.push(format!(
                "      {:>width$}  {}",
                signed(contribution.score),
                cause_and_remedy(&contribution.cause)
            ));
        }
    }
    lines.extend(chosen(explanation).map(|text| format!("  Chosen: {text}")));
    if explanation.actions.is_empty() {
        if let Some(why) = &explanation.still {
            lines.push(format!("  Nothing is to be done: {}", still(why, explanation)));
        }
    } else {
        lines.push("  To be done:".to_owned());
        for action in &explanation.actions {
            lines.push(format!("    {}", action_line(action, explanation)));
        }
    }
    lines
}

fn heading(explanation: &Explanation) -> String {
    let inside = match explanation.inside.first() {
        Some(holder) => format!(" (in {holder})"),
        None => String::new(),
    };
    let state = match explanation.active_on.as_slice() {
        [] => explanation.role.to_lowercase(),
        nodes => format!("{} on {}", explanation.role.to_lowercase(), nodes.join(", ")),
    };
    format!("Resource: {}{inside}, {state}", explanation.resource)
}

fn account_line(account: &NodeAccount) -> String {
    let score = account.score.map_or_else(String::new, |score| score.to_string());
    let mut line = format!("{}: {score}", account.node);
    if account.contributions.is_empty() && account.score.is_some() {
        line.push_str(" (nothing speaks for or against it)");
    }
    if let Some(why) = why_unavailable(&account.unavailable) {
        line.push_str(&format!(", but it {why}"));
    }
    line
}

/// Says why a node takes nothing: `is in standby`; none when it does.
pub fn why_unavailable(unavailable: &[Unavailable]) -> Option<String> {
    let parts: Vec<&str> = unavailable
        .iter()
        .map(|why| match why {
            Unavailable::Offline => "is offline",
            Unavailable::Unclean => "must be fenced",
            Unavailable::Pending => "has not joined yet",
            Unavailable::Standby => "is in standby",
            Unavailable::Maintenance => "is in maintenance",
            Unavailable::ShuttingDown => "is leaving",
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn signed(score: Score) -> String {
    if score > Score::ZERO { format!("+{score}") } else { score.to_string() }
}

/// Names the cause of a contribution, and the way to change it where there is one.
fn cause_and_remedy(one: &Cause) -> String {
    let text = cause(one);
    match one {
        Cause::Location { constraint, .. } if constraint.starts_with("cli-ban-") => {
            format!("{text} (from 'pcs resource ban'; 'pcs resource clear' takes it back)")
        }
        Cause::Location { constraint, .. } if constraint.starts_with("cli-prefer-") => {
            format!("{text} (from 'pcs resource move'; 'pcs resource clear' takes it back)")
        }
        Cause::FailCount { .. } => format!("{text} ('pcs resource cleanup' forgets)"),
        _ => text,
    }
}

/// Names the cause of a contribution.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Location { constraint, rule, until } => {
            let mut text = format!("location constraint {constraint}");
            if let Some(rule) = rule {
                text.push_str(&format!(", rule {rule}"));
            }
            if let Some(until) = until {
                text.push_str(&format!(", until {until}"));
            }
            text
        }
        Cause::Stickiness => "resource-stickiness: it runs here".to_owned(),
        Cause::Colocation { constraint, with } => {
            format!("colocation constraint {constraint} with {with}")
        }
        Cause::Group { with } => format!("in one group with {with}"),
        Cause::Container { with } => format!("runs in {with}"),
        Cause::FailCount { count, threshold } => format!(
            "it failed here {} times, migration-threshold is {threshold}",
            Score::new(*count)
        ),
        Cause::Health => "health of the node".to_owned(),
        Cause::BuiltIn { name } => BUILT_IN
            .iter()
            .find(|(known, _)| known == name)
            .map_or_else(|| name.clone(), |(_, meaning)| (*meaning).to_owned()),
    }
}

fn chosen(explanation: &Explanation) -> Option<String> {
    let winner = explanation.winner.as_ref()?;
    let node = &winner.node;
    let Some((other, score)) = &winner.runner_up else {
        return Some(format!("{node}, as no other node can take it"));
    };
    let tie = |why: &str| format!("{node} and {other} have equal scores; {node} {why}");
    Some(match (winner.decided_by, winner.margin) {
        (DecidedBy::Score, Some(margin)) if margin > 0 => {
            format!("{node}, by {margin} over {other}")
        }
        (DecidedBy::Score, _) => format!("{node}, {} against {score} of {other}", winner.score),
        (DecidedBy::FreeCapacity, _) => tie("has more free capacity"),
        (DecidedBy::FewestResources, _) => tie("had fewer resources so far"),
        (DecidedBy::CurrentNode, _) => tie("runs it already"),
        (DecidedBy::NodeName, _) => tie("comes first by its name"),
        (DecidedBy::Preference, _) => tie("suits what else is to be placed"),
    })
}

/// Says why nothing is done with a resource, or why it runs nowhere.
pub fn still(why: &Still, explanation: &Explanation) -> String {
    match why {
        Still::InPlace => "it is where it should be".to_owned(),
        Still::Removed => "it is not configured any more".to_owned(),
        Still::Disabled => format!(
            "it is disabled (target-role=Stopped); 'pcs resource enable {}' lets it start",
            explanation.resource.split(':').next().unwrap_or_default()
        ),
        Still::StopAll => "the property stop-all-resources is true".to_owned(),
        Still::NoFenceDevice => "the property stonith-enabled is true and there is no fence device; 'pcs stonith create' makes one".to_owned(),
        Still::Maintenance => "maintenance mode leaves it alone".to_owned(),
        Still::Unmanaged => format!(
            "it is not managed; 'pcs resource manage {}' changes that",
            explanation.resource.split(':').next().unwrap_or_default()
        ),
        Still::Blocked => "a failure blocks it; 'pcs resource cleanup' after mending it lets it go on".to_owned(),
        Still::NoQuorum => "this partition has no quorum".to_owned(),
        Still::NoNode => no_node(&explanation.nodes),
        Still::Waiting { reason } if reason.is_empty() => "what must be done first cannot be done".to_owned(),
        Still::Waiting { reason } => format!("it waits: {}", plain(reason)),
    }
}

/// Puts the scheduler's shorthand for a reason into a sentence.
pub fn plain(reason: &str) -> String {
    let task_of = |rest: &str| {
        let (resource, task) = rest.rsplit_once(' ')?;
        Some((resource.to_owned(), task.to_owned()))
    };
    if let Some((resource, task)) = reason.strip_prefix("unrunnable ").and_then(task_of) {
        format!("the {task} of {resource}, which must come first, is not possible")
    } else if let Some((resource, task)) = reason.strip_prefix("required ").and_then(task_of) {
        format!("the {task} of {resource} requires it")
    } else if let Some(with) = reason.strip_prefix("colocation with ") {
        format!("it must be with {with}")
    } else {
        reason.to_owned()
    }
}

fn no_node(nodes: &[NodeAccount]) -> String {
    if nodes.iter().all(|account| account.score.is_none()) {
        return "no node is a candidate for it".to_owned();
    }
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for account in nodes {
        let why = against(account);
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(&account.node),
            None => reasons.push((why, vec![&account.node])),
        }
    }
    let reasons: Vec<String> = match reasons.as_slice() {
        [(why, names)] if names.len() > 1 => vec![format!("each of them {why}")],
        several => {
            several.iter().map(|(why, names)| format!("{} {why}", names.join(", "))).collect()
        }
    };
    format!("no node can run it: {}", reasons.join("; "))
}

/// Says what is against a node.
fn against(account: &NodeAccount) -> String {
    if let Some(why) = why_unavailable(&account.unavailable) {
        return why;
    }
    match (account.score, worst(account)) {
        (None, _) => "is not a candidate".to_owned(),
        (Some(score), Some(worst)) => format!("has {score} ({})", cause(&worst.cause)),
        (Some(score), None) => format!("has {score}"),
    }
}

fn worst(account: &NodeAccount) -> Option<&Contribution> {
    account.contributions.iter().min_by_key(|contribution| contribution.score)
}

/// Says why an action is in the plan, in the scheduler's words where it has some, else by what the
/// scores say; none when there is no more to say than that it is wanted.
pub fn because(action: &PlannedAction, explanation: &Explanation) -> Option<String> {
    // that is what the scheduler says of everything it has no better word for
    if let Some(reason) = action.reason.as_ref().filter(|reason| *reason != "node availability") {
        return Some(plain(reason));
    }
    if explanation.target.is_none() {
        return explanation.still.as_ref().and_then(|why| match why {
            Still::Disabled => Some("it is disabled (target-role=Stopped)".to_owned()),
            Still::InPlace => None,
            why => Some(still(why, explanation)),
        });
    }
    if let ("Promote" | "Demote", Some(promotion)) = (action.verb.as_str(), &explanation.promotion)
    {
        return Some(because_of(promotion));
    }
    let current = explanation.active_on.first()?;
    let target = explanation.target.as_ref()?;
    if current == target {
        return None;
    }
    let account = explanation.nodes.iter().find(|account| account.node == *current)?;
    if !account.eligible() {
        return Some(format!("{current} {}", against(account)));
    }
    let winner = explanation.winner.as_ref()?;
    let score = account.score?;
    let best = explanation.nodes.iter().find(|account| account.node == *target)?;
    let strongest = best.contributions.iter().max_by_key(|contribution| contribution.score);
    let why = strongest
        .filter(|contribution| contribution.score > Score::ZERO)
        .map_or_else(String::new, |contribution| format!(" ({})", cause(&contribution.cause)));
    Some(format!("{target} has {}{why}, {current} has {score}", winner.score))
}

/// Says what a promotion score leads to.
fn because_of(promotion: &Promotion) -> String {
    let parts = &promotion.contributions;
    let decisive = if promotion.score < Score::ZERO {
        parts.iter().min_by_key(|part| part.score)
    } else {
        parts.iter().max_by_key(|part| part.score)
    };
    let why = decisive.map_or_else(String::new, |part| format!(" ({})", cause(&part.cause)));
    format!("its promotion score is {}{why}", promotion.score)
}

fn action_line(action: &PlannedAction, explanation: &Explanation) -> String {
    let mut line = format!("{} ({})", action.verb, action.details);
    if let Some(why) = because(action, explanation) {
        line.push_str(&format!(", because: {why}"));
    }
    if action.blocked {
        line.push_str("; blocked: this can't be done now");
    }
    line
}

#[cfg(test)]
mod tests {
    use model::{Score, WallTime};
    use pengine::explain::{Cause, explain};

    #[test]
    fn a_ban_says_how_to_take_it_back_and_until_when() {
        let ban = Cause::Location {
            constraint: "cli-ban-web-on-a".into(),
            rule: Some("r".into()),
            until: Some("2030-01-01".into()),
        };
        assert_eq!(
            super::cause_and_remedy(&ban),
            "location constraint cli-ban-web-on-a, rule r, until 2030-01-01 (from 'pcs resource ban'; 'pcs resource clear' takes it back)"
        );
    }

    #[test]
    fn infinities_have_no_margin_but_their_names() {
        assert_eq!(super::signed(Score::INFINITY), "+INFINITY");
        let input = cib::parse(
            r#"<cib have-quorum="1"><configuration><crm_config><cluster_property_set id="p">
            <nvpair id="s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
            <nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
            <resources><primitive id="r" class="ocf" provider="heartbeat" type="Dummy"/></resources>
            <constraints><rsc_location id="l" rsc="r" node="b" score="INFINITY"/></constraints></configuration><status>
            <node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member"/>
            <node_state id="2" uname="b" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>"#,
        )
        .unwrap();
        let told = explain(&input, WallTime(0), &pengine::Options::default());
        assert_eq!(
            super::lines(&told.resources[0], None).join("\n"),
            "Resource: r, stopped
  Scores:
    b: INFINITY
      +INFINITY  location constraint l
    a: 0 (nothing speaks for or against it)
  Chosen: b, INFINITY against 0 of a
  To be done:
    Start (b)"
        );
    }
}
