//! The keys corosync.conf(5) and votequorum(5) know, and what values they take.

use super::document::{Section, Setting};
use super::problem::Problem;

/// What a value must look like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Anything.
    Text,
    /// A whole number between the two, both included.
    Number(u64, u64),
    /// `yes` or `no`.
    YesNo,
    /// `1` or `0`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

const U32: Kind = Kind::Number(0, u32::MAX as u64);
const ON_OFF: Kind = Kind::OneOf(&["on", "off"]);
const PRIORITY: Kind =
    Kind::OneOf(&["alert", "crit", "debug", "emerg", "err", "info", "notice", "warning"]);
const FACILITY: Kind = Kind::OneOf(&[
    "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]);

const TOTEM: &[(&str, Kind)] = &[
    ("version", Kind::Number(2, 2)),
    ("cluster_name", Kind::Text),
    ("cluster_uuid", Kind::Text),
    ("config_version", Kind::Number(0, u64::MAX)),
    ("transport", Kind::OneOf(&["knet", "udp", "udpu"])),
    ("token", Kind::Number(100, 600_000)),
    ("token_coefficient", U32),
    ("token_warning", Kind::Number(0, 100)),
    ("token_retransmit", U32),
    ("token_retransmits_before_loss_const", U32),
    ("consensus", U32),
    ("hold", U32),
    ("join", U32),
    ("send_join", U32),
    ("merge", U32),
    ("downcheck", U32),
    ("fail_recv_const", U32),
    ("seqno_unchanged_const", U32),
    ("heartbeat_failures_allowed", U32),
    ("max_network_delay", U32),
    ("window_size", U32),
    ("max_messages", U32),
    ("miss_count_const", U32),
    ("netmtu", U32),
    ("knet_mtu", U32),
    ("knet_pmtud_interval", U32),
    ("knet_compression_model", Kind::Text),
    ("knet_compression_threshold", U32),
    ("knet_compression_level", Kind::Text),
    ("link_mode", Kind::OneOf(&["active", "passive", "rr"])),
    ("ip_version", Kind::OneOf(&["ipv4", "ipv6", "ipv4-6", "ipv6-4"])),
    ("crypto_model", Kind::OneOf(&["nss", "openssl", "gcrypt"])),
    ("crypto_cipher", Kind::OneOf(&["none", "aes128", "aes192", "aes256", "chacha20"])),
    ("crypto_hash", Kind::OneOf(&["none", "md5", "sha1", "sha256", "sha384", "sha512"])),
    ("secauth", ON_OFF),
    ("keyfile", Kind::Text),
    ("key", Kind::Text),
    ("nodeid", Kind::Number(1, u32::MAX as u64)),
    ("clear_node_high_bit", Kind::YesNo),
    ("block_unlisted_ips", Kind::YesNo),
    ("cancel_token_hold_on_retransmit", Kind::YesNo),
    ("rrp_mode", Kind::OneOf(&["none", "active", "passive"])),
];

const INTERFACE: &[(&str, Kind)] = &[
    ("linknumber", Kind::Number(0, 7)),
    ("ringnumber", Kind::Number(0, 7)),
    ("knet_link_priority", Kind::Number(0, 255)),
    ("knet_ping_interval", U32),
    ("knet_ping_timeout", U32),
    ("knet_ping_precision", U32),
    ("knet_pong_count", U32),
    ("knet_transport", Kind::OneOf(&["udp", "sctp"])),
    ("bindnetaddr", Kind::Text),
    ("broadcast", Kind::YesNo),
    ("mcastaddr", Kind::Text),
    ("mcastport", Kind::Number(1, 65_535)),
    ("ttl", Kind::Number(0, 255)),
];

const NODE: &[(&str, Kind)] = &[
    ("ring0_addr", Kind::Text),
    ("ring1_addr", Kind::Text),
    ("ring2_addr", Kind::Text),
    ("ring3_addr", Kind::Text),
    ("ring4_addr", Kind::Text),
    ("ring5_addr", Kind::Text),
    ("ring6_addr", Kind::Text),
    ("ring7_addr", Kind::Text),
    ("name", Kind::Text),
    ("nodeid", Kind::Number(1, u32::MAX as u64)),
    ("quorum_votes", Kind::Number(0, 1_000)),
];

const QUORUM: &[(&str, Kind)] = &[
    ("provider", Kind::OneOf(&["corosync_votequorum"])),
    ("expected_votes", Kind::Number(1, 100_000)),
    ("votes", Kind::Number(0, 1_000)),
    ("two_node", Kind::Flag),
    ("wait_for_all", Kind::Flag),
    ("last_man_standing", Kind::Flag),
    ("last_man_standing_window", U32),
    ("auto_tie_breaker", Kind::Flag),
    ("auto_tie_breaker_node", Kind::Text),
    ("allow_downscale", Kind::Flag),
    ("expected_votes_tracking", Kind::Flag),
];

const LOGGING: &[(&str, Kind)] = &[
    ("timestamp", Kind::OneOf(&["on", "off", "hires"])),
    ("fileline", ON_OFF),
    ("function_name", ON_OFF),
    ("blackbox", ON_OFF),
    ("to_stderr", Kind::YesNo),
    ("to_logfile", Kind::YesNo),
    ("to_syslog", Kind::YesNo),
    ("logfile", Kind::Text),
    ("logfile_priority", PRIORITY),
    ("syslog_facility", FACILITY),
    ("syslog_priority", PRIORITY),
    ("debug", Kind::OneOf(&["on", "off", "trace"])),
    ("subsys", Kind::Text),
];

const SYSTEM: &[(&str, Kind)] = &[
    ("qb_ipc_type", Kind::OneOf(&["native", "shm", "socket"])),
    ("sched_rr", Kind::YesNo),
    ("priority", Kind::Text),
    ("move_to_root_cgroup", Kind::OneOf(&["yes", "no", "auto"])),
    ("allow_knet_handle_fallback", Kind::YesNo),
    ("state_dir", Kind::Text),
    ("run_dir", Kind::Text),
];

/// The sections that may stand at the top.
const TOP: &[&str] = &[
    "totem",
    "nodelist",
    "quorum",
    "logging",
    "system",
    "resources",
    "nozzle",
    "uidgid",
    "amf",
    "service",
    "aisexec",
    "cmap",
];

/// Checks the whole file against what is known; unknown words are kept unless they look like a
/// slip of the pen.
pub(super) fn check(root: &Section, problems: &mut Vec<Problem>) {
    for setting in root.settings() {
        let home = [("totem", TOTEM), ("quorum", QUORUM), ("logging", LOGGING), ("node", NODE)]
            .into_iter()
            .find(|(_, keys)| keys.iter().any(|(key, _)| *key == setting.key));
        let hint = match home {
            Some((name, _)) => format!("; it belongs into section '{name}'"),
            None => String::new(),
        };
        problems.push(Problem::error(
            setting.line,
            format!("'{}' stands outside of any section{hint}", setting.key),
        ));
    }
    for section in root.all_sections() {
        match section.name.as_str() {
            "totem" => {
                check_settings(section, TOTEM, problems);
                check_children(section, &[("interface", INTERFACE)], problems);
            }
            "nodelist" => {
                check_settings(section, &[], problems);
                check_children(section, &[("node", NODE)], problems);
            }
            // The device section is free: its model decides what it may hold.
            "quorum" => check_settings(section, QUORUM, problems),
            "logging" => {
                check_settings(section, LOGGING, problems);
                check_children(section, &[("logger_subsys", LOGGING)], problems);
            }
            "system" => check_settings(section, SYSTEM, problems),
            other => {
                if !TOP.contains(&other) {
                    unknown(
                        "section",
                        other,
                        "this file",
                        section.line,
                        TOP.iter().copied(),
                        problems,
                    );
                }
            }
        }
    }
}

fn check_children(
    section: &Section,
    kinds: &[(&'static str, &'static [(&'static str, Kind)])],
    problems: &mut Vec<Problem>,
) {
    for child in section.all_sections() {
        match kinds.iter().find(|(name, _)| *name == child.name) {
            Some((_, keys)) => check_settings(child, keys, problems),
            None => unknown(
                "section",
                &child.name,
                &format!("section '{}'", section.name),
                child.line,
                kinds.iter().map(|(name, _)| *name),
                problems,
            ),
        }
    }
}

fn check_settings(
    section: &Section,
    keys: &'static [(&'static str, Kind)],
    problems: &mut Vec<Problem>,
) {
    for setting in section.settings() {
        match keys.iter().find(|(key, _)| *key == setting.key) {
            Some((_, kind)) => check_value(setting, *kind, problems),
            None => unknown(
                "key",
                &setting.key,
                &format!("section '{}'", section.name),
                setting.line,
                keys.iter().map(|(key, _)| *key),
                problems,
            ),
        }
    }
}

/// Reports an unknown word: refused when a known one is near, else kept.
fn unknown(
    what: &str,
    word: &str,
    place: &str,
    line: u32,
    known: impl Iterator<Item = &'static str>,
    problems: &mut Vec<Problem>,
) {
    problems.push(match closest(word, known) {
        Some(near) => Problem::error(
            line,
            format!("unknown {what} '{word}' in {place}; did you mean '{near}'?"),
        ),
        None => Problem::warning(line, format!("unknown {what} '{word}' in {place} is ignored")),
    });
}

fn check_value(setting: &Setting, kind: Kind, problems: &mut Vec<Problem>) {
    let Setting { key, value, line } = setting;
    let must_be = match kind {
        Kind::Text => return,
        Kind::Number(low, high) => match value.parse::<u64>() {
            Ok(number) if (low..=high).contains(&number) => return,
            Ok(_) | Err(_) if low == high => format!("{low}"),
            Ok(_) | Err(_) => format!("a whole number from {low} to {high}"),
        },
        Kind::YesNo => match value.as_str() {
            "yes" | "no" => return,
            "1" | "true" | "on" => "'yes' or 'no'; did you mean 'yes'?".to_owned(),
            "0" | "false" | "off" => "'yes' or 'no'; did you mean 'no'?".to_owned(),
            _ => "'yes' or 'no'".to_owned(),
        },
        Kind::Flag => match value.as_str() {
            "0" | "1" => return,
            "yes" | "true" | "on" => "1 or 0; did you mean 1?".to_owned(),
            "no" | "false" | "off" => "1 or 0; did you mean 0?".to_owned(),
            _ => "1 or 0".to_owned(),
        },
        Kind::OneOf(words) => {
            if words.contains(&value.as_str()) {
                return;
            }
            match closest(value, words.iter().copied()) {
                Some(near) => format!("{}; did you mean '{near}'?", listed(words)),
                None => listed(words),
            }
        }
    };
    let shown = if value.is_empty() { "nothing".to_owned() } else { format!("'{value}'") };
    problems.push(Problem::error(*line, format!("{key} is {shown}, but must be {must_be}")));
}

fn listed(words: &[&str]) -> String {
    match words {
        [only] => format!("'{only}'"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("'{word}'")).collect();
            format!("{} or '{last}'", first.join(", "))
        }
        [] => String::new(),
    }
}

/// Returns the known word that `word` was probably meant to be: a slip or two away.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Short words are near to everything, so they may differ in one letter only.
    let allowed = if word.chars().count() <= 4 { 1 } else { 2 };
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Counts the letters to insert, drop, change or swap with a neighbour; case, `-` and `_` are equal.
fn distance(one: &str, two: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        text.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
    };
    let (one, two) = (fold(one), fold(two));
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in two.iter().enumerate() {
            let mut best = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == two[j - 1] && one[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_find_their_word() {
        let known = ["token", "two_node", "transport", "wait_for_all"];
        for (word, expect) in [
            ("tokn", Some("token")),
            ("tokne", Some("token")),
            ("two-node", Some("two_node")),
            ("Transport", Some("transport")),
            ("waitforall", Some("wait_for_all")),
            ("something", None),
            ("tk", None),
        ] {
            assert_eq!(closest(word, known.into_iter()), expect, "{word}");
        }
    }
}
