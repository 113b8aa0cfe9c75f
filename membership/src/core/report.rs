//! The texts of corosync-cfgtool, corosync-quorumtool and corosync-cmapctl.
//!
//! Pure: text = f(status). Scripts, exporters and agents parse these, so every blank counts; the
//! forms were taken from runs of corosync 3.1.7's tools. What we have no value for is left out.

use std::fmt::Write as _;

use super::conf::{Conf, Section};
use super::event::LinkId;
use super::status::{ContactState, GroupStatus, NodeStatus};

/// Returns what `corosync-cfgtool -s` prints.
pub fn links(status: &GroupStatus) -> String {
    let mut out = heading(status);
    for (link, address) in own_links(status) {
        out.push_str(&link_heading(status, link, &address));
        out.push_str("\tstatus:\n");
        for node in nodes_on(status, link) {
            let state = match (node.contact, is_up(node, link)) {
                (ContactState::Local, _) => "localhost",
                (_, true) => "connected",
                (_, false) => "disconnected",
            };
            push(&mut out, format_args!("\t\tnodeid: {:>10}:\t{state}\n", node.id.0));
        }
    }
    out
}

/// Returns what `corosync-cfgtool -s -b` prints: a character a node, `n` this one, 3 connected, 1
/// not.
pub fn links_brief(status: &GroupStatus) -> String {
    let mut out = heading(status);
    for (link, address) in own_links(status) {
        out.push_str(&link_heading(status, link, &address));
        let states = nodes_on(status, link).map(|node| match (node.contact, is_up(node, link)) {
            (ContactState::Local, _) => 'n',
            (_, true) => '3',
            (_, false) => '1',
        });
        push(&mut out, format_args!("\tstatus\t= {}\n", states.collect::<String>()));
    }
    out
}

/// Tells whether a link to any node is down: then `corosync-cfgtool -s -b` ends with 1.
pub fn has_faulty_link(status: &GroupStatus) -> bool {
    own_links(status).iter().any(|(link, _)| {
        nodes_on(status, *link)
            .any(|node| node.contact != ContactState::Local && !is_up(node, *link))
    })
}

/// Returns what `corosync-cfgtool -n` prints: the other members and their links.
pub fn nodes(status: &GroupStatus) -> String {
    let mut out = heading(status);
    let own = own_links(status);
    for node in status.members().filter(|node| node.contact != ContactState::Local) {
        push(&mut out, format_args!("nodeid: {} reachable\n", node.id));
        for link in &node.links {
            let Some((_, local)) = own.iter().find(|(own, _)| *own == link.link) else { continue };
            let state = if link.up { "enabled connected" } else { "enabled" };
            let line =
                format_args!("   LINK: {} ({local}->{})  {state}\n", link.link, link.address);
            push(&mut out, line);
        }
    }
    out
}

fn heading(status: &GroupStatus) -> String {
    format!("Local node ID {}, transport {}\n", status.local, status.transport)
}

fn link_heading(status: &GroupStatus, link: LinkId, address: &str) -> String {
    let carrier = if status.transport == "knet" { "udp" } else { "" };
    format!("LINK ID {link} {carrier}\n\taddr\t= {address}\n")
}

fn own_links(status: &GroupStatus) -> Vec<(LinkId, String)> {
    let own = status.node(status.local).map(|node| node.links.as_slice()).unwrap_or_default();
    own.iter().map(|link| (link.link, link.address.clone())).collect()
}

fn nodes_on(status: &GroupStatus, link: LinkId) -> impl Iterator<Item = &NodeStatus> {
    let has = move |node: &&NodeStatus| node.links.iter().any(|known| known.link == link);
    status.nodes.iter().filter(has)
}

fn is_up(node: &NodeStatus, link: LinkId) -> bool {
    node.links.iter().any(|known| known.link == link && known.up)
}

/// How `corosync-quorumtool` names members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberStyle {
    /// Addresses in place of names (`-i`).
    pub addresses: bool,
    /// Those of all links (`-a`).
    pub all: bool,
    /// Numbers in hexadecimal (`-H`).
    pub hex: bool,
    /// The column of the quorum device, for programs (`-p`).
    pub machine: bool,
}

/// Returns what `corosync-quorumtool` and `corosync-quorumtool -s` print; `date` is the time in
/// ctime's form. The tool ends with 0 when quorate, else with 2.
pub fn quorum(status: &GroupStatus, style: MemberStyle, date: &str) -> String {
    let votes = &status.quorum;
    let blocked = if votes.quorate { " " } else { "Activity blocked" };
    let flags: String = votes.flags().split_whitespace().map(|flag| format!("{flag} ")).collect();
    let yes = if votes.quorate { "Yes" } else { "No" };
    let id = number(status.local, style);
    let mut out = String::new();
    let members = status.members().count();
    push(
        &mut out,
        format_args!(
            "Quorum information\n\
             ------------------\n\
             Date:             {date}\n\
             Quorum provider:  corosync_votequorum\n\
             Nodes:            {members}\n\
             Node ID:          {id}\n\
             Ring ID:          {}\n\
             Quorate:          {yes}\n\
             \n\
             Votequorum information\n\
             ----------------------\n\
             Expected votes:   {}\n\
             Highest expected: {}\n\
             Total votes:      {}\n\
             Quorum:           {} {blocked}\n\
             Flags:            {flags}\n",
            ring_id(status),
            votes.expected,
            votes.highest_expected,
            votes.total,
            votes.needed,
        ),
    );
    out.push_str(&members_table(status, style));
    out
}

/// Returns what `corosync-quorumtool -l` prints.
pub fn members_table(status: &GroupStatus, style: MemberStyle) -> String {
    let mut out = String::from("\nMembership information\n----------------------\n");
    out.push_str("    Nodeid      Votes ");
    if style.machine {
        out.push_str("   Qdevice ");
    }
    out.push_str("Name\n");
    for node in status.members() {
        let id = number(node.id.0, style);
        push(&mut out, format_args!("{id:>10} {:>10} ", node.votes));
        if style.machine {
            out.push_str("        NR ");
        }
        let local = if node.id.0 == status.local { " (local)" } else { "" };
        push(&mut out, format_args!("{}{local}\n", called(node, style)));
    }
    out
}

fn number(id: u32, style: MemberStyle) -> String {
    if style.hex { format!("0x{id:08x}") } else { id.to_string() }
}

fn called(node: &NodeStatus, style: MemberStyle) -> String {
    let addresses: Vec<&str> = node.links.iter().map(|link| link.address.as_str()).collect();
    match (style.addresses, style.all) {
        (_, true) => addresses.join(", "),
        (true, false) => addresses.first().copied().unwrap_or_default().to_owned(),
        (false, false) => node.name.clone(),
    }
}

/// Returns the view's name as corosync writes it: lowest member, dot, number in hexadecimal.
pub fn ring_id(status: &GroupStatus) -> String {
    let lowest = status.members().map(|node| node.id.0).min().unwrap_or(0);
    format!("{lowest}.{:x}", status.view.unwrap_or(0))
}

/// One key of `corosync-cmapctl`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CmapEntry {
    /// Its name: `nodelist.node.0.ring0_addr`.
    pub key: String,
    /// Its type: `str`, `u8`, `u16`, `u32`, `u64`.
    pub kind: &'static str,
    /// Its value.
    pub value: String,
}

impl std::fmt::Display for CmapEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}) = {}", self.key, self.kind, self.value)
    }
}

/// Returns the keys `corosync-cmapctl` lists, in its order: the file, the members, what is
/// effective now.
pub fn cmap(conf: &Conf, status: &GroupStatus) -> Vec<CmapEntry> {
    let mut all = Vec::new();
    let root = &conf.document.root;
    for name in ["totem", "quorum", "logging", "system"] {
        for section in root.sections(name) {
            settings(name, section, &mut all);
            for inner in section.sections("interface") {
                let link = inner.get("linknumber").or(inner.get("ringnumber")).unwrap_or("0");
                settings(&format!("totem.interface.{link}"), inner, &mut all);
            }
            for device in section.sections("device") {
                subtree("quorum.device", device, &mut all);
            }
        }
    }
    let nodes = root.sections("nodelist").flat_map(|list| list.sections("node"));
    for (position, node) in nodes.enumerate() {
        settings(&format!("nodelist.node.{position}"), node, &mut all);
        if node.get("nodeid") == Some(status.local.to_string().as_str()) {
            put(&mut all, "nodelist.local_node_pos", "u32", position);
        }
    }
    put(&mut all, "runtime.config.totem.token", "u32", status.token_ms);
    let flags = &status.quorum;
    put(&mut all, "runtime.votequorum.this_node_id", "u32", status.local);
    put(&mut all, "runtime.votequorum.two_node", "u8", u8::from(flags.two_node));
    let waits = u8::from(!flags.waiting_for.is_empty());
    put(&mut all, "runtime.votequorum.wait_for_all_status", "u8", waits);
    for node in status.nodes.iter().filter(|node| node.joins > 0) {
        let key = |name: &str| format!("runtime.members.{}.{name}", node.id);
        let ip: String = node
            .links
            .iter()
            .map(|link| format!("r({}) ip({}) ", link.link, link.address))
            .collect();
        put(&mut all, key("config_version"), "u64", node.conf_version.unwrap_or(0));
        put(&mut all, key("ip"), "str", ip);
        put(&mut all, key("join_count"), "u32", node.joins);
        let state = if node.member { "joined" } else { "left" };
        put(&mut all, key("status"), "str", state);
    }
    all.sort();
    all.dedup_by(|later, first| later.key == first.key);
    all
}

fn settings(prefix: &str, section: &Section, all: &mut Vec<CmapEntry>) {
    // A link's number is in its keys; a key in the file is nobody's business.
    let hidden = ["linknumber", "ringnumber", "key"];
    for setting in section.settings().filter(|setting| !hidden.contains(&setting.key.as_str())) {
        // Of a repeated key the last counts.
        let key = format!("{prefix}.{}", setting.key);
        all.retain(|entry| entry.key != key);
        put(all, key, kind_of(&setting.key, &setting.value), &setting.value);
    }
}

fn subtree(prefix: &str, section: &Section, all: &mut Vec<CmapEntry>) {
    settings(prefix, section, all);
    for inner in section.all_sections() {
        subtree(&format!("{prefix}.{}", inner.name), inner, all);
    }
}

/// Returns the type corosync gives a key of the file.
fn kind_of(key: &str, value: &str) -> &'static str {
    if value.parse::<u64>().is_err() {
        return "str";
    }
    match key {
        "config_version" => "u64",
        "mcastport" => "u16",
        "two_node"
        | "wait_for_all"
        | "last_man_standing"
        | "auto_tie_breaker"
        | "allow_downscale"
        | "expected_votes_tracking"
        | "ttl"
        | "knet_link_priority" => "u8",
        "version"
        | "token"
        | "token_coefficient"
        | "token_warning"
        | "token_retransmit"
        | "token_retransmits_before_loss_const"
        | "consensus"
        | "hold"
        | "join"
        | "send_join"
        | "merge"
        | "downcheck"
        | "fail_recv_const"
        | "seqno_unchanged_const"
        | "heartbeat_failures_allowed"
        | "max_network_delay"
        | "window_size"
        | "max_messages"
        | "miss_count_const"
        | "netmtu"
        | "knet_mtu"
        | "knet_pmtud_interval"
        | "knet_ping_interval"
        | "knet_ping_timeout"
        | "knet_ping_precision"
        | "knet_pong_count"
        | "nodeid"
        | "quorum_votes"
        | "expected_votes"
        | "votes"
        | "last_man_standing_window"
        | "sync_timeout"
        | "timeout" => "u32",
        _ => "str",
    }
}

fn put(all: &mut Vec<CmapEntry>, key: impl Into<String>, kind: &'static str, value: impl ToString) {
    all.push(CmapEntry { key: key.into(), kind, value: value.to_string() });
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    out.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use model::NodeId;

    use super::super::quorum::Quorum;
    use super::super::status::LinkStatus;
    use super::*;

    fn node(id: u32, up: [bool; 2]) -> NodeStatus {
        let link = |(number, up): (u8, bool)| LinkStatus {
            link: LinkId(number),
            address: format!("10.{}.0.{id}", 9 - number),
            up,
        };
        NodeStatus {
            id: NodeId(id),
            name: format!("node{id}"),
            votes: 1,
            member: true,
            contact: if id == 1 { ContactState::Local } else { ContactState::Mutual },
            silent_ms: None,
            boot: None,
            incarnation: None,
            conf_version: Some(4),
            joins: 1,
            links: (0..).zip(up).map(link).collect(),
        }
    }

    fn pair() -> GroupStatus {
        GroupStatus {
            cluster_name: "mycluster".into(),
            transport: "knet".into(),
            local: 1,
            view: Some(31),
            quorum: Quorum {
                quorate: true,
                expected: 2,
                highest_expected: 2,
                total: 2,
                needed: 1,
                two_node: true,
                wait_for_all: true,
                ..Quorum::default()
            },
            nodes: vec![node(1, [true, true]), node(2, [true, false])],
            token_ms: 1000,
            ..GroupStatus::default()
        }
    }

    #[test]
    fn cfgtool_shows_each_link_with_each_node_on_it() {
        assert_eq!(
            links(&pair()),
            "Local node ID 1, transport knet\n\
             LINK ID 0 udp\n\
             \taddr\t= 10.9.0.1\n\
             \tstatus:\n\
             \t\tnodeid:          1:\tlocalhost\n\
             \t\tnodeid:          2:\tconnected\n\
             LINK ID 1 udp\n\
             \taddr\t= 10.8.0.1\n\
             \tstatus:\n\
             \t\tnodeid:          1:\tlocalhost\n\
             \t\tnodeid:          2:\tdisconnected\n"
        );
        assert_eq!(
            links_brief(&pair()),
            "Local node ID 1, transport knet\n\
             LINK ID 0 udp\n\taddr\t= 10.9.0.1\n\tstatus\t= n3\n\
             LINK ID 1 udp\n\taddr\t= 10.8.0.1\n\tstatus\t= n1\n"
        );
        assert!(has_faulty_link(&pair()));
        assert_eq!(
            nodes(&pair()),
            "Local node ID 1, transport knet\n\
             nodeid: 2 reachable\n   \
             LINK: 0 (10.9.0.1->10.9.0.2)  enabled connected\n   \
             LINK: 1 (10.8.0.1->10.8.0.2)  enabled\n"
        );
    }

    #[test]
    fn other_transports_leave_the_carrier_out() {
        let mut status = pair();
        status.transport = "udpu".into();
        assert!(links(&status).contains("LINK ID 0 \n"));
    }

    #[test]
    fn quorumtool_shows_votes_and_members() {
        assert_eq!(
            quorum(&pair(), MemberStyle::default(), "Sat Nov 21 02:01:53 2026"),
            "Quorum information\n\
             ------------------\n\
             Date:             Sat Nov 21 02:01:53 2026\n\
             Quorum provider:  corosync_votequorum\n\
             Nodes:            2\n\
             Node ID:          1\n\
             Ring ID:          1.1f\n\
             Quorate:          Yes\n\
             \n\
             Votequorum information\n\
             ----------------------\n\
             Expected votes:   2\n\
             Highest expected: 2\n\
             Total votes:      2\n\
             Quorum:           1  \n\
             Flags:            2Node Quorate WaitForAll \n\
             \n\
             Membership information\n\
             ----------------------\n    \
                 Nodeid      Votes Name\n         \
                      1          1 node1 (local)\n         \
                      2          1 node2\n"
        );
    }

    #[test]
    fn an_inquorate_view_is_blocked() {
        let mut status = pair();
        status.quorum = Quorum { expected: 3, total: 1, needed: 2, ..Quorum::default() };
        let text = quorum(&status, MemberStyle::default(), "");
        assert!(text.contains("\nQuorate:          No\n"));
        assert!(text.contains("\nQuorum:           2 Activity blocked\n"));
        assert!(text.contains("\nFlags:            \n"));
    }

    #[test]
    fn members_are_listed_in_the_asked_style() {
        let machine = MemberStyle { machine: true, addresses: true, ..MemberStyle::default() };
        assert_eq!(
            members_table(&pair(), machine),
            "\nMembership information\n----------------------\n    Nodeid      Votes    Qdevice \
             Name\n         1          1         NR 10.9.0.1 (local)\n         2          1         \
             NR 10.9.0.2\n"
        );
        let all = MemberStyle { all: true, hex: true, ..MemberStyle::default() };
        assert!(members_table(&pair(), all).contains("0x00000002          1 10.9.0.2, 10.8.0.2\n"));
    }

    #[test]
    fn cmapctl_lists_file_and_members_in_order() {
        let text = "totem {\nversion: 2\ncluster_name: mycluster\ntoken: 1000\ntransport: knet\n\
                    interface {\nlinknumber: 1\nmcastport: 6000\n}\n}\nnodelist {\nnode {\n\
                    ring0_addr: 10.9.0.1\nname: node1\nnodeid: 1\n}\n}\nquorum {\nprovider: \
                    corosync_votequorum\ntwo_node: 1\n}\n";
        let conf = super::super::conf::load(text, "corosync.conf").unwrap();
        let lines: Vec<String> = cmap(&conf, &pair()).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "nodelist.local_node_pos (u32) = 0",
                "nodelist.node.0.name (str) = node1",
                "nodelist.node.0.nodeid (u32) = 1",
                "nodelist.node.0.ring0_addr (str) = 10.9.0.1",
                "quorum.provider (str) = corosync_votequorum",
                "quorum.two_node (u8) = 1",
                "runtime.config.totem.token (u32) = 1000",
                "runtime.members.1.config_version (u64) = 4",
                "runtime.members.1.ip (str) = r(0) ip(10.9.0.1) r(1) ip(10.8.0.1) ",
                "runtime.members.1.join_count (u32) = 1",
                "runtime.members.1.status (str) = joined",
                "runtime.members.2.config_version (u64) = 4",
                "runtime.members.2.ip (str) = r(0) ip(10.9.0.2) r(1) ip(10.8.0.2) ",
                "runtime.members.2.join_count (u32) = 1",
                "runtime.members.2.status (str) = joined",
                "runtime.votequorum.this_node_id (u32) = 1",
                "runtime.votequorum.two_node (u8) = 1",
                "runtime.votequorum.wait_for_all_status (u8) = 0",
                "totem.cluster_name (str) = mycluster",
                "totem.interface.1.mcastport (u16) = 6000",
                "totem.token (u32) = 1000",
                "totem.transport (str) = knet",
                "totem.version (u32) = 2",
            ]
        );
    }
}
