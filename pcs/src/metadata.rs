//! What agents say about themselves: parameters, actions, descriptions.

use std::fmt;

use cib::Element;

use crate::agent::AgentName;

/// Why there is no metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoMetadata {
    /// What the agent or the one who asked it said.
    pub reason: String,
}

/// Pacemaker's own kinds of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionClass {
    /// Properties of the cluster.
    Cluster,
    /// Meta attributes of primitives.
    Primitive,
    /// What all fence devices take.
    Fencing,
}

/// The answer of an agent's own check of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// Whether the parameters will do.
    pub valid: bool,
    /// What the agent said, line by line.
    pub output: Vec<String>,
}

/// Where metadata comes from: agents of this machine, or recorded ones.
pub trait AgentSource: fmt::Debug {
    /// Returns what an agent says about itself.
    ///
    /// # Errors
    /// There is no such agent, or it says nothing usable.
    fn metadata(&self, name: &AgentName) -> Result<AgentMetadata, NoMetadata>;
    /// Lists the standards agents of which are installed, sorted.
    fn standards(&self) -> Vec<String>;
    /// Lists the providers of OCF agents.
    fn providers(&self) -> Vec<String>;
    /// Lists the agents of a `STANDARD` or `STANDARD:PROVIDER`.
    fn agents(&self, place: &str) -> Vec<String>;
    /// Returns the cluster's own options of a class.
    fn options(&self, class: OptionClass) -> Vec<Parameter>;
    /// Asks an agent whether it could work with these parameters; none when it can't be asked.
    fn validate(&self, name: &AgentName, parameters: &[(String, String)]) -> Option<Validation>;
}

/// One parameter of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub shortdesc: Option<String>,
    /// More about it.
    pub longdesc: Option<String>,
    /// `string`, `boolean`, `integer`, `select` …
    pub kind: String,
    /// What holds when it is not given.
    pub default: Option<String>,
    /// The values it may have, for `select`.
    pub choices: Vec<String>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it is for experts only.
    pub advanced: bool,
    /// Whether the cluster sets it by itself.
    pub generated: bool,
    /// Whether it should no longer be used.
    pub deprecated: bool,
    /// What to use instead.
    pub deprecated_by: Vec<String>,
    /// The group of parameters that must be unique together.
    pub unique_group: Option<String>,
    /// Whether a change needs no restart.
    pub reloadable: bool,
}

/// One action an agent knows, with what it advises for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// `start`, `monitor` …
    pub name: String,
    /// The advised timeout.
    pub timeout: Option<String>,
    /// The advised interval.
    pub interval: Option<String>,
    /// The role the action is for.
    pub role: Option<String>,
    /// The advised delay of the first monitor.
    pub start_delay: Option<String>,
    /// The depth of a monitor.
    pub depth: Option<String>,
    /// Whether unfencing is done by the cluster itself.
    pub automatic: bool,
    /// Whether it runs on the fenced node itself.
    pub on_target: bool,
}

/// What an agent says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentMetadata {
    /// One line about the agent.
    pub shortdesc: Option<String>,
    /// More about it.
    pub longdesc: Option<String>,
    /// Its parameters, in its order.
    pub parameters: Vec<Parameter>,
    /// Its actions, in its order.
    pub actions: Vec<Action>,
    /// Whether it follows OCF 1.1, by which an agent names all that it can do.
    pub names_all_actions: bool,
}

impl AgentMetadata {
    /// Finds a parameter.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// Says whether its resources may be promoted, as far as the metadata tells.
    pub fn may_be_promoted(&self) -> bool {
        !self.names_all_actions || self.actions.iter().any(|action| action.name == "promote")
    }

    /// Says whether the agent turns a node on by the cluster's own doing (unfencing).
    pub fn provides_unfencing(&self) -> bool {
        self.actions
            .iter()
            .any(|action| action.name == "on" && action.on_target && action.automatic)
    }

    /// Reads `<resource-agent>`, alone or inside a result of Pacemaker's tools.
    pub fn parse(text: &str, name: &AgentName) -> Result<Self, NoMetadata> {
        let root = cib::parse(text).map_err(|error| NoMetadata { reason: error.to_string() })?;
        let agent = root.descendants().find(|e| e.name() == "resource-agent").ok_or_else(|| {
            NoMetadata { reason: "there is no <resource-agent> in it".to_owned() }
        })?;
        let mut metadata = Self {
            shortdesc: described(agent, "shortdesc")
                .or_else(|| agent.get("shortdesc").map(str::to_owned)),
            longdesc: described(agent, "longdesc"),
            parameters: parameters(agent),
            actions: agent.child("actions").map(actions).unwrap_or_default(),
            names_all_actions: described(agent, "version").is_some_and(|v| v.trim() == "1.1"),
        };
        if name.standard == "ocf" {
            metadata.add_tracing();
        }
        Ok(metadata)
    }

    /// Makes a fence agent's metadata complete: what the fencer itself understands for every
    /// device is added, the target is chosen by the cluster, and `action` is not for people.
    pub fn complete_fencing(&mut self, common: Vec<Parameter>) {
        self.parameters.retain(|p| p.name != "help" && p.name != "version");
        for parameter in &mut self.parameters {
            match parameter.name.as_str() {
                "action" => {
                    parameter.required = false;
                    parameter.advanced = true;
                    parameter.deprecated = true;
                    parameter.deprecated_by =
                        vec!["pcmk_off_action".into(), "pcmk_reboot_action".into()];
                }
                "plug" | "port" | "nodename" => parameter.required = false,
                _ => {}
            }
        }
        for parameter in common {
            if self.parameter(&parameter.name).is_none() {
                self.parameters.push(parameter);
            }
        }
    }

    /// Adds the two parameters that the shell library of these agents understands.
    fn add_tracing(&mut self) {
        for (name, shortdesc, kind, default, longdesc) in [
            (
                "trace_ra",
                "Trace resource agent",
                "integer",
                Some("0"),
                "Set to 1 to turn on resource agent tracing (expect large output) The trace output will be saved to trace_file, if set, or by default to $HA_VARRUN/ra_trace/<type>/<id>.<action>.<timestamp> e.g. $HA_VARRUN/ra_trace/oracle/db.start.2012-11-27.08:37:08",
            ),
            (
                "trace_file",
                "Path to the file to store trace output",
                "string",
                None,
                "Path to a file to store resource agent tracing log",
            ),
        ] {
            if self.parameter(name).is_none() {
                self.parameters.push(Parameter {
                    name: name.into(),
                    shortdesc: Some(shortdesc.into()),
                    longdesc: Some(longdesc.into()),
                    kind: kind.into(),
                    default: default.map(str::to_owned),
                    advanced: true,
                    ..Parameter::default()
                });
            }
        }
    }
}

const ADVANCED: &str = "*** Advanced Use Only ***";

/// Reads the options of one of Pacemaker's own classes: their long descriptions begin with the
/// short ones, and those for experts say so in their text.
pub fn class_options(agent: &Element) -> Vec<Parameter> {
    let mut options = parameters(agent);
    for option in &mut options {
        for text in [&mut option.shortdesc, &mut option.longdesc] {
            if let Some(rest) = text.as_deref().and_then(|text| text.strip_prefix(ADVANCED)) {
                let rest = rest.trim().to_owned();
                *text = Some(rest);
                option.advanced = true;
            }
        }
        // the choices are listed beside the text, not in it
        if let Some(long) = &mut option.longdesc
            && let Some(at) = long.find("  Allowed values: ")
            && !option.choices.is_empty()
        {
            long.truncate(at);
        }
        option.longdesc = match (option.shortdesc.take(), option.longdesc.take()) {
            (Some(short), Some(long)) if long == short => {
                option.shortdesc = Some(short);
                None
            }
            (Some(short), Some(long)) if long.starts_with(&short) => {
                option.shortdesc = Some(short);
                Some(long)
            }
            (Some(short), Some(long)) => {
                let dot = if short.ends_with('.') { "" } else { "." };
                let joined = format!("{short}{dot}\n{long}");
                option.shortdesc = Some(short);
                Some(joined)
            }
            (short, long) => {
                option.shortdesc = short;
                long
            }
        };
    }
    options
}

/// Reads the parameters below an agent.
pub fn parameters(agent: &Element) -> Vec<Parameter> {
    let Some(list) = agent.child("parameters") else { return Vec::new() };
    let mut parameters: Vec<Parameter> = list
        .children_named("parameter")
        .filter(|parameter| parameter.get("name").is_some())
        .map(parameter)
        .collect();
    let obsoletes: Vec<(String, String)> = list
        .children_named("parameter")
        .filter_map(|new| Some((new.get("obsoletes")?.to_owned(), new.get("name")?.to_owned())))
        .collect();
    for parameter in &mut parameters {
        let newer = obsoletes.iter().filter(|(old, _)| *old == parameter.name);
        for (_, new) in newer {
            if !parameter.deprecated_by.contains(new) {
                parameter.deprecated_by.push(new.clone());
            }
        }
    }
    parameters
}

fn described(element: &Element, name: &str) -> Option<String> {
    let text = element.child(name)?.text();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn yes(value: Option<&str>) -> bool {
    value.is_some_and(|value| matches!(value, "1" | "true" | "yes" | "on"))
}

fn parameter(element: &Element) -> Parameter {
    let name = element.get("name").unwrap_or_default().to_owned();
    let content = element.child("content");
    let deprecated = element.child("deprecated");
    let choices: Vec<String> = content
        .map(|content| {
            content
                .children_named("option")
                .filter_map(|option| option.get("value").map(str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    let unique_group = element
        .get("unique-group")
        .map(str::to_owned)
        .or_else(|| yes(element.get("unique")).then(|| format!("_pcs_unique_group_{name}")));
    Parameter {
        shortdesc: described(element, "shortdesc"),
        longdesc: described(element, "longdesc"),
        kind: content.and_then(|c| c.get("type")).unwrap_or("string").to_owned(),
        default: content.and_then(|c| c.get("default")).map(str::to_owned),
        choices,
        required: yes(element.get("required")),
        advanced: yes(element.get("advanced")),
        generated: yes(element.get("generated")),
        deprecated: yes(element.get("deprecated")) || deprecated.is_some(),
        deprecated_by: deprecated
            .map(|d| {
                d.children_named("replaced-with")
                    .filter_map(|r| r.get("name").map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default(),
        unique_group,
        reloadable: yes(element.get("reloadable")),
        name,
    }
}

fn actions(list: &Element) -> Vec<Action> {
    list.children_named("action")
        .filter_map(|action| {
            let get = |key| action.get(key).map(str::to_owned);
            Some(Action {
                name: get("name")?,
                timeout: get("timeout"),
                interval: get("interval"),
                role: get("role"),
                start_delay: get("start-delay"),
                depth: get("depth").filter(|depth| depth != "0"),
                automatic: yes(action.get("automatic")),
                on_target: yes(action.get("on_target")),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::AgentMetadata;
    use crate::agent::AgentName;

    #[test]
    fn an_obsoleted_parameter_knows_its_successor() {
        let text = r#"<resource-agent name="f"><parameters>
            <parameter name="ip" obsoletes="ipaddr"><content type="string"/></parameter>
            <parameter name="ipaddr" deprecated="1"><content type="string"/></parameter>
            </parameters></resource-agent>"#;
        let metadata = AgentMetadata::parse(text, &AgentName::stonith("f")).unwrap();
        assert_eq!(metadata.parameter("ipaddr").unwrap().deprecated_by, ["ip"]);
    }
}
