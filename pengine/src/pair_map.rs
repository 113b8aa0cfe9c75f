//! A small map of texts: most resources, actions and instances have a handful of them each, for
//! which a tree's first node would be ten times too large.

/// Name/value pairs, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs(Vec<(String, String)>);

/// Up to so many pairs are looked through one after the other.
const FEW: usize = 16;

impl Pairs {
    /// No pairs.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        // names often come in order
        match self.0.last() {
            Some((last, _)) if last.as_str() < name => Err(self.0.len()),
            _ => self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)),
        }
    }

    /// Returns a value.
    pub(crate) fn get(&self, name: &str) -> Option<&String> {
        // texts differ mostly in length already, so that few are looked at where there are few
        if self.0.len() <= FEW {
            return self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        }
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    /// Tells whether there is a value.
    pub(crate) fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a value and returns the one before.
    pub(crate) fn insert(&mut self, name: String, value: String) -> Option<String> {
        match self.find(&name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.put(at, name, value);
                None
            }
        }
    }

    /// Sets a value where there is none.
    pub(crate) fn set_default(&mut self, name: String, value: impl Into<String>) {
        if let Err(at) = self.find(&name) {
            self.put(at, name, value.into());
        }
    }

    fn put(&mut self, at: usize, name: String, value: String) {
        // of many there is one pair and no more: a vector alone would make room for four
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(self.0.len().max(1));
        }
        self.0.insert(at, (name, value));
    }

    /// All pairs whose names begin in a way, by name.
    pub(crate) fn beginning_with<'a>(
        &'a self,
        start: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a String)> {
        let from = self.0.partition_point(|(name, _)| name.as_str() < start);
        let found = self.0[from..].iter().take_while(move |(name, _)| name.starts_with(start));
        found.map(|(name, value)| (name, value))
    }

    /// Removes a pair and returns its value.
    pub(crate) fn remove(&mut self, name: &str) -> Option<String> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    /// Keeps the pairs that a condition holds for.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&String, &mut String) -> bool) {
        self.0.retain_mut(|(name, value)| keep(name, value));
    }

    /// Tells whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All pairs by name.
    pub(crate) fn iter(&self) -> Iter<'_> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

/// Goes through pairs by name.
type Iter<'a> = std::iter::Map<
    std::slice::Iter<'a, (String, String)>,
    fn(&'a (String, String)) -> (&'a String, &'a String),
>;

impl<'a> IntoIterator for &'a Pairs {
    type Item = (&'a String, &'a String);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Pairs {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<(String, String)> for Pairs {
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, pairs: I) {
        for (name, value) in pairs {
            self.insert(name, value);
        }
    }
}

impl FromIterator<(String, String)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut map = Self::new();
        map.extend(pairs);
        map
    }
}

impl<const N: usize> From<[(String, String); N]> for Pairs {
    fn from(pairs: [(String, String); N]) -> Self {
        pairs.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Pairs;

    #[test]
    fn pairs_are_found_replaced_and_sorted() {
        let mut pairs = Pairs::new();
        for name in ["m", "z", "a", "m"] {
            pairs.insert(name.into(), format!("{name}{}", pairs.iter().count()));
        }
        pairs.set_default("z".into(), "other");
        assert_eq!(pairs.get("z").map(String::as_str), Some("z1"));
        assert_eq!(pairs.beginning_with("m").count(), 1);
        assert_eq!(pairs.get("m").map(String::as_str), Some("m3"));
        assert_eq!(pairs.iter().map(|(name, _)| name.as_str()).collect::<String>(), "amz");
        assert_eq!(pairs.remove("a").as_deref(), Some("a2"));
        assert!(!pairs.contains_key("a") && pairs.contains_key("z"));
    }

    #[test]
    fn few_pairs_and_many_are_found_alike() {
        for count in [0, 1, super::FEW, super::FEW + 1, 100] {
            let pairs: Pairs = (0..count).map(|n| (format!("n{n}"), n.to_string())).collect();
            for n in 0..count {
                assert_eq!(pairs.get(&format!("n{n}")), Some(&n.to_string()), "of {count}");
            }
            assert_eq!(pairs.get("n"), None);
        }
    }
}
