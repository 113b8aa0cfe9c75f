//! The .proto files' generated code: the only thing that knows the wire.
//!
//! Domain types have twins here and conversions in a `wire.rs` of the room that owns them.

pub mod client;

macro_rules! generated {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[allow(
            missing_debug_implementations,
            unreachable_pub,
            elided_lifetimes_in_paths,
            let_underscore_drop,
            clippy::all,
            clippy::pedantic,
            clippy::restriction,
            reason = "generated code"
        )]
        #[rustfmt::skip]
        #[path = $path]
        pub mod $name;
    };
}

generated! {
    /// Between a brain and its node's hands (`proto/hands.proto`).
    hands, "generated/systole.hands.rs"
}
generated! {
    /// Between two brains (`proto/peer.proto`).
    peer, "generated/systole.peer.rs"
}
generated! {
    /// Between tools and the brain (`proto/tools.proto`).
    tools, "generated/systole.tools.rs"
}
