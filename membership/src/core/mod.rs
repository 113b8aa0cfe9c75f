//! Membership's decisions: told what was heard and what time it is, they answer with what to send
//! and which view holds.
//!
//! # How a view comes about
//!
//! 1. **Contact.** A heartbeat names everybody its sender hears, each with a challenge to it and an
//!    echo of its challenge. A life of a peer counts only after it has echoed our challenge, which
//!    is made anew for each contact: no recorded packet can do that (`peer`).
//! 2. **Silence.** A peer is lost when nothing new was heard of it on any link for the larger of
//!    both tokens, plus our own lateness since. Lost is lost: it, a reboot and an orderly leave bar
//!    the peer until a view without it has held here, so that whoever looks at views sees it go.
//! 3. **Choice.** Each node picks the best fully connected set it can be in, by an order that is
//!    the same for all (`agreement`), and proposes it with a number above all it was in.
//! 4. **Agreement.** A set holds as soon as all its members are seen proposing it with one number,
//!    the highest any of them named. Who learns that others went on without it first is in a view
//!    without them. Who is left out by a set that does not come about goes on after half a token.
//! 5. **Same member.** A new life in the same boot, in contact before the token is over, takes the
//!    place of the old one; what others say of its contacts is presumed unchanged meanwhile.
//! 6. **Votes** are judged from what the members announce, so all come to one verdict (`quorum`).
#![warn(clippy::wildcard_enum_match_arm)]

mod agreement;
pub mod beat;
pub mod conf;
mod event;
mod group;
mod peer;
mod pulse;
pub mod quorum;
pub mod report;
pub mod status;

pub use event::{
    Effect, Event, GroupConf, Identity, LinkId, NodeConf, PeerChange, Unreadable, Warning,
};
pub use group::Group;
pub use peer::HEARTBEAT_INTERVAL_MS;
