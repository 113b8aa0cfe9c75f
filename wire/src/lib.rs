//! The .proto files' generated code: the only thing that knows the wire.
//!
//! Domain types have twins here and conversions in a `wire.rs` of the room that owns them.

/// Between a brain and its node's hands (`proto/hands.proto`).
#[allow(
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    elided_lifetimes_in_paths,
    reason = "generated code"
)]
#[rustfmt::skip]
#[path = "generated/systole.hands.rs"]
pub mod hands;
