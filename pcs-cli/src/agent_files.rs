//! Agents of this machine: finding them, and asking them for their metadata.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ::pcs::agent::AgentName;
use ::pcs::metadata::Validation;

const OCF: &str = "/usr/lib/ocf";
const FENCE: [&str; 2] = ["/usr/sbin", "/sbin"];
const LSB: &str = "/etc/init.d";
const UNITS: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/// Agents of our own, used where the distribution's are not installed.
const OWN: [(&str, &str); 5] = [
    ("heartbeat", "Dummy"),
    ("heartbeat", "IPaddr2"),
    ("pacemaker", "Dummy"),
    ("pacemaker", "Stateful"),
    ("pacemaker", "ping"),
];
/// Where metadata is kept between calls; a copy is good while the agent's file stays as it is.
const CACHE: &str = "/var/cache/systole/metadata";

fn ocf_root() -> PathBuf {
    std::env::var_os("OCF_ROOT").map_or_else(|| OCF.into(), PathBuf::from)
}

/// Lists the names in a directory that do not begin with a dot, sorted.
fn names(directory: &Path, keep: impl Fn(&Path) -> bool) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| keep(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Lists the standards agents of which are installed.
pub(crate) fn standards() -> Vec<String> {
    let mut standards = Vec::new();
    for (standard, there) in [
        ("lsb", !agents("lsb").is_empty()),
        ("ocf", true),
        ("stonith", !agents("stonith").is_empty()),
        ("systemd", Path::new("/run/systemd/system").is_dir()),
    ] {
        if there {
            standards.push(standard.to_owned());
        }
    }
    standards
}

/// Lists the providers of OCF agents; our own agents stand in for those two that have them.
pub(crate) fn providers() -> Vec<String> {
    let mut providers = names(&ocf_root().join("resource.d"), Path::is_dir);
    for (provider, _) in OWN {
        if !providers.iter().any(|p| p == provider) {
            providers.push(provider.to_owned());
        }
    }
    providers.sort();
    providers
}

/// Lists the agents of a standard or of a provider of OCF agents.
pub(crate) fn agents(place: &str) -> Vec<String> {
    match place.split_once(':') {
        Some(("ocf", provider)) => {
            let mut found = names(&ocf_root().join("resource.d").join(provider), is_executable);
            for (own_provider, kind) in OWN {
                if own_provider == provider && !found.iter().any(|f| f == kind) {
                    found.push(kind.to_owned());
                }
            }
            found.sort();
            found
        }
        _ => match place {
            "lsb" => names(Path::new(LSB), is_executable),
            "stonith" => {
                let mut found: Vec<String> = FENCE
                    .iter()
                    .flat_map(|directory| names(Path::new(directory), is_executable))
                    .filter(|name| name.starts_with("fence_"))
                    .collect();
                found.sort();
                found.dedup();
                found
            }
            "systemd" | "service" => {
                let mut found: Vec<String> = UNITS
                    .iter()
                    .flat_map(|directory| names(Path::new(directory), |_| true))
                    .filter_map(|name| name.strip_suffix(".service").map(str::to_owned))
                    .collect();
                found.sort();
                found.dedup();
                found
            }
            _ => Vec::new(),
        },
    }
}

/// Finds the program of an agent.
fn program(name: &AgentName) -> Option<PathBuf> {
    let safe = |part: &str| !part.contains('/') && !part.starts_with('.');
    if !safe(&name.kind) || !name.provider.as_deref().is_none_or(safe) {
        return None;
    }
    match name.standard.as_str() {
        "ocf" => {
            let provider = name.provider.as_deref().unwrap_or("heartbeat");
            let path = ocf_root().join("resource.d").join(provider).join(&name.kind);
            is_executable(&path).then_some(path)
        }
        "stonith" => {
            FENCE.iter().map(|d| Path::new(d).join(&name.kind)).find(|path| is_executable(path))
        }
        "lsb" => Some(Path::new(LSB).join(&name.kind)).filter(|path| is_executable(path)),
        _ => None,
    }
}

/// Returns the metadata of an agent of this machine.
pub(crate) fn metadata(name: &AgentName) -> Result<String, String> {
    match name.standard.as_str() {
        "systemd" | "service" => return service_metadata(name),
        "lsb" => {
            return program(name)
                .map(|_| plain_metadata(&name.kind, "LSB init script"))
                .ok_or_else(|| format!("there is no executable {LSB}/{}", name.kind));
        }
        _ => {}
    }
    let Some(program) = program(name) else {
        return own_metadata(name);
    };
    let stamp = stamp(&program);
    let cached = Path::new(CACHE).join(name.to_string());
    if let Some(stamp) = &stamp
        && let Ok(text) = std::fs::read_to_string(&cached)
        && let Some(rest) = text.strip_prefix(stamp.as_str())
    {
        return Ok(rest.to_owned());
    }
    let text = ask(&program, name)?;
    if let Some(stamp) = stamp {
        // the cache only saves time; without the right to write it we are slower
        let _slower = std::fs::create_dir_all(CACHE)
            .and_then(|()| std::fs::write(&cached, format!("{stamp}{text}")));
    }
    Ok(text)
}

/// The first line of a cached copy: which file it was taken from, and when that was changed.
fn stamp(program: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let m = std::fs::metadata(program).ok()?;
    Some(format!("<!-- {} {} {} {} -->\n", m.ino(), m.size(), m.mtime(), m.mtime_nsec()))
}

fn ask(program: &Path, name: &AgentName) -> Result<String, String> {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    if name.is_stonith() {
        command.args(["-o", "metadata"]);
    } else {
        command.arg("meta-data").env("OCF_ROOT", ocf_root());
        command.env("OCF_RESOURCE_TYPE", &name.kind);
        command.env("OCF_RESOURCE_PROVIDER", name.provider.as_deref().unwrap_or_default());
        command.env("OCF_RESOURCE_INSTANCE", &name.kind);
    }
    let done =
        command.output().map_err(|error| format!("{} can't be run: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&done.stdout);
    match text.find("<resource-agent") {
        Some(_) => Ok(text.into_owned()),
        None => Err(format!("{} printed no metadata ({})", program.display(), done.status)),
    }
}

/// Tells whether we have such an agent ourselves.
fn is_own(name: &AgentName) -> bool {
    let provider = name.provider.as_deref().unwrap_or_default();
    name.standard == "ocf" && OWN.contains(&(provider, name.kind.as_str()))
}

/// Tells whether this machine has such an agent.
pub(crate) fn is_installed(name: &AgentName) -> bool {
    match name.standard.as_str() {
        "systemd" | "service" => service_metadata(name).is_ok(),
        "ocf" if name.provider.is_none() => false,
        _ => program(name).is_some() || is_own(name),
    }
}

/// Our own agents answer for those that are not installed.
fn own_metadata(name: &AgentName) -> Result<String, String> {
    if !is_own(name) {
        return Err("No such agent is installed on this node".to_owned());
    }
    let ourselves = std::env::current_exe().map_err(|error| error.to_string())?;
    let done = Command::new(&ourselves)
        .args(["agent", &name.to_string(), "meta-data"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} can't be run: {error}", ourselves.display()))?;
    let text = String::from_utf8_lossy(&done.stdout);
    if text.contains("<resource-agent") {
        Ok(text.into_owned())
    } else {
        Err(format!("our own {name} printed no metadata ({})", done.status))
    }
}

fn plain_metadata(kind: &str, description: &str) -> String {
    format!(
        r#"<resource-agent name="{kind}"><shortdesc>{description} {kind}</shortdesc><parameters/><actions>
<action name="start" timeout="100s"/><action name="stop" timeout="100s"/>
<action name="monitor" timeout="100s" interval="60s"/><action name="meta-data" timeout="5s"/>
</actions></resource-agent>"#
    )
}

fn service_metadata(name: &AgentName) -> Result<String, String> {
    let unit = name.kind.split('@').next().unwrap_or(&name.kind);
    let at = if name.kind.contains('@') { "@" } else { "" };
    let file = format!("{}{at}.service", unit.trim_end_matches(".service"));
    let there = UNITS.iter().any(|directory| Path::new(directory).join(&file).exists());
    if !there && name.standard == "service" && is_executable(&Path::new(LSB).join(&name.kind)) {
        return Ok(plain_metadata(&name.kind, "LSB init script"));
    }
    if there {
        Ok(plain_metadata(&name.kind, "systemd unit"))
    } else {
        Err(format!("there is no unit {file}"))
    }
}

/// Makes the call of an agent's action with the environment the cluster gives it; none when there
/// is no such agent that runs by itself.
pub(crate) fn action(
    name: &AgentName,
    resource: &str,
    action: &str,
    parameters: &[(String, String)],
) -> Option<Command> {
    if name.standard != "ocf" && name.standard != "lsb" {
        return None;
    }
    let mut command = match program(name) {
        Some(program) => Command::new(program),
        None if is_own(name) => {
            let mut command = Command::new(std::env::current_exe().ok()?);
            command.args(["agent", &name.to_string()]);
            command
        }
        None => return None,
    };
    command.arg(if name.standard == "lsb" && action == "monitor" { "status" } else { action });
    command.stdin(Stdio::null()).env("OCF_ROOT", ocf_root());
    command.env("OCF_RA_VERSION_MAJOR", "1").env("OCF_RA_VERSION_MINOR", "1");
    command.env("OCF_RESOURCE_TYPE", &name.kind).env("OCF_RESOURCE_INSTANCE", resource);
    command.env("OCF_RESOURCE_PROVIDER", name.provider.as_deref().unwrap_or_default());
    command.env("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:").env("OCF_CHECK_LEVEL", "0");
    command.env("OCF_RESKEY_crm_feature_set", "3.20.5");
    for (key, value) in parameters {
        command.env(format!("OCF_RESKEY_{key}"), value);
    }
    Some(command)
}

/// Asks an agent to check its parameters; none when it has no way to.
pub(crate) fn validate(name: &AgentName, parameters: &[(String, String)]) -> Option<Validation> {
    if name.standard != "ocf" {
        return None;
    }
    let mut command = action(name, "pcs-validation", "validate-all", parameters)?;
    command.env("OCF_CHECK_LEVEL", "10");
    let done = command.output().ok()?;
    // an agent that does not know the action has no objection
    let valid = matches!(done.status.code(), Some(0 | 3));
    let output = String::from_utf8_lossy(&done.stderr);
    let output = output.lines().filter_map(reason).collect();
    Some(Validation { valid, output })
}

/// Takes the reason out of a line of an agent: its ERROR lines and its exit reason.
fn reason(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(reason) = line.strip_prefix("ocf-exit-reason:") {
        return Some(reason.to_owned());
    }
    let at = line.find("ERROR: ")?;
    Some(line[at + "ERROR: ".len()..].to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn reasons_are_taken_out_of_log_lines() {
        let line = "IPaddr2(x)[1]: 2026/01/01_00:00:00 ERROR: banana is no address";
        assert_eq!(super::reason(line).as_deref(), Some("banana is no address"));
        assert_eq!(super::reason("ocf-exit-reason:no").as_deref(), Some("no"));
        assert_eq!(super::reason("INFO: fine"), None);
    }
}
