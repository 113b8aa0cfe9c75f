//! What a seed makes of the cluster: how many nodes, which rules, which faults it has to bear.

use std::collections::BTreeMap;

use membership::core::GroupConf;
use model::{NodeId, NodeName};

use crate::chance::Chance;

/// How far fencing can be relied on: that decides which faults a cluster can bear safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fencing {
    /// It is wanted (`stonith-enabled=true`), and every attempt fails: what a lost node may run is
    /// started nowhere else.
    Vain,
    /// It is wanted, and the device does what it says it does, if often only at the second try.
    Reliable,
    /// It is not wanted (`stonith-enabled=false`): nodes may only be lost by losing power, else
    /// nobody could promise anything.
    Off,
}

/// One seed's cluster.
#[derive(Clone, Debug)]
pub struct Setting {
    /// 2 or 3.
    pub nodes: u32,
    /// See there.
    pub fencing: Fencing,
    /// `no-quorum-policy`.
    pub no_quorum_policy: &'static str,
    /// Heartbeats lost, in a thousand.
    pub loss: u64,
    /// Heartbeats doubled, in a thousand.
    pub doubled: u64,
    /// The longest delay of a heartbeat in milliseconds: what is longer than the interval reorders.
    pub delay_ms: u64,
    /// The longest an ordinary write to disk takes.
    pub write_ms: u64,
}

/// The resources, by id. `pair` is a group of two.
pub const RESOURCES: [&str; 4] = ["a", "b", "first", "second"];

/// Silence after which a peer counts as lost.
pub const TOKEN_MS: u64 = 1_000;

impl Setting {
    /// Draws a cluster.
    pub fn draw(chance: &mut Chance) -> Self {
        let (nodes, fencing) = match chance.below(20) {
            0..7 => (3, Fencing::Vain),
            7..10 => (2, Fencing::Vain),
            10..16 => (3, Fencing::Reliable),
            16..18 => (3, Fencing::Off),
            _ => (2, Fencing::Off),
        };
        Self {
            nodes,
            fencing,
            no_quorum_policy: if chance.permille(300) { "freeze" } else { "stop" },
            loss: chance.below(120),
            doubled: chance.below(60),
            delay_ms: chance.between(1, 150),
            write_ms: chance.between(1, 30),
        }
    }

    /// Returns the nodes' names.
    pub fn nodelist(&self) -> BTreeMap<NodeId, NodeName> {
        (1..=self.nodes).map(|id| (NodeId(id), name(id))).collect()
    }

    /// Returns what the group needs of corosync.conf.
    ///
    /// # Panics
    /// When the text below is no corosync.conf.
    #[allow(clippy::expect_used, reason = "the text is a constant of this file")]
    pub fn group_conf(&self) -> GroupConf {
        let two_node = u32::from(self.nodes == 2);
        let nodes: String = (1..=self.nodes)
            .map(|id| {
                format!(
                    "node {{\n name: {}\n nodeid: {id}\n ring0_addr: 10.0.0.{id}\n \
                     ring1_addr: 10.0.1.{id}\n}}\n",
                    name(id)
                )
            })
            .collect();
        let text = format!(
            "totem {{\n version: 2\n cluster_name: sim\n transport: knet\n token: {TOKEN_MS}\n}}\n\
             nodelist {{\n{nodes}}}\n\
             quorum {{\n provider: corosync_votequorum\n two_node: {two_node}\n}}\n"
        );
        let conf = membership::conf::load(&text, "corosync.conf").expect("a corosync.conf");
        GroupConf::new(&conf, TOKEN_MS)
    }

    /// Returns the configuration that is written into the newborn cluster.
    pub fn configuration(&self) -> String {
        let property = |name: &str, value: &str| {
            format!(
                "<nvpair id=\"cib-bootstrap-options-{name}\" name=\"{name}\" value=\"{value}\"/>"
            )
        };
        let properties = [
            property(
                "stonith-enabled",
                if self.fencing == Fencing::Off { "false" } else { "true" },
            ),
            property("no-quorum-policy", self.no_quorum_policy),
            property("dc-deadtime", "2s"),
            property("cluster-recheck-interval", "15s"),
        ];
        let device = if self.fencing == Fencing::Off {
            String::new()
        } else {
            "<primitive id=\"device\" class=\"stonith\" type=\"fence_sim\"/>".to_owned()
        };
        let primitives: Vec<String> = RESOURCES.iter().map(|id| primitive(id)).collect();
        let [a, b, first, second] = primitives.as_slice() else { return String::new() };
        format!(
            "<configuration><crm_config><cluster_property_set id=\"cib-bootstrap-options\">{}\
             </cluster_property_set></crm_config><nodes/><resources>{device}{a}{b}\
             <group id=\"pair\">{first}{second}</group></resources><constraints>\
             <rsc_location id=\"a-likes-n1\" rsc=\"a\" node=\"n1\" score=\"100\"/>\
             <rsc_order id=\"a-then-b\" first=\"a\" then=\"b\"/>\
             <rsc_colocation id=\"pair-not-with-b\" rsc=\"pair\" with-rsc=\"b\" score=\"-50\"/>\
             </constraints></configuration>",
            properties.concat()
        )
    }
}

fn name(id: u32) -> NodeName {
    NodeName::from(format!("n{id}"))
}

fn primitive(id: &str) -> String {
    let op = |name: &str, interval: &str, timeout: &str| {
        format!(
            "<op id=\"{id}-{name}-{interval}\" name=\"{name}\" interval=\"{interval}\" \
             timeout=\"{timeout}\"/>"
        )
    };
    format!(
        "<primitive id=\"{id}\" class=\"ocf\" provider=\"sim\" type=\"Thing\"><operations>{}{}{}\
         </operations></primitive>",
        op("start", "0s", "3s"),
        op("stop", "0s", "3s"),
        op("monitor", "2s", "2s")
    )
}
