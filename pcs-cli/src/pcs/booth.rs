//! `pcs booth`: the configuration of the ticket manager, and the resources that run it. booth itself
//! is a program of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pcs::booth::{self, Config};
use pcs::cluster::protocol::{BoothFiles, Request};
use pcs::text::quoted;

use super::cluster::each;
use super::cluster_setup::{pairs, random};
use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts::{self, progress};
use super::json;
use super::peers::{Fields, ask};

/// As long as booth allows.
const KEY_BYTES: usize = 64;

fn usage<T>(command: &'static str) -> Cli<T> {
    Err(Failure::Usage { area: "booth", command })
}

/// Runs `pcs booth …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let Some((command, rest)) = words.split_first() else { return usage("") };
    match command.as_str() {
        "config" => config(context, rest),
        "setup" => setup(context, rest),
        "destroy" => destroy(context, rest),
        "ticket" => ticket(context, rest),
        "create" => create(context, rest),
        "delete" | "remove" => remove(context, rest),
        "restart" => restart(context, rest),
        "sync" => sync(context, rest),
        "pull" => pull(context, rest),
        "status" => status(context, rest),
        "enable" | "disable" | "start" | "stop" => service(context, command, rest),
        _ => usage(""),
    }
}

/// The name of a configuration and where its files are.
struct Instance {
    name: String,
    config: PathBuf,
    key: PathBuf,
}

impl Instance {
    /// Takes `--name`, or `--booth-conf` and `--booth-key` with files anywhere.
    fn of(context: &Context) -> Cli<Self> {
        let name = context.arguments.value("--name").unwrap_or("booth").to_owned();
        if !booth::is_instance_name(&name) {
            return fail(booth::BoothMessage::InvalidName { name }.to_string());
        }
        let value = |option| context.arguments.value(option).map(PathBuf::from);
        match (value("--booth-conf"), value("--booth-key")) {
            (Some(config), Some(key)) => Ok(Self { name, config, key }),
            (Some(_), None) => {
                fail("When --booth-conf is specified, --booth-key must be specified as well")
            }
            (None, Some(_)) => {
                fail("When --booth-key is specified, --booth-conf must be specified as well")
            }
            (None, None) => {
                let directory = hosts::paths().booth_dir();
                let file = |extension: &str| directory.join(format!("{name}.{extension}"));
                Ok(Self { config: file("conf"), key: file("key"), name })
            }
        }
    }

    fn text(&self) -> Cli<String> {
        let path = self.config.display();
        match std::fs::read_to_string(&self.config) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => fail(format!(
                "Unable to read Booth configuration '{path}': No such file or directory; make one \
                 with 'pcs booth setup'"
            )),
            Err(error) => fail(format!("Unable to read Booth configuration '{path}': {error}")),
        }
    }

    fn read(&self) -> Cli<Config> {
        Config::parse(&self.text()?)
            .or_else(|error| fail(format!("unable to parse '{}': {error}", self.config.display())))
    }

    fn write(&self, config: &Config) -> Cli {
        write(&self.config, config.to_text().as_bytes(), 0o644)
    }

    /// Returns the path that the resources of this configuration name.
    fn named(&self) -> String {
        format!("/etc/booth/{}.conf", self.name)
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Cli {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let written = (|| {
        if let Some(directory) = path.parent().filter(|path| !path.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    })();
    written.or_else(|error: std::io::Error| {
        fail(format!("Unable to write '{}': {error}", path.display()))
    })
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--name", "--output-format", "--request-timeout"])?;
    let format = context.output_format(&["json", "text"])?;
    let instance = Instance::of(context)?;
    let config = match words {
        [] => instance.read()?,
        [node] => {
            let files = fetch(context, node, &instance.name)?;
            Config::parse(&files.config).or_else(|error| fail(format!("{node}: {error}")))?
        }
        _ => return usage("config"),
    };
    if format == "json" {
        context.print(&json::pretty(&config));
    } else {
        context.print(config.to_text().trim_end());
    }
    Ok(())
}

/// Reads `sites ADDRESS… [arbitrators ADDRESS…]`.
fn peers(words: &[String]) -> Cli<(Vec<String>, Vec<String>)> {
    let (mut sites, mut arbitrators) = (Vec::new(), Vec::new());
    let mut into: Option<&mut Vec<String>> = None;
    for word in words {
        match (word.as_str(), &mut into) {
            ("sites", _) => into = Some(&mut sites),
            ("arbitrators", _) => into = Some(&mut arbitrators),
            (address, Some(list)) => list.push(address.to_owned()),
            (_, None) => return usage("setup"),
        }
    }
    Ok((sites, arbitrators))
}

fn setup(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--booth-conf", "--booth-key", "--force", "--name"])?;
    if words.is_empty() {
        return usage("setup");
    }
    let (sites, arbitrators) = peers(words)?;
    let instance = Instance::of(context)?;
    let key_name = if context.has("--booth-key") {
        instance.key.display().to_string()
    } else {
        format!("/etc/booth/{}.key", instance.name)
    };
    let config =
        context.with_reports(|reports| Config::new(&sites, &arbitrators, &key_name, reports))?;
    for (what, path) in [("key", &instance.key), ("config", &instance.config)] {
        if path.exists() && !context.force() {
            print_error(&format!(
                "Error: Booth {what} file '{}' already exists, use --force to override",
                path.display()
            ));
            print_error("Error: Errors have occurred, therefore pcs is unable to continue");
            return Err(Failure::Reported);
        }
    }
    let mut key = [0; KEY_BYTES];
    random(&mut key)?;
    write(&instance.key, &key, 0o600)?;
    instance.write(&config)
}

fn destroy(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--name"])?;
    if !words.is_empty() {
        return usage("destroy");
    }
    let instance = Instance::of(context)?;
    let config = instance.named();
    if context.live().is_ok() {
        let cib = context.configuration()?;
        if booth::address(&cib, &config).is_some() {
            return fail(format!(
                "booth instance '{0}' is used in a cluster resource, remove it with 'pcs booth \
                 remove --name {0}' first",
                instance.name
            ));
        }
    }
    for path in [&instance.config, &instance.key] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return fail(format!("Unable to remove '{}': {error}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn ticket(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("add", [name, options @ ..])) => {
            context.supports(&["--booth-conf", "--booth-key", "--force", "--name"])?;
            let options = pairs(options)?;
            let instance = Instance::of(context)?;
            let mut config = instance.read()?;
            let force = context.force();
            context.with_reports(|reports| config.add_ticket(name, &options, force, reports))?;
            instance.write(&config)
        }
        Some(("delete" | "remove", [name])) => {
            context.supports(&["--booth-conf", "--booth-key", "--name"])?;
            let instance = Instance::of(context)?;
            let mut config = instance.read()?;
            context.with_reports(|reports| config.remove_ticket(name, reports))?;
            instance.write(&config)
        }
        Some((verb @ ("grant" | "revoke"), rest)) => hand_over(context, verb, rest),
        _ => usage("ticket"),
    }
}

/// Has booth give a ticket to a site, or take it back.
fn hand_over(context: &mut Context, verb: &str, words: &[String]) -> Cli {
    context.supports(&["--name"])?;
    let instance = Instance::of(context)?;
    let (ticket, site) = match words {
        [ticket] => {
            let cib = context.configuration()?;
            match booth::address(&cib, &instance.named()) {
                Some(site) => (ticket, site),
                None => {
                    return fail("cannot determine local site ip, please specify site parameter");
                }
            }
        }
        [ticket, site] => (ticket, site.clone()),
        _ => return usage("ticket"),
    };
    let mut command = Command::new("booth");
    command.args([verb, "-s", &site, ticket]);
    outside(&mut command, &format!("unable to {verb} booth ticket '{ticket}' for site '{site}'"))
        .map(drop)
}

/// Runs a program that belongs to booth, and returns what it prints.
fn outside(command: &mut Command, failure: &str) -> Cli<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said =
                if said.trim().is_empty() { String::from_utf8_lossy(&output.stdout) } else { said };
            fail(format!("{failure}, reason: {}", said.trim()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => fail(format!(
            "{failure}: '{program}' is not installed on this host; it comes with the package of \
             booth, not with pcs"
        )),
        Err(error) => fail(format!("{failure}: unable to run '{program}': {error}")),
    }
}

fn create(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--force", "--name"])?;
    let [word, address] = words else { return usage("create") };
    if word != "ip" {
        return usage("create");
    }
    let instance = Instance::of(context)?;
    let (config, force) = (instance.named(), context.force());
    context.change(|env| booth::create(env, &instance.name, &config, address, force))
}

fn remove(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--force", "--name"])?;
    if !words.is_empty() {
        return usage("remove");
    }
    let instance = Instance::of(context)?;
    let (config, force) = (instance.named(), context.force());
    let ids = context.read(|env| booth::resources(env, &instance.name, &config, force))?;
    context.stop_before_delete(&ids, false)?;
    context.change(|env| booth::remove(env, &instance.name, &config, force))
}

fn restart(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--name"])?;
    if !words.is_empty() {
        return usage("restart");
    }
    let instance = Instance::of(context)?;
    let (config, force) = (instance.named(), context.force());
    let mut ids = context.read(|env| booth::resources(env, &instance.name, &config, force))?;
    ids.truncate(1);
    super::resource_live::run(context, "restart", &ids)
}

/// Asks another host for its configuration.
fn fetch(context: &Context, node: &str, name: &str) -> Cli<BoothFiles> {
    let known = hosts::known_hosts()?;
    let peers = hosts::peers(&known, std::slice::from_ref(&node.to_owned()))?;
    let [peer] = peers.as_slice() else {
        return fail(format!("Host '{node}' is not known to pcs"));
    };
    let fields = vec![("name", name.to_owned())];
    let limit = hosts::request_timeout(context);
    let answer = hosts::run(ask(peer, Request::GetBoothConfig, &fields, limit))?;
    let answer = answer.or_else(|trouble| fail(trouble.text(node)))?;
    let files: BoothFiles = serde_json::from_str(&answer.body)
        .or_else(|error| fail(format!("{node}: the answer of its pcsd cannot be read: {error}")))?;
    if files.config.is_empty() {
        return fail(format!("{node}: there is no booth configuration '{name}' there"));
    }
    Ok(files)
}

fn pull(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--name", "--request-timeout"])?;
    let [node] = words else { return usage("pull") };
    let instance = Instance::of(context)?;
    progress(&format!("Fetching booth config from node '{node}'..."));
    let files = fetch(context, node, &instance.name)?;
    Config::parse(&files.config).or_else(|error| fail(format!("{node}: {error}")))?;
    let Ok(key) = STANDARD.decode(&files.key) else {
        return fail(format!("{node}: the key of booth is not valid base64"));
    };
    if !key.is_empty() {
        write(&instance.key, &key, 0o600)?;
    }
    write(&instance.config, files.config.as_bytes(), 0o644)?;
    progress("Booth config saved");
    Ok(())
}

fn sync(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[
        "--booth-conf",
        "--booth-key",
        "--name",
        "--request-timeout",
        "--skip-offline",
    ])?;
    if !words.is_empty() {
        return usage("sync");
    }
    let instance = Instance::of(context)?;
    let config = instance.text()?;
    Config::parse(&config).or_else(|error| {
        fail(format!("unable to parse '{}': {error}", instance.config.display()))
    })?;
    let key = match std::fs::read(&instance.key) {
        Ok(key) => STANDARD.encode(key),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return fail(format!("Unable to read '{}': {error}", instance.key.display()));
        }
    };
    let conf = hosts::local_conf(context)?;
    let peers = hosts::peers(&hosts::known_hosts()?, &hosts::node_names(&conf))?;
    let peers = super::cluster_nodes::reachable(context, peers)?;
    let files = BoothFiles { name: instance.name, config, key };
    let fields: Fields = vec![("data_json", hosts::json(&files)?)];
    progress("Sending booth configuration to cluster nodes...");
    let limit = hosts::request_timeout(context);
    let names = quoted(peers.iter().map(|peer| &peer.name));
    let failure = format!("Unable to save the booth configuration on all of {names}");
    each(&peers, Request::SetBoothConfig, &fields, limit, "Booth config saved", &failure)
}

/// Prints what booth says of itself.
pub(crate) fn status(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--name"])?;
    if !words.is_empty() {
        return usage("status");
    }
    let instance = Instance::of(context)?;
    let failure = "unable to obtain status of booth";
    let mut text = String::new();
    for (title, command) in
        [("TICKETS:", "list"), ("PEERS:", "peers"), ("DAEMON STATUS:", "status")]
    {
        let mut program = Command::new("booth");
        program.args([command, "-c", &instance.name]);
        let said = outside(&mut program, failure)?;
        text.push_str(&format!("{title}\n{}\n\n", said.trim_end()));
    }
    context.print(text.trim_end());
    Ok(())
}

/// Starts, stops, enables or disables the service of an arbitrator.
fn service(context: &mut Context, verb: &str, words: &[String]) -> Cli {
    context.supports(&["--name"])?;
    if !words.is_empty() {
        return match verb {
            "enable" => usage("enable"),
            "disable" => usage("disable"),
            "start" => usage("start"),
            _ => usage("stop"),
        };
    }
    let instance = Instance::of(context)?;
    let unit = format!("booth@{}", instance.name);
    let mut command = Command::new("systemctl");
    command.args([verb, &unit]);
    outside(&mut command, &format!("Unable to {verb} {unit}"))?;
    let done = match verb {
        "enable" => "enabled",
        "disable" => "disabled",
        "start" => "started",
        _ => "stopped",
    };
    progress(&format!("{unit} {done}"));
    Ok(())
}
