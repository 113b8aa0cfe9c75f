//! What `crm_resource` has agents do by hand, and the digests of what they are given. What is expected was taken
//! from Pacemaker 2.1.5.

use super::home::Home;

fn home() -> Home {
    let home = Home::new();
    home.quietly(&[
        "resource create addr ocf:test:Address ip=10.0.0.1 nic=e0 op monitor timeout=30s",
    ]);
    home
}

/// The answer without what the test's agent prints whatever it is asked.
fn said(home: &Home, words: &str) -> String {
    let text = home.tool(&format!("crm_resource {words}"), &[]);
    match (text.find("<resource-agent"), text.find("</resource-agent>\n")) {
        (Some(from), Some(to)) => format!("{}{}", &text[..from], &text[to + 18..]),
        _ => text,
    }
}

#[test]
fn an_agent_checks_the_parameters_of_a_resource() {
    let home = home();
    assert_eq!(
        said(&home, "--validate -r addr"),
        "Operation validate for addr (ocf:test:Address) returned 0 (ok)\n"
    );
    assert_eq!(
        said(&home, "--validate -r addr ip=banana"),
        "Overriding the cluster configuration for 'addr' with 'ip' = 'banana'\n\
         Operation validate for addr (ocf:test:Address) returned 6 (not configured: banana is no address)\n\
         ocf-exit-reason:banana is no address\n\n\
         crm_resource: Error performing operation: Not configured\nexit 6\n"
    );
    assert_eq!(
        said(&home, "--validate"),
        "crm_resource: Must supply a resource id with -r\nexit 64\n"
    );
}

#[test]
fn an_agent_checks_parameters_that_no_resource_has() {
    let home = home();
    let agent = "--validate --class ocf --provider test --agent Address";
    assert_eq!(
        said(&home, &format!("{agent} --option ip=10.0.0.2")),
        "Operation validate (ocf:test:Address) returned 0 (ok)\n"
    );
    assert!(said(&home, &format!("{agent} ip=x")).starts_with(
        "Overriding the cluster configuration with 'ip' = 'x'\n\
             Operation validate (ocf:test:Address) returned 6 (not configured: x is no address)\n"
    ));
    for (words, answer) in [
        (format!("{agent} ip"), "crm_resource: `ip` is not NAME=VALUE\nexit 64\n"),
        (
            format!("{agent} -r addr"),
            "crm_resource: --resource cannot be used with --class, --agent, and --provider\nexit 64\n",
        ),
        (
            "--validate --class ocf --agent Address".to_owned(),
            "crm_resource: ocf::Address is not a known resource\nexit 64\n",
        ),
    ] {
        assert_eq!(said(&home, &words), answer, "{words}");
    }
}

#[test]
fn a_check_in_xml_has_the_reason() {
    let home = home();
    let text = home.tool("crm_resource --validate -r addr ip=x --output-as=xml", &[]);
    for line in [
        "  <resource-agent-action action=\"validate\" class=\"ocf\" type=\"Address\" rsc=\"addr\" provider=\"test\">\n",
        "      <override name=\"ip\" value=\"x\" rsc=\"addr\"/>\n",
        "    <agent-status code=\"6\" message=\"not configured\" execution_code=\"0\" \
         execution_message=\"complete\" reason=\"x is no address\"/>\n",
        "      <output source=\"stderr\">ocf-exit-reason:x is no address\n</output>\n",
        "  <status code=\"6\" message=\"Not configured\">\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn digests_tell_what_a_change_of_parameters_would_be() {
    let home = home();
    // md5 of ` <parameters ip="10.0.0.1" nic="e0"/>` and a new line
    let own = "3a79efdcd955678f2862646baaadd40e";
    assert_eq!(
        said(&home, "--digests -r addr -N ser1"),
        format!("{own} (all parameters)\n{own} (non-private parameters)\n")
    );
    let other = said(&home, "--digests -r addr -N ser1 ip=10.0.0.2");
    assert!(!other.contains(own) && other.ends_with(" (non-private parameters)\n"), "{other}");
    assert_eq!(
        said(&home, "--digests -r addr -N ser1 ip=10.0.0.1").lines().next(),
        Some(&*format!("{own} (all parameters)"))
    );
    let xml = said(&home, "--digests -r addr -N ser1 CRM_meta_interval=60000 --output-as=xml");
    assert!(
        xml.contains(
            "  <digests resource=\"addr\" node=\"ser1\" task=\"start\" interval=\"60000ms\">\n"
        ),
        "{xml}"
    );
    for (words, answer) in [
        ("--digests -r addr", "crm_resource: Must supply a node name with -N\nexit 64\n"),
        (
            "--digests -r addr -N no",
            "crm_resource: Node 'no' not found\nError performing operation: No such object\nexit 105\n",
        ),
    ] {
        assert_eq!(said(&home, words), answer, "{words}");
    }
}

#[test]
fn why_a_resource_does_not_run_is_told_in_xml_too() {
    let home = home();
    home.quietly(&["resource disable addr"]);
    let xml = home.tool("crm_resource -Y -r addr --output-as=xml", &[]);
    assert!(
        xml.contains(
            "  <reason running=\"false\">\n    <check id=\"addr\" remain_stopped=\"true\"/>\n  </reason>\n"
        ),
        "{xml}"
    );
}

#[test]
fn cibadmin_shows_ids_and_takes_an_xpath_for_all_it_is_told() {
    let home = home();
    assert_eq!(home.tool("cibadmin -Q --xpath //primitive -e -n", &[]), "addr\n");
    // an XPath says what goes, whatever XML stands beside it
    let line = "cibadmin --delete --xpath //primitive[@id='addr'] -X <node~id='9'/>";
    assert_eq!(home.tool(line, &[]), "");
    assert!(!home.document().contains("addr"));
    assert!(home.tool("cibadmin -Q more", &[]).starts_with("cibadmin: `more` is no option\n"));
    assert!(home.tool("cibadmin -Q", &[("CIB_file", "none.xml")]).ends_with("exit 105\n"));
}

#[test]
fn what_is_no_xml_is_no_valid_configuration() {
    let home = home();
    home.write("cut.xml", "<cib>\n  <configuration>\n</cib>");
    assert_eq!(
        home.tool("crm_verify -x cut.xml", &[]),
        "crm_verify: Couldn't parse input from cut.xml: line 3, column 1: </cib> where </configuration> was \
         expected, for the one of line 2\nexit 78\n"
    );
    assert!(home.tool("crm_verify -x none.xml", &[]).ends_with("exit 1\n"));
}
