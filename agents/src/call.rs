//! One call of an agent: its action, its parameters, its way to say why it failed.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use model::OcfCode;

/// A failure with its reason, as status shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: OcfCode,
    pub(crate) reason: String,
}

/// Fails with a reason.
pub(crate) fn fail<T>(code: OcfCode, reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { code, reason: reason.into() })
}

/// Turns a system's refusal into a soft error that says what was tried.
pub(crate) fn tried<T, E: fmt::Display>(
    result: Result<T, E>,
    what: impl FnOnce() -> String,
) -> Result<T, Failure> {
    result.map_err(|error| Failure {
        code: OcfCode::UnknownError,
        reason: format!("{}: {error}", what()),
    })
}

/// What an agent was called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) action: String,
    kind: String,
    environment: BTreeMap<String, String>,
}

impl Call {
    pub(crate) fn from_environment(kind: &str, action: &str) -> Self {
        Self::new(kind, action, std::env::vars().collect())
    }

    pub(crate) fn new(kind: &str, action: &str, environment: BTreeMap<String, String>) -> Self {
        Self { action: action.to_owned(), kind: kind.to_owned(), environment }
    }

    /// Returns a parameter that was set to something.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(&format!("OCF_RESKEY_{name}"))?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns a meta attribute.
    pub(crate) fn meta(&self, name: &str) -> Option<&str> {
        self.parameter(&format!("CRM_meta_{name}"))
    }

    /// Returns a parameter that is a number, or its default.
    pub(crate) fn number(&self, name: &str, default: u64) -> Result<u64, Failure> {
        match self.parameter(name) {
            None => Ok(default),
            Some(text) => text.parse().or_else(|_| {
                fail(OcfCode::NotConfigured, format!("parameter {name}={text} is not a number"))
            }),
        }
    }

    /// Tells whether a parameter is set to one of OCF's words for yes.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| {
            matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "1" | "on" | "ja")
        })
    }

    /// Returns the resource's id.
    pub(crate) fn instance(&self) -> &str {
        self.environment.get("OCF_RESOURCE_INSTANCE").map_or("default", String::as_str)
    }

    /// Returns the node's name as the cluster knows it.
    pub(crate) fn node(&self) -> String {
        self.meta("on_node").map(str::to_owned).unwrap_or_else(|| {
            nix::unistd::gethostname()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        })
    }

    /// Tells whether this call only asks whether a resource runs that nobody started.
    pub(crate) fn is_probe(&self) -> bool {
        self.action == "monitor" && self.meta("interval").unwrap_or("0") == "0"
    }

    /// Writes the environment to the file that parameter `envfile` names.
    pub(crate) fn dump_environment(&self) -> Result<(), Failure> {
        let Some(file) = self.parameter("envfile") else { return Ok(()) };
        let text: String = self
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("OCF_"))
            .map(|(name, value)| format!("{name}={value}\n"))
            .chain([format!("# {} {}\n", self.kind, self.action)])
            .collect();
        tried(std::fs::write(file, text), || format!("cannot write envfile {file}"))
    }

    /// Runs one of the cluster's tools; what it prints goes where our own output goes.
    pub(crate) fn tool(&self, program: &str, arguments: &[&str]) -> io::Result<bool> {
        let status = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .status()?;
        Ok(status.success())
    }
}

/// Writes a line to the log of whoever runs us.
pub(crate) fn note(text: &str) {
    // With nobody to read it there is nothing to be done about it.
    let _unread = writeln!(io::stderr(), "{text}");
}

/// Waits; an agent has a process of its own and may.
pub(crate) fn sleep(time: Duration) {
    let until = std::time::Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return;
        }
        let ms = u16::try_from(left.as_millis()).unwrap_or(u16::MAX).max(1);
        let mut nothing: [nix::poll::PollFd<'_>; 0] = [];
        if nix::poll::poll(&mut nothing, ms).is_err() {
            return;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Call;

    /// A call with parameters, as tests make them.
    pub(crate) fn call(kind: &str, action: &str, parameters: &[(&str, &str)]) -> Call {
        let environment = parameters
            .iter()
            .map(|(name, value)| (format!("OCF_RESKEY_{name}"), (*value).to_owned()))
            .chain([("OCF_RESOURCE_INSTANCE".to_owned(), "a".to_owned())])
            .collect();
        Call::new(kind, action, environment)
    }
}
