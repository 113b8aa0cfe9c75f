//! Creating a primitive: alone, in a group, as a clone, in a bundle; a resource or a fence device.

use cib::Element;

use super::group::{self, Place};
use crate::agent::AgentName;
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::metadata::{AgentMetadata, OptionClass};
use crate::nvset::{self, Pairs};
use crate::operations;
use crate::report::{Failed, Outcome};

/// What is to be created.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The new resource's id.
    pub id: String,
    /// The agent, as somebody typed it.
    pub agent: String,
    /// Parameters of the agent.
    pub parameters: Pairs,
    /// Meta attributes.
    pub meta: Pairs,
    /// Operations.
    pub operations: Vec<Pairs>,
    /// Where it goes.
    pub target: Target,
    /// Whether it is to stay stopped.
    pub disabled: bool,
    /// Whether the operations the agent advises are left out.
    pub no_advised_operations: bool,
    /// Whether the agent itself is to check the parameters.
    pub agent_validation: bool,
    /// Whether what can be overridden is.
    pub force: bool,
}

/// Where a new resource goes.
#[derive(Clone, Debug, Default)]
pub enum Target {
    /// It stands alone.
    #[default]
    Alone,
    /// Into a group.
    Group {
        /// The group's id.
        group: String,
        /// Where in it.
        place: Place,
    },
    /// It becomes a clone.
    Clone {
        /// The clone's id, if it is given.
        id: Option<String>,
        /// Meta attributes of the clone.
        meta: Pairs,
    },
    /// Into a bundle.
    Bundle {
        /// The bundle's id.
        bundle: String,
    },
}

/// Creates a resource that is no fence device.
///
/// # Errors
/// Reported.
pub fn create(env: &mut Environment<'_>, request: &Request) -> Outcome {
    let agent = env.find_agent(&request.agent)?;
    if agent.is_stonith() {
        env.error(Message::UseStonithCreate);
        return Err(Failed::Reported);
    }
    create_primitive(env, request, &agent)
}

/// Creates a fence device.
///
/// # Errors
/// Reported.
pub fn create_stonith(env: &mut Environment<'_>, request: &Request) -> Outcome {
    if request.agent.contains(':') {
        env.error(Message::InvalidStonithAgentName { name: request.agent.clone() });
        return Err(Failed::Reported);
    }
    create_primitive(env, request, &AgentName::stonith(&request.agent))
}

/// Creates the connection to a remote node.
pub(crate) fn create_remote(
    env: &mut Environment<'_>,
    name: &str,
    address: &str,
    request: &Request,
) -> Outcome {
    let agent = AgentName {
        standard: "ocf".into(),
        provider: Some("pacemaker".into()),
        kind: "remote".into(),
    };
    let mut metadata = env.load_agent(&agent, request.force);
    if env.has_errors() {
        return Err(Failed::Reported);
    }
    env.check_operations(&request.operations, metadata.as_ref(), request.force);
    if let Some(metadata) = &mut metadata {
        // the address is an argument of its own
        metadata.parameters.retain(|parameter| parameter.name != "server");
        if nvset::get(&request.parameters, "server").is_some() {
            let known: Vec<&str> = metadata.parameters.iter().map(|p| p.name.as_str()).collect();
            env.check_names(["server"], &known, "resource", None);
        } else {
            check_parameters(env, &agent, metadata, request);
        }
    }
    warn_unknown_meta(env, &request.meta, "Resource");
    env.checked()?;
    let mut request = request.clone();
    name.clone_into(&mut request.id);
    request.parameters.push(("server".into(), address.into()));
    let operations = all_operations(env, &request, &agent, metadata.as_ref());
    let primitive = build(env, &request, &agent, metadata.as_ref(), &operations);
    place(env, &request, primitive)
}

fn create_primitive(env: &mut Environment<'_>, request: &Request, agent: &AgentName) -> Outcome {
    let metadata = env.load_agent(agent, request.force);
    if env.has_errors() {
        return Err(Failed::Reported);
    }
    if let (Target::Clone { meta, .. }, Some(metadata)) = (&request.target, &metadata)
        && nvset::get(meta, "promotable").is_some_and(crate::options::is_true)
        && !metadata.may_be_promoted()
    {
        let message = Message::AgentNotPromotable { agent: agent.to_string() };
        env.forceable(message, request.force);
    }
    env.checked()?;
    check_node(env, request, agent);
    env.checked()?;
    check_target(env, request)?;
    let what = if agent.is_stonith() { "stonith name" } else { "resource name" };
    if let Some(message) = ids::check(&request.id, what) {
        return Err(Failed::because(message));
    }
    if ids::exists(&env.cib, &request.id) {
        return Err(Failed::because(Message::IdAlreadyExists { id: request.id.clone() }));
    }
    if let Target::Clone { meta, .. } = &request.target
        && !meta.is_empty()
    {
        env.warn(Message::MetaNotValidated { kinds: vec!["clone".into()] });
    }
    env.check_operations(&request.operations, metadata.as_ref(), request.force);
    let ids: Vec<&str> =
        request.operations.iter().filter_map(|operation| nvset::get(operation, "id")).collect();
    for id in &ids {
        if let Some(message) = ids::check(id, "operation id") {
            env.error(message);
        }
    }
    env.checked()?;
    for (n, id) in ids.iter().enumerate() {
        if *id == request.id || ids[..n].contains(id) || ids::exists(&env.cib, id) {
            return Err(Failed::because(Message::IdAlreadyExists { id: (*id).to_owned() }));
        }
    }
    let operations = all_operations(env, request, agent, metadata.as_ref());
    if let Some(metadata) = &metadata {
        check_parameters(env, agent, metadata, request);
    }
    warn_unknown_meta(env, &request.meta, if agent.is_stonith() { "Stonith" } else { "Resource" });
    env.checked()?;
    let primitive = build(env, request, agent, metadata.as_ref(), &operations);
    place(env, request, primitive)?;
    env.checked()
}

/// Says which agent a request means, and that it is there.
///
/// # Errors
/// Reported.
pub fn check_agent(env: &mut Environment<'_>, request: &Request) -> Outcome {
    let agent = env.find_agent(&request.agent)?;
    env.load_agent(&agent, request.force);
    env.checked()
}

/// Checks a resource that makes a node: other commands do that better, and nodes have names and addresses of
/// their own.
fn check_node(env: &mut Environment<'_>, request: &Request, agent: &AgentName) {
    let guest = nvset::get(&request.meta, "remote-node");
    let (message, address) = if guest.is_some() {
        (Message::UseAddGuest, nvset::get(&request.meta, "remote-addr"))
    } else if agent.is_remote() {
        (Message::UseAddRemote, nvset::get(&request.parameters, "server"))
    } else {
        return;
    };
    env.forceable(message, request.force);
    let taken = crate::remote::addresses(&env.cib);
    let name = guest.filter(|name| ids::exists(&env.cib, name) || taken.iter().any(|t| t == name));
    let address = address.filter(|address| taken.iter().any(|t| t == address));
    for text in name.into_iter().chain(address) {
        env.error(Message::IdAlreadyExists { id: text.to_owned() });
    }
}

/// Checks the names of a clone or a group that are to be.
fn check_target(env: &mut Environment<'_>, request: &Request) -> Outcome {
    match &request.target {
        Target::Clone { id: Some(id), .. } => {
            if id == &request.id {
                env.error(Message::IdAlreadyExists { id: id.clone() });
            } else {
                env.check_new_id(id, "id");
            }
            env.checked()
        }
        Target::Group { group, place } => {
            if !group::check_adjacent(env, place) {
                return Err(Failed::Reported);
            }
            group::check_name(env, group);
            Ok(())
        }
        Target::Alone | Target::Clone { .. } | Target::Bundle { .. } => Ok(()),
    }
}

/// Checks the parameters of a new resource against what its agent says.
fn check_parameters(
    env: &mut Environment<'_>,
    agent: &AgentName,
    metadata: &AgentMetadata,
    request: &Request,
) {
    let kind = if agent.is_stonith() { "stonith" } else { "resource" };
    for (name, value) in &request.parameters {
        if value.is_empty() {
            env.error(Message::ParameterEmpty { name: name.clone() });
        }
    }
    check_names(env, metadata, &request.parameters, kind, request.force);
    check_required(env, metadata, &request.parameters, kind, request.force);
    check_deprecated(env, metadata, &request.parameters, kind, request.force);
    check_unique(env, agent, metadata, &request.parameters, &request.id, request.force);
    if request.agent_validation && !env.has_errors() {
        env.run_agent_validation(agent, &request.parameters, request.force);
    }
}

/// Reports parameters an agent does not know.
pub(crate) fn check_names(
    env: &mut Environment<'_>,
    metadata: &AgentMetadata,
    parameters: &Pairs,
    kind: &str,
    force: bool,
) {
    let known: Vec<&str> = metadata.parameters.iter().map(|p| p.name.as_str()).collect();
    env.check_names(parameters.iter().map(|(name, _)| name.as_str()), &known, kind, Some(force));
}

/// Reports parameters an agent needs and does not get.
pub(crate) fn check_required(
    env: &mut Environment<'_>,
    metadata: &AgentMetadata,
    parameters: &Pairs,
    kind: &str,
    force: bool,
) {
    let given = |name: &str| parameters.iter().any(|(key, _)| key == name);
    let mut missing = Vec::new();
    for parameter in metadata.parameters.iter().filter(|p| p.required && !p.deprecated) {
        let old: Vec<String> = metadata
            .parameters
            .iter()
            .filter(|p| p.deprecated_by.contains(&parameter.name))
            .map(|p| p.name.clone())
            .collect();
        if given(&parameter.name) || old.iter().any(|name| given(name)) {
            continue;
        }
        if old.is_empty() {
            missing.push(parameter.name.clone());
        } else {
            let message = Message::RequiredOneOf {
                names: vec![parameter.name.clone()],
                deprecated: old,
                kind: kind.into(),
            };
            env.forceable(message, force);
        }
    }
    env.check_required(missing, kind, Some(force));
}

/// Warns about parameters an agent no longer wants. A fence device's `action` would turn every
/// fencing into that action, so it must be forced.
pub(crate) fn check_deprecated(
    env: &mut Environment<'_>,
    metadata: &AgentMetadata,
    parameters: &Pairs,
    kind: &str,
    force: bool,
) {
    let mut names: Vec<&String> =
        parameters.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name).collect();
    names.sort();
    for name in names {
        let Some(parameter) = metadata.parameter(name).filter(|p| p.deprecated) else { continue };
        let message = Message::DeprecatedOption {
            name: name.clone(),
            replaced_by: parameter.deprecated_by.clone(),
            kind: kind.into(),
        };
        if kind == "stonith" && name == "action" {
            env.forceable(message, force);
        } else {
            env.warn(message);
        }
    }
}

/// Reports values that must be unique among the resources of an agent and are not.
pub(crate) fn check_unique(
    env: &mut Environment<'_>,
    agent: &AgentName,
    metadata: &AgentMetadata,
    parameters: &Pairs,
    id: &str,
    force: bool,
) {
    let mut messages = Vec::new();
    for (name, value) in parameters {
        let unique = metadata.parameter(name).and_then(|p| p.unique_group.as_ref());
        // a group of several parameters must differ in at least one of them
        let Some(group) = unique else { continue };
        let members: Vec<&str> = metadata
            .parameters
            .iter()
            .filter(|p| p.unique_group.as_ref() == Some(group))
            .map(|p| p.name.as_str())
            .collect();
        if members.len() > 1 {
            continue;
        }
        let mut same: Vec<String> = super::primitives(&env.cib)
            .filter(|p| p.id() != Some(id) && AgentName::of(p) == *agent)
            .filter(|p| nvset::value(p, "instance_attributes", name) == Some(value))
            .filter_map(|p| p.id().map(str::to_owned))
            .collect();
        same.sort();
        if !same.is_empty() && !value.is_empty() {
            messages.push(Message::ValueNotUnique {
                name: name.clone(),
                value: value.clone(),
                agent: agent.to_string(),
                resources: same,
            });
        }
    }
    for message in messages {
        env.forceable(message, force);
    }
}

/// Warns about meta attributes that do nothing.
pub(crate) fn warn_unknown_meta(env: &mut Environment<'_>, meta: &Pairs, kind: &str) {
    if meta.is_empty() {
        return;
    }
    let mut known: Vec<String> =
        env.agents.options(OptionClass::Primitive).into_iter().map(|p| p.name).collect();
    if known.is_empty() {
        return;
    }
    if kind != "Resource" {
        known.push("provides".into());
    }
    known.sort();
    let mut unknown: Vec<String> = meta
        .iter()
        .filter(|(name, value)| !known.contains(name) && !value.is_empty())
        .map(|(name, _)| name.clone())
        .collect();
    unknown.sort();
    if !unknown.is_empty() {
        env.warn(Message::UnknownMeta { names: unknown, known, kind: kind.into() });
    }
}

/// Returns the operations of a new resource: what was typed and what its agent advises.
fn all_operations(
    env: &mut Environment<'_>,
    request: &Request,
    agent: &AgentName,
    metadata: Option<&AgentMetadata>,
) -> Vec<Pairs> {
    let (all, changed) = operations::complete(
        &request.operations,
        metadata,
        agent.is_stonith(),
        !request.no_advised_operations,
    );
    for (from, to) in changed {
        env.warn(Message::MonitorIntervalChanged { from, to });
    }
    all
}

fn build(
    env: &Environment<'_>,
    request: &Request,
    agent: &AgentName,
    metadata: Option<&AgentMetadata>,
    operations: &[Pairs],
) -> Element {
    let id = request.id.as_str();
    let mut primitive =
        Element::new("primitive").with("id", id).with("class", agent.standard.as_str());
    if let Some(provider) = &agent.provider {
        primitive.set("provider", provider.as_str());
    }
    primitive.set("type", agent.kind.as_str());
    let mut meta = request.meta.clone();
    if agent.is_stonith() && metadata.is_some_and(AgentMetadata::provides_unfencing) {
        meta.retain(|(name, _)| name != "provides");
        meta.push(("provides".into(), "unfencing".into()));
    }
    if request.disabled && !matches!(request.target, Target::Clone { .. }) {
        meta.retain(|(name, _)| name != "target-role");
        meta.push(("target-role".into(), "Stopped".into()));
    }
    for (kind, pairs) in [("instance_attributes", &request.parameters), ("meta_attributes", &meta)]
    {
        if !pairs.is_empty() {
            let set = ids::free(&env.cib, &format!("{id}-{kind}"));
            primitive.push(nvset::new_set(kind, &set, pairs));
        }
    }
    let mut list = Element::new("operations");
    let mut taken = Vec::new();
    for operation in operations {
        list.push(operations::build(&env.cib, id, operation, &mut taken));
    }
    primitive.push(list);
    primitive
}

fn place(env: &mut Environment<'_>, request: &Request, primitive: Element) -> Outcome {
    match &request.target {
        Target::Alone => env.section("resources").push(primitive),
        Target::Group { group, place } => {
            if group == &request.id {
                return Err(Failed::because(Message::IdAlreadyExists { id: group.clone() }));
            }
            group::check_place(env, group, place, &[request.id.as_str()]);
            env.checked()?;
            group::insert(&mut env.cib, group, place, vec![primitive.into()]);
        }
        Target::Clone { id, meta } => {
            let clone_id = match id {
                Some(id) => id.clone(),
                None => ids::free(&env.cib, &format!("{}-clone", request.id)),
            };
            let mut clone = Element::new("clone").with("id", clone_id.as_str());
            // as pcs places it: in front where nothing but '--disabled' asks for it
            let in_front = meta.is_empty();
            if !in_front {
                clone.push(primitive.clone());
            }
            let mut meta = meta.clone();
            if request.disabled {
                meta.retain(|(name, _)| name != "target-role");
                meta.push(("target-role".into(), "Stopped".into()));
            }
            if !meta.is_empty() {
                let set = format!("{clone_id}-meta_attributes");
                clone.push(nvset::new_set("meta_attributes", &set, &meta));
            }
            if in_front {
                clone.push(primitive);
            }
            env.section("resources").push(clone);
        }
        Target::Bundle { bundle } => {
            super::bundle::check_can_hold(env, bundle, &request.id, request.force)?;
            if let Some(bundle) = super::find_mut(&mut env.cib, bundle) {
                bundle.push(primitive);
            }
        }
    }
    Ok(())
}
