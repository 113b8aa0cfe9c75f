//! Another name for a node, wherever the document has the old one.

use cib::Element;

use crate::environment::Environment;

/// Parameters of fence devices that hold names of nodes, and what parts the names.
const DEVICE_LISTS: [&str; 2] = ["pcmk_host_list", "pcmk_host_map"];

/// Gives a node another name; says how many elements had the old one.
pub fn rename_node(env: &mut Environment<'_>, old: &str, new: &str) -> usize {
    let mut renamed = 0;
    if let Some(configuration) = env.cib.child_mut("configuration") {
        visit(configuration, old, new, &mut renamed);
    }
    renamed
}

fn visit(element: &mut Element, old: &str, new: &str, renamed: &mut usize) {
    for attribute in name_attributes(element) {
        if element.get(attribute) == Some(old) {
            element.set(attribute, new);
            *renamed += 1;
        }
    }
    let of_device = element.name() == "nvpair"
        && element.get("name").is_some_and(|name| DEVICE_LISTS.contains(&name));
    if of_device && let Some(value) = element.get("value") {
        let list = in_list(value, old, new);
        if list != value {
            element.set("value", list);
            *renamed += 1;
        }
    }
    for child in element.children_mut() {
        visit(child, old, new, renamed);
    }
}

/// Returns the attributes of an element that hold a node's name.
fn name_attributes(element: &Element) -> &'static [&'static str] {
    match element.name() {
        "node" => &["uname"],
        "rsc_location" => &["node"],
        "fencing-level" => &["target"],
        "expression" if element.get("attribute") == Some("#uname") => &["value"],
        _ => &[],
    }
}

/// Replaces a name in `a,b c` or in front of the colons of `a:1;b:2`.
fn in_list(list: &str, old: &str, new: &str) -> String {
    let parts = list.split_inclusive(|c: char| matches!(c, ',' | ';') || c.is_whitespace());
    parts
        .map(|part| {
            let end = part
                .find(|c: char| matches!(c, ',' | ';' | ':' | '=') || c.is_whitespace())
                .unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            if name == old { format!("{new}{rest}") } else { part.to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::in_list;

    #[test]
    fn names_in_lists_are_whole_words() {
        assert_eq!(in_list("n1,n2 n1", "n1", "x"), "x,n2 x");
        assert_eq!(in_list("n1:1;n11:2,3", "n1", "x"), "x:1;n11:2,3");
        assert_eq!(in_list("n11", "n1", "x"), "n11");
        assert_eq!(in_list("", "n1", "x"), "");
    }
}
