//! booth, the manager of tickets between clusters: its configuration, and the resources that run it.

use cib::Element;
use serde::Serialize;

use crate::environment::Environment;
use crate::message::Message;
use crate::nvset::Pairs;
use crate::removal::Removal;
use crate::report::{Failed, Outcome, Report, Severity};
use crate::resource::create::{self, Target};
use crate::resource::group::Place;
use crate::text::{plural, quoted};

/// Options of a ticket.
const TICKET_OPTIONS: [&str; 9] = [
    "acquire-after",
    "attr-prereq",
    "before-acquire-handler",
    "expire",
    "mode",
    "renewal-freq",
    "retries",
    "timeout",
    "weights",
];

/// Options of the whole configuration, which can't stand below a ticket.
const GLOBAL_OPTIONS: [&str; 8] =
    ["arbitrator", "authfile", "maxtimeskew", "name", "port", "site", "site-group", "ticket"];

/// A longer name does not fit into booth's messages.
const TICKET_NAME_MAX: usize = 63;

/// What there is to say about booth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", content = "payload", rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each text says what its message and fields are")]
pub enum BoothMessage {
    #[error("lack of sites for booth configuration (need 2 at least): sites {}", if .sites.is_empty() { "missing".to_owned() } else { quoted(.sites) })]
    LackOfSites { sites: Vec<String> },
    #[error("odd number of peers is required (entered {number} peers)")]
    EvenPeers { number: usize },
    #[error("duplicate address for booth configuration: {}", quoted(.addresses))]
    AddressDuplication { addresses: Vec<String> },
    #[error(
        "booth ticket name '{name}' is not valid, use up to 63 alphanumeric characters or dash"
    )]
    TicketNameInvalid { name: String },
    #[error("booth ticket name '{name}' already exists in configuration")]
    TicketDuplicate { name: String },
    #[error("booth ticket name '{name}' does not exist")]
    TicketDoesNotExist { name: String },
    #[error("{name} cannot be empty")]
    TicketOptionEmpty { name: String },
    #[error("invalid booth ticket {} {}, allowed options are: {}", plural(.names.len(), "option", "options"), quoted(.names), quoted(TICKET_OPTIONS))]
    TicketOptionsInvalid { names: Vec<String> },
    #[error(
        "line {line} of the booth configuration is neither 'name = value' nor a comment: '{text}'"
    )]
    UnexpectedLine { line: usize, text: String },
    #[error("booth instance '{name}' is already created as cluster resource")]
    AlreadyInCib { name: String },
    #[error("booth instance '{name}' not found in cib")]
    NotExistsInCib { name: String },
    #[error("found more than one booth instance '{name}' in cib{mark}", mark = crate::report::FORCE_MARK)]
    MultipleTimesInCib { name: String },
    #[error("Booth instance name '{name}' is not valid ('/' is not allowed)")]
    InvalidName { name: String },
}

impl From<BoothMessage> for Message {
    fn from(message: BoothMessage) -> Self {
        Self::Booth(message)
    }
}

/// Says whether this may name a configuration: it becomes part of a file's name.
pub fn is_instance_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(good)
}

/// A ticket and its options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// Its name.
    pub name: String,
    /// In the file's order.
    pub options: Pairs,
}

/// A configuration; comments are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Config {
    /// What holds for all: addresses, the key's file.
    pub global: Pairs,
    /// In the file's order.
    pub tickets: Vec<Ticket>,
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// A line is none of a configuration.
    pub fn parse(text: &str) -> Result<Self, BoothMessage> {
        let mut config = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                return Err(BoothMessage::UnexpectedLine {
                    line: number + 1,
                    text: line.to_owned(),
                });
            };
            let (name, value) = (name.trim(), unquoted(value.trim()).to_owned());
            match (name, config.tickets.last_mut()) {
                ("ticket", _) => config.tickets.push(Ticket { name: value, options: Vec::new() }),
                (_, Some(ticket)) if !GLOBAL_OPTIONS.contains(&name) => {
                    ticket.options.push((name.to_owned(), value));
                }
                _ => config.global.push((name.to_owned(), value)),
            }
        }
        Ok(config)
    }

    /// Writes the file.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.global {
            text.push_str(&format!("{name} = {value}\n"));
        }
        for ticket in &self.tickets {
            text.push_str(&format!("ticket = \"{}\"\n", ticket.name));
            for (name, value) in &ticket.options {
                text.push_str(&format!("  {name} = {value}\n"));
            }
        }
        text
    }

    /// Makes a configuration of these peers.
    ///
    /// # Errors
    /// The reports say what is wrong with them.
    pub fn new(
        sites: &[String],
        arbitrators: &[String],
        key_file: &str,
        reports: &mut Vec<Report>,
    ) -> Outcome<Self> {
        if sites.len() < 2 {
            reports.push(Report::error(BoothMessage::LackOfSites { sites: sites.to_vec() }.into()));
        }
        let number = sites.len() + arbitrators.len();
        if number.is_multiple_of(2) {
            reports.push(Report::error(BoothMessage::EvenPeers { number }.into()));
        }
        let all: Vec<&String> = sites.iter().chain(arbitrators).collect();
        let twice = |address: &&&String| all.iter().filter(|other| other == address).count() > 1;
        let addresses: Vec<String> = all.iter().filter(twice).map(|a| (*a).clone()).collect();
        if !addresses.is_empty() {
            reports.push(Report::error(BoothMessage::AddressDuplication { addresses }.into()));
        }
        checked(reports)?;
        let mut global = vec![("authfile".to_owned(), key_file.to_owned())];
        for (name, addresses) in [("site", sites), ("arbitrator", arbitrators)] {
            global.extend(addresses.iter().map(|address| (name.to_owned(), address.clone())));
        }
        Ok(Self { global, tickets: Vec::new() })
    }

    /// Adds a ticket.
    ///
    /// # Errors
    /// The reports say what is wrong with it.
    pub fn add_ticket(
        &mut self,
        name: &str,
        options: &Pairs,
        force: bool,
        reports: &mut Vec<Report>,
    ) -> Outcome {
        let name = name.to_owned();
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.tickets.iter().any(|ticket| ticket.name == name) {
            reports
                .push(Report::error(BoothMessage::TicketDuplicate { name: name.clone() }.into()));
        } else if name.is_empty() || name.len() > TICKET_NAME_MAX || !name.chars().all(good) {
            let message = BoothMessage::TicketNameInvalid { name: name.clone() };
            reports.push(Report::error(message.into()));
        }
        let names = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
            let mut names: Vec<String> =
                options.iter().map(|(n, _)| n.clone()).filter(|n| wanted(n)).collect();
            names.sort();
            names
        };
        let global = names(&|name| GLOBAL_OPTIONS.contains(&name));
        if !global.is_empty() {
            let message = BoothMessage::TicketOptionsInvalid { names: global };
            reports.push(Report::error(message.into()));
        }
        let known = |name: &str| TICKET_OPTIONS.contains(&name) || GLOBAL_OPTIONS.contains(&name);
        let unknown = names(&|name| !known(name));
        if !unknown.is_empty() {
            let message = BoothMessage::TicketOptionsInvalid { names: unknown };
            reports.push(Report::forceable(message.into(), force));
        }
        for (option, _) in options.iter().filter(|(_, value)| value.is_empty()) {
            let message = BoothMessage::TicketOptionEmpty { name: option.clone() };
            reports.push(Report::error(message.into()));
        }
        checked(reports)?;
        let mut options = options.clone();
        options.sort();
        self.tickets.push(Ticket { name, options });
        Ok(())
    }

    /// Takes a ticket away.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn remove_ticket(&mut self, name: &str, reports: &mut Vec<Report>) -> Outcome {
        let before = self.tickets.len();
        self.tickets.retain(|ticket| ticket.name != name);
        if self.tickets.len() == before {
            let message = BoothMessage::TicketDoesNotExist { name: name.to_owned() };
            reports.push(Report::error(message.into()));
        }
        checked(reports)
    }
}

fn checked(reports: &[Report]) -> Outcome {
    if reports.iter().any(|report| report.severity == Severity::Error) {
        return Err(Failed::Reported);
    }
    Ok(())
}

/// Returns the services of booth in a document that use a configuration.
fn services<'a>(cib: &'a Element, config: &'a str) -> impl Iterator<Item = &'a Element> {
    cib.at(&["configuration", "resources"])
        .into_iter()
        .flat_map(Element::descendants)
        .filter(|e| e.name() == "primitive" && e.get("type") == Some("booth-site"))
        .filter(move |e| crate::nvset::value(e, "instance_attributes", "config") == Some(config))
}

/// Returns the address that the service of a configuration listens on.
pub fn address(cib: &Element, config: &str) -> Option<String> {
    let service = services(cib, config).next()?.id()?;
    let group = cib
        .at(&["configuration", "resources"])?
        .descendants()
        .find(|e| e.name() == "group" && e.children().any(|c| c.id() == Some(service)))?;
    group
        .children_named("primitive")
        .find(|e| e.get("type") == Some("IPaddr2"))
        .and_then(|e| crate::nvset::value(e, "instance_attributes", "ip"))
        .map(str::to_owned)
}

/// Makes the cluster run booth on an address.
///
/// # Errors
/// It does already, or an agent is missing.
pub fn create(
    env: &mut Environment<'_>,
    name: &str,
    config: &str,
    ip: &str,
    force: bool,
) -> Outcome {
    if services(&env.cib, config).next().is_some() {
        env.error(BoothMessage::AlreadyInCib { name: name.to_owned() }.into());
        return Err(Failed::Reported);
    }
    let group = format!("booth-{name}-group");
    let parts = [
        ("ip", "ocf:heartbeat:IPaddr2", ("ip", ip)),
        ("service", "ocf:pacemaker:booth-site", ("config", config)),
    ];
    for (part, agent, (option, value)) in parts {
        let request = create::Request {
            id: format!("booth-{name}-{part}"),
            agent: agent.to_owned(),
            parameters: vec![(option.to_owned(), value.to_owned())],
            target: Target::Group { group: group.clone(), place: Place::End },
            force,
            ..create::Request::default()
        };
        create::create(env, &request)?;
    }
    Ok(())
}

/// Returns the ids of the resources that run booth: the service, and an address beside it in a group.
///
/// # Errors
/// There is none, or several and no force.
pub fn resources(
    env: &mut Environment<'_>,
    name: &str,
    config: &str,
    force: bool,
) -> Outcome<Vec<String>> {
    let found: Vec<String> =
        services(&env.cib, config).filter_map(|e| e.id().map(str::to_owned)).collect();
    let name = name.to_owned();
    if found.is_empty() {
        env.error(BoothMessage::NotExistsInCib { name }.into());
    } else if found.len() > 1 {
        env.forceable(BoothMessage::MultipleTimesInCib { name }.into(), force);
    }
    env.checked()?;
    let mut ids = found.clone();
    let groups = env.cib.at(&["configuration", "resources"]).into_iter();
    for group in groups.flat_map(Element::descendants).filter(|e| e.name() == "group") {
        let members: Vec<&Element> = group.children_named("primitive").collect();
        let is_service = |e: &&Element| found.iter().any(|id| e.id() == Some(id));
        let is_address = |e: &&Element| e.get("type") == Some("IPaddr2");
        let (services, addresses) = (
            members.iter().filter(|e| is_service(e)).count(),
            members.iter().filter(|e| is_address(e)),
        );
        let addresses: Vec<&&Element> = addresses.collect();
        // an address that serves others too is theirs
        if services == 1 && addresses.len() == 1 && members.len() == 2 {
            ids.extend(addresses[0].id().map(str::to_owned));
        }
    }
    Ok(ids)
}

/// Takes the resources that run booth away.
///
/// # Errors
/// As [`resources`].
pub fn remove(env: &mut Environment<'_>, name: &str, config: &str, force: bool) -> Outcome {
    let ids = resources(env, name, config, force)?;
    let removal = Removal::plan(&env.cib, &ids);
    removal.apply(&mut env.cib);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn texts(reports: &[Report]) -> Vec<String> {
        reports.iter().map(Report::text).collect()
    }

    #[test]
    fn a_configuration_comes_back_as_it_was_written() {
        let mut config =
            Config::new(&words("10.0.0.1 10.0.0.2"), &words("10.0.0.3"), "/k", &mut Vec::new())
                .unwrap();
        let options = vec![("timeout".to_owned(), "5".to_owned())];
        config.add_ticket("T", &options, false, &mut Vec::new()).unwrap();
        let text = config.to_text();
        assert_eq!(
            text,
            "authfile = /k\nsite = 10.0.0.1\nsite = 10.0.0.2\narbitrator = 10.0.0.3\nticket = \"T\"\n  timeout = 5\n"
        );
        assert_eq!(Config::parse(&format!("# by hand\n\n{text}")).unwrap(), config);
        assert!(Config::parse("site 10.0.0.1").is_err());
    }

    #[test]
    fn peers_are_odd_and_different() {
        let mut reports = Vec::new();
        assert!(Config::new(&words("a"), &words("a"), "/k", &mut reports).is_err());
        assert_eq!(
            texts(&reports),
            [
                "Error: lack of sites for booth configuration (need 2 at least): sites 'a'",
                "Error: odd number of peers is required (entered 2 peers)",
                "Error: duplicate address for booth configuration: 'a'"
            ]
        );
    }

    #[test]
    fn options_of_the_whole_do_not_fit_below_a_ticket() {
        let mut config = Config::default();
        let (port, own) = (("port".to_owned(), "1".to_owned()), ("own".to_owned(), "1".to_owned()));
        let mut reports = Vec::new();
        assert!(config.add_ticket("T", &vec![port, own.clone()], true, &mut reports).is_err());
        assert!(!reports[0].forceable && reports[1].severity == Severity::Warning);
        assert!(config.add_ticket("T", &vec![own], true, &mut Vec::new()).is_ok());
        assert!(config.add_ticket("T", &Vec::new(), false, &mut Vec::new()).is_err());
        assert!(config.remove_ticket("T", &mut Vec::new()).is_ok());
        assert!(config.remove_ticket("T", &mut Vec::new()).is_err());
    }

    #[test]
    fn names_stay_in_their_directory() {
        assert!(is_instance_name("booth") && is_instance_name("geo-1"));
        assert!(!is_instance_name("../x") && !is_instance_name("") && !is_instance_name(".."));
    }
}
