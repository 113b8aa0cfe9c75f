//! What tutorials of ten years teach still works, and says what it is called today.

use crate::home::Home;

#[test]
fn old_spellings_do_what_they_did() {
    let home = Home::new();
    home.quietly(&["resource create A ocf:test:Address ip=10.0.0.1"]);
    for (line, first) in [
        ("property show", "Cluster Properties: cib-bootstrap-options"),
        ("resource show A", "Resource: A (class=ocf provider=test type=Address)"),
        ("constraint list", "Deprecation Warning: 'pcs constraint list' is now"),
        ("tag list", "Deprecation Warning: 'pcs tag list' is now"),
        ("acl show", "ACLs are disabled"),
        ("alert show", "Deprecation Warning: 'pcs alert show' is now"),
        ("cluster standby ser1", "Deprecation Warning: 'pcs cluster standby' is now"),
        (
            "resource defaults resource-stickiness=5",
            "Deprecation Warning: 'pcs resource defaults <name>=<value>' is now",
        ),
        ("resource master M A", "Deprecation Warning: 'pcs resource master"),
        (
            "constraint colocation add Master M with A --force",
            "Deprecation Warning: the role 'Master' is called 'Promoted' now",
        ),
    ] {
        let said = home.pcs(line);
        assert!(said.starts_with(first), "pcs {line}: {said}");
        assert!(said.contains("Deprecation Warning: "), "pcs {line}: {said}");
        assert!(!said.contains("exit "), "pcs {line}: {said}");
    }
    assert!(home.pcs("resource status").contains("Clone Set: M [A] (promotable):"));
}
