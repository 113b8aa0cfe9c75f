//! What differs between two documents, as a patchset of format 2, and back.
//!
//! A patchset lists what to delete, what to make, what to change and what to move, each by the
//! path of names and ids that leads there. It is written as `crm_diff` writes it, and
//! `apply(old, diff(old, new))` is `new` for all documents, also for those whose elements can't be
//! told apart by name and id: such elements are deleted and made again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use model::ExitCode;

use crate::digest;
use crate::path::{self, Path};
use crate::tree::{Content, Element};
use crate::versions::Version;

/// Why a patchset can't be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The text is no patchset of a format known here.
    #[error("this is no patchset: {0}")]
    NotAPatch(String),
    /// The patchset was made for an older document than this.
    #[error(
        "the patch was made for version {source_version}, but the document is {found} already; make the patch anew"
    )]
    Stale {
        /// What the patchset expects.
        source_version: Version,
        /// What the document has.
        found: Version,
    },
    /// The patchset was made for a newer document than this.
    #[error(
        "the patch was made for version {source_version}, but the document is only {found}; get the newer document first"
    )]
    Ahead {
        /// What the patchset expects.
        source_version: Version,
        /// What the document has.
        found: Version,
    },
    /// Something the patchset changes is not there.
    #[error("the patch changes `{0}`, which the document does not have")]
    Missing(String),
    /// The result is another document than the patchset was made from.
    #[error(
        "the patched document has digest {found} instead of {expected}; the patch was made for another document"
    )]
    Digest {
        /// The digest the patchset promises.
        expected: String,
        /// The digest of the result.
        found: String,
    },
}

impl PatchError {
    /// Returns the exit status that tools use for it.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::NotAPatch(_) => ExitCode::DataErr,
            Self::Stale { .. } => ExitCode::Old,
            Self::Ahead { .. } => ExitCode::Config,
            Self::Missing(_) => ExitCode::NoSuch,
            Self::Digest { .. } => ExitCode::Digest,
        }
    }
}

/// Returns the patchset that leads from `old` to `new`; without any `change` when they are equal.
pub fn diff(old: &Element, new: &Element) -> Element {
    let mut patch = diff_unversioned(old, new);
    let version = |name: &str, of: &Element| {
        let version = Version::of(of);
        Element::new(name)
            .with("admin_epoch", version.admin_epoch.to_string())
            .with("epoch", version.epoch.to_string())
            .with("num_updates", version.num_updates.to_string())
    };
    let versions = Element::new("version")
        .with_child(version("source", old))
        .with_child(version("target", new));
    patch.content_mut().insert(0, versions.into());
    patch
}

/// As [`diff`], but the patchset fits documents of any version (`crm_diff --no-version`).
pub fn diff_unversioned(old: &Element, new: &Element) -> Element {
    let mut maker = Maker::default();
    if old.name() == new.name() && !has_text_change(old, new) {
        let mut path = format!("/{}", step(old));
        maker.deletions(old, new, &mut path);
        maker.walk(old, new, &mut path);
    } else {
        maker.changes.push(change("create", "").with("position", "0").with_child(new.clone()));
    }
    let mut patch = Element::new("diff").with("format", "2");
    for change in maker.deletions.into_iter().chain(maker.changes) {
        patch.push(change);
    }
    patch
}

/// Adds the digest of the document the patchset leads to; [`apply`] then checks it.
pub fn sign(patch: &mut Element, new: &Element) {
    patch.set("digest", digest::v2(new));
}

/// Tells whether a patchset changes nothing.
pub fn is_empty(patch: &Element) -> bool {
    patch.child("change").is_none()
}

fn change(operation: &str, path: &str) -> Element {
    Element::new("change").with("operation", operation).with("path", path)
}

/// The step of a path that leads to this element from its parent.
fn step(element: &Element) -> String {
    path::step(element.name(), element.id())
}

/// By what an element is found among its siblings.
type Key<'a> = (&'a str, Option<&'a str>);

fn key(element: &Element) -> Key<'_> {
    // an id that no path can quote is no key
    (element.name(), element.id().filter(|id| path::quotable(id)))
}

/// Character data can't be told by a patchset: an element whose text changes is made again.
fn has_text_change(old: &Element, new: &Element) -> bool {
    let has_text = |of: &Element| of.content().iter().any(|c| matches!(c, Content::Text(_)));
    (has_text(old) || has_text(new)) && old.content() != new.content()
}

/// The children of one parent, paired.
struct Pairs<'a> {
    /// For each content of the old parent the position of its counterpart in the new one.
    to_new: Vec<Option<usize>>,
    /// The reverse.
    to_old: Vec<Option<usize>>,
    old: &'a [Content],
    new: &'a [Content],
}

impl<'a> Pairs<'a> {
    fn of(old: &'a Element, new: &'a Element) -> Self {
        let (old, new) = (old.content(), new.content());
        let ambiguous = ambiguous_keys(old).into_iter().chain(ambiguous_keys(new)).collect();
        let places: BTreeMap<Key<'_>, usize> = keyed(new, &ambiguous).collect();
        let mut pairs =
            Self { to_new: vec![None; old.len()], to_old: vec![None; new.len()], old, new };
        for (key, from) in keyed(old, &ambiguous) {
            let Some(&to) = places.get(&key) else { continue };
            let (Content::Element(a), Content::Element(b)) = (&old[from], &new[to]) else {
                continue;
            };
            if !has_text_change(a, b) {
                pairs.join(from, to);
            }
        }
        for (at, content) in old.iter().enumerate() {
            if matches!(content, Content::Comment(_)) && new.get(at) == Some(content) {
                pairs.join(at, at);
            }
        }
        pairs.part_moved_comments();
        pairs
    }

    /// A comment has no path by which it could be moved: one that would have to is made again.
    fn part_moved_comments(&mut self) {
        loop {
            let moved = self.moved();
            let comment = |to: &usize| matches!(self.new[*to], Content::Comment(_));
            let Some(to) = moved.iter().copied().find(comment) else { return };
            if let Some(from) = self.to_old[to].take() {
                self.to_new[from] = None;
            }
        }
    }

    fn join(&mut self, from: usize, to: usize) {
        self.to_new[from] = Some(to);
        self.to_old[to] = Some(from);
    }

    /// Tells which contents of the new parent stand elsewhere than before, created ones apart.
    fn moved(&self) -> BTreeSet<usize> {
        let order: Vec<usize> = self.to_new.iter().copied().flatten().collect();
        if order.is_sorted() {
            return BTreeSet::new();
        }
        let as_pacemaker = self.moved_as_pacemaker(&order);
        let rest: Vec<_> = order.iter().filter(|to| !as_pacemaker.contains(to)).collect();
        if rest.is_sorted() { as_pacemaker } else { order.into_iter().collect() }
    }

    /// Goes through the old order and counts each one's place in both orders; of one that differs
    /// the farther end no longer counts for those after it.
    fn moved_as_pacemaker(&self, order: &[usize]) -> BTreeSet<usize> {
        let mut in_old = Counter::full(order.len());
        let mut in_new = Counter::empty(self.new.len());
        for to in order {
            in_new.add(*to, true);
        }
        let mut moved = BTreeSet::new();
        for (from, to) in order.iter().enumerate() {
            let (before, after) = (in_old.below(from), in_new.below(*to));
            if before != after {
                moved.insert(*to);
                if before > after {
                    in_old.add(from, false);
                } else {
                    in_new.add(*to, false);
                }
            }
        }
        moved
    }
}

fn keyed<'a>(
    content: &'a [Content],
    ambiguous: &BTreeSet<Key<'a>>,
) -> impl Iterator<Item = (Key<'a>, usize)> {
    content.iter().enumerate().filter_map(move |(at, content)| match content {
        Content::Element(child) => {
            let key = key(child);
            (!ambiguous.contains(&key)).then_some((key, at))
        }
        Content::Text(_) | Content::Comment(_) => None,
    })
}

/// Keys that several children share; a child without an id is ambiguous beside any namesake.
fn ambiguous_keys(content: &[Content]) -> Vec<Key<'_>> {
    let mut seen: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for content in content {
        if let Content::Element(child) = content {
            *seen.entry(key(child)).or_default() += 1;
        }
    }
    let with_id: BTreeSet<&str> =
        seen.keys().filter(|(_, id)| id.is_some()).map(|(name, _)| *name).collect();
    seen.iter()
        .filter(|((name, id), count)| **count > 1 || (id.is_none() && with_id.contains(name)))
        .map(|(key, _)| *key)
        .collect()
}

/// Counts marks below a place in logarithmic time (a Fenwick tree).
struct Counter(Vec<usize>);

impl Counter {
    fn empty(len: usize) -> Self {
        Self(vec![0; len + 1])
    }

    fn full(len: usize) -> Self {
        Self((0..=len).map(|i| i & i.wrapping_neg()).collect())
    }

    fn add(&mut self, at: usize, plus: bool) {
        let mut i = at + 1;
        while let Some(sum) = self.0.get_mut(i) {
            *sum = if plus { *sum + 1 } else { sum.saturating_sub(1) };
            i += i & i.wrapping_neg();
        }
    }

    fn below(&self, at: usize) -> usize {
        let (mut i, mut sum) = (at, 0);
        while i > 0 {
            sum += self.0[i];
            i &= i - 1;
        }
        sum
    }
}

#[derive(Default)]
struct Maker {
    deletions: Vec<Element>,
    changes: Vec<Element>,
}

impl Maker {
    /// Notes what of `old` is gone, in the old order; both have something in common at `path`.
    fn deletions(&mut self, old: &Element, new: &Element, path: &mut String) {
        if old.content() == new.content() {
            return;
        }
        let pairs = Pairs::of(old, new);
        let mut gone = 0;
        for (at, content) in pairs.old.iter().enumerate() {
            match (content, pairs.to_new[at]) {
                (Content::Element(child), None) => {
                    let step = step(child);
                    self.deletions.push(change("delete", &format!("{path}/{step}")));
                    gone += 1;
                }
                (Content::Element(child), Some(to)) => {
                    if let Content::Element(other) = &pairs.new[to]
                        && !Arc::ptr_eq(child, other)
                    {
                        within(path, child, |path| self.deletions(child, other, path));
                    }
                }
                (Content::Comment(_), None) => {
                    let position = (at - gone).to_string();
                    self.deletions.push(
                        change("delete", &format!("{path}/comment")).with("position", position),
                    );
                    gone += 1;
                }
                (Content::Comment(_), Some(_)) | (Content::Text(_), _) => {}
            }
        }
    }

    /// Notes what of `new` is other than before, in the new order.
    fn walk(&mut self, old: &Element, new: &Element, path: &mut String) {
        if !old.same_attributes(new) {
            self.changes.push(attribute_change(old, new, path));
        }
        if old.content() == new.content() {
            return;
        }
        let pairs = Pairs::of(old, new);
        let moved = pairs.moved();
        for (at, content) in pairs.new.iter().enumerate() {
            let Some(from) = pairs.to_old[at] else {
                let mut made = change("create", path).with("position", at.to_string());
                made.content_mut().push(content.clone());
                self.changes.push(made);
                continue;
            };
            let (Content::Element(child), Content::Element(before)) = (content, &pairs.old[from])
            else {
                continue;
            };
            if !Arc::ptr_eq(child, before) {
                within(path, child, |path| self.walk(before, child, path));
            }
            if moved.contains(&at) {
                let step = step(child);
                self.changes.push(
                    change("move", &format!("{path}/{step}")).with("position", at.to_string()),
                );
            }
        }
    }
}

fn within(path: &mut String, child: &Element, f: impl FnOnce(&mut String)) {
    let length = path.len();
    let _infallible = write!(path, "/{}", step(child));
    f(path);
    path.truncate(length);
}

fn attribute_change(old: &Element, new: &Element, path: &str) -> Element {
    let attribute = |name: &str, operation: &str| {
        Element::new("change-attr").with("name", name).with("operation", operation)
    };
    let moved = moved_attributes(old, new);
    let mut list = Element::new("change-list");
    for (name, value) in new.attributes() {
        if old.get(name) != Some(value) || moved.contains(name) {
            list.push(attribute(name, "set").with("value", value));
        }
    }
    for (name, _) in old.attributes() {
        if new.get(name).is_none() {
            list.push(attribute(name, "unset"));
        }
    }
    let result = Element::new("change-result").with_child(new.without_content());
    change("modify", path).with_child(list).with_child(result)
}

/// Names of the attributes whose place differs, counted as for children, but with those that come
/// and go counting.
fn moved_attributes<'a>(old: &'a Element, new: &'a Element) -> BTreeSet<&'a str> {
    let mut before: Vec<&str> = old.attributes().map(|(name, _)| name).collect();
    let mut after: Vec<&str> = new.attributes().map(|(name, _)| name).collect();
    let mut moved = BTreeSet::new();
    for (name, _) in old.attributes() {
        let from = before.iter().position(|n| *n == name);
        let to = after.iter().position(|n| *n == name);
        if let (Some(from), Some(to)) = (from, to)
            && from != to
        {
            moved.insert(name);
            if from > to {
                before.remove(from);
            } else {
                after.remove(to);
            }
        }
    }
    moved
}

/// Applies a patchset to the document it was made for.
///
/// # Errors
/// When the patchset is none, was made for another version of the document, changes what the
/// document does not have, or leads elsewhere than its digest says.
pub fn apply(old: &Element, patch: &Element) -> Result<Element, PatchError> {
    check_format(patch)?;
    check_base(old, patch)?;
    let mut new = old.clone();
    let mut placed = Placed::new();
    for change in patch.children_named("change") {
        let path = Path::parse(change.get("path").unwrap_or_default())
            .map_err(|e| PatchError::NotAPatch(e.to_string()))?;
        match change.get("operation") {
            Some("delete") => delete(&mut new, &path, position(change)?)?,
            Some("modify") => {
                let result = change.at(&["change-result"]).and_then(|r| r.children().next());
                let result = result.ok_or_else(|| {
                    PatchError::NotAPatch(format!("the change of `{path}` has no change-result"))
                })?;
                find(&mut new, &path)?.copy_attributes(result);
            }
            Some("create") if path.is_root() => match change.children().next() {
                Some(child) => new = child.clone(),
                None => return Err(PatchError::NotAPatch("it creates nothing at the root".into())),
            },
            Some("create") => {
                let at = position(change)?.unwrap_or(usize::MAX);
                let group = placed.entry((usize::MAX - path.len(), path)).or_default();
                group.extend(change.content().iter().map(|c| (at, Placing::Made(c.clone()))));
            }
            Some("move") => {
                let (parent, last) = path
                    .split_last()
                    .ok_or_else(|| PatchError::NotAPatch(format!("`{path}` can't be moved")))?;
                let at = position(change)?.unwrap_or(usize::MAX);
                let group = placed.entry((usize::MAX - parent.len(), parent)).or_default();
                group.push((at, Placing::Moved(last)));
            }
            Some(other) => {
                return Err(PatchError::NotAPatch(format!("there is no operation `{other}`")));
            }
            None => return Err(PatchError::NotAPatch("a change has no operation".into())),
        }
    }
    for ((_, path), group) in placed {
        place(&mut new, &path, group)?;
    }
    check_result(&new, patch)?;
    Ok(new)
}

/// What goes to which place under one parent; deeper parents come first, since a parent that is
/// itself moved is found by its path all the while.
type Placed = BTreeMap<(usize, Path), Vec<(usize, Placing)>>;

enum Placing {
    Made(Content),
    Moved(path::Step),
}

fn check_format(patch: &Element) -> Result<(), PatchError> {
    if patch.name() != "diff" {
        return Err(PatchError::NotAPatch(format!("it is a <{}>, not a <diff>", patch.name())));
    }
    match patch.get("format") {
        Some("2") => Ok(()),
        Some(other) => {
            Err(PatchError::NotAPatch(format!("format {other} is not known, only format 2")))
        }
        None => Err(PatchError::NotAPatch("it has no format".into())),
    }
}

fn check_base(old: &Element, patch: &Element) -> Result<(), PatchError> {
    let Some(source) = patch.at(&["version", "source"]) else { return Ok(()) };
    let (source_version, found) = (Version::of(source), Version::of(old));
    match source_version.cmp(&found) {
        std::cmp::Ordering::Less => Err(PatchError::Stale { source_version, found }),
        std::cmp::Ordering::Greater => Err(PatchError::Ahead { source_version, found }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn check_result(new: &Element, patch: &Element) -> Result<(), PatchError> {
    let Some(expected) = patch.get("digest") else { return Ok(()) };
    let found = digest::v2(new);
    if found == expected {
        Ok(())
    } else {
        Err(PatchError::Digest { expected: expected.to_owned(), found })
    }
}

fn position(change: &Element) -> Result<Option<usize>, PatchError> {
    change
        .get("position")
        .map(|text| {
            text.parse().map_err(|_| PatchError::NotAPatch(format!("`{text}` is not a position")))
        })
        .transpose()
}

fn find<'a>(root: &'a mut Element, path: &Path) -> Result<&'a mut Element, PatchError> {
    path.find_mut(root).ok_or_else(|| PatchError::Missing(path.to_string()))
}

fn delete(root: &mut Element, path: &Path, at: Option<usize>) -> Result<(), PatchError> {
    let missing = || PatchError::Missing(path.to_string());
    let (parent, last) = path.split_last().ok_or_else(missing)?;
    let parent = find(root, &parent)?;
    let at = match at {
        Some(at) if matches!(parent.content().get(at), Some(Content::Comment(_))) => at,
        Some(_) => return Err(missing()),
        None => last.position(parent).ok_or_else(missing)?,
    };
    parent.content_mut().remove(at);
    Ok(())
}

/// Takes out what moves, then puts everything in, lowest place first, so that each place is the
/// final one.
fn place(root: &mut Element, path: &Path, group: Vec<(usize, Placing)>) -> Result<(), PatchError> {
    let parent = find(root, path)?;
    let sources = sources(parent, path, &group)?;
    let mut staying: Vec<Option<Content>> =
        std::mem::take(parent.content_mut()).into_iter().map(Some).collect();
    let mut incoming = Vec::with_capacity(group.len());
    for ((at, placing), source) in group.into_iter().zip(sources) {
        let content = match (placing, source) {
            (Placing::Made(content), _) => Some(content),
            (Placing::Moved(_), Some(source)) => staying.get_mut(source).and_then(Option::take),
            (Placing::Moved(_), None) => None,
        };
        incoming.extend(content.map(|content| (at, content)));
    }
    incoming.sort_by_key(|(at, _)| *at);
    let merged = parent.content_mut();
    merged.reserve(staying.len() + incoming.len());
    let mut staying = staying.into_iter().flatten();
    for (at, content) in incoming {
        let missing = at.saturating_sub(merged.len());
        merged.extend(staying.by_ref().take(missing));
        merged.push(content);
    }
    merged.extend(staying);
    Ok(())
}

/// Finds what moves, through one index for all of it: the place of each, none for what is made.
fn sources(
    parent: &Element,
    path: &Path,
    group: &[(usize, Placing)],
) -> Result<Vec<Option<usize>>, PatchError> {
    let mut index: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    let mut namesakes: BTreeMap<&str, usize> = BTreeMap::new();
    if group.iter().any(|(_, placing)| matches!(placing, Placing::Moved(_))) {
        for (at, content) in parent.content().iter().enumerate() {
            if let Content::Element(child) = content {
                index.entry(key(child)).or_insert(at);
                namesakes.entry(child.name()).or_insert(at);
            }
        }
    }
    group
        .iter()
        .map(|(_, placing)| match placing {
            Placing::Made(_) => Ok(None),
            Placing::Moved(step) => index
                .get(&(step.name(), step.id()))
                .or_else(|| step.id().map_or_else(|| namesakes.get(step.name()), |_| None))
                .map(|at| Some(*at))
                .ok_or_else(|| PatchError::Missing(format!("{path}/{step}"))),
        })
        .collect()
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
