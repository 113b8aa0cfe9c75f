//! Agents' metadata: what of it matters to histories, and a cache that notices a new agent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use exec::{Limits, Program};
use model::{AgentSpec, Operation};

use crate::agent::{self, Located};
use crate::core::{AgentTraits, ParameterTraits, Reload};
use crate::paths::Paths;

/// Agents say 5 s for `meta-data`; a loaded machine gets more.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why an agent's metadata is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// There is no such agent.
    #[error("{0}")]
    NotInstalled(String),
    /// It ran and gave none.
    #[error("{agent} gives no metadata: {reason}")]
    Failed {
        /// The agent.
        agent: AgentSpec,
        /// What it did instead.
        reason: String,
    },
    /// What it gave is not XML.
    #[error("the metadata of {agent} is not XML")]
    NotXml {
        /// The agent.
        agent: AgentSpec,
        /// Where it breaks.
        #[source]
        source: cib::ParseError,
    },
}

/// Returns an agent's metadata as it prints it.
pub async fn fetch(paths: &Paths, agent: &AgentSpec) -> Result<String, MetadataError> {
    let located = agent::locate(paths, agent).map_err(MetadataError::NotInstalled)?;
    match &located {
        Located::Ours => {
            let provider = agent.provider.as_deref().unwrap_or("heartbeat");
            Ok(agents::metadata(provider, &agent.kind).unwrap_or_default().to_owned())
        }
        Located::Lsb(_) => Ok(lsb_metadata(&agent.kind)),
        Located::Ocf(_) => {
            let program = agent::program(paths, &located, &query(agent));
            run(agent, &program).await
        }
    }
}

async fn run(agent: &AgentSpec, program: &Program) -> Result<String, MetadataError> {
    let limits = Limits { output_max: 4 << 20, ..Limits::within(TIMEOUT) };
    let finished = exec::run(program, &limits, std::future::pending()).await;
    if finished.ending.code() == Some(0) {
        return Ok(finished.stdout.text());
    }
    let outcome = agent::outcome(&Located::Ocf(program.path.clone()), &query(agent), &finished);
    let reason = if outcome.exit_reason.is_empty() {
        format!("it ends with status {}", outcome.rc)
    } else {
        outcome.exit_reason
    };
    Err(MetadataError::Failed { agent: agent.clone(), reason })
}

fn query(agent: &AgentSpec) -> Operation {
    Operation {
        resource: agent.kind.as_str().into(),
        agent: agent.clone(),
        action: "meta-data".to_owned(),
        interval_ms: 0,
        timeout_ms: u64::try_from(TIMEOUT.as_millis()).unwrap_or(u64::MAX),
        start_delay_ms: 0,
        parameters: BTreeMap::new(),
        transition_key: String::new(),
        node: String::new(),
    }
}

/// Init scripts have no metadata; what tools want to see of them is the same for all.
fn lsb_metadata(kind: &str) -> String {
    let mut actions = String::new();
    for (name, rest) in [
        ("start", ""),
        ("stop", ""),
        ("status", ""),
        ("restart", ""),
        ("force-reload", ""),
        ("monitor", " interval=\"15s\""),
    ] {
        actions.push_str(&format!("    <action name=\"{name}\" timeout=\"15s\"{rest}/>\n"));
    }
    let mut root = cib::Element::new("resource-agent");
    root.set("name", kind);
    let opening = root.to_xml_compact().replace("/>", ">");
    format!(
        "<?xml version=\"1.0\"?>\n{opening}\n  <version>1.0</version>\n  \
         <longdesc lang=\"en\">An init script.</longdesc>\n  \
         <shortdesc lang=\"en\">An init script</shortdesc>\n  <parameters/>\n  \
         <actions>\n{actions}  </actions>\n</resource-agent>\n"
    )
}

/// Reads an agent's traits out of its metadata.
pub fn traits(agent: &AgentSpec, metadata: &str) -> Result<AgentTraits, MetadataError> {
    let root = cib::parse(metadata.trim_start())
        .map_err(|source| MetadataError::NotXml { agent: agent.clone(), source })?;
    let mut traits = AgentTraits::default();
    for element in root.descendants() {
        match element.name() {
            "parameter" => traits.parameters.push(ParameterTraits {
                name: element.get("name").unwrap_or_default().to_owned(),
                unique: is_true(element.get("unique"))
                    || element.get("unique-group").is_some_and(|group| !group.is_empty()),
                reloadable: is_true(element.get("reloadable")),
                private: is_true(element.get("private")),
            }),
            "action" => match element.get("name") {
                Some("reload-agent") => traits.reload = Reload::Agent,
                Some("reload") if traits.reload == Reload::None => traits.reload = Reload::Legacy,
                _ => {}
            },
            _ => {}
        }
    }
    Ok(traits)
}

fn is_true(value: Option<&str>) -> bool {
    matches!(value.map(str::to_ascii_lowercase).as_deref(), Some("1" | "true" | "yes" | "on" | "y"))
}

/// What is known of one agent, for as long as its file stays the same.
#[derive(Clone, Debug)]
struct Known {
    file: Option<(PathBuf, SystemTime)>,
    traits: Arc<AgentTraits>,
}

/// Traits of the agents seen so far.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    known: Mutex<BTreeMap<AgentSpec, Known>>,
}

impl Cache {
    /// Returns an agent's traits, asking it when its file is new. An agent without usable
    /// metadata has none, and says so in the log once.
    pub(crate) async fn traits(
        &self,
        paths: &Paths,
        agent: &AgentSpec,
        located: &Located,
    ) -> Option<Arc<AgentTraits>> {
        let file = match located {
            Located::Ocf(path) => Some((path.clone(), modified(path)?)),
            Located::Lsb(_) | Located::Ours => None,
        };
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = known.get(agent).filter(|known| known.file == file) {
                return Some(Arc::clone(&known.traits));
            }
        }
        let found = match fetch(paths, agent).await {
            Ok(text) => traits(agent, &text),
            Err(error) => Err(error),
        };
        let traits = match found {
            Ok(traits) => Arc::new(traits),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%agent, %error, cause, "changed parameters will lead to restarts");
                Arc::default()
            }
        };
        let known = Known { file, traits: Arc::clone(&traits) };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(agent.clone(), known);
        Some(traits)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dummy() -> AgentSpec {
        AgentSpec {
            class: "ocf".to_owned(),
            provider: Some("pacemaker".to_owned()),
            kind: "Dummy".to_owned(),
        }
    }

    #[test]
    fn reloadable_unique_and_private_parameters_are_seen() {
        let text = r#"<?xml version="1.0"?>
            <!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
            <resource-agent name="Dummy"><parameters>
            <parameter name="state" unique-group="state"/>
            <parameter name="old" unique="1"/>
            <parameter name="fake" reloadable="1"/>
            <parameter name="passwd" private="true"/>
            </parameters><actions>
            <action name="reload"/><action name="reload-agent"/><action name="start"/>
            </actions></resource-agent>"#;
        let traits = traits(&dummy(), text).unwrap();
        assert_eq!(traits.reload, Reload::Agent);
        let flags: Vec<_> = traits
            .parameters
            .iter()
            .map(|p| (p.name.as_str(), p.unique, p.reloadable, p.private))
            .collect();
        assert_eq!(
            flags,
            [
                ("state", true, false, false),
                ("old", true, false, false),
                ("fake", false, true, false),
                ("passwd", false, false, true),
            ]
        );
    }

    #[test]
    fn metadata_that_is_no_xml_names_the_agent() {
        let error = traits(&dummy(), "usage: Dummy {start|stop}").unwrap_err();
        assert_eq!(error.to_string(), "the metadata of ocf:pacemaker:Dummy is not XML");
    }

    #[test]
    fn an_init_script_has_metadata_that_parses() {
        let text = lsb_metadata("a&b");
        assert_eq!(traits(&dummy(), &text).unwrap(), AgentTraits::default());
        assert!(text.contains("name=\"a&amp;b\""), "{text}");
    }
}
