//! Options of corosync.conf as commands take them: which there are, what values they take, and
//! what they are called in the file.

use membership::conf::closest;

use super::ClusterMessage;
use crate::message::Message;
use crate::report::{Report, Severity};

/// `name=value` in the order it was given; an empty value takes the option away.
pub type Pairs = Vec<(String, String)>;

/// What a value must look like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// 0 or a positive number.
    Natural,
    /// A positive number.
    Positive,
    /// A number between these, with the words that say so.
    Range(u64, u64, &'static str),
    /// `0` or `1`, written as nothing and `yes`.
    Broadcast,
    /// An IPv4 or IPv6 address.
    Address,
    /// Anything but nothing, with the words that say what.
    Text(&'static str),
}

/// A group of options that stand in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// What messages call it.
    pub(super) kind: &'static str,
    /// What the file puts in front of a name, and the names it does not put it in front of.
    prefix: &'static str,
    unprefixed: &'static [&'static str],
    /// Names in order of the alphabet, with their values.
    pub(super) options: &'static [(&'static str, Value)],
}

const IP_VERSION: Value = Value::OneOf(&["ipv4", "ipv4-6", "ipv6", "ipv6-4"]);
const FLAG: Value = Value::OneOf(&["0", "1"]);
const PORT: Value = Value::Range(1, 65535, "a port number (1..65535)");

pub(super) const TOTEM: Group = Group {
    kind: "totem",
    prefix: "",
    unprefixed: &[],
    options: &[
        ("block_unlisted_ips", Value::OneOf(&["no", "yes"])),
        ("consensus", Value::Natural),
        ("downcheck", Value::Natural),
        ("fail_recv_const", Value::Natural),
        ("heartbeat_failures_allowed", Value::Natural),
        ("hold", Value::Natural),
        ("join", Value::Natural),
        ("max_messages", Value::Natural),
        ("max_network_delay", Value::Natural),
        ("merge", Value::Natural),
        ("miss_count_const", Value::Natural),
        ("send_join", Value::Natural),
        ("seqno_unchanged_const", Value::Natural),
        ("token", Value::Natural),
        ("token_coefficient", Value::Natural),
        ("token_retransmit", Value::Natural),
        ("token_retransmits_before_loss_const", Value::Natural),
        ("window_size", Value::Natural),
    ],
};

pub(super) const KNET_TRANSPORT: Group = Group {
    kind: "knet transport",
    prefix: "",
    unprefixed: &[],
    options: &[
        ("ip_version", IP_VERSION),
        ("knet_pmtud_interval", Value::Natural),
        ("link_mode", Value::OneOf(&["active", "passive", "rr"])),
    ],
};

pub(super) const UDP_TRANSPORT: Group = Group {
    kind: "udp/udpu transport",
    prefix: "",
    unprefixed: &[],
    options: &[("ip_version", IP_VERSION), ("netmtu", Value::Positive)],
};

pub(super) const COMPRESSION: Group = Group {
    kind: "compression",
    prefix: "knet_compression_",
    unprefixed: &[],
    options: &[
        ("level", Value::Natural),
        ("model", Value::Text("a compression model e.g. zlib, lz4 or bzip2")),
        ("threshold", Value::Natural),
    ],
};

pub(super) const CRYPTO: Group = Group {
    kind: "crypto",
    prefix: "crypto_",
    unprefixed: &[],
    options: &[
        ("cipher", Value::OneOf(&["aes128", "aes192", "aes256", "none"])),
        ("hash", Value::OneOf(&["md5", "none", "sha1", "sha256", "sha384", "sha512"])),
        ("model", Value::OneOf(&["nss", "openssl"])),
    ],
};

pub(super) const KNET_LINK: Group = Group {
    kind: "link",
    prefix: "knet_",
    unprefixed: &["linknumber", "mcastport"],
    options: &[
        ("link_priority", Value::Range(0, 255, "0..255")),
        ("linknumber", Value::Range(0, 7, "0..7")),
        ("mcastport", PORT),
        ("ping_interval", Value::Natural),
        ("ping_precision", Value::Natural),
        ("ping_timeout", Value::Natural),
        ("pong_count", Value::Natural),
        ("transport", Value::OneOf(&["sctp", "udp"])),
    ],
};

pub(super) const UDP_LINK: Group = Group {
    kind: "link",
    prefix: "",
    unprefixed: &[],
    options: &[
        ("bindnetaddr", Value::Address),
        ("broadcast", Value::Broadcast),
        ("mcastaddr", Value::Address),
        ("mcastport", PORT),
        ("ttl", Value::Range(0, 255, "0..255")),
    ],
};

pub(super) const QUORUM: Group = Group {
    kind: "quorum",
    prefix: "",
    unprefixed: &[],
    options: &[
        ("auto_tie_breaker", FLAG),
        ("last_man_standing", FLAG),
        ("last_man_standing_window", Value::Positive),
        ("wait_for_all", FLAG),
    ],
};

impl Group {
    /// Returns the name of an option in the file.
    pub(super) fn key(&self, name: &str) -> String {
        let prefix = if self.unprefixed.contains(&name) { "" } else { self.prefix };
        format!("{prefix}{name}")
    }

    /// Returns the name of an option from its name in the file.
    pub(super) fn name_of(&self, key: &str) -> Option<&'static str> {
        self.options.iter().map(|(name, _)| *name).find(|name| self.key(name) == key)
    }

    /// Returns the value as the file has it; none when the file is to have none.
    pub(super) fn written(&self, name: &str, value: &str) -> Option<String> {
        match (self.value_of(name), value) {
            (_, "") | (Some(Value::Broadcast), "0") => None,
            (Some(Value::Broadcast), _) => Some("yes".to_owned()),
            _ => Some(value.to_owned()),
        }
    }

    fn value_of(&self, name: &str) -> Option<Value> {
        self.options.iter().find(|(option, _)| *option == name).map(|(_, value)| *value)
    }

    /// Reports what is wrong with options; an empty value is right where `may_unset`.
    pub(super) fn check(&self, pairs: &Pairs, may_unset: bool, reports: &mut Vec<Report>) {
        let unknown: Vec<String> = pairs
            .iter()
            .filter(|(name, _)| self.value_of(name).is_none())
            .map(|(name, _)| name.clone())
            .collect();
        if !unknown.is_empty() {
            let allowed: Vec<String> =
                self.options.iter().map(|(name, _)| (*name).to_owned()).collect();
            let names = allowed.iter().map(String::as_str);
            let near = closest(&unknown[0], names).map(str::to_owned);
            reports.push(Report::error(Message::InvalidOptions {
                names: unknown,
                allowed,
                kind: self.kind.to_owned(),
                near,
            }));
        }
        let odd = unwritable_names(pairs.iter().map(|(name, _)| name));
        if !odd.is_empty() {
            let kind = self.kind.to_owned();
            reports.push(error(ClusterMessage::OptionNamesUnwritable { names: odd, kind }));
        }
        for (name, value) in pairs {
            let Some(wanted) = self.value_of(name) else { continue };
            if (value.is_empty() && may_unset) || wanted.takes(value) {
                continue;
            }
            if let Value::Text(wanted) = wanted {
                let what = name.clone();
                reports.push(error(match value.is_empty() {
                    true => ClusterMessage::OptionEmpty { name: what, wanted: wanted.to_owned() },
                    false => ClusterMessage::UnwritableCharacters { what },
                }));
                continue;
            }
            let (choices, words) = wanted.description();
            reports.push(Report::error(Message::InvalidOptionValue {
                name: name.clone(),
                value: value.clone(),
                choices,
                words,
            }));
        }
    }
}

impl Value {
    fn takes(self, value: &str) -> bool {
        match self {
            Self::OneOf(words) => words.contains(&value),
            Self::Natural => value.parse::<u32>().is_ok(),
            Self::Positive => value.parse::<u32>().is_ok_and(|number| number > 0),
            Self::Range(low, high, _) => {
                value.parse().is_ok_and(|number: u64| (low..=high).contains(&number))
            }
            Self::Broadcast => value == "0" || value == "1",
            Self::Address => value.parse::<std::net::IpAddr>().is_ok(),
            Self::Text(_) => !value.is_empty() && writable(value),
        }
    }

    fn description(self) -> (Vec<String>, Option<String>) {
        let words = |words: &str| (Vec::new(), Some(words.to_owned()));
        match self {
            Self::OneOf(choices) => (choices.iter().map(|&word| word.to_owned()).collect(), None),
            Self::Natural => words("a non-negative integer"),
            Self::Positive => words("a positive integer"),
            Self::Range(_, _, text) => words(text),
            Self::Broadcast => (vec!["0".to_owned(), "1".to_owned()], None),
            Self::Address => words("an IP address"),
            Self::Text(text) => words(text),
        }
    }
}

/// Says whether corosync.conf can hold a value: its own marks would end or begin something.
pub(super) fn writable(value: &str) -> bool {
    !value.contains(['{', '}', '\n', '\r'])
}

/// Returns those names that cannot stand in corosync.conf.
pub(super) fn unwritable_names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
    names.filter(|name| !name.chars().all(good)).cloned().collect()
}

/// Says whether a report stops the command.
pub(super) fn any_error(reports: &[Report]) -> bool {
    reports.iter().any(|report| report.severity == Severity::Error)
}

/// Makes an error of one of our messages.
pub(super) fn error(message: ClusterMessage) -> Report {
    Report::error(Message::Cluster(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(group: Group, pairs: &[(&str, &str)], may_unset: bool) -> Vec<String> {
        let pairs = pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
        let mut reports = Vec::new();
        group.check(&pairs, may_unset, &mut reports);
        reports.iter().map(Report::text).collect()
    }

    #[test]
    fn unknown_options_and_wrong_values_are_named_with_what_is_allowed() {
        assert_eq!(
            texts(QUORUM, &[("bogus", "1"), ("wait_for_all", "maybe")], false),
            [
                "Error: invalid quorum option 'bogus', allowed options are: 'auto_tie_breaker', \
                 'last_man_standing', 'last_man_standing_window', 'wait_for_all'",
                "Error: 'maybe' is not a valid wait_for_all value, use '0', '1'",
            ]
        );
    }

    #[test]
    fn an_empty_value_is_for_taking_away_only() {
        assert_eq!(texts(TOTEM, &[("token", "")], true), [""; 0]);
        assert_eq!(texts(TOTEM, &[("token", "")], false).len(), 1);
    }

    #[test]
    fn every_name_finds_its_way_to_the_file_and_back() {
        for group in
            [TOTEM, KNET_TRANSPORT, UDP_TRANSPORT, COMPRESSION, CRYPTO, KNET_LINK, UDP_LINK, QUORUM]
        {
            assert!(group.options.is_sorted_by_key(|(name, _)| *name), "{}", group.kind);
            for (name, _) in group.options {
                assert_eq!(group.name_of(&group.key(name)), Some(*name));
            }
        }
    }
}
