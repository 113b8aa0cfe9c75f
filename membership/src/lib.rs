//! Who is here, are we quorate, who leads: links, detector, views, votes, and the replicated log.

pub mod raft;
