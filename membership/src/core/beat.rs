//! The heartbeat: what a node says of itself and of whom it hears, and its form on the wire.

use model::{BootId, Incarnation, NodeId};

/// Form of the bytes; raised when an older reader could misread them.
const FORMAT: u8 = 1;

/// Nodes one heartbeat can name; corosync's knet ends at 32 too.
pub const NODES_MAX: usize = 32;

/// Largest heartbeat in bytes: it must fit a packet of IPv6's smallest MTU (1,280).
pub const HEARTBEAT_BYTES_MAX: usize = 1_200;

/// One heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The sender.
    pub from: NodeId,
    /// The boot its hands live in.
    pub boot: BootId,
    /// The life of its brain.
    pub incarnation: Incarnation,
    /// Grows with each heartbeat of this incarnation.
    pub sequence: u64,
    /// Silence it must be allowed, in milliseconds.
    pub token_ms: u32,
    /// It leaves in order.
    pub leaving: bool,
    /// `config_version` of its corosync.conf.
    pub conf_version: u64,
    /// Digest of what nodes must agree on in it.
    pub conf_digest: u64,
    /// Its own votes.
    pub votes: u32,
    /// Votes it expects in all.
    pub expected_votes: u32,
    /// Its installed view is quorate.
    pub quorate: bool,
    /// It need not wait for all.
    pub wait_for_all_satisfied: bool,
    /// The last quorate view it was in, and the node whose half of it wins an even split.
    pub tie: Option<(u64, NodeId)>,
    /// The view it is in, if any.
    pub installed: Option<ViewStamp>,
    /// The view it wants.
    pub proposal: Proposal,
    /// Whom it hears.
    pub contacts: Vec<ContactReport>,
}

/// Names a view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewStamp {
    /// Its number.
    pub number: u64,
    /// Digest of its members with their boots and incarnations.
    pub digest: u64,
    /// Its members.
    pub members: Vec<NodeId>,
}

/// A view a node wants; it holds as soon as all its members say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The number it would have.
    pub number: u64,
    /// Digest of the members with their boots and incarnations.
    pub digest: u64,
    /// The members in order.
    pub members: Vec<NodeId>,
    /// How good the sender thinks it is.
    pub worth: Worth,
}

/// What makes one set better than another, before the members' numbers decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// Votes of its members.
    pub votes: u32,
    /// Members that are already together in one view.
    pub together: u8,
    /// Members somebody else stopped hearing and who have not noticed.
    pub doubted: u8,
}

/// One node the sender hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactReport {
    /// The node.
    pub node: NodeId,
    /// The life of it that is heard.
    pub incarnation: Incarnation,
    /// What that node must echo to prove that it hears the sender now.
    pub challenge: u64,
    /// The sender's echo of that node's challenge; 0 when it knows none.
    pub echo: u64,
    /// The sender hears it, knows to be heard by it, and takes it.
    pub mutual: bool,
}

/// Bytes that are no heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends too early.
    #[error("the heartbeat is cut short")]
    Short,
    /// It names more nodes than there can be.
    #[error("the heartbeat names too many nodes")]
    TooMany,
    /// It is of another version of Systole.
    #[error("the heartbeat has form {0}, this version reads form {FORMAT}")]
    Format(u8),
}

const LEAVING: u8 = 1;
const QUORATE: u8 = 2;
const WAIT_OVER: u8 = 4;
const HAS_VIEW: u8 = 8;
const HAS_TIE: u8 = 16;

impl Heartbeat {
    /// Returns what `node` under `incarnation` would find about itself.
    pub fn report_on(&self, node: NodeId, incarnation: Incarnation) -> Option<&ContactReport> {
        self.contacts.iter().find(|c| c.node == node && c.incarnation == incarnation)
    }

    /// Tells whether the sender says that it and `node` hear each other.
    pub fn is_mutual_with(&self, node: NodeId) -> bool {
        self.contacts.iter().any(|contact| contact.node == node && contact.mutual)
    }

    /// Appends the heartbeat's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        let mut flags = 0;
        for (on, flag) in [
            (self.leaving, LEAVING),
            (self.quorate, QUORATE),
            (self.wait_for_all_satisfied, WAIT_OVER),
            (self.installed.is_some(), HAS_VIEW),
            (self.tie.is_some(), HAS_TIE),
        ] {
            if on {
                flags |= flag;
            }
        }
        out.push(flags);
        put_var(out, self.from.0.into());
        out.extend_from_slice(&self.boot.0.to_be_bytes());
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        put_var(out, self.sequence);
        put_var(out, self.token_ms.into());
        put_var(out, self.conf_version);
        out.extend_from_slice(&self.conf_digest.to_be_bytes());
        put_var(out, self.votes.into());
        put_var(out, self.expected_votes.into());
        if let Some((number, winner)) = self.tie {
            put_var(out, number);
            put_var(out, winner.0.into());
        }
        if let Some(view) = &self.installed {
            put_var(out, view.number);
            out.extend_from_slice(&view.digest.to_be_bytes());
            put_nodes(out, &view.members);
        }
        put_var(out, self.proposal.number);
        out.extend_from_slice(&self.proposal.digest.to_be_bytes());
        put_nodes(out, &self.proposal.members);
        put_var(out, self.proposal.worth.votes.into());
        out.push(self.proposal.worth.together);
        out.push(self.proposal.worth.doubted);
        put_var(out, self.contacts.len() as u64);
        for contact in &self.contacts {
            put_var(out, contact.node.0.into());
            out.extend_from_slice(&contact.incarnation.0.to_be_bytes());
            out.extend_from_slice(&contact.challenge.to_be_bytes());
            out.extend_from_slice(&contact.echo.to_be_bytes());
            out.push(contact.mutual.into());
        }
    }

    /// Reads a heartbeat; bytes behind it are left to later versions.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader(bytes);
        let format = from.byte()?;
        if format != FORMAT {
            return Err(DecodeError::Format(format));
        }
        let flags = from.byte()?;
        Ok(Self {
            leaving: flags & LEAVING != 0,
            quorate: flags & QUORATE != 0,
            wait_for_all_satisfied: flags & WAIT_OVER != 0,
            from: from.node()?,
            boot: BootId(u128::from_be_bytes(from.array()?)),
            incarnation: Incarnation(from.fixed()?),
            sequence: from.var()?,
            token_ms: from.var32()?,
            conf_version: from.var()?,
            conf_digest: from.fixed()?,
            votes: from.var32()?,
            expected_votes: from.var32()?,
            tie: if flags & HAS_TIE == 0 { None } else { Some((from.var()?, from.node()?)) },
            installed: if flags & HAS_VIEW == 0 {
                None
            } else {
                Some(ViewStamp {
                    number: from.var()?,
                    digest: from.fixed()?,
                    members: from.nodes()?,
                })
            },
            proposal: Proposal {
                number: from.var()?,
                digest: from.fixed()?,
                members: from.nodes()?,
                worth: Worth {
                    votes: from.var32()?,
                    together: from.byte()?,
                    doubted: from.byte()?,
                },
            },
            contacts: {
                // A node may be named twice: its old life and its new one.
                let count = from.count(2 * NODES_MAX)?;
                let mut contacts = Vec::with_capacity(count);
                for _ in 0..count {
                    contacts.push(ContactReport {
                        node: from.node()?,
                        incarnation: Incarnation(from.fixed()?),
                        challenge: from.fixed()?,
                        echo: from.fixed()?,
                        mutual: from.byte()? != 0,
                    });
                }
                contacts
            },
        })
    }
}

fn put_var(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn put_nodes(out: &mut Vec<u8>, nodes: &[NodeId]) {
    put_var(out, nodes.len() as u64);
    for node in nodes {
        put_var(out, node.0.into());
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn fixed(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    fn var(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Short)
    }

    fn var32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.var()?).map_err(|_| DecodeError::TooMany)
    }

    fn node(&mut self) -> Result<NodeId, DecodeError> {
        self.var32().map(NodeId)
    }

    fn count(&mut self, most: usize) -> Result<usize, DecodeError> {
        let count = self.var()?;
        usize::try_from(count).ok().filter(|count| *count <= most).ok_or(DecodeError::TooMany)
    }

    fn nodes(&mut self) -> Result<Vec<NodeId>, DecodeError> {
        let count = self.count(NODES_MAX)?;
        (0..count).map(|_| self.node()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat(nodes: u32) -> Heartbeat {
        let members: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
        Heartbeat {
            from: NodeId(1),
            boot: BootId(u128::MAX),
            incarnation: Incarnation(u64::MAX),
            sequence: u64::MAX,
            token_ms: 1000,
            leaving: true,
            conf_version: 7,
            conf_digest: 9,
            votes: 1,
            expected_votes: nodes,
            quorate: false,
            wait_for_all_satisfied: true,
            tie: Some((1 << 40, NodeId(3))),
            installed: Some(ViewStamp { number: 1 << 40, digest: 4, members: members.clone() }),
            proposal: Proposal {
                number: 1 << 40,
                digest: 5,
                members: members.clone(),
                worth: Worth { votes: 3, together: 2, doubted: 1 },
            },
            contacts: members
                .into_iter()
                .map(|node| ContactReport {
                    node,
                    incarnation: Incarnation(3),
                    challenge: 4,
                    echo: 5,
                    mutual: node.0 % 2 == 0,
                })
                .collect(),
        }
    }

    fn bytes(heartbeat: &Heartbeat) -> Vec<u8> {
        let mut out = Vec::new();
        heartbeat.encode(&mut out);
        out
    }

    #[test]
    fn a_heartbeat_survives_the_wire_with_and_without_a_view() {
        let mut beat = heartbeat(3);
        assert_eq!(Heartbeat::decode(&bytes(&beat)), Ok(beat.clone()));
        beat.installed = None;
        beat.tie = None;
        assert_eq!(Heartbeat::decode(&bytes(&beat)), Ok(beat));
    }

    #[test]
    fn the_largest_cluster_fits_one_packet() {
        let size = |nodes| bytes(&heartbeat(nodes)).len();
        assert!(size(16) <= 700, "{}", size(16));
        assert!(size(32) <= HEARTBEAT_BYTES_MAX, "{}", size(32));
    }

    #[test]
    fn no_cut_and_no_noise_makes_the_reader_fall_over() {
        let whole = bytes(&heartbeat(5));
        for end in 0..whole.len() {
            assert_eq!(Heartbeat::decode(&whole[..end]), Err(DecodeError::Short));
        }
        let mut noise = 1_u64;
        for _ in 0..2_000 {
            let mut copy = whole.clone();
            for _ in 0..4 {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = usize::try_from(noise >> 33).unwrap() % copy.len();
                copy[at] = noise.to_be_bytes()[4];
            }
            drop(Heartbeat::decode(&copy));
        }
    }

    #[test]
    fn another_form_is_named() {
        let mut whole = bytes(&heartbeat(2));
        whole[0] = 9;
        assert_eq!(Heartbeat::decode(&whole), Err(DecodeError::Format(9)));
    }
}
