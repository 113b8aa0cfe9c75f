//! Configured resources as text and as commands.

use pcs::nvset::SetView;
use pcs::resource::config::{
    BundleView, CloneView, GroupView, OperationView, PrimitiveView, Resources,
};

/// Indents lines by a level.
pub(crate) fn indent(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| if line.is_empty() { line } else { format!("  {line}") }).collect()
}

/// Writes `name=value` for people: quoted when the value would be taken apart.
pub(crate) fn shown(name: &str, value: &str) -> String {
    if value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '=') {
        format!("{name}=\"{value}\"")
    } else {
        format!("{name}={value}")
    }
}

/// Quotes a word for a shell when it needs it.
pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

/// Writes `name=value` for a shell.
pub(crate) fn word(name: &str, value: &str) -> String {
    format!("{}={}", quote(name), quote(value))
}

fn sets(title: &str, sets: &[SetView]) -> Vec<String> {
    let mut lines = Vec::new();
    // a set without anything in it says nothing
    for set in sets.iter().filter(|set| !set.nvpairs.is_empty() || set.rule.is_some()) {
        let options: Vec<String> = set.options.iter().map(|(k, v)| format!(" {k}={v}")).collect();
        lines.push(format!("{title}: {}{}", set.id, options.concat()));
        lines
            .extend(set.nvpairs.iter().map(|pair| format!("  {}", shown(&pair.name, &pair.value))));
        if let Some(rule) = &set.rule {
            lines.extend(indent(super::rule_text::lines(rule, false)));
        }
    }
    lines
}

fn operation(operation: &OperationView) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", operation.name, operation.id)];
    if let Some(description) = &operation.description {
        lines.push(format!("  Description: {description}"));
    }
    let yes = |value: bool| if value { "1" } else { "0" }.to_owned();
    let mut words = vec![shown("interval", &operation.interval)];
    for (name, value) in [
        ("interval-origin", operation.interval_origin.clone()),
        ("start-delay", operation.start_delay.clone()),
        ("timeout", operation.timeout.clone()),
        ("enabled", operation.enabled.map(yes)),
        ("record-pending", operation.record_pending.map(yes)),
        ("role", operation.role.clone()),
        ("on-fail", operation.on_fail.clone()),
    ] {
        if let Some(value) = value {
            words.push(shown(name, &value));
        }
    }
    for set in &operation.instance_attributes {
        words.extend(set.nvpairs.iter().map(|pair| shown(&pair.name, &pair.value)));
    }
    lines.push(format!("  {}", words.join(" ")));
    lines.extend(indent(sets("Meta Attributes", &operation.meta_attributes)));
    lines
}

fn description(text: Option<&String>) -> Vec<String> {
    text.map(|text| format!("Description: {text}")).into_iter().collect()
}

/// Shows a primitive.
pub(crate) fn primitive(view: &PrimitiveView) -> Vec<String> {
    let agent = &view.agent_name;
    let provider =
        agent.provider.as_ref().map(|provider| format!(" provider={provider}")).unwrap_or_default();
    let mut lines = vec![format!(
        "Resource: {} (class={}{provider} type={})",
        view.id, agent.standard, agent.kind
    )];
    let mut inner = description(view.description.as_ref());
    inner.extend(sets("Attributes", &view.instance_attributes));
    inner.extend(sets("Meta Attributes", &view.meta_attributes));
    inner.extend(sets("Utilization", &view.utilization));
    if !view.operations.is_empty() {
        inner.push("Operations:".to_owned());
        for one in &view.operations {
            inner.extend(indent(operation(one)));
        }
    }
    lines.extend(indent(inner));
    lines
}

fn group(view: &GroupView, all: &Resources) -> Vec<String> {
    let mut lines = vec![format!("Group: {}", view.id)];
    let mut inner = description(view.description.as_ref());
    inner.extend(sets("Attributes", &view.instance_attributes));
    inner.extend(sets("Meta Attributes", &view.meta_attributes));
    for id in &view.member_ids {
        inner.extend(member(id, all));
    }
    lines.extend(indent(inner));
    lines
}

fn clone(view: &CloneView, all: &Resources) -> Vec<String> {
    let mut lines = vec![format!("Clone: {}", view.id)];
    let mut inner = description(view.description.as_ref());
    inner.extend(sets("Attributes", &view.instance_attributes));
    inner.extend(sets("Meta Attributes", &view.meta_attributes));
    inner.extend(member(&view.member_id, all));
    lines.extend(indent(inner));
    lines
}

fn member(id: &str, all: &Resources) -> Vec<String> {
    if let Some(view) = all.primitives.iter().find(|p| p.id == id) {
        return primitive(view);
    }
    all.groups.iter().find(|g| g.id == id).map(|view| group(view, all)).unwrap_or_default()
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| format!("{}{}", first.to_uppercase(), characters.as_str()))
        .unwrap_or_default()
}

type Options = Vec<(&'static str, String)>;

fn container_options(view: &BundleView) -> Options {
    let Some(container) = &view.container_options else { return Vec::new() };
    let number = |n: Option<u64>| n.map(|n| n.to_string());
    [
        ("image", Some(container.image.clone())),
        ("replicas", number(container.replicas)),
        ("replicas-per-host", number(container.replicas_per_host)),
        ("promoted-max", number(container.promoted_max)),
        ("run-command", container.run_command.clone()),
        ("network", container.network.clone()),
        ("options", container.options.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

fn network_options(view: &BundleView) -> Options {
    let Some(network) = &view.network else { return Vec::new() };
    [
        ("ip-range-start", network.ip_range_start.clone()),
        ("control-port", network.control_port.map(|n| n.to_string())),
        ("host-interface", network.host_interface.clone()),
        ("host-netmask", network.host_netmask.map(|n| n.to_string())),
        ("add-host", network.add_host.map(|yes| yes.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

fn port_options(view: &BundleView) -> Vec<(String, Options)> {
    view.port_mappings
        .iter()
        .map(|port| {
            let options = [
                ("port", port.port.map(|n| n.to_string())),
                ("internal-port", port.internal_port.map(|n| n.to_string())),
                ("range", port.range.clone()),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
            (port.id.clone(), options)
        })
        .collect()
}

fn storage_options(view: &BundleView) -> Vec<(String, Options)> {
    view.storage_mappings
        .iter()
        .map(|storage| {
            let options = [
                ("source-dir", storage.source_dir.clone()),
                ("source-dir-root", storage.source_dir_root.clone()),
                ("target-dir", Some(storage.target_dir.clone())),
                ("options", storage.options.clone()),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
            (storage.id.clone(), options)
        })
        .collect()
}

fn shown_all(options: &Options) -> String {
    let words: Vec<String> = options.iter().map(|(name, value)| shown(name, value)).collect();
    words.join(" ")
}

fn words_all(options: &Options) -> String {
    let words: Vec<String> = options.iter().map(|(name, value)| word(name, value)).collect();
    words.join(" ")
}

fn bundle(view: &BundleView, all: &Resources) -> Vec<String> {
    let mut lines = vec![format!("Bundle: {}", view.id)];
    let mut inner = description(view.description.as_ref());
    if let Some(kind) = &view.container_type {
        inner.push(format!("{}: {}", capitalised(kind), shown_all(&container_options(view))));
    }
    let network = network_options(view);
    if !network.is_empty() {
        inner.push(format!("Network: {}", shown_all(&network)));
    }
    for (title, mappings) in
        [("Port Mapping:", port_options(view)), ("Storage Mapping:", storage_options(view))]
    {
        if !mappings.is_empty() {
            inner.push(title.to_owned());
            for (id, options) in mappings {
                inner.push(format!("  {} ({id})", shown_all(&options)));
            }
        }
    }
    inner.extend(sets("Attributes", &view.instance_attributes));
    inner.extend(sets("Meta Attributes", &view.meta_attributes));
    if let Some(id) = &view.member_id {
        inner.extend(member(id, all));
    }
    lines.extend(indent(inner));
    lines
}

/// Shows resources: those that stand alone first, then groups, clones, bundles.
pub(crate) fn text(shown: &Resources, all: &Resources) -> Vec<String> {
    let inside: Vec<&String> = shown
        .groups
        .iter()
        .flat_map(|g| &g.member_ids)
        .chain(shown.clones.iter().map(|c| &c.member_id))
        .chain(shown.bundles.iter().filter_map(|b| b.member_id.as_ref()))
        .collect();
    let mut lines = Vec::new();
    for view in shown.primitives.iter().filter(|p| !inside.contains(&&p.id)) {
        lines.extend(primitive(view));
    }
    for view in shown.groups.iter().filter(|g| !inside.contains(&&g.id)) {
        lines.extend(group(view, all));
    }
    for view in &shown.clones {
        lines.extend(clone(view, all));
    }
    for view in &shown.bundles {
        lines.extend(bundle(view, all));
    }
    lines
}

fn pairs(sets: &[SetView]) -> Vec<String> {
    sets.first()
        .map(|set| set.nvpairs.iter().map(|pair| word(&pair.name, &pair.value)).collect())
        .unwrap_or_default()
}

/// Joins the lines of a command for a shell.
fn joined(lines: &[String]) -> String {
    lines.join(" \\\n")
}

fn operation_words(operation: &OperationView) -> String {
    let yes = |value: bool| if value { "1" } else { "0" }.to_owned();
    let mut words = vec![quote(&operation.name), word("interval", &operation.interval)];
    for (name, value) in [
        ("description", operation.description.clone()),
        ("id", Some(operation.id.clone())),
        ("start-delay", operation.start_delay.clone()),
        ("interval-origin", operation.interval_origin.clone()),
        ("timeout", operation.timeout.clone()),
        ("enabled", operation.enabled.map(yes)),
        ("record-pending", operation.record_pending.map(yes)),
        ("role", operation.role.clone()),
        ("on-fail", operation.on_fail.clone()),
    ] {
        if let Some(value) = value {
            words.push(word(name, &value));
        }
    }
    words.extend(pairs(&operation.instance_attributes));
    words.join(" ")
}

fn primitive_command(view: &PrimitiveView, bundle: Option<&str>) -> Vec<String> {
    let stonith = view.agent_name.is_stonith();
    let (area, agent) = if stonith {
        ("stonith", view.agent_name.kind.clone())
    } else {
        ("resource", view.agent_name.to_string())
    };
    let mut lines = vec![format!(
        "pcs {area} create --no-default-ops --force -- {} {}",
        quote(&view.id),
        quote(&agent)
    )];
    let parameters = pairs(&view.instance_attributes);
    if !parameters.is_empty() {
        lines.push(format!("  {}", parameters.join(" ")));
    }
    if !view.operations.is_empty() {
        lines.push("  op".to_owned());
        lines.extend(view.operations.iter().map(|o| format!("    {}", operation_words(o))));
    }
    let meta = pairs(&view.meta_attributes);
    if !meta.is_empty() {
        lines.push(format!("  meta {}", meta.join(" ")));
    }
    if let Some(bundle) = bundle {
        lines.push(format!("  bundle {}", quote(bundle)));
    }
    let mut commands = vec![joined(&lines)];
    let utilization = pairs(&view.utilization);
    if !utilization.is_empty() {
        commands.push(joined(&[
            format!("pcs resource utilization {}", quote(&view.id)),
            format!("  {}", utilization.join(" ")),
        ]));
    }
    commands
}

fn bundle_command(view: &BundleView) -> String {
    let mut lines = vec![format!("pcs resource bundle create {}", quote(&view.id))];
    if let Some(kind) = &view.container_type {
        lines.push(format!("  container {}", quote(kind)));
        lines.push(format!("    {}", words_all(&container_options(view))));
    }
    let network = network_options(view);
    if !network.is_empty() {
        lines.push(format!("  network {}", words_all(&network)));
    }
    for (keyword, mappings) in
        [("port-map", port_options(view)), ("storage-map", storage_options(view))]
    {
        for (id, mut options) in mappings {
            // an id that pcs would choose again need not be given
            if !id.starts_with(&format!("{}-{keyword}", view.id)) {
                options.push(("id", id));
            }
            lines.push(format!("  {keyword} {}", words_all(&options)));
        }
    }
    let meta = pairs(&view.meta_attributes);
    if !meta.is_empty() {
        lines.push(format!("  meta {}", meta.join(" ")));
    }
    joined(&lines)
}

/// Writes the commands that build resources.
pub(crate) fn commands(shown: &Resources) -> Vec<String> {
    let mut commands = Vec::new();
    let bundled = |id: &str| shown.bundles.iter().find(|b| b.member_id.as_deref() == Some(id));
    for view in &shown.bundles {
        commands.push(bundle_command(view));
        let inside = view.member_id.as_deref();
        if let Some(member) = shown.primitives.iter().find(|p| Some(p.id.as_str()) == inside) {
            commands.extend(primitive_command(member, Some(&view.id)));
        }
    }
    for view in shown.primitives.iter().filter(|p| bundled(&p.id).is_none()) {
        commands.extend(primitive_command(view, None));
    }
    for view in &shown.groups {
        let members: Vec<String> = view.member_ids.iter().map(|id| quote(id)).collect();
        commands.push(joined(&[
            format!("pcs resource group add {}", quote(&view.id)),
            format!("  {}", members.join(" ")),
        ]));
        let meta = pairs(&view.meta_attributes);
        if !meta.is_empty() {
            commands.push(joined(&[
                format!("pcs resource meta {}", quote(&view.id)),
                format!("  {}", meta.join(" ")),
            ]));
        }
    }
    for view in &shown.clones {
        let mut lines =
            vec![format!("pcs resource clone {} {}", quote(&view.member_id), quote(&view.id))];
        let meta = pairs(&view.meta_attributes);
        if !meta.is_empty() {
            lines.push(format!("  meta {}", meta.join(" ")));
        }
        commands.push(joined(&lines));
    }
    commands
}
