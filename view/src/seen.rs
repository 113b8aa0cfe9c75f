//! The state of a cluster as its scheduler sees it, with what a running cluster adds.

use cib::Element;
use model::WallTime;
use pengine::status::{NodeKind, NodeStatus, Status};

use crate::live::LiveInfo;
use crate::summary::Summary;

/// Everything that a display of the state shows.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The few lines.
    pub summary: Summary,
    /// Nodes, resources, failures, tickets.
    pub status: Status,
}

impl Seen {
    /// Reads a document; one of an old schema as what it means today.
    pub fn of(cib: &Element, now: WallTime, options: &pengine::Options) -> Self {
        let status = pengine::status::read(cib, now, options);
        Self { summary: Summary::seen(cib, &status), status }
    }

    /// Merges what a running cluster knows of itself into what its document says.
    pub fn with_live(&mut self, info: &LiveInfo) {
        for live in &info.nodes {
            let known = self.status.nodes.iter_mut().find(|node| node.name == live.name);
            match known {
                Some(node) if !live.member => {
                    node.online = false;
                    node.pending = false;
                }
                Some(_) => {}
                None => self.status.nodes.push(NodeStatus {
                    id: live.id.to_string(),
                    name: live.name.clone(),
                    kind: NodeKind::Member,
                    pending: live.member,
                    health: "green".to_owned(),
                    ..NodeStatus::default()
                }),
            }
        }
        self.status.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        self.summary.nodes_configured = self.status.nodes.len();
        self.summary.quorate = info.quorate;
        self.summary.dc = info.dc.as_ref().map(|name| {
            let id = info.nodes.iter().find(|node| node.name == *name);
            (name.clone(), id.map(|node| node.id.to_string()).unwrap_or_default())
        });
        for node in &mut self.status.nodes {
            node.dc = info.dc.as_ref() == Some(&node.name);
            // all members run this program, or they would not be members
            if node.online && node.kind == NodeKind::Member {
                node.feature_set.get_or_insert_with(|| cib::edit::FEATURE_SET.to_owned());
            }
        }
        self.summary.dc_version.get_or_insert_with(|| info.version.clone());
        self.summary.stack.get_or_insert_with(|| "corosync".to_owned());
    }

    /// Returns a node by its name.
    pub fn node(&self, name: &str) -> Option<&NodeStatus> {
        self.status.nodes.iter().find(|node| node.name == name)
    }
}

#[cfg(test)]
mod tests {
    use model::WallTime;

    use super::Seen;
    use crate::live::{LiveInfo, LiveNode};

    #[test]
    fn a_member_that_is_away_is_offline_whatever_the_document_says() {
        let cib = cib::parse(
            r#"<cib dc-uuid="1"><configuration><nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
            </configuration><status>
            <node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member"/>
            <node_state id="2" uname="b" in_ccm="true" crmd="online" join="member" expected="member"/>
            </status></cib>"#,
        )
        .unwrap();
        let mut seen = Seen::of(&cib, WallTime::from_secs(0), &pengine::Options::default());
        let online = |seen: &Seen| -> Vec<bool> {
            seen.status.nodes.iter().map(|node| node.online).collect()
        };
        assert_eq!(online(&seen), [true, true]);
        let node = |id: u32, name: &str, member: bool| LiveNode {
            id,
            name: name.to_owned(),
            member,
            ..LiveNode::default()
        };
        seen.with_live(&LiveInfo {
            nodes: vec![node(1, "a", true), node(2, "b", false), node(3, "c", false)],
            dc: Some("a".to_owned()),
            ..LiveInfo::default()
        });
        assert_eq!(online(&seen), [true, false, false]);
        assert_eq!(seen.summary.dc, Some(("a".to_owned(), "1".to_owned())));
        assert_eq!(seen.summary.nodes_configured, 3);
    }
}
