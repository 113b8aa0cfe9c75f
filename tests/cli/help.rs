//! Help, completion, the manual, and states that are shown again and again or as JSON.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use serde_json::Value;

use crate::home::Home;

#[test]
fn help_fits_a_screen_and_each_command_has_its_own() {
    let home = Home::new();
    let help = home.host("help");
    assert!(help.lines().count() <= 40 && help.lines().all(|line| line.len() <= 80), "{help}");
    assert_eq!(
        home.host("help config checkpoint diff"),
        "\nUsage: pcs config checkpoint diff...\n    checkpoint diff <number | live> <number | live>\n        Show what differs between two configurations\n"
    );
    assert_eq!(home.host("quorum expected-votes --help"), home.host("help quorum expected-votes"));
    // nothing is coloured where nobody sees it
    assert!(!home.host("nonsense").contains('\u{1b}') && !home.pcs("status").contains('\u{1b}'));
}

#[test]
fn the_words_that_may_come_next_are_offered() {
    let home = Home::new();
    home.quietly(&[
        "resource create Web ocf:test:Address ip=10.0.0.1",
        "resource group add Tier Web",
        "tag create Night Web",
    ]);
    for (typed, offered) in [
        ("sto", "stonith\tManage fence devices\n"),
        (
            "resource mov",
            "move\tMove a resource; the constraint that does it goes again\nmove-with-constraint\tMove a resource with a constraint that stays\n",
        ),
        ("-f cib.xml resource enable W", "Web\tprimitive\n"),
        ("-f cib.xml resource update Web ni", "nic=\n"),
        ("-f cib.xml resource delete T", "Tier\tgroup\n"),
        ("-f cib.xml node standby ser", "ser1\tnode\nser2\tnode\n"),
        ("-f cib.xml resource failcount node=s", "node=ser1\tnode\nnode=ser2\tnode\n"),
        ("-f cib.xml tag delete N", "Night\ttag\n"),
        ("resource create A ocf:te", "ocf:test:Address\n"),
        ("resource create A ocf:test:Address i", "ip=\n"),
        ("property set no-quorum", "no-quorum-policy=\tWhat happens to resources without quorum\n"),
        ("resource create A ocf:test:Address --dis", "--disabled\n"),
        (
            "config checkpoint ",
            "diff\tShow what differs between two configurations\nrestore\tMake a former configuration the present one\nview\tShow a former configuration\n",
        ),
        ("--bogus resource nonsense x", ""),
        ("-f missing.xml resource enable ", ""),
    ] {
        // a word that is empty is one, too
        let last = if typed.ends_with(' ') { " ''" } else { "" };
        let line = format!(
            "{} completion answer -- {typed}{last}",
            env!("CARGO_BIN_EXE_systole").to_owned() + " pcs"
        );
        let said = home.shell(&line);
        let only: String =
            said.lines().filter(|l| !l.starts_with("--wait")).map(|l| format!("{l}\n")).collect();
        assert_eq!(only, offered, "{typed}");
    }
}

/// Runs a script in a shell with `pcs` in its path. None where there is no such shell; in CI there
/// is, so that nothing goes unnoticed.
fn in_shell(home: &Home, shell: &[&str], script: &str) -> Option<String> {
    let links = home.path("bin");
    std::fs::create_dir_all(&links).expect("a directory for links");
    let link = links.join("pcs");
    if !link.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_systole"), link).expect("a link");
    }
    let path = format!("{}:{}", links.display(), std::env::var("PATH").unwrap_or_default());
    let done = Command::new(shell[0])
        .args(&shell[1..])
        .arg(script)
        .current_dir(home.path("."))
        .env("OCF_ROOT", home.path("ocf"))
        .env("HOME", home.path("."))
        .env("PATH", path)
        .env("TERM", "dumb")
        .output();
    let Ok(done) = done else {
        assert!(std::env::var_os("SYSTOLE_NO_SKIPS").is_none(), "{} is missing", shell[0]);
        return None;
    };
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert_eq!(complaint, "", "{}", shell[0]);
    Some(String::from_utf8(done.stdout).expect("a shell that says text"))
}

#[test]
fn bash_completes_a_name_with_colons() {
    let home = Home::new();
    let script = "source <(pcs completion bash)\n\
         COMP_LINE='pcs resource create A ocf:test:Ad'; COMP_POINT=${#COMP_LINE}; _pcs\n\
         printf '%s\\n' \"${COMPREPLY[@]}\"\n\
         COMP_LINE='pcs -f cib.xml node standby '; COMP_POINT=${#COMP_LINE}; _pcs\n\
         printf '%s\\n' \"${COMPREPLY[@]}\"";
    let Some(said) = in_shell(&home, &["bash", "--norc", "-c"], script) else { return };
    assert_eq!(
        said.lines().filter(|l| !l.starts_with("--")).collect::<Vec<_>>(),
        ["Address", "ser1", "ser2"]
    );
}

#[test]
fn fish_completes_from_the_document_and_from_agents() {
    let home = Home::new();
    let script = "pcs completion fish | source\n\
         complete -C 'pcs -f cib.xml node standby ser'\n\
         complete -C 'pcs resource create A ocf:test:Ad'\n\
         complete -C 'pcs property set no-quorum'\n\
         complete -C 'pcs -f cib.x'";
    let Some(said) = in_shell(&home, &["fish", "--no-config", "-c"], script) else { return };
    assert_eq!(
        said,
        "ser1\tnode\nser2\tnode\nocf:test:Address\n\
         no-quorum-policy=\tWhat happens to resources without quorum\ncib.xml\n"
    );
}

/// What stands in zsh's line after a tabulator, as a person at a terminal would see it.
#[test]
fn zsh_completes_what_a_person_types_at_a_terminal() {
    let home = Home::new();
    for (typed, completed) in [
        ("pcs -f cib.xml node stan", "pcs -f cib.xml node standby "),
        ("pcs -f cib.xml node standby s", "pcs -f cib.xml node standby ser"),
        ("pcs resource create A ocf:test:Ad", "pcs resource create A ocf:test:Address "),
        // a value goes on behind the mark
        ("pcs property set no-quorum", "pcs property set no-quorum-policy="),
    ] {
        let script = format!(
            r#"zmodload zsh/zpty
            zpty z 'zsh -f -i'
            zpty -w z 'PS1=; autoload -Uz compinit; compinit -D -u; source <(pcs completion zsh)'
            zpty -w z 'tell() {{ print -r -- "<$BUFFER>" }}; zle -N tell; bindkey ^X tell; echo REA""DY'
            zpty -r z out '*READY*'
            zpty -w -n z $'{typed}\t\x18'
            zpty -r z out '*<*>*'
            print -r -- "$out""#
        );
        let Some(said) = in_shell(&home, &["zsh", "-f", "-c"], &script) else { return };
        assert!(said.contains(&format!("<{completed}>")), "{typed}: {said}");
    }
}

#[test]
fn the_manual_is_written_where_it_is_wanted() {
    let home = Home::new();
    assert_eq!(home.tool("install-manual man", &[]), "");
    let page = home.read("man/man8/pcs.8");
    assert!(page.contains("\\fBconfig checkpoint restore\\fR <number>\n"), "{page}");
    // where there is a reader, it finds nothing to complain about
    let read = Command::new("man")
        .args(["-l", "man/man8/pcs.8"])
        .current_dir(home.path("."))
        .env("MANPAGER", "cat")
        .output();
    if let Ok(read) = read.filter_missing() {
        assert_eq!(String::from_utf8_lossy(&read.stderr), "");
    }
}

/// A machine without a program for it has no say.
trait FilterMissing {
    fn filter_missing(self) -> Self;
}

impl FilterMissing for std::io::Result<std::process::Output> {
    fn filter_missing(self) -> Self {
        // minimal images have a `man` that only says that it was taken away
        self.and_then(|output| {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.success() && said.contains("NAME") {
                Ok(output)
            } else {
                Err(std::io::Error::other("no man"))
            }
        })
    }
}

#[test]
fn a_state_is_shown_again_when_it_has_changed() {
    let home = Home::new();
    let mut child = home.spawn("status nodes --output-format=json");
    child.wait().unwrap();
    let mut watching = home.spawn("resource status --watch=1");
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "NO resources configured");
    home.quietly(&["resource create A ocf:test:Address ip=10.0.0.1"]);
    assert_eq!(lines.next().unwrap().unwrap(), "");
    assert!(lines.next().unwrap().unwrap().starts_with("  * A\t(ocf:test:Address):"));
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert_eq!(
        home.pcs("status --watch=x"),
        "Error: 'x' is not a valid number of seconds to wait\nexit 1\n"
    );
}

#[test]
fn what_is_shown_can_be_had_as_json() {
    let home = Home::new();
    home.quietly(&["resource create A ocf:test:Address ip=10.0.0.1", "resource group add G A"]);
    let value = |line: &str| -> Value {
        let said = home.pcs(&format!("{line} --output-format=json"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
    };
    assert_eq!(value("status")["status"]["summary"]["instances"], 1);
    assert_eq!(value("status nodes")["pacemaker"][0]["name"], "ser1");
    assert_eq!(value("status cluster")["summary"]["nodes_configured"], 2);
    assert!(value("resource status")["resources"][0]["id"] == "G");
    assert_eq!(value("resource status G")["resources"].as_array().map(Vec::len), Some(1));
    assert_eq!(value("stonith status")["resources"], Value::Array(Vec::new()));
    assert_eq!(value("resource group list")["groups"]["G"][0], "A");
    assert_eq!(value("resource relations A")["title"], "A");
    assert_eq!(value("resource failcount")["failcounts"], Value::Array(Vec::new()));
    assert_eq!(value("constraint ref A")["constraints"]["A"], Value::Array(Vec::new()));
    let agent: Value =
        serde_json::from_str(&home.host("resource describe ocf:test:Address --output-format=json"))
            .unwrap();
    assert_eq!(agent["parameters"][0]["name"], "ip");
    assert_eq!(agent["actions"][2]["interval"], "10s");
    let agents: Value =
        serde_json::from_str(&home.host("resource list test: --output-format=json")).unwrap();
    assert_eq!(agents["agents"][0]["description"], "An address");
    for line in ["resource standards", "resource providers", "resource agents ocf:test"] {
        let said = home.host(&format!("{line} --output-format=json"));
        assert!(serde_json::from_str::<Value>(&said).is_ok(), "{line}: {said}");
    }
    assert_eq!(
        home.pcs("status --output-format=yaml"),
        "Error: Unknown value 'yaml' for '--output-format' option. Supported values are: 'json', 'text'\nexit 1\n"
    );
}
