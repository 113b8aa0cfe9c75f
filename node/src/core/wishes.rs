//! What the controller writes into the configuration by itself: versions, names, node entries.

use cib::Element;
use crmd::core::interface::Wish;

/// The set of properties that always comes first.
const BOOTSTRAP: &str = "cib-bootstrap-options";

/// Makes the document say what the controller wants; leaves it alone where it does already.
pub(super) fn grant(document: &mut Element, wish: &Wish) {
    let configuration = document.child_or_insert("configuration");
    match wish {
        Wish::Property { name, value } => {
            let crm_config = configuration.child_or_insert("crm_config");
            if crm_config.find_id(BOOTSTRAP).is_none() {
                crm_config.push(Element::new("cluster_property_set").with("id", BOOTSTRAP));
            }
            let Some(set) = crm_config.find_id_mut(BOOTSTRAP) else { return };
            if let Some(pair) = set.children_mut().find(|pair| pair.get("name") == Some(name)) {
                pair.set("value", value.as_str());
                return;
            }
            set.push(
                Element::new("nvpair")
                    .with("id", format!("{BOOTSTRAP}-{name}"))
                    .with("name", name.as_str())
                    .with("value", value.as_str()),
            );
        }
        Wish::Node { id, name } => {
            let nodes = configuration.child_or_insert("nodes");
            let number = id.to_string();
            if let Some(node) = nodes.children_mut().find(|node| node.id() == Some(&number)) {
                node.set("uname", name.as_str());
                return;
            }
            nodes.push(Element::new("node").with("id", number).with("uname", name.as_str()));
        }
    }
}

/// Gives a document that nobody has changed yet the configuration of a restored one.
pub(super) fn sow(document: &mut Element, seed: &Element) {
    let untouched = document.get("epoch") == Some("0") && document.get("admin_epoch") == Some("0");
    let Some(configuration) = seed.child("configuration").filter(|_| untouched) else { return };
    *document.child_or_insert("configuration") = configuration.clone();
    if let Some(schema) = seed.get("validate-with") {
        document.set("validate-with", schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::NodeId;

    #[test]
    fn a_wish_is_granted_once() {
        let mut document = crate::core::store::empty_document();
        let property = Wish::Property { name: "cluster-name".into(), value: "c".into() };
        let node = Wish::Node { id: NodeId(1), name: "ser1".into() };
        grant(&mut document, &property);
        grant(&mut document, &node);
        let once = document.clone();
        grant(&mut document, &property);
        grant(&mut document, &node);
        assert_eq!(once, document);
        let pair = document.find_id("cib-bootstrap-options-cluster-name").unwrap();
        assert_eq!(pair.get("value"), Some("c"));
    }

    #[test]
    fn only_a_document_nobody_has_changed_is_replaced_by_a_restored_one() {
        let seed = cib::parse(
            r#"<cib epoch="7" admin_epoch="0" num_updates="0" validate-with="pacemaker-3.9"><configuration><resources><primitive id="A"/></resources></configuration></cib>"#,
        )
        .unwrap();
        let mut document = crate::core::store::empty_document();
        sow(&mut document, &seed);
        assert!(document.find_id("A").is_some());
        assert_eq!(document.get("epoch"), Some("0"), "versions are the log's");
        assert_eq!(document.get("validate-with"), Some("pacemaker-3.9"));
        let mut changed = crate::core::store::empty_document();
        changed.set("epoch", "1");
        sow(&mut changed, &seed);
        assert!(changed.find_id("A").is_none());
    }
}
