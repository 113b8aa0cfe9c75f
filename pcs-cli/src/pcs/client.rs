//! `pcs client local-auth`: a user who is not root proves to this host's pcsd to be another one.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use pcs::cluster::known_hosts::{Destination, KnownHost, KnownHosts};
use pcs::cluster::protocol::{Request, SUPERUSER};

use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts;

/// Under this name a user's own list has the token for this host.
const HERE: &str = "localhost";

/// Runs `pcs client …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("local-auth", rest)) => local_auth(context, rest),
        _ => Err(Failure::Usage { area: "client", command: "" }),
    }
}

/// Returns where a user's own tokens are; root needs none.
fn own_tokens() -> Option<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return None;
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home).join(".pcs/known-hosts"))
}

/// Returns the token for this host's pcsd, if the user has one.
pub(crate) fn token() -> Option<String> {
    let text = std::fs::read_to_string(own_tokens()?).ok()?;
    Some(KnownHosts::parse(&text).ok()?.known_hosts.get(HERE)?.token.clone())
}

fn local_auth(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-u", "-p", "--request-timeout"])?;
    let port = match words {
        [] => None,
        [port] => match port.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return fail(format!("Invalid port number '{port}', use 1..65535")),
        },
        _ => return Err(Failure::Usage { area: "client", command: "local-auth" }),
    };
    let given = |option| context.arguments.value(option).map(str::to_owned);
    let user = match given("-u") {
        Some(user) => user,
        None => hosts::question("Username", false)?,
    };
    let password = match given("-p") {
        Some(password) => password,
        None => hosts::question("Password", true)?,
    };
    let limit = hosts::request_timeout(context);
    let fields = vec![("username", user.clone()), ("password", password)];
    let token = hosts::local(Request::Auth, fields, limit)?;
    if token.trim().is_empty() {
        print_error(&format!("Error: {HERE}: Username and/or password is incorrect"));
        if user == SUPERUSER {
            context.remark("the password can be set by root with 'pcs pcsd passwd'");
        }
        return Err(Failure::Reported);
    }
    if let Some(path) = own_tokens() {
        keep(&path, token.trim(), port)?;
    }
    hosts::progress(&format!("{HERE}: Authorized"));
    Ok(())
}

fn keep(path: &PathBuf, token: &str, port: Option<u16>) -> Cli {
    use std::io::Write as _;
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut known =
        KnownHosts::parse(&text).or_else(|error| fail(format!("'{}': {error}", path.display())))?;
    let port = port.unwrap_or(pcs::cluster::known_hosts::DEFAULT_PORT);
    let host = KnownHost {
        dest_list: vec![Destination { addr: HERE.to_owned(), port }],
        token: token.to_owned(),
        fingerprint: None,
    };
    known.change([(HERE.to_owned(), host)].into(), &[]);
    let written = (|| {
        if let Some(directory) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(known.to_text().as_bytes())
    })();
    written.or_else(|error: std::io::Error| {
        fail(format!("Unable to write '{}': {error}", path.display()))
    })
}
