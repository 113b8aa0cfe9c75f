//! `cibsecret`: values that are kept out of the document.

use super::home::Home;

fn home() -> Home {
    let home = Home::new();
    home.quietly(&[
        "resource create addr ocf:test:Address ip=10.0.0.1 nic=e0 op monitor timeout=30s",
    ]);
    home
}

/// Runs the tool on the document, with this node's files below the home.
fn secret(home: &Home, words: &str) -> String {
    let root = home.path(".").display().to_string();
    home.tool(&format!("cibsecret {words}"), &[("SYSTOLE_ROOT", &root)])
}

const FILE: &str = "var/lib/pacemaker/lrm/secrets/addr/nic";

fn parameter(home: &Home) -> String {
    home.tool("crm_resource -r addr -g nic", &[])
}

#[test]
fn a_value_leaves_the_document_and_comes_back() {
    let home = home();
    assert_eq!(secret(&home, "stash addr nic"), "");
    assert_eq!(parameter(&home), "lrm://\n");
    assert_eq!(home.read(FILE), "e0");
    assert_eq!(home.read(&format!("{FILE}.sign")), "7aa23492064a9e2a97a6f8887659ec87");
    assert_eq!(secret(&home, "get addr nic"), "e0\n");
    assert_eq!(secret(&home, "check addr nic"), "");
    assert_eq!(secret(&home, "set addr nic e1"), "");
    assert_eq!(secret(&home, "unstash addr nic"), "");
    assert_eq!(parameter(&home), "e1\n");
    assert!(!home.has(FILE) && !home.has("var/lib/pacemaker/lrm/secrets/addr"));
}

#[test]
fn an_agent_run_by_hand_gets_the_value() {
    let home = home();
    secret(&home, "set addr ip banana");
    let root = home.path(".").display().to_string();
    let text = home.tool("crm_resource --validate -r addr", &[("SYSTOLE_ROOT", &root)]);
    assert!(text.contains("(not configured: banana is no address)"), "{text}");
    let text = home.tool("crm_resource --validate -r addr", &[("SYSTOLE_ROOT", "/nonexistent")]);
    assert!(text.contains("this node has no secret value for `ip` of addr ("), "{text}");
}

#[test]
fn what_is_wrong_is_said() {
    let home = home();
    for (words, answer) in [
        ("get addr", "exit 64\n"),
        ("stash -C addr nic", "cibsecret: -C can't be used with stash\nexit 64\n"),
        ("set ../addr nic e1", "cibsecret: Resource '../addr' not found\nexit 105\n"),
        (
            "set -C ../addr nic e1",
            "`../addr` is no name that a resource or parameter can have\nexit 64\n",
        ),
        ("set nope ip x", "cibsecret: Resource 'nope' not found\nexit 105\n"),
        (
            "stash addr no",
            "cibsecret: addr has no parameter `no` in the CIB; 'set' makes one\nexit 105\n",
        ),
        (
            "check addr nic",
            "cibsecret: the value of `nic` of addr is in the CIB; 'stash' takes it out\nexit 1\n",
        ),
        ("sync", "cibsecret: this node has no secrets\n"),
    ] {
        let said = secret(&home, words);
        assert!(said.ends_with(answer), "{words}: {said}");
    }
    secret(&home, "set addr nic e1");
    home.write(FILE, "other");
    let said = secret(&home, "check addr nic");
    assert!(said.contains("does not match its MD5") && said.ends_with("exit 104\n"), "{said}");
    assert_eq!(secret(&home, "delete addr nic"), "");
    assert!(!home.has(FILE) && !home.document().contains("lrm://"));
}
