//! Small integers that name nodes, resources and actions inside one run.

/// Declares an index type and its use on vectors.
macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        impl $name {
            /// Names the element at a position.
            pub(crate) fn at(position: usize) -> Self {
                Self(u32::try_from(position).unwrap_or(u32::MAX))
            }

            /// Returns the position.
            pub(crate) fn position(self) -> usize {
                self.0 as usize
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
