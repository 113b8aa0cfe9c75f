//! `pcs host`: proving oneself to hosts, and forgetting them.

use std::collections::BTreeMap;
use std::time::Duration;

use pcs::cluster::known_hosts::{DEFAULT_PORT, Destination, KnownHost};
use pcs::cluster::protocol::{KnownHostsChange, Request, SUPERUSER};

use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts;
use super::peers::{Peer, Trouble, ask_all};

/// A password check may ask a directory service, and a wrong one is answered late on purpose.
const AUTH_TIMEOUT: Duration = Duration::from_secs(35);

/// `pcs host …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("auth", rest)) => auth(context, rest),
        Some(("deauth", rest)) => deauth(context, rest),
        _ => Err(Failure::Usage { area: "host", command: "" }),
    }
}

fn auth(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-u", "-p", "--request-timeout"])?;
    if words.is_empty() {
        return Err(Failure::Usage { area: "host", command: "auth" });
    }
    run_auth(context, words)
}

/// Proves oneself to the hosts in `NODE [addr=ADDRESS[:PORT]]…`.
pub(crate) fn run_auth(context: &Context, words: &[String]) -> Cli {
    let hosts = parse(words)?;
    authorize(context, hosts)
}

/// Reads `NAME [addr=ADDRESS[:PORT]]…`.
fn parse(words: &[String]) -> Cli<BTreeMap<String, Vec<Destination>>> {
    let mut hosts: BTreeMap<String, Vec<Destination>> = BTreeMap::new();
    let mut current: Option<String> = None;
    for word in words {
        match (word.split_once('='), &current) {
            (Some(("addr", address)), Some(name)) => {
                let destination = destination(address)?;
                hosts.entry(name.clone()).or_default().push(destination);
            }
            (Some((option, _)), Some(name)) => {
                return fail(format!("Unknown options '{option}' for host '{name}'"));
            }
            (Some(_), None) => {
                return fail(format!("Invalid character '=' in host name '{word}'"));
            }
            (None, _) => {
                if hosts.insert(word.clone(), Vec::new()).is_some() {
                    return fail(format!("Host name '{word}' defined multiple times"));
                }
                current = Some(word.clone());
            }
        }
    }
    for (name, destinations) in &mut hosts {
        if destinations.is_empty() {
            destinations.push(Destination { addr: name.clone(), port: DEFAULT_PORT });
        }
    }
    Ok(hosts)
}

/// Reads `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT`.
fn destination(text: &str) -> Cli<Destination> {
    let wrong = |port: &str| format!("Invalid port number '{port}', use 1..65535");
    let port = |port: &str| match port.parse::<u16>() {
        Ok(number) if number > 0 => Ok(number),
        _ => fail(wrong(port)),
    };
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let port = match rest.strip_prefix(':') {
            Some(number) => port(number)?,
            None => DEFAULT_PORT,
        };
        return Ok(Destination { addr: address.to_owned(), port });
    }
    // More than one colon: an IPv6 address without a port.
    match text.split_once(':') {
        Some((address, number)) if !number.contains(':') => {
            Ok(Destination { addr: address.to_owned(), port: port(number)? })
        }
        _ if text.is_empty() => fail("Empty address set for a host, an address cannot be empty"),
        _ => Ok(Destination { addr: text.to_owned(), port: DEFAULT_PORT }),
    }
}

/// Proves oneself to hosts by user and password, and keeps their tokens.
fn authorize(context: &Context, hosts: BTreeMap<String, Vec<Destination>>) -> Cli {
    let user = match context.arguments.value("-u") {
        Some(user) => user.to_owned(),
        None => hosts::question("Username", false)?,
    };
    let password = match context.arguments.value("-p") {
        Some(password) => password.to_owned(),
        None => hosts::question("Password", true)?,
    };
    let former = hosts::known_hosts()?;
    let peers: Vec<Peer> = hosts
        .into_iter()
        .map(|(name, dest_list)| {
            let host = KnownHost { dest_list, token: String::new(), fingerprint: None };
            Peer { name, host }
        })
        .collect();
    let limit = match context.arguments.value("--request-timeout") {
        Some(_) => hosts::request_timeout(context),
        None => AUTH_TIMEOUT,
    };
    let fields = |_: &Peer| vec![("username", user.clone()), ("password", password.clone())];
    let mut authorized: BTreeMap<String, KnownHost> = BTreeMap::new();
    let mut failed = false;
    hosts::run(ask_all(&peers, Request::Auth, fields, limit, |name, answer| {
        let peer = peers.iter().find(|peer| peer.name == name);
        match (answer, peer) {
            (Ok(answer), Some(peer)) if !answer.body.trim().is_empty() => {
                let mut host = peer.host.clone();
                host.token = answer.body.trim().to_owned();
                host.fingerprint = Some(answer.fingerprint);
                authorized.insert(name.to_owned(), host);
                hosts::progress(&format!("{name}: Authorized"));
            }
            (Ok(_), _) => {
                failed = true;
                print_error(&format!("Error: {name}: Username and/or password is incorrect"));
                if user == SUPERUSER {
                    context.remark(&format!(
                        "the password is that of the system's user '{SUPERUSER}' on {name}, or \
                         the one set there with 'pcs pcsd passwd'"
                    ));
                }
            }
            (Err(trouble), _) => {
                failed = true;
                let reason = reason(name, &trouble);
                print_error(&format!("Error: Unable to communicate with {name}{reason}"));
            }
        }
    }))?;
    if !authorized.is_empty() {
        hosts::remember(authorized.clone(), Vec::new())?;
        tell_cluster(&former, &authorized)?;
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

/// Says why a host could not be asked, and what to look at.
fn reason(name: &str, trouble: &Trouble) -> String {
    match trouble {
        Trouble::Unreachable(reason) => format!(
            " ({reason}), check that the host is up, that pcsd runs there and that its TCP port \
             {DEFAULT_PORT} can be reached"
        ),
        other => format!(": {}", other.text(name)),
    }
}

/// If this host is in a cluster, its other members get to know the hosts too.
pub(crate) fn tell_cluster(
    former: &pcs::cluster::known_hosts::KnownHosts,
    authorized: &BTreeMap<String, KnownHost>,
) -> Cli {
    let mut known = former.clone();
    known.change(authorized.clone(), &[]);
    let change =
        KnownHostsChange { known_hosts_add: authorized.clone(), known_hosts_remove: Vec::new() };
    spread(&known, &change)
}

/// Sends a change of the list to all members of this host's cluster, if it is in one.
fn spread(known: &pcs::cluster::known_hosts::KnownHosts, change: &KnownHostsChange) -> Cli {
    let Ok(text) = std::fs::read_to_string(hosts::paths().corosync_conf()) else { return Ok(()) };
    let Ok(conf) = membership::conf::load(&text, "corosync.conf") else { return Ok(()) };
    let members: Vec<Peer> = hosts::node_names(&conf)
        .into_iter()
        .filter_map(|name| {
            known.known_hosts.get(&name).map(|host| Peer { name, host: host.clone() })
        })
        .collect();
    let data = hosts::json(change)?;
    let fields = |_: &Peer| vec![("data_json", data.clone())];
    let limit = hosts::LOCAL_TIMEOUT;
    hosts::run(ask_all(&members, Request::KnownHostsChange, fields, limit, |name, answer| {
        if let Err(trouble) = answer {
            print_error(&format!(
                "Warning: {name} was not told about the hosts: {}",
                trouble.text(name)
            ));
        }
    }))
}

/// Forgets hosts, here and on all members of this host's cluster.
fn deauth(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--request-timeout"])?;
    let known = hosts::known_hosts()?;
    let names: Vec<String> =
        if words.is_empty() { known.known_hosts.keys().cloned().collect() } else { words.into() };
    let unknown: Vec<&String> =
        names.iter().filter(|name| !known.known_hosts.contains_key(*name)).collect();
    if !unknown.is_empty() {
        let host = pcs::text::plural(unknown.len(), "Host", "Hosts");
        let is = pcs::text::plural(unknown.len(), "is", "are");
        return fail(format!("{host} {} {is} not known to pcs", pcs::text::quoted(unknown)));
    }
    if names.is_empty() {
        return Ok(());
    }
    let change =
        KnownHostsChange { known_hosts_add: BTreeMap::new(), known_hosts_remove: names.clone() };
    // first, since the members are asked with the tokens that are about to go
    spread(&known, &change)?;
    hosts::remember(BTreeMap::new(), names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn hosts_are_reached_by_their_names_or_by_what_is_said() {
        let hosts =
            parse(&words("n1 n2 addr=10.0.0.2 addr=[fe80::2]:3000 n3 addr=fe80::3")).unwrap();
        let shown = |name: &str| -> Vec<String> {
            hosts[name].iter().map(|d| format!("{} {}", d.addr, d.port)).collect()
        };
        assert_eq!(shown("n1"), ["n1 2224"]);
        assert_eq!(shown("n2"), ["10.0.0.2 2224", "fe80::2 3000"]);
        assert_eq!(shown("n3"), ["fe80::3 2224"]);
    }

    #[test]
    fn a_bad_port_and_an_unknown_option_are_named() {
        let text = |words_: &str| match parse(&words(words_)) {
            Err(Failure::Text(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text("n1 addr=n1:0"), "Invalid port number '0', use 1..65535");
        assert_eq!(text("n1 port=3"), "Unknown options 'port' for host 'n1'");
        assert_eq!(text("n1 n1"), "Host name 'n1' defined multiple times");
    }
}
