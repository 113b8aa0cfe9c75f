//! The arbiter of corosync.conf (`quorum { device { … } }`): adding, changing and removing one, and
//! what its options may be.

use membership::conf::{Document, Section};

use super::ClusterMessage;
use super::options::{Pairs, any_error, error, unwritable_names};
use super::setup::set_two_node;
use crate::message::Message;
use crate::report::{Failed, Outcome, Report};

/// What a command says of an arbiter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceRequest {
    /// Which kind of arbiter; there is `net`. Not for an update.
    pub model: String,
    /// Options of every kind.
    pub generic: Pairs,
    /// Options of this kind.
    pub options: Pairs,
    /// When a node may ask for a vote; none when nothing was said of it.
    pub heuristics: Option<Pairs>,
    /// Whether what can be overridden is to be.
    pub force: bool,
}

/// What the value of an option must be.
#[derive(Clone, Copy, Debug)]
enum Value {
    Positive,
    Range(u64, u64, &'static str),
    Choice(&'static [&'static str]),
    Host,
    /// One of the nodes, or the end of the list one is taken from.
    Node,
}

const GENERIC: &[(&str, Value)] =
    &[("sync_timeout", Value::Positive), ("timeout", Value::Positive)];

const ALGORITHMS: &[&str] = &["ffsplit", "lms"];

const NET: &[(&str, Value)] = &[
    ("algorithm", Value::Choice(ALGORITHMS)),
    ("connect_timeout", Value::Range(1_000, 120_000, "1000..120000")),
    ("force_ip_version", Value::Choice(&["0", "4", "6"])),
    ("host", Value::Host),
    ("port", Value::Range(1, 65_535, "a port number (1..65535)")),
    ("tie_breaker", Value::Node),
];

/// Options of quorum that an arbiter takes the place of.
pub(super) const NOT_BESIDE_A_DEVICE: [&str; 3] =
    ["auto_tie_breaker", "last_man_standing", "last_man_standing_window"];

/// What a `net` arbiter does not work without.
const REQUIRED: [&str; 2] = ["algorithm", "host"];

const HEURISTICS: &[(&str, Value)] = &[
    ("mode", Value::Choice(&["off", "on", "sync"])),
    ("interval", Value::Positive),
    ("sync_timeout", Value::Positive),
    ("timeout", Value::Positive),
];

/// Options of heuristics that begin so are commands to be run.
const COMMAND: &str = "exec_";

struct Check<'a> {
    /// Ids of the nodes a tie may be broken for.
    nodes: Vec<String>,
    /// An update may take options away by an empty value.
    may_unset: bool,
    force: bool,
    reports: &'a mut Vec<Report>,
}

impl Check<'_> {
    /// Reports names that are not known, and such as corosync.conf cannot hold.
    fn names(&mut self, pairs: &Pairs, known: &[(&str, Value)], kind: &str) {
        let names = unknown(pairs, known);
        if names.is_empty() {
            return;
        }
        let kind = kind.to_owned();
        let odd = unwritable_names(names.iter());
        let allowed: Vec<String> = known.iter().map(|(name, _)| (*name).to_owned()).collect();
        let near = crate::options::nearest(&names[0], allowed.iter().map(String::as_str));
        let message = Message::InvalidOptions { names, allowed, kind: kind.clone(), near };
        self.reports.push(Report::forceable(message, self.force));
        if !odd.is_empty() {
            self.reports.push(error(ClusterMessage::OptionNamesUnwritable { names: odd, kind }));
        }
    }

    fn values(&mut self, pairs: &Pairs, known: &[(&str, Value)]) {
        for (name, wanted) in known {
            let Some((_, value)) = pairs.iter().find(|(key, _)| key == name) else { continue };
            let needed = REQUIRED.contains(name);
            if value.is_empty() && self.may_unset && !needed {
                continue;
            }
            if value.is_empty() && needed {
                let wanted = match wanted {
                    Value::Choice(words) => crate::text::quoted(words.iter()),
                    _ => "a qdevice host address".to_owned(),
                };
                self.reports
                    .push(error(ClusterMessage::OptionEmpty { name: (*name).into(), wanted }));
                continue;
            }
            if !self.takes(*wanted, value) {
                let (choices, words) = self.description(*wanted);
                let (name, value) = ((*name).to_owned(), value.clone());
                let message = Message::InvalidOptionValue { name, value, choices, words };
                self.reports.push(Report::forceable(message, self.force));
            }
        }
    }

    fn takes(&self, wanted: Value, value: &str) -> bool {
        match wanted {
            Value::Positive => value.parse::<u64>().is_ok_and(|number| number > 0),
            Value::Range(low, high, _) => {
                value.parse().is_ok_and(|number: u64| (low..=high).contains(&number))
            }
            Value::Choice(words) => words.contains(&value),
            Value::Host => true,
            Value::Node => {
                ["highest", "lowest"].contains(&value) || self.nodes.iter().any(|id| id == value)
            }
        }
    }

    fn description(&self, wanted: Value) -> (Vec<String>, Option<String>) {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match wanted {
            Value::Positive => (Vec::new(), Some("a positive integer".to_owned())),
            Value::Range(_, _, words) => (Vec::new(), Some(words.to_owned())),
            Value::Choice(words) => (owned(words), None),
            Value::Host => (Vec::new(), None),
            Value::Node => {
                let mut words = self.nodes.clone();
                words.extend(owned(&["highest", "lowest"]));
                (words, None)
            }
        }
    }

    fn generic(&mut self, pairs: &Pairs) {
        self.names(pairs, GENERIC, "quorum device");
        self.values(pairs, GENERIC);
    }

    fn net(&mut self, pairs: &Pairs) {
        if !self.may_unset {
            let mut names: Vec<String> = REQUIRED.map(str::to_owned).to_vec();
            names.retain(|name| !pairs.iter().any(|(key, _)| key == name));
            if !names.is_empty() {
                let kind = "quorum device model".to_owned();
                self.reports.push(Report::error(Message::RequiredOptionsMissing { names, kind }));
            }
        }
        self.names(pairs, NET, "quorum device model");
        self.values(pairs, NET);
    }

    fn heuristics(&mut self, pairs: &Pairs) {
        let names = pairs.iter().map(|(name, _)| name);
        let odd = unwritable_names(names);
        if !odd.is_empty() {
            self.reports.push(error(ClusterMessage::OptionNamesUnwritable {
                names: odd,
                kind: "heuristics".to_owned(),
            }));
        }
        let mut names = unknown(pairs, HEURISTICS);
        names.retain(|name| !name.starts_with(COMMAND));
        if !names.is_empty() {
            let message = ClusterMessage::HeuristicsUnknown { names };
            self.reports.push(Report::forceable(message.into(), self.force));
        }
        self.values(pairs, HEURISTICS);
        for (name, value) in pairs {
            if name.starts_with(COMMAND) && value.is_empty() && !self.may_unset {
                let wanted = "a command to be run".to_owned();
                self.reports
                    .push(error(ClusterMessage::OptionEmpty { name: name.clone(), wanted }));
            }
        }
    }
}

fn unknown(pairs: &Pairs, known: &[(&str, Value)]) -> Vec<String> {
    let names = pairs.iter().map(|(name, _)| name);
    names.filter(|name| !known.iter().any(|(known, _)| known == name)).cloned().collect()
}

fn node_ids(document: &Document) -> Vec<String> {
    document
        .section("nodelist")
        .into_iter()
        .flat_map(|list| list.sections("node"))
        .filter_map(|node| node.get("nodeid").map(str::to_owned))
        .collect()
}

/// An arbiter that splits evenly has a vote; one that elects the last man standing has as many as
/// corosync gives it.
fn set_votes(device: &mut Section, model: &str) {
    let algorithm =
        device.sections(model).next().and_then(|section| section.get("algorithm")).unwrap_or("");
    if model != "net" {
        // nothing is known of its algorithms
    } else if algorithm == "ffsplit" {
        device.set("votes", "1");
    } else {
        device.remove("votes");
    }
}

/// Warns of heuristics that ask nothing, although they are on.
fn warn_without_commands(heuristics: &Section, reports: &mut Vec<Report>) {
    let on = matches!(heuristics.get("mode"), Some("on" | "sync"));
    if on && !heuristics.settings().any(|setting| setting.key.starts_with(COMMAND)) {
        reports.push(Report::warning(ClusterMessage::HeuristicsWithoutCommands.into()));
    }
}

/// Adds an arbiter.
///
/// # Errors
/// There is one, or the reports say what is wrong.
pub fn add(document: &mut Document, request: &DeviceRequest, reports: &mut Vec<Report>) -> Outcome {
    if document.section_mut("quorum").sections("device").next().is_some() {
        return Err(Failed::because(ClusterMessage::QuorumDeviceExists.into()));
    }
    let nodes = node_ids(document);
    let mut check = Check { nodes, may_unset: false, force: request.force, reports };
    if request.model == "net" {
        check.net(&request.options);
    } else {
        let message = Message::InvalidOptionValue {
            name: "model".into(),
            value: request.model.clone(),
            choices: vec!["net".into()],
            words: None,
        };
        check.reports.push(Report::forceable(message, request.force));
    }
    check.generic(&request.generic);
    if let Some(heuristics) = &request.heuristics {
        check.heuristics(heuristics);
    }
    if any_error(reports) {
        return Err(Failed::Reported);
    }
    let section = |name: &str, pairs: &Pairs| {
        let mut section = Section::new(name);
        for (name, value) in pairs {
            section.set(name, &**value);
        }
        section
    };
    let mut device = section("device", &request.generic);
    device.set("model", &*request.model);
    if !request.options.is_empty() {
        device.push_section(section(&request.model, &request.options));
    }
    set_votes(&mut device, &request.model);
    if let Some(heuristics) = request.heuristics.as_ref().filter(|pairs| !pairs.is_empty()) {
        let section = section("heuristics", heuristics);
        warn_without_commands(&section, reports);
        device.push_section(section);
    }
    let quorum = document.section_mut("quorum");
    for option in NOT_BESIDE_A_DEVICE {
        quorum.remove(option);
    }
    quorum.push_section(device);
    set_two_node(document);
    Ok(())
}

/// Changes options of the arbiter; an empty value takes one away.
///
/// # Errors
/// There is none, or the reports say what is wrong.
pub fn update(
    document: &mut Document,
    request: &DeviceRequest,
    reports: &mut Vec<Report>,
) -> Outcome {
    let nodes = node_ids(document);
    let quorum = document.section_mut("quorum");
    let Some(device) = quorum.sections_mut("device").next() else {
        return Err(Failed::because(ClusterMessage::NoQuorumDevice.into()));
    };
    let mut check = Check { nodes, may_unset: true, force: request.force, reports };
    check.net(&request.options);
    check.generic(&request.generic);
    if let Some(heuristics) = &request.heuristics {
        check.heuristics(heuristics);
    }
    if any_error(reports) {
        return Err(Failed::Reported);
    }
    let set = |section: &mut Section, pairs: &Pairs| {
        for (name, value) in pairs {
            if value.is_empty() {
                section.remove(name);
            } else {
                section.set(name, &**value);
            }
        }
    };
    let model = device.get("model").unwrap_or("net").to_owned();
    set(device, &request.generic);
    if let Some(heuristics) = request.heuristics.as_ref().filter(|pairs| !pairs.is_empty()) {
        let section = device.section_mut("heuristics");
        set(section, heuristics);
        warn_without_commands(section, reports);
    }
    if !request.options.is_empty() {
        let section = device.section_mut(&model);
        set(section, &request.options);
    }
    set_votes(device, &model);
    device.remove_sections("heuristics", Section::is_empty);
    Ok(())
}

/// Takes the arbiter's tests of the network away.
///
/// # Errors
/// There is none.
pub fn remove_heuristics(document: &mut Document) -> Outcome {
    let quorum = document.section_mut("quorum");
    let Some(device) = quorum.sections_mut("device").next() else {
        return Err(Failed::because(ClusterMessage::NoQuorumDevice.into()));
    };
    device.remove_sections("heuristics", |_| true);
    Ok(())
}

/// Takes the arbiter away.
///
/// # Errors
/// There is none.
pub fn remove(document: &mut Document) -> Outcome {
    let removed = document.section_mut("quorum").remove_sections("device", |_| true);
    if removed == 0 {
        return Err(Failed::because(ClusterMessage::NoQuorumDevice.into()));
    }
    set_two_node(document);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = "nodelist {\n    node {\n        ring0_addr: a\n        nodeid: 1\n    }\n\n    node {\n        \
        ring0_addr: b\n        nodeid: 2\n    }\n}\n\nquorum {\n    two_node: 1\n    auto_tie_breaker: 0\n}\n";

    fn pairs(words: &[&str]) -> Pairs {
        let pair = |word: &&str| {
            word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()
        };
        words.iter().map(pair).collect()
    }

    fn net(options: &[&str]) -> DeviceRequest {
        DeviceRequest { model: "net".into(), options: pairs(options), ..DeviceRequest::default() }
    }

    fn texts(request: &DeviceRequest) -> Vec<String> {
        let mut document = Document::parse(PAIR, "corosync.conf").unwrap();
        let mut reports = Vec::new();
        let outcome = add(&mut document, request, &mut reports);
        assert_eq!(outcome.is_err(), any_error(&reports));
        assert_eq!(
            document.section("quorum").unwrap().sections("device").count() == 0,
            outcome.is_err()
        );
        reports.iter().map(Report::text).collect()
    }

    #[test]
    fn an_arbiter_comes_with_what_it_needs_and_takes_the_place_of_a_tie_breaker() {
        let mut document = Document::parse(PAIR, "corosync.conf").unwrap();
        let mut request = net(&["algorithm=ffsplit", "host=q"]);
        request.heuristics = Some(pairs(&["exec_a=/bin/a", "mode=on"]));
        add(&mut document, &request, &mut Vec::new()).unwrap();
        let quorum = document.section("quorum").unwrap();
        assert_eq!((quorum.get("two_node"), quorum.get("auto_tie_breaker")), (None, None));
        assert_eq!(quorum.sections("device").next().unwrap().get("votes"), Some("1"));
        assert!(add(&mut document, &request, &mut Vec::new()).is_err());

        let mut reports = Vec::new();
        let mut change =
            DeviceRequest { options: pairs(&["algorithm=lms"]), ..DeviceRequest::default() };
        change.heuristics = Some(pairs(&["exec_a="]));
        update(&mut document, &change, &mut reports).unwrap();
        let texts: Vec<String> = reports.iter().map(Report::text).collect();
        assert_eq!(
            texts,
            ["Warning: No exec_NAME options are specified, so heuristics are effectively disabled"]
        );
        let device = document.section("quorum").unwrap().sections("device").next().unwrap();
        assert_eq!(device.get("votes"), None);

        change.heuristics = Some(pairs(&["mode="]));
        update(&mut document, &change, &mut Vec::new()).unwrap();
        let device = document.section("quorum").unwrap().sections("device").next().unwrap();
        assert_eq!(device.sections("heuristics").count(), 0);
        remove(&mut document).unwrap();
        assert_eq!(document.section("quorum").unwrap().get("two_node"), Some("1"));
        assert!(remove(&mut document).is_err());
    }

    #[test]
    fn what_an_arbiter_lacks_and_what_it_cannot_be_told_is_named() {
        assert_eq!(
            texts(&net(&[])),
            ["Error: required quorum device model options 'algorithm', 'host' are missing"]
        );
        assert_eq!(
            texts(&net(&["algorithm=ffsplit", "host=", "port=0", "tie_breaker=3"])),
            [
                "Error: host cannot be empty, use a qdevice host address",
                "Error: '0' is not a valid port value, use a port number (1..65535), use --force to override",
                "Error: '3' is not a valid tie_breaker value, use '1', '2', 'highest', 'lowest', use --force to override",
            ]
        );
        let mut request = net(&["algorithm=lms", "host=q"]);
        request.generic = pairs(&["timeout=soon", "votes=1"]);
        request.heuristics = Some(pairs(&["exec_a b=/bin/a", "mode=maybe", "often=1"]));
        assert_eq!(texts(&request).len(), 5);
        request.heuristics = Some(pairs(&["mode=maybe", "often=1"]));
        request.force = true;
        assert!(texts(&request).iter().all(|text| text.starts_with("Warning: ")));
    }
}
