//! Fence devices, tags, alerts, access control, the document as a whole.

use crate::home::Home;

#[test]
fn tags_alerts_and_lists_are_shown_as_they_were_made() {
    let home = Home::new();
    home.quietly(&[
        "resource create A ocf:test:Address ip=10.0.0.1",
        "tag create T A",
        "alert create path=/bin/true id=al options a=b",
        "alert recipient add al value=me",
        "acl role create reader read xpath /cib",
        "acl user create alice reader",
    ]);
    assert_eq!(home.pcs("tag"), "T\n  A\n");
    assert_eq!(
        home.pcs("alert"),
        "Alert: al
  Path: /bin/true
  Recipients:
    Recipient: al-recipient
      Value: me
  Attributes: al-instance_attributes
    a=b
"
    );
    assert_eq!(
        home.pcs("acl"),
        "ACLs are disabled, run 'pcs acl enable' to enable

User: alice
  Roles: reader
Role: reader
  Permission: read xpath /cib (reader-read)
"
    );
}

#[test]
fn a_fence_device_and_its_levels_can_be_forced_into_a_file() {
    let home = Home::new();
    let said = home.pcs("stonith create f fence_nosuch ip=1 --force");
    assert!(said.starts_with("Warning: Agent 'stonith:fence_nosuch' is not installed"), "{said}");
    home.quietly(&["stonith level add 1 ser1 f"]);
    assert_eq!(home.pcs("stonith level"), "Target (node): ser1\n  Level 1: f\n");
    assert_eq!(
        home.pcs("stonith fence ser1"),
        "Error: Specified option '-f' is not supported in this command\nexit 1\n"
    );
}

#[test]
fn a_file_that_is_no_document_is_named() {
    let home = Home::new();
    home.pcs("cluster cib copy.xml");
    assert_eq!(home.pcs("cluster cib-push copy.xml"), "CIB updated\n");
    let said = home.pcs("cluster cib-push nosuch.xml");
    assert!(said.starts_with("Error: `nosuch.xml` can't be read"), "{said}");
    assert!(home.pcs("cluster cib scope=nodes").starts_with("<nodes>\n  <node id=\"1\""));
}

#[test]
fn usage_is_shown_for_words_that_make_no_sense() {
    let home = Home::new();
    assert!(home.pcs("resource create").starts_with("\nUsage: pcs resource create...\n"));
    assert!(home.pcs("nonsense").starts_with("\nUsage: pcs [-f file] [-h] [commands]...\n"));
    assert!(home.pcs("help").starts_with("\nUsage: pcs [-f file] [-h] [commands]...\n"));
}
