//! Sets of name/value pairs: meta-attributes, parameters, node attributes, properties.

use cib::Element;

use crate::list_sort::list_sort;
use crate::rules::{Context, NextChange, Pairs, any_holds};

/// Adds the pairs of all sets with this name under `parent` whose rules hold, higher scores first;
/// what is there already stays. `first` is the id of a set that goes before all others.
pub(crate) fn collect<'a>(
    parent: &'a Element,
    set_name: &str,
    context: &Context<'a>,
    first: Option<&str>,
    out: &mut Pairs,
    next: &mut NextChange,
) {
    let mut sets: Vec<(i64, &Element)> = Vec::new();
    for set in parent.children().filter(|child| child.name() == set_name) {
        let Some(set) = context.resolve(set) else { continue };
        let score = set.get("score").and_then(crate::values::score).unwrap_or_default();
        sets.push((i64::from(score.value()), set));
    }
    // of sets with the same score the last one in the document wins
    sets.reverse();
    list_sort(&mut sets, &mut |a, b| {
        let is_first = |set: &Element| first.is_some() && set.id() == first;
        is_first(b.1).cmp(&is_first(a.1)).then(b.0.cmp(&a.0))
    });
    for (_, set) in sets {
        if !any_holds(set, context, next) {
            continue;
        }
        // very old documents wrap the pairs in <attributes>
        let holder = set.child("attributes").unwrap_or(set);
        for pair in holder.children().filter(|child| child.name() == "nvpair") {
            let Some(pair) = context.resolve(pair) else { continue };
            let Some(name) = pair.get("name") else { continue };
            let Some(value) = pair.get("value") else { continue };
            if value.eq_ignore_ascii_case("#default") {
                continue;
            }
            if !out.contains_key(name) {
                out.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, collect};

    #[test]
    fn higher_scores_win_and_what_is_set_stays() {
        let element = cib::parse(
            "<x><m><nvpair name='a' value='1'/><nvpair name='b' value='1'/></m>\
             <m score='5'><nvpair name='a' value='2'/></m></x>",
        )
        .unwrap();
        let mut out = [("b".to_owned(), "0".to_owned())].into();
        collect(&element, "m", &Context::default(), None, &mut out, &mut None);
        assert_eq!(out.into_iter().map(|(k, v)| k + &v).collect::<String>(), "a2b0");
    }
}
