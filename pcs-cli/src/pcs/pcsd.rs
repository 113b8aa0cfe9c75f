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
        Some(("deauth", rest)) => deauth(context, rest),
        Some(("accept_token" | "accept-token", rest)) => accept_token(context, rest),
        Some(("certkey", rest)) => super::pcsd_certificate::load(context, rest),
        Some(("sync-certificates", rest)) => super::pcsd_certificate::spread(context, rest),
        _ => Err(Failure::Usage { area: "pcsd", command: "" }),
    }
}

/// Takes back tokens that this host's pcsd has given out.
fn deauth(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[])?;
    let fields = vec![("data_json", hosts::json(&words)?)];
    let dropped = hosts::local(Request::DropTokens, fields, hosts::LOCAL_TIMEOUT)?;
    if !words.is_empty() && dropped.trim().parse() != Ok(words.len()) {
        return fail("Not all of these tokens were given out by this host's pcsd");
    }
    Ok(())
}

/// Lets this host's pcsd take a token that somebody else made, from a file.
fn accept_token(context: &mut Context, words: &[String]) -> Cli {
    /// No token is longer; one that is empty would let everybody in.
    const TOKEN_MAX: u64 = 256;
    context.supports(&[])?;
    let [file] = words else {
        return fail("1 argument required");
    };
    use std::io::Read as _;
    let mut token = String::new();
    let read = std::fs::File::open(file)
        .and_then(|file| file.take(TOKEN_MAX + 1).read_to_string(&mut token));
    read.or_else(|error| fail(format!("Unable to read the token '{file}': {error}")))?;
    let token = token.trim();
    if token.len() < 32 || u64::try_from(token.len()).is_ok_and(|length| length > TOKEN_MAX) {
        return fail(format!("'{file}' holds no token: it must have 32 to {TOKEN_MAX} characters"));
    }
    let fields = vec![("token", token.to_owned())];
    hosts::local(Request::AcceptToken, fields, hosts::LOCAL_TIMEOUT).map(drop)
}

/// Prints which hosts' pcsd answers.
pub(crate) fn status(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--output-format", "--request-timeout"])?;
    let format = context.output_format(&["json", "text"])?;
    let names = if words.is_empty() {
        hosts::node_names(&hosts::local_conf(context)?)
    } else {
        words.to_vec()
    };
    let lines = status_lines(&names)?;
    let offline = lines.iter().any(|(_, state)| *state != "Online");
    if format == "json" {
        let states: serde_json::Map<String, serde_json::Value> =
            lines.into_iter().map(|(name, state)| (name, state.into())).collect();
        context.print(&super::json::pretty(&serde_json::json!({ "pcsd": states })));
    } else {
        for (name, state) in lines {
            context.print(&format!("  {name}: {state}"));
        }
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
