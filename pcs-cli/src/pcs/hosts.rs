//! What commands about hosts share: where files are, who is known, terminal questions.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use membership::conf::Conf;
use model::Paths;
use pcs::cluster::known_hosts::{KnownHost, KnownHosts};
use pcs::cluster::protocol::{KnownHostsChange, Request};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::context::{Cli, Context, Failure, fail, print_error, reason};
use super::peers::{Peer, ask_local, block_on};

/// What pcsd of this host needs for anything but starting and stopping.
pub(crate) const LOCAL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a request to another host may take unless the user says otherwise.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the paths of this host.
pub(crate) fn paths() -> Paths {
    Paths::under(std::env::var_os(model::paths::ROOT_VARIABLE))
}

/// Returns where corosync.conf is.
pub(crate) fn corosync_conf_path(context: &Context) -> PathBuf {
    if let Some(file) = context.arguments.value("--corosync_conf") {
        return file.into();
    }
    std::env::var_os("PCS.SETTINGS.corosync_conf_file")
        .map_or_else(|| paths().corosync_conf(), PathBuf::from)
}

/// Returns the time a request may take: `--request-timeout`, else the usual.
pub(crate) fn request_timeout(context: &Context) -> Duration {
    let given = context.arguments.value("--request-timeout").and_then(|text| text.parse().ok());
    given.map_or(REQUEST_TIMEOUT, Duration::from_secs)
}

/// Reads the corosync.conf of this host.
pub(crate) fn local_conf(context: &Context) -> Cli<Conf> {
    let path = corosync_conf_path(context);
    let file = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if context.has("--corosync_conf") => {
            return fail(format!("Unable to read {file}: {}", reason(&error)));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return fail(format!(
                "Unable to read '{file}': No such file or directory; this host is no member of \
                 a cluster, make one with 'pcs cluster setup'"
            ));
        }
        Err(error) => return fail(format!("Unable to read '{file}': {}", reason(&error))),
    };
    membership::conf::load(&text, &file).or_else(|error| fail(error.to_string()))
}

/// Returns the names of the nodes in a corosync.conf, in order of their numbers.
pub(crate) fn node_names(conf: &Conf) -> Vec<String> {
    conf.nodes.values().map(|node| node.name.to_string()).collect()
}

/// Reads the list of known hosts.
pub(crate) fn known_hosts() -> Cli<KnownHosts> {
    let path = std::env::var_os("PCS.SETTINGS.pcsd_known_hosts_location")
        .map_or_else(|| paths().pcsd_known_hosts(), PathBuf::from);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return fail(format!("Unable to read known-hosts '{}': {error}", path.display()));
        }
    };
    KnownHosts::parse(&text).or_else(|error| fail(format!("'{}': {error}", path.display())))
}

/// Finds hosts in the list; all that are missing are named.
pub(crate) fn peers(known: &KnownHosts, names: &[String]) -> Cli<Vec<Peer>> {
    let find = |name: &String| {
        known
            .known_hosts
            .get(name)
            .map(|host| Peer { name: name.clone(), host: host.clone() })
            .ok_or_else(|| name.clone())
    };
    let (found, missing): (Vec<_>, Vec<_>) = names.iter().map(find).partition(Result::is_ok);
    let missing: Vec<String> = missing.into_iter().filter_map(Result::err).collect();
    if missing.is_empty() {
        return Ok(found.into_iter().flatten().collect());
    }
    fail(unknown_hosts(&missing))
}

fn unknown_hosts(names: &[String]) -> String {
    let (host, is, the) =
        if names.len() == 1 { ("Host", "is", "host") } else { ("Hosts", "are", "hosts") };
    format!(
        "{host} {} {is} not known to pcs, try to authenticate the {the} using 'pcs host auth {}' \
         command",
        pcs::text::quoted(names),
        names.join(" ")
    )
}

/// Tells the pcsd of this host whom to know and whom to forget.
pub(crate) fn remember(add: BTreeMap<String, KnownHost>, remove: Vec<String>) -> Cli {
    let change = KnownHostsChange { known_hosts_add: add, known_hosts_remove: remove };
    let data = json(&change)?;
    local(Request::KnownHostsChange, vec![("data_json", data)], LOCAL_TIMEOUT).map(drop)
}

/// Writes a value as JSON.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Cli<String> {
    serde_json::to_string(value).or_else(|error| fail(error.to_string()))
}

/// Asks the pcsd of this host.
pub(crate) fn local(
    request: Request,
    fields: super::peers::Fields,
    limit: Duration,
) -> Cli<String> {
    let socket = paths().pcsd_socket();
    let answer = run(ask_local(&socket, request, &fields, limit))?;
    answer.or_else(|trouble| fail(trouble.text("this host")))
}

/// Runs something that talks to hosts.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> Cli<T> {
    block_on(work).map_err(Failure::Text)
}

/// Tells how far things are; progress is for people, so it goes to stderr.
pub(crate) fn progress(text: &str) {
    print_error(text);
}

/// Asks a question on the terminal, or takes a line of the input when there is none.
pub(crate) fn question(prompt: &str, secret: bool) -> Cli<String> {
    let input = std::io::stdin();
    let terminal = input.is_terminal();
    if terminal {
        let mut stderr = std::io::stderr().lock();
        // A terminal that cannot be written to shows nothing; the answer counts all the same.
        drop(write!(stderr, "{prompt}: ").and_then(|()| stderr.flush()));
    }
    let former = if secret && terminal { hide_typing() } else { None };
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(former) = former {
        if tcsetattr(&input, OptionalActions::Now, &former).is_err() {
            print_error("Warning: the terminal still hides what is typed, 'stty echo' mends it");
        }
        print_error("");
    }
    match read {
        Ok(0) => fail(format!("{prompt} is needed, but there is no more input")),
        Ok(_) => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
        Err(error) => fail(format!("Unable to read {}: {error}", prompt.to_lowercase())),
    }
}

/// Stops the terminal from showing what is typed; returns how it was.
fn hide_typing() -> Option<rustix::termios::Termios> {
    let input = std::io::stdin();
    let former = tcgetattr(&input).ok()?;
    let mut hidden = former.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ECHONL & former.local_modes);
    tcsetattr(&input, OptionalActions::Flush, &hidden).ok()?;
    Some(former)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_token_are_named_with_the_command_that_helps() {
        let known = KnownHosts::default();
        let Err(Failure::Text(text)) = peers(&known, &["n2".into(), "n1".into()]) else {
            panic!("nobody is known")
        };
        assert_eq!(
            text,
            "Hosts 'n1', 'n2' are not known to pcs, try to authenticate the hosts using 'pcs host \
             auth n2 n1' command"
        );
    }
}
