//! `pcs status`, `pcs resource status`, `pcs stonith status`.

use cib::Element;
use pcs::cluster::protocol::{HostState, Request};
use view::live::LiveInfo;
use view::seen::Seen;
use view::summary::Status;
use view::{failures, summary};

use super::context::{Cli, Context, Failure, fail};
use super::hosts;
use super::status_text::{self, Detail, Filter};
use super::status_watch;

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
    let parts = crate::status_xml::everything(&sight.cib, &sight.seen());
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

/// Merges what a running cluster knows of itself into what its document says.
pub(crate) fn with_live(status: &mut Status, info: &LiveInfo) {
    for node in &mut status.nodes {
        if let Some(live) = info.nodes.iter().find(|live| live.name == node.name)
            && !live.member
        {
            node.online = false;
            node.pending = false;
        }
    }
    for live in &info.nodes {
        if !status.nodes.iter().any(|node| node.name == live.name) {
            status.nodes.push(view::nodes::NodeStatus {
                id: live.id.to_string(),
                name: live.name.clone(),
                remote: false,
                online: false,
                pending: live.member,
                unclean: false,
                standby: false,
                maintenance: false,
                feature_set: None,
                transient: std::collections::BTreeMap::new(),
            });
            status.summary.nodes_configured += 1;
        }
    }
    status.nodes.sort_by(|a, b| (a.remote, &a.name).cmp(&(b.remote, &b.name)));
    status.summary.quorate = info.quorate;
    status.summary.dc = info.dc.as_ref().map(|name| {
        let id = info.nodes.iter().find(|node| node.name == *name).map(|node| node.id.to_string());
        (name.clone(), id.unwrap_or_default())
    });
    if status.summary.dc_version.is_none() {
        status.summary.dc_version = Some(info.version.clone());
    }
    if status.summary.stack.is_none() {
        status.summary.stack = Some("corosync".to_owned());
    }
}

/// The state of the cluster a command looks at.
pub(crate) struct Sight {
    pub(crate) cib: Element,
    pub(crate) status: Status,
    pub(crate) info: Option<LiveInfo>,
}

impl Sight {
    /// The same state as its scheduler sees it.
    pub(crate) fn seen(&self) -> Seen {
        let mut seen = crate::tools::monitor_facts::seen(&self.cib);
        if let Some(info) = &self.info {
            seen.with_live(info);
        }
        seen
    }
}

/// Looks at the cluster, or at the file.
pub(crate) fn look(context: &mut Context) -> Cli<Sight> {
    let cib = context.cib()?;
    let mut status = Status::of(&cib);
    let info = if context.is_live() {
        match context.live()?.info() {
            Ok(info) => Some(info),
            Err(error) => return fail(error.to_string()),
        }
    } else {
        None
    };
    if let Some(info) = &info {
        with_live(&mut status, info);
    }
    Ok(Sight { cib, status, info })
}

fn detail(context: &Context) -> Detail {
    Detail {
        full: context.has("--full"),
        hide_inactive: context.has("--hide-inactive"),
        live: context.is_live(),
    }
}

/// Says what should not stay as it is.
fn warnings(sight: &Sight) -> Vec<String> {
    let mut warnings = Vec::new();
    let devices = pcs::resource::config::has_stonith(&sight.cib);
    if sight.status.summary.fencing && !devices {
        warnings.push("No stonith devices and stonith-enabled is not false".to_owned());
    }
    if let Some(info) = &sight.info {
        warnings.extend(info.warnings.iter().cloned());
        warnings.extend(info.log.obstacle.iter().cloned());
        warnings.extend(info.waiting.iter().map(|what| format!("Waiting: {what}")));
    }
    warnings
}

fn section(context: &mut Context, title: &str, lines: Vec<String>) {
    context.print("");
    context.print(title);
    context.print_lines(&super::resource_text::indent(lines));
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
    let detail = detail(context);
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
    context.print("Cluster Summary:");
    let lines = status_text::summary(&sight.status.summary, detail);
    context.print_lines(&super::resource_text::indent(lines));
    section(context, "Node List:", status_text::nodes(&sight.status, detail));
    let title = if detail.hide_inactive { "Active Resources:" } else { "Full List of Resources:" };
    let mut lines = status_text::resources(&sight.status, detail, &Filter::default(), None);
    if lines.is_empty() {
        lines.push(
            if detail.hide_inactive { "* No active resources" } else { "* No resources" }.into(),
        );
    }
    section(context, title, lines);
    let counts = failures::fail_counts(&sight.cib);
    if detail.full {
        let attributes = status_text::attributes(&sight.status);
        if !attributes.is_empty() {
            section(context, "Node Attributes:", attributes);
        }
        let threshold = |id: &str| threshold(&sight.cib, id);
        let migration = status_text::migration(&sight.status, &counts, &threshold);
        if !migration.is_empty() {
            section(context, "Migration Summary:", migration);
        }
    }
    let failed = failures::failed_actions(&sight.cib);
    if !failed.is_empty() {
        section(context, "Failed Resource Actions:", status_text::failures(&failed, detail));
    }
    if detail.full {
        section(context, "Tickets:", tickets(&sight.cib));
    }
    if sight.info.is_some() {
        daemons(context);
    }
    Ok(())
}

/// Returns the whole status for programs.
fn everything(sight: &Sight, name: &str, warnings: &[String]) -> serde_json::Value {
    serde_json::json!({
        "cluster_name": name,
        "warnings": warnings,
        "status": sight.status,
        "failed_actions": failures::failed_actions(&sight.cib),
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

fn threshold(cib: &Element, id: &str) -> String {
    let own = pcs::resource::find(cib, id)
        .and_then(|r| pcs::nvset::value(r, "meta_attributes", "migration-threshold"));
    match own {
        None | Some("INFINITY") => "1000000".to_owned(),
        Some(text) => text.to_owned(),
    }
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
            "summary": sight.status.summary,
            "nodes": sight.status.nodes,
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
    for line in status_text::summary(&sight.status.summary, Detail::default()) {
        context.print(&format!("   {line}"));
    }
    context.print(" Node List:");
    for line in status_text::nodes(&sight.status, Detail::default()) {
        context.print(&format!("   {line}"));
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

fn resources_once(context: &mut Context, asked: &Asked, stonith: bool) -> Cli {
    let detail = detail(context);
    let sight = look(context)?;
    let tags = pcs::tag::tags(&sight.cib);
    let tagged = tags.into_iter().find(|tag| Some(&tag.id) == asked.id.as_ref());
    let is_known = tagged.is_some()
        || asked.id.as_ref().is_none_or(|id| pcs::resource::find(&sight.cib, id).is_some());
    let filter = &Filter {
        resources: match tagged {
            Some(tag) => tag.idref_list,
            None => asked.id.iter().cloned().collect(),
        },
        node: asked.node.clone(),
    };
    let kind = if asked.id.is_some() { None } else { Some(stonith) };
    let wanted = |resource: &&view::resources::ResourceStatus| {
        status_text::is_shown(resource, &sight.status, detail, filter, kind)
    };
    let data = || -> Vec<_> { sight.status.resources.iter().filter(wanted).collect() };
    if context.as_json(|| serde_json::json!({ "resources": data() }))? {
        return Ok(());
    }
    let lines = status_text::resources(&sight.status, detail, filter, kind);
    if !lines.is_empty() {
        context.print_lines(&super::resource_text::indent(lines));
        return Ok(());
    }
    let any =
        status_text::resources(&sight.status, Detail::default(), &Filter::default(), Some(stonith));
    if let Some(id) = &asked.id
        && !is_known
        && !detail.hide_inactive
    {
        context.hint_text(&pcs::resource::near(&sight.cib, id).into_iter().collect::<Vec<_>>());
        return fail(format!("resource or tag id '{id}' not found"));
    }
    let what = if stonith { "stonith devices" } else { "resources" };
    if !any.is_empty() || detail.hide_inactive {
        context.print("No active resources");
    } else {
        context.print(&format!("NO {what} configured"));
    }
    Ok(())
}
