//! `crm_mon --output-as=html`: a page with the lists and colours that Pacemaker 2.1.5 gives it.

use super::home::Home;

const STATUS: &str = r#"  <status>
    <node_state id="1" uname="ser1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
      <lrm_resource id="a" class="ocf" provider="test" type="Address">
        <lrm_rsc_op id="a_last_0" operation_key="a_start_0" operation="start" transition-key="2:1:0:x" call-id="2" rc-code="0" op-status="0" interval="0"/>
      </lrm_resource></lrm_resources></lrm></node_state>
    <node_state id="2" uname="ser2" in_ccm="true" crmd="online" join="member" expected="member"/>
  </status>"#;

fn page(words: &str) -> String {
    let home = Home::new();
    home.quietly(&[
        "resource create a ocf:test:Address ip=10.0.0.1 op monitor timeout=30s",
        "resource create b ocf:test:Address ip=10.0.0.2",
        "resource group add g b",
        "resource disable b",
        "node standby ser2",
    ]);
    home.put(&home.document().replace("  <status/>", STATUS));
    home.tool(&format!("crm_mon -1 --output-as=html {words}"), &[])
}

#[test]
fn nodes_and_resources_are_lists_with_colours() {
    let text = page("-r --exclude=summary");
    let (head, body) = text.split_once("<body>\n").unwrap();
    assert!(
        head.contains("<title>Cluster Status</title>\n<meta charset=\"utf-8\">\n<style>"),
        "{head}"
    );
    assert_eq!(
        body,
        "<h2>Node List</h2>\n<ul>\n\
         <li>\n<span class=\"bold\">ser1:</span><span class=\"online\"> online</span>\n</li>\n\
         <li>\n<span class=\"bold\">ser2:</span><span class=\"online\"> online</span>\
         <span class=\"standby\"> (in standby)</span>\n</li>\n</ul>\n\
         <h2>Full List of Resources</h2>\n<ul>\n\
         <li><span class=\"rsc-ok\">a\t(ocf:test:Address):\t Started ser1</span></li>\n\
         <li>\n<h3>Resource Group: g</h3>\n\
         <ul><li><span class=\"rsc-failed\">b\t(ocf:test:Address):\t Stopped (disabled)</span></li></ul>\n</li>\n\
         </ul>\n</body>\n</html>\n"
    );
}

#[test]
fn resources_can_stand_below_their_nodes() {
    let text = page("-n --exclude=summary");
    assert!(
        text.contains(
            "<li>\n<h3>ser1:</h3>\n<ul><li>\n<span>Status:</span><span class=\"online\"> online</span><li>\n\
             <h3>Resources</h3>\n<ul><li><span class=\"rsc-ok\">a\t(ocf:test:Address):\t Started</span></li></ul>\n\
             </li>\n</li></ul>\n</li>\n"
        ),
        "{text}"
    );
}

#[test]
fn a_page_says_of_itself_what_it_is_told_to() {
    let text = page("--html-title=A&B --html-stylesheet=/own.css --html-cgi");
    assert!(text.starts_with("Content-Type: text/html\n\n<!DOCTYPE html>\n"), "{text}");
    assert!(text.contains("<title>A&amp;B</title>\n"), "{text}");
    assert!(
        text.contains("</style>\n<link rel=\"stylesheet\" href=\"/own.css\">\n</head>\n"),
        "{text}"
    );
    assert!(!text.contains("refresh"), "what is written once does not change");
    assert!(
        text.contains("<li>\n<span class=\"bold\">Current DC: </span><span class=\"warning\">NONE</span>\n</li>\n"),
        "{text}"
    );
}
