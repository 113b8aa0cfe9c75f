//! `pcs status`, `pcs resource status`, `pcs stonith status`.

use cib::Element;
use pcs::cluster::protocol::{HostState, Request};
use pengine::status::{ResourceKind, ResourceStatus};
use view::failures::{self, FailedAction};
use view::live::LiveInfo;
use view::node_text::node_lines;
use view::scope::Scope;
use view::seen::Seen;
use view::{status_text as lists, summary};

use super::context::{Cli, Context, Failure, fail};
use super::{hosts, resource_explain, status_text, status_watch};
use crate::clock;
use crate::tools::monitor_text::{self, Wanted};

const AREA: &str = "status";

/// Runs `pcs status …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.shows_status = true;
    let (command, rest) =
        words.split_first().map_or(("status", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "status" => full(context, rest),
        "resources" => resources(context, rest, false),
        "cluster" => cluster(context, rest),
        "nodes" => super::status_nodes::run(context, rest),
        "corosync" => super::status_nodes::corosync(context, rest),
        "quorum" => super::status_nodes::quorum(context, rest),
        "pcsd" => super::pcsd::status(context, rest),
        "query" => super::status_query::run(context, rest),
        "wait" => wait(context, rest),
        "xml" => xml(context, rest),
        "booth" => super::booth::status(context, rest),
        "qdevice" => super::qdevice::status(context, rest),
        _ => Err(Failure::Usage { area: AREA, command: "" }),
    }
}

/// Shows what `crm_mon --output-as=xml` shows.
fn xml(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "" });
    }
    let sight = look(context)?;
    let parts = crate::status_xml::everything(&sight.cib, &sight.seen);
    let arguments = ["--one-shot", "--inactive", "--output-as", "xml"].map(str::to_owned);
    let text = crate::tools::frame::xml("/usr/sbin/crm_mon", &arguments, parts).out;
    context.print(text.trim_end());
    Ok(())
}

fn wait(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[])?;
    let seconds = match words {
        [] => 0,
        [text] => match pcs::options::seconds(text) {
            Some(seconds) => seconds,
            None => return fail(format!("'{text}' is not a valid number of seconds to wait")),
        },
        _ => return Err(Failure::Usage { area: AREA, command: "wait" }),
    };
    context.settle(Some(seconds))
}

/// The state of the cluster a command looks at.
pub(crate) struct Sight {
    pub(crate) cib: Element,
    pub(crate) seen: Seen,
    pub(crate) info: Option<LiveInfo>,
}

/// Looks at the cluster, or at the file.
pub(crate) fn look(context: &mut Context) -> Cli<Sight> {
    let cib = context.cib()?;
    let (now, options) = clock::engine();
    // what the state was made from is left to the end of the process, where that is soon
    let options = pengine::Options { is_last: !context.has("--watch"), ..options };
    // a saved document may be of an old schema
    let cib = resource_explain::current(cib)?;
    let mut seen = Seen::of(&cib, now, &options);
    let info = if context.is_live() {
        let info = context.live()?.info().or_else(|error| fail(error.to_string()))?;
        seen.with_live(&info);
        Some(info)
    } else {
        None
    };
    Ok(Sight { cib, seen, info })
}

/// Says what should not stay as it is.
fn warnings(sight: &Sight) -> Vec<String> {
    let mut warnings = Vec::new();
    let devices = pcs::resource::config::has_stonith(&sight.cib);
    if sight.seen.summary.fencing && !devices {
        warnings.push("No stonith devices and stonith-enabled is not false".to_owned());
    }
    if let Some(info) = &sight.info {
        warnings.extend(info.warnings.iter().cloned());
        warnings.extend(info.log.obstacle.iter().cloned());
        warnings.extend(info.waiting.iter().map(|what| format!("Waiting: {what}")));
    }
    warnings
}

fn full(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[
        "--corosync_conf",
        "-f",
        "--full",
        "--hide-inactive",
        "--output-format",
        "--request-timeout",
        "--watch",
    ])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "" });
    }
    if context.has("--full") && context.has("--hide-inactive") {
        return fail("Only one of '--full', '--hide-inactive' can be used");
    }
    if let Some(pause) = status_watch::pause(context)? {
        return status_watch::run(context, pause, &mut |context| full_once(context));
    }
    full_once(context)
}

fn full_once(context: &mut Context) -> Cli {
    let sight = look(context)?;
    let name = match &sight.info {
        Some(info) => info.cluster_name.clone(),
        None if context.has("--corosync_conf") => {
            hosts::local_conf(context)?.totem.cluster_name.clone().unwrap_or_default()
        }
        None => summary::property(&sight.cib, "cluster-name").unwrap_or_default().to_owned(),
    };
    let warnings = warnings(&sight);
    if context.as_json(|| everything(&sight, &name, &warnings))? {
        return Ok(());
    }
    context.print(&format!("Cluster name: {name}"));
    if !warnings.is_empty() {
        context.print("\nWARNINGS:");
        context.print_lines(&warnings);
        context.print("");
    }
    let wanted = Wanted::of_pcs(context.has("--full"), context.has("--hide-inactive"));
    let screen = monitor_text::screen(&sight.cib, &sight.seen, &wanted);
    context.print(screen.trim_end());
    if context.has("--full") {
        context.print("\nTickets:");
        context.print_lines(&super::resource_text::indent(tickets(&sight.cib)));
    }
    if sight.info.is_some() {
        daemons(context);
    }
    Ok(())
}

/// Returns the whole status for programs.
fn everything(sight: &Sight, name: &str, warnings: &[String]) -> serde_json::Value {
    let failed = sight.seen.status.failed_operations.iter().map(FailedAction::of);
    let failed: Vec<FailedAction> = failed.collect();
    serde_json::json!({
        "cluster_name": name,
        "warnings": warnings,
        "status": {
            "summary": sight.seen.summary,
            "nodes": sight.seen.status.nodes,
            "resources": sight.seen.status.resources,
        },
        "failed_actions": failed,
        "failcounts": failures::fail_counts(&sight.cib),
        "live": sight.info,
    })
}

fn tickets(cib: &Element) -> Vec<String> {
    let states = cib.at(&["status", "tickets"]);
    states
        .into_iter()
        .flat_map(Element::children)
        .map(|ticket| {
            let granted = if ticket.get("granted") == Some("true") { "granted" } else { "revoked" };
            let standby = if ticket.get("standby") == Some("true") { " [standby]" } else { "" };
            format!("* {}\t{granted}{standby}", ticket.id().unwrap_or_default())
        })
        .collect()
}

/// Shows the daemons of this host, as its pcsd knows them.
fn daemons(context: &mut Context) {
    let answer = hosts::local(Request::Status, Vec::new(), PCSD_PATIENCE);
    let state = answer.ok().and_then(|text| serde_json::from_str::<HostState>(&text).ok());
    context.print("\nDaemon Status:");
    let Some(state) = state else {
        // the brain answered, or there would be no status at all
        context.print("  corosync: active\n  pacemaker: active\n  pcsd: inactive");
        return;
    };
    for (name, service) in state.services {
        let running = if service.running { "active" } else { "inactive" };
        let enabled = if service.enabled { "enabled" } else { "disabled" };
        context.print(&format!("  {name}: {running}/{enabled}"));
    }
}

/// pcsd of this host answers at once or has other troubles than ours.
const PCSD_PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

fn cluster(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--output-format", "--request-timeout"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "" });
    }
    cluster_status(context)
}

/// Shows the cluster without its resources.
pub(crate) fn cluster_status(context: &mut Context) -> Cli {
    let sight = look(context)?;
    let data = || {
        serde_json::json!({
            "summary": sight.seen.summary,
            "nodes": sight.seen.status.nodes,
            "warnings": warnings(&sight),
            "live": sight.info,
        })
    };
    if context.as_json(data)? {
        return Ok(());
    }
    context.print("Cluster Status:");
    for warning in warnings(&sight).iter().filter(|_| sight.info.is_some()) {
        context.print(&format!(" WARNING: {warning}"));
    }
    context.print(" Cluster Summary:");
    for line in status_text::summary(&sight.seen.summary, false) {
        context.print(&format!("   {line}"));
    }
    context.print(" Node List:");
    for line in node_lines(&sight.seen.status, Scope::default()) {
        context.print(&format!("   * {line}"));
    }
    if sight.info.is_some()
        && let Ok(conf) = hosts::local_conf(context)
        && let Ok(states) = super::pcsd::status_lines(&hosts::node_names(&conf))
    {
        context.print("\nPCSD Status:");
        for (name, state) in states {
            context.print(&format!("  {name}: {state}"));
        }
    }
    Ok(())
}

/// Shows resources, or fence devices.
pub(crate) fn resources(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.shows_status = true;
    context.supports(&["-f", "--hide-inactive", "--output-format", "--watch"])?;
    let mut asked = Asked::default();
    let named = words.iter().filter_map(|word| Some(word.split_once('=')?.0));
    let unknown: Vec<&str> =
        named.filter(|option| !option.is_empty() && *option != "node").collect();
    if !unknown.is_empty() {
        let many = pcs::text::plural(unknown.len(), "option", "options");
        return fail(format!("Unknown {many} {}", pcs::text::quoted(unknown)));
    }
    for word in words {
        match word.strip_prefix("node=") {
            Some("") => return fail("missing value of 'node' option"),
            Some(node) if asked.node.as_deref().is_some_and(|known| known != node) => {
                let known = asked.node.unwrap_or_default();
                return fail(format!(
                    "duplicate option 'node' with different values '{known}' and '{node}'"
                ));
            }
            Some(node) => asked.node = Some(node.to_owned()),
            None if asked.id.is_none() => asked.id = Some(word.clone()),
            None => return fail(format!("missing value of '{word}' option")),
        }
    }
    if let Some(pause) = status_watch::pause(context)? {
        let mut once = |context: &mut Context| resources_once(context, &asked, stonith);
        return status_watch::run(context, pause, &mut once);
    }
    resources_once(context, &asked, stonith)
}

/// What of all resources is asked for.
#[derive(Debug, Default)]
struct Asked {
    /// A resource's id, or a tag's.
    id: Option<String>,
    node: Option<String>,
}

fn is_stonith(resource: &ResourceStatus) -> bool {
    resource.kind == ResourceKind::Primitive && resource.agent.starts_with("stonith:")
}

fn resources_once(context: &mut Context, asked: &Asked, stonith: bool) -> Cli {
    let hide_inactive = context.has("--hide-inactive");
    let sight = look(context)?;
    let status = &sight.seen.status;
    let tags = pcs::tag::tags(&sight.cib);
    let tagged = tags.into_iter().find(|tag| Some(&tag.id) == asked.id.as_ref());
    let is_known = tagged.is_some()
        || asked.id.as_ref().is_none_or(|id| pcs::resource::find(&sight.cib, id).is_some());
    let ids: Vec<String> = match tagged {
        Some(tag) => tag.idref_list,
        None => asked.id.iter().cloned().collect(),
    };
    let scope = Scope {
        active_only: hide_inactive,
        node: asked.node.as_deref(),
        resources: &ids,
        ..Scope::default()
    };
    let any = || lists::listed(status).filter(|resource| is_stonith(resource) == stonith);
    let of_kind = lists::listed(status)
        .filter(|resource| asked.id.is_some() || is_stonith(resource) == stonith);
    let shown: Vec<(&ResourceStatus, Vec<String>)> = of_kind
        .map(|resource| (resource, lists::resource_lines(resource, status, scope)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let data = || shown.iter().map(|(resource, _)| *resource).collect::<Vec<_>>();
    if context.as_json(|| serde_json::json!({ "resources": data() }))? {
        return Ok(());
    }
    if !shown.is_empty() {
        let lines = shown.into_iter().flat_map(|(_, lines)| lines).collect();
        context.print_lines(&super::resource_text::indent(lines));
        return Ok(());
    }
    if let Some(id) = &asked.id
        && !is_known
        && !hide_inactive
    {
        context.hint_text(&pcs::resource::near(&sight.cib, id).into_iter().collect::<Vec<_>>());
        return fail(format!("resource or tag id '{id}' not found"));
    }
    let what = if stonith { "stonith devices" } else { "resources" };
    if any().next().is_some() || hide_inactive {
        context.print("No active resources");
    } else {
        context.print(&format!("NO {what} configured"));
    }
    Ok(())
}
