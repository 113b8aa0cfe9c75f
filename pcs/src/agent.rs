//! Names of agents: `ocf:heartbeat:IPaddr2`, `systemd:httpd`, `stonith:fence_ipmilan`.

use std::fmt;

use crate::environment::Environment;
use crate::message::Message;
use crate::metadata::{AgentMetadata, NoMetadata};
use crate::report::{Failed, Outcome};

/// The full name of an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct AgentName {
    /// `ocf`, `lsb`, `systemd`, `service`, `stonith` …
    pub standard: String,
    /// The provider, for `ocf` only.
    pub provider: Option<String>,
    /// The agent's own name.
    #[serde(rename = "type")]
    pub kind: String,
}

impl AgentName {
    /// Makes the name of a fence agent.
    pub fn stonith(kind: &str) -> Self {
        Self { standard: "stonith".into(), provider: None, kind: kind.into() }
    }

    /// Takes a full name apart; none when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (standard, provider, kind) = match *parts.as_slice() {
            ["ocf", provider, kind] => ("ocf", Some(provider), kind),
            ["ocf", _] => return None,
            // instances of systemd units have a colon of their own
            [standard @ ("systemd" | "service"), name, ..]
                if parts.len() > 2 && name.contains('@') =>
            {
                (standard, None, &text[standard.len() + 1..])
            }
            [standard, kind] => (standard, None, kind),
            _ => return None,
        };
        let empty = standard.is_empty() || kind.is_empty() || provider == Some("");
        (!empty).then(|| Self {
            standard: standard.into(),
            provider: provider.map(str::to_owned),
            kind: kind.into(),
        })
    }

    /// Reads the name off a primitive.
    pub fn of(primitive: &cib::Element) -> Self {
        Self {
            standard: primitive.get("class").unwrap_or_default().into(),
            provider: primitive.get("provider").map(str::to_owned),
            kind: primitive.get("type").unwrap_or_default().into(),
        }
    }

    /// Says whether this is a fence agent.
    pub fn is_stonith(&self) -> bool {
        self.standard == "stonith"
    }

    /// Says whether this is the connection to a remote node.
    pub fn is_remote(&self) -> bool {
        self.standard == "ocf"
            && self.provider.as_deref() == Some("pacemaker")
            && self.kind == "remote"
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.standard)?;
        if let Some(provider) = &self.provider {
            write!(f, "{provider}:")?;
        }
        write!(f, "{}", self.kind)
    }
}

impl Environment<'_> {
    /// Finds the agent somebody means; a short name must fit exactly one.
    ///
    /// # Errors
    /// No agent, or several.
    pub fn find_agent(&mut self, text: &str) -> Outcome<AgentName> {
        if text.contains(':') {
            return AgentName::parse(text).ok_or_else(|| {
                self.error(Message::InvalidResourceAgentName { name: text.into() });
                Failed::Reported
            });
        }
        let mut found: Vec<AgentName> = Vec::new();
        for provider in self.agents.providers() {
            let place = format!("ocf:{provider}");
            for kind in self.agents.agents(&place) {
                if kind.eq_ignore_ascii_case(text) {
                    found.push(AgentName {
                        standard: "ocf".into(),
                        provider: Some(provider.clone()),
                        kind,
                    });
                }
            }
        }
        match found.as_slice() {
            [only] => {
                let only = only.clone();
                self.info(Message::AgentNameGuessed {
                    name: only.to_string(),
                    entered: text.into(),
                });
                Ok(only)
            }
            [] => {
                self.error(Message::AgentNameGuessNone {
                    name: text.into(),
                    near: self.near_agents(text),
                });
                Err(Failed::Reported)
            }
            several => {
                self.error(Message::AgentNameGuessSeveral {
                    name: text.into(),
                    agents: several.iter().map(ToString::to_string).collect(),
                });
                Err(Failed::Reported)
            }
        }
    }

    /// Names the installed OCF agents whose name is nearly this one.
    fn near_agents(&self, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        for provider in self.agents.providers() {
            for kind in self.agents.agents(&format!("ocf:{provider}")) {
                all.push(format!("ocf:{provider}:{kind}"));
            }
        }
        let short = |name: &String| name.rsplit(':').next().unwrap_or_default().to_owned();
        let names: Vec<String> = all.iter().map(short).collect();
        let near = crate::options::nearest(text, names.iter().map(String::as_str));
        all.into_iter().filter(|name| near.as_deref() == Some(short(name).as_str())).collect()
    }

    fn no_metadata(&self, name: &AgentName, reason: String) -> Message {
        let agent = name.to_string();
        let mut near = self.near_agents(&name.kind);
        near.retain(|other| *other != agent);
        Message::UnableToGetAgentMetadata { agent, reason, near }
    }

    /// Gets an agent's metadata; an agent without any is an error.
    pub fn load_agent_strictly(&mut self, name: &AgentName) -> Option<AgentMetadata> {
        match self.agents.metadata(name) {
            Ok(metadata) => Some(metadata),
            Err(NoMetadata { reason }) => {
                let message = self.no_metadata(name, reason);
                self.error(message);
                None
            }
        }
    }

    /// Gets an agent's metadata; an agent without any is an error that `--force` overrides, and
    /// then everything is allowed.
    pub fn load_agent(&mut self, name: &AgentName, force: bool) -> Option<AgentMetadata> {
        match self.agents.metadata(name) {
            Ok(metadata) => Some(metadata),
            Err(NoMetadata { reason }) => {
                let message = self.no_metadata(name, reason);
                self.forceable(message, force);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AgentName;

    #[test]
    fn names_are_taken_apart() {
        for (text, full) in [
            ("ocf:heartbeat:IPaddr2", true),
            ("ocf:heartbeat:", false),
            ("ocf:heartbeat", false),
            ("systemd:getty@tty1", true),
            ("systemd:unit@a:b", true),
            ("systemd:a:b", false),
            ("lsb:", false),
            ("IPaddr2", false),
        ] {
            let parsed = AgentName::parse(text).map(|name| name.to_string());
            assert_eq!(parsed.as_deref(), full.then_some(text), "{text}");
        }
    }
}
