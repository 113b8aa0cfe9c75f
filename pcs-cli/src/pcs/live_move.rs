//! `pcs resource move` on a running cluster: a constraint moves the resource and goes again.

use pcs::resource::ban::{self, Request};

use super::context::{Cli, Context, fail};

/// Moves a resource to a node, or away from the one it runs on.
pub(crate) fn run(context: &mut Context, id: &str, node: Option<&str>) -> Cli {
    let cib = context.cib()?;
    if pcs::resource::find(&cib, id).is_none() {
        context.hint_text(&pcs::resource::near(&cib, id).into_iter().collect::<Vec<_>>());
        return fail(format!("bundle / clone / group / resource '{id}' does not exist"));
    }
    let before = crate::tools::monitor_facts::active_nodes(&cib, id);
    if node.is_some_and(|node| before.iter().any(|b| b == node)) {
        return fail(format!(
            "Resource '{id}' is already running on node '{}'",
            node.unwrap_or_default()
        ));
    }
    let mut names = Vec::new();
    if let Some(node) = node {
        names.push(node.to_owned());
    }
    let promoted = context.has("--promoted");
    let timeout = context.wait_quietly()?;
    context.change(|env| {
        pcs::node::check_names(env, &names)?;
        let request = Request { resource: id, node, promoted, until: None, bad_lifetime: None };
        let outcome = ban::prefer(env, &request, &before);
        // the constraint is about to go again, so what it would do for ever need not be said
        env.reports.clear();
        outcome
    })?;
    context.progress(&format!(
        "Location constraint to move resource '{id}' has been created\nWaiting for the cluster to apply configuration changes..."
    ));
    let settled = context.settle(Some(timeout.unwrap_or(0)));
    let after = context
        .cib()
        .map(|cib| crate::tools::monitor_facts::active_nodes(&cib, id))
        .unwrap_or_default();
    context.change(|env| ban::clear(env, id, None, false, None))?;
    context.progress(&format!(
        "Location constraint created to move resource '{id}' has been removed\nWaiting for the cluster to apply configuration changes..."
    ));
    settled?;
    context.settle(Some(timeout.unwrap_or(0)))?;
    let now = context
        .cib()
        .map(|cib| crate::tools::monitor_facts::active_nodes(&cib, id))
        .unwrap_or_default();
    let reached = match node {
        Some(node) => after.iter().any(|a| a == node),
        None => after != before,
    };
    if !reached {
        return fail(format!("Unable to move resource '{id}': it {}", whereabouts(&after)));
    }
    if now != after {
        context.warn(&format!(
            "resource '{id}' did not stay: without the constraint it {} (a resource-stickiness above 0 keeps it)",
            whereabouts(&now)
        ));
    }
    context.progress(&format!("resource '{id}' {}", whereabouts(&now)));
    Ok(())
}

/// Tells where a resource is after a wait, and fails when that is not as expected.
pub(crate) fn tell(context: &mut Context, id: &str, expected: bool) -> Cli {
    if context.is_plan() {
        return Ok(());
    }
    let cib = context.cib()?;
    if pcs::resource::find(&cib, id).is_none() {
        // a tag stands for others
        return Ok(());
    }
    let nodes = crate::tools::monitor_facts::active_nodes(&cib, id);
    let promotion = crate::tools::monitor_facts::promotion(&cib, id);
    let place = if promotion.is_empty() { whereabouts(&nodes) } else { roles(&promotion) };
    let text = format!("resource '{id}' {place}");
    if nodes.is_empty() == expected {
        return fail(text);
    }
    context.progress(&text);
    Ok(())
}

fn whereabouts(nodes: &[String]) -> String {
    match nodes {
        [] => "is not running on any node".to_owned(),
        [one] => format!("is running on node '{one}'"),
        several => format!("is running on nodes {}", pcs::text::quoted(several)),
    }
}

/// Tells in which role instances are active where; the pairs of role and node are sorted.
fn roles(promotion: &[(String, String)]) -> String {
    let told: Vec<String> = promotion
        .chunk_by(|(role, _), (next, _)| role == next)
        .map(|same| {
            let nodes: Vec<&String> = same.iter().map(|(_, node)| node).collect();
            let (role, s) = (&same[0].0, if nodes.len() == 1 { "" } else { "s" });
            format!("{role} on node{s} {}", pcs::text::quoted(nodes))
        })
        .collect();
    format!("is {}", told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promotable_clone_is_told_by_its_roles() {
        let pair = |role: &str, node: &str| (role.to_owned(), node.to_owned());
        let all = [pair("promoted", "a"), pair("unpromoted", "b"), pair("unpromoted", "c")];
        assert_eq!(roles(&all), "is promoted on node 'a'; unpromoted on nodes 'b', 'c'");
    }
}
