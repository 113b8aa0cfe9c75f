//! `pcs completion`: scripts for shells, and the words they ask for. The shells know nothing of pcs:
//! they hand over what is typed, and get what may come next, from the table of usages and from the
//! document.

use std::collections::BTreeMap;

use cib::Element;
use pcs::agent::AgentName;
use pcs::metadata::{AgentSource as _, OptionClass};

use super::agents::Agents;
use super::arguments::VALUED;
use super::context::{Cli, Context, Failure};
use super::usage::{self, AREAS, GLOBAL, Row};

const BASH: &str = r#"# completion of pcs for bash; in ~/.bashrc: source <(pcs completion bash)
_pcs() {
    local line=${COMP_LINE:0:COMP_POINT} words current answer cut
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[${#words[@]}-1]}
    # bash replaces only what is behind the last : or =
    cut=${current%"${current##*[:=]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r answer _; do
        COMPREPLY+=("${answer#"$cut"}")
    done < <("${words[0]}" completion answer -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}
complete -F _pcs pcs
"#;

const ZSH: &str = r#"#compdef pcs
# completion of pcs for zsh; in ~/.zshrc: source <(pcs completion zsh)
_pcs() {
    local -a plain open
    local answer about
    while IFS=$'\t' read -r answer about; do
        if [[ $answer == *= ]]; then
            open+=("${answer//:/\\:}:$about")
        else
            plain+=("${answer//:/\\:}:$about")
        fi
    done < <(${words[1]} completion answer -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( ${#plain} )) && _describe 'pcs' plain
    (( ${#open} )) && _describe 'pcs' open -S ''
}
if [[ ${funcstack[1]} == _pcs ]]; then _pcs "$@"; else compdef _pcs pcs; fi
"#;

const FISH: &str = r#"# completion of pcs for fish; in ~/.config/fish/config.fish: pcs completion fish | source
function __pcs_answer
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    command $words[1] completion answer -- $words[2..-1] $current 2>/dev/null
end
complete -c pcs -f -a '(__pcs_answer)'
complete -c pcs -s f -r -F
"#;

/// A word that may come next, and what it is.
type Words = BTreeMap<String, String>;

/// Runs `pcs completion …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let script = match words[..] {
        ["bash"] => BASH,
        ["zsh"] => ZSH,
        ["fish"] => FISH,
        ["answer", ref typed @ ..] => {
            for (word, about) in answer(context, typed) {
                context.print(format!("{word}\t{about}").trim_end());
            }
            return Ok(());
        }
        _ => return Err(Failure::Usage { area: "completion", command: "" }),
    };
    context.stdout.push_str(script);
    Ok(())
}

/// Returns what may stand in the place of the last word.
fn answer(context: &mut Context, typed: &[&str]) -> Words {
    let Some((current, before)) = typed.split_last() else { return Words::new() };
    // the options do not count as words, and neither do their values
    let mut words: Vec<&str> = Vec::new();
    let mut file = None;
    let mut rest = before.iter();
    while let Some(word) = rest.next() {
        if matches!(*word, "-f" | "-u" | "-p") || VALUED.contains(word) {
            let value = rest.next().copied();
            if *word == "-f" {
                file = value;
            }
        } else if !word.starts_with('-') {
            words.push(word);
        }
    }
    if words.first() == Some(&"help") {
        words.remove(0);
    }
    let mut found = match words.split_first() {
        None => {
            AREAS.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())).collect()
        }
        Some((area, rest)) => {
            if let Some(file) = file {
                context.arguments.set("-f", file);
            }
            in_area(context, area, rest, current)
        }
    };
    if current.starts_with('-') {
        found.extend(GLOBAL.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())));
    }
    // options are offered to who begins one
    let option = current.starts_with('-');
    found.retain(|word, _| {
        word.starts_with(current) && word != current && word.starts_with('-') == option
    });
    found
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

fn in_area(context: &mut Context, area: &str, rest: &[&str], current: &str) -> Words {
    let rows: Vec<&Row> = usage::commands().filter(|row| row.0 == area).collect();
    let mut found = Words::new();
    // words of commands that go on here
    for (_, name, _, about) in &rows {
        let name: Vec<&str> = words_of(name).collect();
        if name.len() > rest.len() && name[..rest.len()] == *rest {
            let whole = name.len() == rest.len() + 1;
            let about = if whole { (*about).to_owned() } else { String::new() };
            let entry = found.entry(name[rest.len()].to_owned()).or_default();
            if entry.is_empty() {
                *entry = about;
            }
        }
    }
    // what the longest command that is typed already takes
    let taken = |row: &&&Row| {
        let name: Vec<&str> = words_of(row.1).collect();
        (rest.len() >= name.len() && rest[..name.len()] == *name).then_some(name.len())
    };
    let longest = rows.iter().filter_map(|row| taken(&row)).max();
    for row in rows.iter().filter(|row| longest.is_some() && taken(row) == longest) {
        let given = &rest[longest.unwrap_or(0)..];
        arguments(context, row, given, current, &mut found);
    }
    found
}

/// Adds what the arguments of a command offer.
fn arguments(context: &mut Context, row: &Row, given: &[&str], current: &str, found: &mut Words) {
    let (area, name, arguments, _) = *row;
    let mut add = |word: &str, about: &str| {
        found.entry(word.to_owned()).or_insert_with(|| about.to_owned());
    };
    let marks = |c: char| matches!(c, '[' | ']' | '(' | ')' | '|');
    for word in words_of(arguments).map(|word| word.trim_matches(marks)) {
        let option = word.split(['=', '[']).next().unwrap_or_default();
        if option.starts_with("--") {
            add(option, "");
        } else if let Some((key, _)) = word.split_once("=<") {
            add(&format!("{key}="), "");
        } else if word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            && word != "options"
        {
            add(word, "");
        }
    }
    let wants = |place: &str| arguments.contains(place);
    if wants("<agent>") || wants("]<agent>") {
        // the agent stands behind the id where there is one
        let place = usize::from(arguments.starts_with("<id>"));
        if given.len() == place {
            found.extend(agents(&context.agents, area == "stonith", current));
        } else if let Some(agent) = given.get(place).filter(|_| place == 1) {
            found.extend(parameters(&context.agents, agent, area == "stonith"));
        }
        return;
    }
    if wants("<standard>") {
        found.extend(context.agents.standards().into_iter().map(|s| (s, String::new())));
    }
    if area == "property" && (wants("<name>=") || wants("<name>...")) {
        let mark = if wants("<name>=") { "=" } else { "" };
        for option in context.agents.options(OptionClass::Cluster) {
            let about = option.shortdesc.unwrap_or_default();
            found.insert(format!("{}{mark}", option.name), about);
        }
        return;
    }
    // a document that can't be read offers nothing, and a shell must not show why
    let Some(cib) = document(context) else { return };
    from_document(&cib, area, name, arguments, current, found);
    if matches!((area, name), ("resource" | "stonith", "update"))
        && let Some(primitive) = given.first().and_then(|id| pcs::resource::find(&cib, id))
        && primitive.name() == "primitive"
    {
        let agent = AgentName::of(primitive).to_string();
        let agent = agent.strip_prefix("stonith:").unwrap_or(&agent).to_owned();
        found.extend(parameters(&context.agents, &agent, area == "stonith"));
    }
}

fn document(context: &mut Context) -> Option<Element> {
    if context.has("-f") {
        let file = context.arguments.value("-f")?.to_owned();
        return crate::cib_source::read(std::path::Path::new(&file)).ok();
    }
    context.cib().ok()
}

/// Adds the ids and names of a document.
fn from_document(
    cib: &Element,
    area: &str,
    name: &str,
    arguments: &str,
    current: &str,
    found: &mut Words,
) {
    let wants = |place: &str| arguments.contains(place);
    let below = |section: &'static str| {
        cib.at(&["configuration", section]).into_iter().flat_map(Element::descendants)
    };
    let mut add = |id: Option<&str>, about: &str| {
        found.extend(id.map(|id| (id.to_owned(), about.to_owned())));
    };
    if wants("<node>") {
        for node in below("nodes").filter(|e| e.name() == "node") {
            add(node.get("uname"), "node");
        }
    }
    if let Some((key, _)) = current.split_once('=')
        && wants(&format!("{key}=<node>"))
    {
        for node in pcs::node::nodes(cib) {
            add(Some(&format!("{key}={}", node.uname)), "node");
        }
    }
    let kinds = ["primitive", "group", "clone", "master", "bundle"];
    let new = name.ends_with("create");
    if wants("<resource>")
        || (wants("<id>") && matches!(area, "resource" | "stonith" | "status" | "tag"))
    {
        for element in below("resources").filter(|e| kinds.contains(&e.name()) && !new) {
            if area == "constraint" || (area == "stonith") == pcs::resource::is_stonith(element) {
                add(element.id(), element.name());
            }
        }
    }
    if wants("<group>") && area == "resource" {
        below("resources").filter(|e| e.name() == "group").for_each(|e| add(e.id(), "group"));
    }
    let places = [
        ("<constraint id>", "constraints", ""),
        ("<tag>", "tags", "tag"),
        ("<alert>", "alerts", "alert"),
        ("<role>", "acls", "acl_role"),
        ("<user>", "acls", "acl_target"),
        ("<permission id>", "acls", "acl_permission"),
    ];
    for (place, section, kind) in places {
        if wants(place) && !new {
            let of_kind = |e: &&Element| kind.is_empty() || e.name() == kind;
            let of_top = |e: &&Element| !kind.is_empty() || e.name().starts_with("rsc_");
            below(section).filter(of_kind).filter(of_top).for_each(|e| add(e.id(), e.name()));
        }
    }
    if area == "alert" && wants("<id>") {
        let kind = if name.starts_with("recipient") { "recipient" } else { "alert" };
        below("alerts").filter(|e| e.name() == kind).for_each(|e| add(e.id(), kind));
    }
}

/// Returns the agents that are installed, as far as what is typed does not rule them out.
fn agents(agents: &Agents, stonith: bool, current: &str) -> Words {
    let none = String::new;
    if stonith {
        return agents.agents("stonith").into_iter().map(|name| (name, none())).collect();
    }
    let mut found = Words::new();
    for standard in agents.standards().into_iter().filter(|s| s != "stonith") {
        // there are hundreds of units; they are offered when they are asked for
        if standard != "ocf" && !current.starts_with(&format!("{standard}:")) {
            found.insert(format!("{standard}:"), none());
            continue;
        }
        let places = if standard == "ocf" {
            agents.providers().into_iter().map(|provider| format!("ocf:{provider}")).collect()
        } else {
            vec![standard]
        };
        for place in places {
            found.extend(
                agents.agents(&place).into_iter().map(|n| (format!("{place}:{n}"), none())),
            );
        }
    }
    found
}

/// Returns the parameters of an agent with a `=` behind each.
fn parameters(agents: &Agents, agent: &str, stonith: bool) -> Words {
    let name = if stonith { Some(AgentName::stonith(agent)) } else { AgentName::parse(agent) };
    let metadata = name.and_then(|name| agents.metadata(&name).ok()).unwrap_or_default();
    metadata
        .parameters
        .into_iter()
        .filter(|parameter| !parameter.deprecated)
        .map(|parameter| (format!("{}=", parameter.name), parameter.shortdesc.unwrap_or_default()))
        .collect()
}
