//! Metadata of agents: those of this machine, or recorded ones where a stand-in is named.
//!
//! `PCS.SETTINGS.crm_resource_exec` and its likes name programs to ask in place of the agents
//! themselves; tests use them, so that results do not depend on what is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pcs::agent::AgentName;
use pcs::metadata::{
    AgentMetadata, AgentSource, NoMetadata, OptionClass, Parameter, Validation, class_options,
};

/// Where metadata comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agents {
    crm_resource: Option<PathBuf>,
    crm_attribute: Option<PathBuf>,
    fenced: Option<PathBuf>,
    stonith_admin: Option<PathBuf>,
}

fn setting(name: &str) -> Option<PathBuf> {
    std::env::var_os(format!("PCS.SETTINGS.{name}_exec")).map(PathBuf::from)
}

/// Runs a program to its end; its output when it succeeded, else what it said on stderr.
fn output(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(lines.join(", "))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn option_list(text: Result<String, String>) -> Vec<Parameter> {
    let Ok(root) = text.map_err(drop).and_then(|text| cib::parse(&text).map_err(drop)) else {
        return Vec::new();
    };
    root.descendants().find(|e| e.name() == "resource-agent").map(class_options).unwrap_or_default()
}

impl Agents {
    /// Looks at the environment for stand-ins.
    pub(crate) fn from_environment() -> Self {
        Self {
            crm_resource: setting("crm_resource"),
            crm_attribute: setting("crm_attribute"),
            fenced: setting("pacemaker_fenced"),
            stonith_admin: setting("stonith_admin"),
        }
    }

    fn listed(&self, arguments: &[&str]) -> Option<Vec<String>> {
        let program = self.crm_resource.as_ref()?;
        Some(output(program, arguments).map(|text| lines(&text)).unwrap_or_default())
    }
}

impl AgentSource for Agents {
    fn metadata(&self, name: &AgentName) -> Result<AgentMetadata, NoMetadata> {
        let full = name.to_string();
        let text = match &self.crm_resource {
            Some(program) => output(program, &["--show-metadata", &full]),
            None => crate::agent_files::metadata(name),
        };
        let text = text.map_err(|reason| NoMetadata { reason })?;
        let mut metadata = AgentMetadata::parse(&text, name)?;
        if name.is_stonith() {
            metadata.complete_fencing(self.options(OptionClass::Fencing));
        }
        Ok(metadata)
    }

    fn standards(&self) -> Vec<String> {
        self.listed(&["--list-standards"]).unwrap_or_else(crate::agent_files::standards)
    }

    fn providers(&self) -> Vec<String> {
        self.listed(&["--list-ocf-providers"]).unwrap_or_else(crate::agent_files::providers)
    }

    fn agents(&self, place: &str) -> Vec<String> {
        self.listed(&["--list-agents", place]).unwrap_or_else(|| crate::agent_files::agents(place))
    }

    fn options(&self, class: OptionClass) -> Vec<Parameter> {
        let asked = match class {
            OptionClass::Cluster => {
                self.crm_attribute.as_ref().map(|p| output(p, &["--list-options", "cluster"]))
            }
            OptionClass::Primitive => {
                self.crm_resource.as_ref().map(|p| output(p, &["--list-options", "primitive"]))
            }
            OptionClass::Fencing => self.fenced.as_ref().map(|p| output(p, &["metadata"])),
        };
        match asked {
            Some(text) => option_list(text),
            None => pcs::builtin::options(class),
        }
    }

    fn validate(&self, name: &AgentName, parameters: &[(String, String)]) -> Option<Validation> {
        let stand_in = if name.is_stonith() { &self.stonith_admin } else { &self.crm_resource };
        match stand_in {
            Some(program) => {
                let mut arguments = vec!["--validate".to_owned()];
                arguments.push(name.to_string());
                arguments.extend(parameters.iter().map(|(k, v)| format!("{k}={v}")));
                let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let answer = output(program, &words);
                Some(Validation {
                    valid: answer.is_ok(),
                    output: answer.err().map(|text| lines(&text)).unwrap_or_default(),
                })
            }
            None => crate::agent_files::validate(name, parameters),
        }
    }
}
