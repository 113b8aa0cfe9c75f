//! Where the two may differ: the installed pcs is 0.11 and ours answers as 0.12 does. What is known of that
//! comes from the recorded commands of `../shared/pcs` run with both, and stands here with its reason.

use crate::outcome::Outcome;

/// Lines that only one of the two says: how they begin, and why that is no difference.
const UNSAID: &[(&str, &str)] = &[
    ("Deprecation Warning: ", "what is deprecated differs from version to version"),
    ("Error: Errors have occurred, therefore", "0.12 closes errors of more commands with it"),
    ("Warning: Unable to read the known-hosts file", "about this host, not about the command"),
    ("Hint: ", "0.12 tells more of its changes"),
    ("Warning: Meta attribute", "0.12 checks meta attributes"),
    ("Warning: Resource meta attribute", "0.12 checks meta attributes"),
    ("Warning: Resource / stonith meta attribute", "0.12 checks meta attributes"),
    ("Warning: Stonith meta attribute", "0.12 checks meta attributes"),
    (
        "Warning: Resources are not going to be stopped",
        "0.12 stops resources before it deletes them",
    ),
    ("Warning: Constraints with rules are not displayed", "0.12 says what it leaves out"),
    ("Warning: Not checking if resource", "0.12 stops resources before it deletes them"),
    ("Warning: this command is not sufficient for removing", "0.12 warns of it"),
    ("Stopping all resources in group", "0.12 tells of dependants instead"),
    ("    Fencing level", "a dependant"),
    ("    Group", "a dependant"),
    ("    Bundle", "a dependant"),
    ("    Clone", "a dependant"),
    ("    Resource sets", "a dependant"),
    ("    Tag", "a dependant"),
    ("Deleting Resource", "0.12 tells of dependants instead"),
    ("Removing ", "0.12 tells of dependants instead"),
    ("  Acl permission", "a dependant"),
    ("  Bundle", "a dependant"),
    ("  Clone", "a dependant"),
    ("  Group", "a dependant"),
    ("  Resource", "a dependant"),
    ("  Fencing level", "a dependant"),
    ("  Location constraint", "a dependant"),
    ("  Colocation constraint", "a dependant"),
    ("  Order constraint", "a dependant"),
    ("  Ticket constraint", "a dependant"),
    ("Warning: fencing-watchdog-timeout /", "0.12 warns of it"),
    ("Warning: Skipping removal of node", "0.12 warns of it"),
    ("Warning: Fencing levels are not included", "0.12 warns of it"),
    (" No tags defined", "0.12 says nothing"),
    ("Warning: Only 'text' output format is supported for stonith levels", "0.12 supports all"),
    ("Warning: Setting property stonith-enabled to false", "0.12 warns of it"),
];

/// Wordings of 0.11 and what 0.12 has for them.
const REWORDED: &[(&str, &str)] = &[
    ("bundle / clone / group / resource / tag", "bundle/clone/group/resource/tag"),
    ("bundle / clone / group / resource", "bundle/clone/group/resource"),
    (" and might be removed in a future release, therefore it should not", " and should not"),
    ("'image', 'masters', 'network'", "'image', 'network'"),
    ("'docker', 'podman', 'rkt'", "'docker', 'podman'"),
    ("alert recipient", "recipient"),
    ("ACL group / ACL user", "ACL group/ACL user"),
    ("'Promoted', 'Started', 'Stopped', 'Unpromoted'", "ROLES"),
    ("'Master', 'Promoted', 'Slave', 'Started', 'Stopped', 'Unpromoted'", "ROLES"),
    ("'id', 'influence', 'score'", "'id', 'score'"),
    ("use 1..9", "use a positive integer"),
    ("Stonith resource(s)", "Stonith resources"),
    ("Stonith resource '", "Stonith resources '"),
    ("' does not exist, use --force", "' do not exist, use --force"),
    ("until the constraint is removed.", "until the constraint is removed"),
];

/// Beginnings of what ours says first where the answers are not alike, of what the other says first (empty:
/// anything, or nothing), and why.
const ELSE: &[(&str, &str, &str)] = &[
    ("Error: This command does not accept", "", "0.12 keeps fence devices and resources apart"),
    ("Error: This command cannot remove", "", "0.12 keeps fence devices and resources apart"),
    ("is not a valid permission value", "Usage: pcs acl", "0.12 judges permissions with the rest"),
    ("is not a valid scope type value", "Usage: pcs acl", "0.12 judges permissions with the rest"),
    ("Error: duplicate option", "", "an option with two values is refused"),
    ("Error: missing value of", "Error: Resource", "words are judged before resources"),
    ("Error: missing value of", "Error: bad option", "0.12 reads options of locations as others"),
    ("", "Error: bad option", "0.12 reads options of locations as others"),
    ("", "Error: invalid score 'score=", "0.12 takes a score by its name"),
    ("", "Error: invalid score 'bogus=", "0.12 takes a score by its name"),
    ("", "Error: invalid score 'resource-discovery=", "0.12 takes a score by its name"),
    ("Error: invalid recipient-id", "", "0.12 judges ids of recipients"),
    ("", "Warning: Agent 'stonith:", "a list of ours has what is installed"),
    ("", "Error: invalid score'", "0.12 words it as elsewhere"),
    ("", "invalid option 'influence'", "0.12 takes influence"),
    ("", "Error: Unable to find constraint", "what goes is looked for before any goes"),
    ("already exists", "is already in use", "0.12 words it as elsewhere"),
    ("rule id cannot be empty", "", "0.12 judges ids of rules"),
    ("you should use the", "", "0.12 warns of what was forced, and words it as elsewhere"),
    ("already exists", "Error: Unable to update cib", "an id twice in a command is told of"),
    ("is not a group", "is not a group", "a guest node goes by its name"),
    ("Error: 'Master' is not a valid role value", "", "0.12 knows the new roles only"),
    ("Error: 'Slave' is not a valid role value", "", "0.12 knows the new roles only"),
    ("Error: 'meta-data' is not a valid operation name", "", "0.12 leaves meta-data out"),
    ("Warning: 'meta-data' is not a valid operation name", "", "0.12 leaves meta-data out"),
    ("Error: Validation result from agent", "Error: Validation result from agent", "other words"),
    ("Error: '' is not an allowed type", "", "a kind that is not named is none"),
    ("Error: invalid score ''", "", "0.12 judges an empty score"),
    ("Usage: pcs resource defaults ...", "Usage: pcs resource defaults...", "a heading"),
    ("Usage: pcs resource op defaults ...", "Usage: pcs resource op defaults...", "a heading"),
    ("Error: Specified option", "Error: Several options sets", "the old spelling took any option"),
    ("Error: Specified option '--corosync_conf'", "", "what would do nothing is refused"),
    ("does not provide valid metadata", "does not provide valid metadata", "other words for why"),
    ("Error: 'rkt' is not a valid container type", "", "0.12 has no rkt"),
    ("invalid container option 'masters'", "", "0.12 has no masters"),
    ("", "Only one of container options 'masters'", "0.12 has no masters"),
    ("Error: Unknown option", "Error: Unexpected parameter", "0.12 words it so"),
    ("Error: Unknown keyword", "", "0.12 wants to know what to group by"),
    ("Error: Only one of options", "Error: can not specify both", "0.12 words it so"),
    ("Error: options set", "", "0.12 words it so"),
    ("is not a valid stonith-action value", "", "properties of another Pacemaker"),
    (
        "is not a valid operation name value",
        "is not a valid operation name value",
        "0.12 leaves meta-data out",
    ),
    ("does not exist", "", "0.12 judges resources and options of sets together"),
    ("when specifying --promoted", "Error: cannot move", "0.12 moves clones and bundles"),
    ("Error: This command has been", "", "0.12 took commands away"),
    ("", "Error: Specified option", "0.12 takes more options, above all --output-format"),
    ("", "Error: option --", "0.12 has more options"),
    ("", "Error: This command has been replaced", "old spellings are taken for what they became"),
    ("Usage: pcs ", "Error: Specified option", "a word too many is found first; both refuse"),
    ("Error: Unable to find resource", "Error: Resource", "0.12 deletes several, and words it so"),
    ("Error: Unable to find stonith", "", "0.12 deletes several, and words it so"),
    ("Warning: Resources are not", "Usage: pcs resource", "0.12 deletes several"),
    (
        "Error: missing value of",
        "",
        "a word that is no option is refused on purpose; pcs forgets it in some commands",
    ),
    ("Error: missing key in", "", "a value without a name is refused on purpose"),
    ("Error: duplicate option", "", "two values for one option are refused on purpose"),
    ("", "is not a valid op option", "0.12 judges operations as when it makes them"),
    ("is not a valid role value", "", "0.12 has no old names of roles"),
    ("is not a valid on-fail value", "Error: Unable to update cib", "0.12 looks before the schema"),
    ("Migration", "Error: cannot", "0.12 moves and bans clones and bundles"),
    ("Warning: A move constraint has been created", "", "0.12 moves clones and bundles"),
    ("", "Error: to move promotable clone", "0.12 moves clones and bundles"),
    ("Warning: Unable to find resources", "Warning: Unable to find resource", "0.12 joins them"),
    ("cannot be cloned", "", "0.12 keeps fence devices and resources apart"),
    ("Error: Unknown value", "Warning: Unable to find", "0.12 looks at the format first"),
    (
        "is not a valid number of seconds to wait",
        "Error: Node(s) must be specified",
        "both refuse; which is said first differs",
    ),
    ("Error: duplicate argument", "", "an id that comes twice is a slip; pcs 0.12 says so of most"),
    ("Error: Specified option '--wait'", "", "0.12 has other ways to wait"),
    (
        "Error: Cannot set name of the guest node",
        "already exists",
        "0.12 tells ids and nodes apart",
    ),
    ("Error: invalid device id", "", "0.12 takes no lists of devices"),
    ("is not a valid operation name value", "", "0.12 judges operations with the options"),
    ("Usage: pcs stonith level", "", "0.12 wants 'target' and 'stonith'"),
    (
        "is not a valid level value",
        "",
        "0.12 has levels 1 to 9, and judges those to be removed, too",
    ),
    ("Error: invalid CIB scope", "Usage: pcs cluster cib", "both refuse"),
    ("", "Error: invalid device id 'id=", "0.12 takes an id"),
    ("Usage: pcs stonith level add", "", "0.12 takes an id= for none of the devices"),
    ("Usage: pcs stonith level", "Error: Fencing level for", "0.12 wants 'target' and 'stonith'"),
    ("Error: Specified option '--after'", "", "0.12 groups no fence devices"),
    ("Error: Specified option '--before'", "", "0.12 groups no fence devices"),
    ("Error: Specified option '--group'", "", "0.12 groups no fence devices"),
    (
        "does not provide valid metadata",
        "does not provide valid metadata",
        "why is said by another program",
    ),
    ("", "Warning: Validation result from agent", "a warning of the installed Python"),
    ("", "(broke down)", "no answer to compare with"),
    ("Error: Unable to find a node", "", "0.12 looks for the node"),
    ("", "Error: stonith-watchdog-timeout can only", "0.12 asks a live cluster only for SBD"),
    (
        "Error: cannot specify properties",
        "Error: you cannot specify a property",
        "0.12 words it so",
    ),
    ("", "Usage: pcs property ...", "0.12 describes properties and lists defaults"),
    ("is not a valid no-quorum-policy value", "", "properties of another Pacemaker"),
    ("is not a valid fence-reaction value", "", "properties of another Pacemaker"),
    ("", "Usage: pcs resource remove", "0.12 deletes several"),
    ("", "Usage: pcs resource delete", "0.12 deletes several"),
    ("", "Usage: pcs stonith remove", "0.12 deletes several"),
    ("", "Usage: pcs stonith delete", "0.12 deletes several"),
    ("", "Error: Unable to remove resource", "0.12 takes it out of tags"),
    (
        "stonith resources cannot be put into a group",
        "",
        "0.12 keeps fence devices and resources apart",
    ),
    ("Error: option --master not recognized", "", "0.12 took it away"),
    (
        "Error: Cannot use '-f' together with '--wait'",
        "",
        "beside it what else is wrong is said first, or not at all",
    ),
    ("", "Usage: pcs cluster ...", "0.12 has more commands"),
    ("", "Usage: pcs status ...", "0.12 answers queries"),
    ("", "Usage: pcs stonith ...", "0.12 describes and has defaults of devices"),
    ("", "Usage: pcs [-f file]", "0.12 has more areas and options"),
    ("Error: Unable to find constraint", "", "0.12 words it so"),
    ("Error: Unable to find location", "", "0.12 words it so"),
    ("Error: Unable to find colocation", "Error: No matching resources", "0.12 words it so"),
    (
        "Error: invalid score",
        "Error: Unable to update cib",
        "0.12 looks at scores before the schema",
    ),
    ("Error: '' is not a valid rule", "", "0.12 has one grammar for all rules"),
    ("", "is not a valid rule expression", "0.12 has one grammar for all rules"),
    ("is not a valid rule expression", "", "0.12 has one grammar for all rules"),
    ("is not a valid interval value", "", "0.12 judges intervals"),
    ("is not a valid timeout value", "", "0.12 judges intervals"),
    (
        "is not a valid record-pending value",
        "is not a valid record-pending value",
        "0.12 words it so",
    ),
    ("", "is not a valid no-quorum-policy value", "properties of another Pacemaker"),
    ("Error: cannot specify properties when", "", "0.12 has more options"),
    ("You must specify a node when moving", "Error: cannot move", "0.12 moves clones and bundles"),
    ("Migration", "Error: to move promotable", "0.12 moves clones and bundles"),
    ("", "Error: unable to find a resource/clone/group", "0.12 knows bundles and words it so"),
    ("Error: clone id cannot be empty", "Error: invalid id", "0.12 judges ids as elsewhere"),
    (
        "is not a valid resource-discovery value",
        "Error: Unable to update cib",
        "0.12 looks before the schema",
    ),
    ("can't be read", "Error: unable to parse new cib", "other words for why"),
    ("Error: Specified option '-f'", "", "what is looked at in a file is told by other commands"),
    ("invalid cluster property option", "", "properties of another Pacemaker"),
    ("", "invalid cluster property option", "properties of another Pacemaker"),
];

fn plain(lines: &[String], without_unsaid: bool) -> Vec<String> {
    let said = |line: &&String| {
        !without_unsaid || !UNSAID.iter().any(|(beginning, _)| line.starts_with(beginning))
    };
    lines
        .iter()
        .filter(said)
        .map(|line| {
            REWORDED.iter().fold(line.clone(), |line, (one, other)| {
                line.replace(one, if other.is_empty() { "" } else { other })
            })
        })
        .collect()
}

/// Returns the score of an element that is written out.
fn score(line: &str) -> Option<&str> {
    line.split_once(" score=\"")?.1.split('"').next()
}

/// Leaves out of rules what one version writes and the other takes for granted: all parts must hold, and 0.11
/// gives rules a score where it says nothing, and of made ids the score.
fn document(lines: &[String]) -> Vec<String> {
    let given = [" boolean-op=\"and\"", " score=\"INFINITY\"", " score=\"0\""];
    let shorter = |line: &String| {
        let text = line.trim_start();
        if text.starts_with("<rule ") {
            given.iter().fold(line.clone(), |line, part| line.replace(part, ""))
        } else if let Some(score) =
            text.strip_prefix("<rsc_colocation id=\"colocation-").and_then(score)
        {
            // the id that is made has the score that is given; in 0.11 only one without its name
            line.replacen("-INFINITY\" ", "\" ", 1).replacen(&format!("-{score}\" "), "\" ", 1)
        } else {
            line.clone()
        }
    };
    lines.iter().map(shorter).collect()
}

/// What is different between two answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Nothing that counts.
    None,
    /// Something that is known, and why it is.
    Known(&'static str),
    /// This: ours and the other's.
    New(String, String),
}

/// Finds what is different. Data is compared only where ours has no newer form of it: 0.12 shows resources,
/// constraints and defaults in other words than 0.11.
pub(crate) fn difference(ours: &Outcome, other: &Outcome, newer_text: bool) -> Difference {
    let (one, two) = (plain(&ours.stderr, true), plain(&other.stderr, true));
    let (my_file, their_file) = (document(&ours.file), document(&other.file));
    let same_end = ours.code == other.code;
    let same_data = newer_text || ours.stdout == other.stdout;
    if same_end && one == two && my_file == their_file && same_data {
        return Difference::None;
    }
    let only = |here: &[String], there: &[String]| {
        here.iter().find(|line| !there.contains(line)).cloned().unwrap_or_default()
    };
    let (mine, theirs) = (only(&one, &two), only(&two, &one));
    let fits = |pattern: &str, text: &str| {
        pattern.is_empty()
            || text.starts_with(pattern)
            || (pattern.starts_with(char::is_lowercase) && text.contains(pattern))
    };
    let known = ELSE.iter().find(|(here, there, _)| fits(here, &mine) && fits(there, &theirs));
    if let Some((.., reason)) = known.filter(|_| mine != theirs) {
        return Difference::Known(reason);
    }
    if mine != theirs || !same_end {
        return Difference::New(
            format!("{} {mine}", ours.code),
            format!("{} {theirs}", other.code),
        );
    }
    if my_file != their_file {
        return Difference::New(only(&my_file, &their_file), only(&their_file, &my_file));
    }
    Difference::New(only(&ours.stdout, &other.stdout), only(&other.stdout, &ours.stdout))
}
