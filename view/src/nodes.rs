//! The nodes that a document knows, whatever state they are in.

use cib::Element;

/// A node that a document knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownNode {
    /// Its number, or a remote node's name.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The names of remote and guest nodes, by the resources that make them.
fn remote_names(cib: &Element) -> Vec<&str> {
    let resources = cib.at(&["configuration", "resources"]).into_iter();
    let primitives = resources.flat_map(Element::descendants).filter(|e| e.name() == "primitive");
    let mut names = Vec::new();
    for primitive in primitives {
        if primitive.get("type") == Some("remote") && primitive.get("provider") == Some("pacemaker")
        {
            names.extend(primitive.id());
        }
        let mut pairs = primitive
            .children_named("meta_attributes")
            .flat_map(|set| set.children_named("nvpair"));
        let guest = pairs.find(|pair| pair.get("name") == Some("remote-node"));
        names.extend(guest.and_then(|pair| pair.get("value")));
    }
    names
}

/// Returns the nodes of a document: those configured, those that resources make, and those that
/// have a state.
pub fn known(cib: &Element) -> Vec<KnownNode> {
    let configured = cib.at(&["configuration", "nodes"]).into_iter();
    let configured = configured.flat_map(|nodes| nodes.children_named("node"));
    let states = cib.child("status").into_iter();
    let states = states.flat_map(|status| status.children_named("node_state"));
    let named = |element: &'_ Element| {
        let id = element.id().unwrap_or_default().to_owned();
        let name = element.get("uname").map_or_else(|| id.clone(), str::to_owned);
        KnownNode { id, name }
    };
    let remote = remote_names(cib).into_iter();
    let remote = remote.map(|name| KnownNode { id: name.to_owned(), name: name.to_owned() });
    let mut all: Vec<KnownNode> = Vec::new();
    for node in configured.map(named).chain(remote).chain(states.map(named)) {
        if !node.name.is_empty() && !all.iter().any(|known| known.name == node.name) {
            all.push(node);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn remote_nodes_and_those_that_only_have_a_state_are_known_too() {
        let cib = cib::parse(
            r#"<cib><configuration><nodes><node id="1" uname="a"/></nodes><resources>
            <primitive id="far" class="ocf" provider="pacemaker" type="remote"/>
            <group id="g"><primitive id="vm"><meta_attributes id="m"><nvpair id="n" name="remote-node" value="guest"/>
            </meta_attributes></primitive></group></resources></configuration><status>
            <node_state id="1" uname="a"/><node_state id="7" uname="old"/></status></cib>"#,
        )
        .unwrap();
        let found: Vec<(String, String)> =
            known(&cib).into_iter().map(|node| (node.id, node.name)).collect();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(found, [("1", "a"), ("far", "far"), ("guest", "guest"), ("7", "old")]);
    }
}
