//! Small integers that name nodes, resources and actions inside one run.

use std::num::NonZeroU32;

/// Declares an index type and its use on vectors: it counts from one inside, so that no index takes
/// no room beside one.
macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(NonZeroU32);

        impl $name {
            /// Names the element at a position.
            pub(crate) fn at(position: usize) -> Self {
                let count = u32::try_from(position + 1).ok().and_then(NonZeroU32::new);
                Self(count.unwrap_or(NonZeroU32::MAX))
            }

            /// Returns the position.
            pub(crate) fn position(self) -> usize {
                self.0.get() as usize - 1
            }
        }
    };
}

index! {
    /// A node.
    NodeIx
}
index! {
    /// A resource of any kind.
    ResourceIx
}
index! {
    /// An action.
    ActionIx
}
index! {
    /// A colocation.
    ColocationIx
}
index! {
    /// What a location constraint, or one of its rules, gives to nodes.
    LocationIx
}
