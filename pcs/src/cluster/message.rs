//! What commands about clusters as a whole say.

use serde::Serialize;

use crate::text::{plural, quoted};

/// A message about membership, links and corosync.conf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", content = "payload", rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each text says what its message and fields are")]
pub enum ClusterMessage {
    // --- names and addresses ---
    #[error(
        "Chosen cluster name '{name}' will prevent mounting GFS2 volumes in the cluster, use at most 32 of a-z A-Z 0-9 _- characters; you may safely override this if you do not intend to use GFS2"
    )]
    ClusterNameInvalidForGfs2 { name: String },
    #[error("{what} cannot be empty")]
    Empty { what: String },
    #[error("{what} cannot contain {{}}\\n\\r characters")]
    UnwritableCharacters { what: String },
    #[error("Empty address set for {} {}, an address cannot be empty", plural(.nodes.len(), "node", "nodes"), quoted(.nodes))]
    EmptyAddress { nodes: Vec<String> },
    #[error(
        "Address '{address}' cannot be used in link '{link}' because the link uses {family} addresses"
    )]
    AddressOfAnotherFamily { address: String, link: usize, family: &'static str },
    #[error("Using both IPv4 and IPv6 on one link is not allowed; please, use either IPv4 or IPv6 on link(s): {}", quoted(.links))]
    FamiliesMixed { links: Vec<String> },
    #[error("All nodes must have the same number of addresses; {}", .groups.join("; "))]
    AddressCountDiffers { groups: Vec<String> },
    #[error("{} must be specified for a node, {given} {} specified for node '{node}'", wanted_addresses(*.min, *.max), plural(*.given, "address", "addresses"))]
    WrongAddressCount { node: String, given: usize, min: usize, max: usize },
    #[error("Node addresses must be unique, duplicate addresses: {}", quoted(.addresses))]
    AddressesNotUnique { addresses: Vec<String> },
    #[error("Node names must be unique, duplicate names: {}", quoted(.names))]
    NamesNotUnique { names: Vec<String> },
    #[error("Unable to resolve addresses: {}", quoted(.addresses))]
    UnresolvableAddresses { addresses: Vec<String> },

    // --- options ---
    #[error("The udp/udpu transport does not support '{kind}' options, use 'knet' transport")]
    TransportUnsupportedOptions { kind: String },
    #[error("If crypto option 'cipher' is enabled, crypto option 'hash' must be enabled as well")]
    CryptoCipherNeedsHash,
    #[error("Cannot set options for non-existent link '{link}', existing links: {}", quoted(.existing))]
    LinkDoesNotExist { link: String, existing: Vec<String> },
    #[error("Link numbers must be unique, duplicate link numbers: {}", quoted(.numbers))]
    LinkNumbersNotUnique { numbers: Vec<String> },
    #[error(
        "Cannot specify options for more links ({given}) than how many is defined by number of addresses per node ({links})"
    )]
    OptionsForTooManyLinks { given: usize, links: usize },
    #[error("{} specified more than once", .0)]
    LinkTwice(String),
    #[error("If link option 'mcastaddr' is enabled, link option 'broadcast' must be disabled")]
    BroadcastAndMulticast,
    #[error(
        "If link option '{given}' is specified, link option '{needed}' must be specified as well"
    )]
    LinkOptionNeeds { given: &'static str, needed: &'static str },
    #[error("invalid {kind} {} {}, {kind} options may contain a-z A-Z 0-9 /_- characters only", option_word(.names), quoted(.names))]
    OptionNamesUnwritable { names: Vec<String>, kind: String },
    #[error("Cluster UUID has already been set")]
    UuidAlreadySet,

    // --- quorum ---
    #[error("no quorum device is defined in this cluster")]
    NoQuorumDevice,
    #[error("quorum device is already defined")]
    QuorumDeviceExists,
    #[error("These options cannot be set when the cluster uses a quorum device: {}", quoted(.names))]
    NotBesideQuorumDevice { names: Vec<String> },
    #[error(
        "If quorum option 'last_man_standing_window' is enabled, quorum option 'last_man_standing' must be enabled as well"
    )]
    LastManStandingNeeded,
    #[error("{name} cannot be empty, use {wanted}")]
    OptionEmpty { name: String, wanted: String },
    #[error("invalid heuristics {} {}, allowed options are: 'interval', 'mode', 'sync_timeout', 'timeout' and options matching patterns: 'exec_NAME'", option_word(.names), quoted(.names))]
    HeuristicsUnknown { names: Vec<String> },
    #[error("No exec_NAME options are specified, so heuristics are effectively disabled")]
    HeuristicsWithoutCommands,

    // --- members ---
    #[error("Node '{node}' does not appear to exist in configuration")]
    NodeNotFound { node: String },
    #[error("Node name '{node}' is already used in the cluster")]
    NodeExists { node: String },
    #[error("Address '{address}' is already used in the cluster by node '{node}'")]
    AddressInUse { address: String, node: String },
    #[error(
        "No nodes would be left in the cluster, use 'pcs cluster destroy' to remove the cluster"
    )]
    NoNodesLeft,
    #[error("Link '{link}' does not exist, existing links: {}", quoted(.existing))]
    LinkNotFound { link: String, existing: Vec<String> },
    #[error("Cannot remove all links, at least one must be left")]
    LastLink,
    #[error("Cannot add a link, the maximum of {max} {} is reached", plural(*.max, "link", "links"))]
    TooManyLinks { max: usize },
    #[error("Addresses of the new link are missing for {} {}", plural(.nodes.len(), "node", "nodes"), quoted(.nodes))]
    LinkAddressMissing { nodes: Vec<String> },
}

fn wanted_addresses(min: usize, max: usize) -> String {
    if min == max {
        format!("{max} {}", plural(max, "address", "addresses"))
    } else {
        format!("At least {min} and at most {max} {}", plural(max, "address", "addresses"))
    }
}

fn option_word(names: &[String]) -> &'static str {
    if names.len() == 1 { "option" } else { "options:" }
}
