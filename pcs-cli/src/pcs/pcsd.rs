//! `pcs pcsd`: the management agents themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use pcs::cluster::protocol::{Request, SUPERUSER};

use super::context::{Cli, Context, Failure, fail};
use super::hosts;
use super::peers::{Fields, Peer, Trouble, ask_all};

/// A daemon that is up answers at once.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);

/// `pcs pcsd …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("status", rest)) => status(context, rest),
        Some(("passwd", rest)) => passwd(context, rest),
        Some(("deauth", _)) => fail(
            "Tokens are taken back one by one by 'pcs host auth' of the same host; to forget hosts \
             here use 'pcs host deauth'",
        ),
        _ => Err(Failure::Usage { area: "pcsd", command: "" }),
    }
}

/// Prints which hosts' pcsd answers.
pub(crate) fn status(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--request-timeout"])?;
    let names = if words.is_empty() {
        hosts::node_names(&hosts::local_conf(context)?)
    } else {
        words.to_vec()
    };
    let lines = status_lines(&names)?;
    let offline = lines.iter().any(|(_, state)| *state != "Online");
    for (name, state) in lines {
        context.print(&format!("  {name}: {state}"));
    }
    if offline && !words.is_empty() { Err(Failure::Exit(2)) } else { Ok(()) }
}

/// Says of each host whether its pcsd answers: `Online`, `Offline`, `Unable to authenticate`.
pub(crate) fn status_lines(names: &[String]) -> Cli<Vec<(String, &'static str)>> {
    let known = hosts::known_hosts()?;
    let mut states: BTreeMap<String, &'static str> = BTreeMap::new();
    let mut peers: Vec<Peer> = Vec::new();
    for name in names {
        match known.known_hosts.get(name) {
            Some(host) => peers.push(Peer { name: name.clone(), host: host.clone() }),
            None => drop(states.insert(name.clone(), "Unable to authenticate")),
        }
    }
    let nothing = |_: &Peer| Fields::new();
    hosts::run(ask_all(&peers, Request::CheckAuth, nothing, STATUS_TIMEOUT, |name, answer| {
        let state = match answer {
            Ok(_) => "Online",
            Err(Trouble::NotAuthorized | Trouble::Forbidden | Trouble::OtherCertificate) => {
                "Unable to authenticate"
            }
            Err(Trouble::Unreachable(_) | Trouble::TimedOut(_) | Trouble::Refused(_)) => "Offline",
        };
        states.insert(name.to_owned(), state);
    }))?;
    let mut lines: Vec<(String, &'static str)> = Vec::new();
    for name in names {
        let state = states.get(name).copied().unwrap_or("Offline");
        lines.push((name.clone(), state));
    }
    Ok(lines)
}

/// Sets the password that `pcs host auth` asks for on this host, where there is no PAM or no
/// system user for it.
fn passwd(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-p"])?;
    match words {
        [] => {}
        [user] if user == SUPERUSER => {}
        _ => {
            return fail(format!(
                "Only the password of '{SUPERUSER}' is kept by pcsd; those of other users are the \
                 system's"
            ));
        }
    }
    let password = match context.arguments.value("-p") {
        Some(password) => password.to_owned(),
        None => {
            use std::io::IsTerminal as _;
            let first = hosts::question("Password", true)?;
            if std::io::stdin().is_terminal() && hosts::question("Password again", true)? != first {
                return fail("The passwords differ, nothing was changed");
            }
            first
        }
    };
    hosts::local(Request::SetPassword, vec![("password", password)], hosts::LOCAL_TIMEOUT)?;
    hosts::progress(&format!("The password of '{SUPERUSER}' for this host's pcsd was set"));
    Ok(())
}
