//! `pcs export` and `pcs apply`.

use crate::home::Home;

/// A configuration with something in most sections.
fn furnished() -> Home {
    let home = Home::new();
    for line in [
        "resource create IP ocf:test:Address ip=10.0.0.1 --no-default-ops",
        "resource create other ocf:test:Address ip=10.0.0.2 --no-default-ops",
        "resource group add web IP other",
        "resource defaults update resource-stickiness=10",
        "constraint location web prefers ser2=30",
        "node standby ser1",
        "tag create both IP other",
        "alert create path=/bin/true id=told",
        "property set no-quorum-policy=freeze",
    ] {
        let said = home.pcs(line);
        assert!(!said.contains("exit "), "{line}: {said}");
    }
    home
}

/// The document without the counter that every change raises, an element a line.
fn content(home: &Home) -> String {
    let text = home.document().replace("><", ">\n<");
    let at = text.find(" epoch=").expect("a counter");
    let (head, tail) = text.split_at(at);
    let tail = tail.split_once("\" ").expect("more attributes").1;
    let lines: Vec<&str> = tail.lines().map(str::trim).collect();
    format!("{head} {}", lines.join("\n"))
}

#[test]
fn what_is_exported_is_there_already() {
    let home = furnished();
    for file in ["desired.xml", "desired.json"] {
        home.quietly(&[&format!("export {file}")]);
        let before = home.document();
        assert_eq!(
            home.pcs(&format!("apply {file}")),
            "Nothing to do: the configuration is as desired\n"
        );
        assert_eq!(
            home.pcs(&format!("apply {file} --plan")),
            "Nothing to do: the configuration is as asked already\n"
        );
        assert_eq!(home.document(), before);
    }
}

#[test]
fn another_configuration_becomes_the_same_in_every_part_and_stays_so() {
    let home = furnished();
    let wanted = content(&home);
    for file in ["desired.xml", "desired.json"] {
        home.quietly(&[&format!("export {file}")]);
        home.pcs("resource delete IP");
        home.quietly(&["property set maintenance-mode=true", "node unstandby ser1"]);
        home.pcs("resource create third ocf:test:Address ip=10.0.0.3");
        let spoilt = home.document();
        let plan = home.pcs(&format!("apply {file} --plan"));
        assert!(plan.starts_with("Plan (nothing has been changed):\n"), "{plan}");
        assert!(plan.contains("- primitive third") && plan.contains("+ primitive IP"), "{plan}");
        assert_eq!(home.document(), spoilt);
        let said = home.pcs(&format!("apply {file}"));
        assert!(said.starts_with("Applied:\n") && said.contains("  + primitive IP\n"), "{said}");
        assert_eq!(content(&home), wanted, "{file}");
        assert_eq!(
            home.pcs(&format!("apply {file}")),
            "Nothing to do: the configuration is as desired\n"
        );
    }
}

#[test]
fn a_section_that_is_not_named_is_left_alone() {
    let home = furnished();
    let before = content(&home);
    home.write("only.json", r#"{"configuration": {"$children": [{"tags": {}}]}}"#);
    assert_eq!(home.pcs("apply only.json"), "Applied:\n  - tag both\n");
    let after = content(&home);
    assert!(!after.contains("<tags"), "{after}");
    let without = |text: &str| -> Vec<String> {
        let kept = text.lines().filter(|line| !line.contains("tag") && !line.contains("obj_ref"));
        kept.map(str::to_owned).collect()
    };
    assert_eq!(without(&before), without(&after));
}

#[test]
fn what_the_cluster_writes_itself_is_not_desired() {
    let home = furnished();
    let version = r#"<nvpair id="v" name="dc-version" value="9"/>"#;
    let text = home.document();
    let set = text.find("<nvpair").expect("a property");
    home.put(&format!("{}{version}{}", &text[..set], &text[set..]));
    assert!(!home.pcs("export").contains("dc-version"));
    home.quietly(&["export desired.xml"]);
    let before = content(&home);
    home.quietly(&["property set no-quorum-policy=stop"]);
    home.pcs("apply desired.xml");
    assert_eq!(content(&home), before);
}

#[test]
fn slips_are_named_and_change_nothing() {
    let home = furnished();
    let before = home.document();
    for (text, error) in [
        (
            "<primitive/>",
            "Error: a desired configuration begins with <cib> or <configuration>, this one begins with <primitive>; 'pcs export' makes one\nexit 1\n",
        ),
        (
            "{\"a\": ",
            "Error: `bad` is no valid JSON: EOF while parsing a value at line 1 column 6\nexit 1\n",
        ),
        (
            "{\"cib\": 1}",
            "Error: `bad` is no desired configuration: `cib` in the file is no object\nexit 1\n",
        ),
        (
            "<configuration><nodes><node uname=\"ser3\"/></nodes></configuration>",
            "Error: Node 'ser3' does not appear to exist in configuration\nError: Errors have occurred, therefore pcs is unable to continue\nexit 1\n",
        ),
        (
            "<configuration><resources><primitive id=\"x\"/></resources></configuration>",
            "Error: Unable to update cib\nCall failed: Update does not conform to the configured schema\n\n\nexit 1\n",
        ),
    ] {
        home.write("bad", text);
        assert_eq!(home.pcs("apply bad"), error);
        assert_eq!(home.document(), before);
    }
    let unknown = "<configuration><resourcen/></configuration>";
    home.write("bad", unknown);
    let said = home.pcs("apply bad");
    assert!(
        said.starts_with("Error: unknown section of the configuration: 'resourcen', known are: "),
        "{said}"
    );
    assert!(home.pcs("apply nothing.xml").contains("nothing.xml"));
}
