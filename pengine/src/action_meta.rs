//! The meta-attributes of an action: what the document says of its operation, which all actions of
//! that operation share, and what is said of this one.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use cib::Element;

use crate::action::Key;
use crate::cluster::Cluster;
use crate::index::{NodeIx, ResourceIx};
use crate::operation;
use crate::rules::Pairs;

type Text = Cow<'static, str>;

/// Names with values, each name once.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActionMeta {
    of_operation: Arc<Pairs>,
    /// They go before what the operation has.
    own: Vec<(Text, Text)>,
}

impl ActionMeta {
    /// Returns a value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let own = self.own.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
        own.or_else(|| self.of_operation.get(name).map(String::as_str))
    }

    /// Tells whether there is a value.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a value.
    pub(crate) fn insert(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        let (name, value) = (name.into(), value.into());
        match self.own.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => {
                // mostly there is this one and no more
                self.own.reserve_exact(usize::from(self.own.is_empty()));
                self.own.push((name, value));
            }
        }
    }

    /// Sets a value where there is none.
    pub(crate) fn insert_missing(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        let name = name.into();
        if !self.contains(&name) {
            self.insert(name, value);
        }
    }

    /// Sets all these values.
    pub(crate) fn extend(&mut self, pairs: &Pairs) {
        for (name, value) in pairs {
            self.insert(name.clone(), value.clone());
        }
    }

    /// Returns names and values in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_own = |name: &str| self.own.iter().any(|(known, _)| known == name);
        let shared = self.of_operation.iter().filter(move |(name, _)| !is_own(name));
        let shared = shared.map(|(name, value)| (name.as_str(), value.as_str()));
        shared.chain(self.own.iter().map(|(name, value)| (&**name, &**value)))
    }
}

/// What the document says of operations, so far as it was asked.
#[derive(Debug, Default)]
pub(crate) struct Operations(BTreeMap<(usize, Key), Operation>);

/// One operation of a resource; a clone's instances are one resource to the document.
#[derive(Debug)]
struct Operation {
    /// It is named by its address, so it must stay.
    _resource: Arc<Element>,
    entry: Option<Arc<Element>>,
    /// None where rules ask for the node.
    meta: Option<Arc<Pairs>>,
}

impl Operations {
    /// The meta-attributes that an operation has on a node.
    pub(crate) fn meta(
        &mut self,
        cluster: &Cluster,
        resource: ResourceIx,
        key: Key,
        node: Option<NodeIx>,
    ) -> ActionMeta {
        let xml = &cluster[resource].xml;
        let operation = self.0.entry((Arc::as_ptr(xml).addr(), key)).or_insert_with(|| {
            let entry = operation::configured(cluster, resource, key);
            let asked = Cell::new(false);
            let meta =
                operation::meta(cluster, resource, key, node, entry.as_deref(), Some(&asked));
            let meta = (!asked.get()).then(|| Arc::new(meta));
            Operation { _resource: Arc::clone(xml), entry, meta }
        });
        let of_operation = match &operation.meta {
            Some(meta) => Arc::clone(meta),
            None => {
                let entry = operation.entry.as_deref();
                Arc::new(operation::meta(cluster, resource, key, node, entry, None))
            }
        };
        ActionMeta { of_operation, own: Vec::new() }
    }

    /// The entry in the document for an operation, if there is one.
    pub(crate) fn entry(
        &self,
        cluster: &Cluster,
        resource: ResourceIx,
        key: Key,
    ) -> Option<Arc<Element>> {
        match self.0.get(&(Arc::as_ptr(&cluster[resource].xml).addr(), key)) {
            Some(operation) => operation.entry.clone(),
            None => operation::configured(cluster, resource, key),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::ActionMeta;

    #[test]
    fn what_is_said_of_the_action_goes_before_and_leaves_the_operation_as_it_is() {
        let shared = Arc::new([("timeout".to_owned(), "20s".to_owned())].into());
        let mut meta = ActionMeta { of_operation: Arc::clone(&shared), own: Vec::new() };
        meta.insert_missing("timeout", "1s");
        assert_eq!(meta.get("timeout"), Some("20s"));
        meta.insert("timeout", "5s");
        meta.insert("timeout", "6s");
        meta.insert_missing("op_target_rc", "7");
        let told: Vec<_> = meta.iter().collect();
        assert_eq!(told, [("timeout", "6s"), ("op_target_rc", "7")]);
        assert_eq!(shared.get("timeout").map(String::as_str), Some("20s"));
        assert!(!meta.contains("interval"));
    }
}
