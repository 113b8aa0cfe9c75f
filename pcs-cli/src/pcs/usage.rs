//! Usage texts: what every command is called with, and what it does. One table makes the help of
//! an area, of a command, and of all of pcs.

/// `(area, command, arguments, description)`.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// What each area is about, in the order people meet them.
const AREAS: [(&str, &str); 20] = [
    ("cluster", "Set up, start and stop the cluster and its nodes"),
    ("resource", "Manage resources"),
    ("stonith", "Manage fence devices"),
    ("constraint", "Manage where, with whom and in which order resources run"),
    ("property", "Manage properties of the cluster"),
    ("status", "Show the state of the cluster"),
    ("config", "Show all that is configured"),
    ("apply", "Make the configuration as a file says"),
    ("export", "Write the configuration as a file that can be applied"),
    ("node", "Manage nodes: standby, maintenance, attributes"),
    ("host", "Make hosts known to each other"),
    ("quorum", "Show and manage quorum"),
    ("tag", "Manage names for several resources at once"),
    ("alert", "Manage programs that are told what happens"),
    ("acl", "Manage who may change what"),
    ("cib", "Manage elements of the document"),
    ("pcsd", "Manage pcsd, the management daemon"),
    ("booth", "Manage booth"),
    ("dr", "Manage disaster recovery"),
    ("help", "Show this, or the usage of an area or a command"),
];

const COMMANDS: &[Row] = &[
    (
        "cluster",
        "setup",
        "<name> (<node> [addr=<address>]...)... [transport <type> ...] [totem ...] [quorum ...] [--enable] [--start [--wait[=<n>]]] [--force]",
        "Make a cluster of hosts that are authenticated",
    ),
    (
        "cluster",
        "start",
        "[--all | <node>...] [--wait[=<n>]]",
        "Start the cluster here, on some nodes or on all",
    ),
    (
        "cluster",
        "stop",
        "[--all | <node>...] [--force]",
        "Stop the cluster here, on some nodes or on all",
    ),
    ("cluster", "enable", "[--all | <node>...]", "Let the cluster start with its hosts"),
    ("cluster", "disable", "[--all | <node>...]", "Let the cluster not start with its hosts"),
    (
        "cluster",
        "destroy",
        "[--all] [--force]",
        "Remove the cluster from this host or from all; everything about it is lost",
    ),
    (
        "cluster",
        "auth",
        "[-u <user>] [-p <password>]",
        "Authenticate the nodes of the cluster to each other",
    ),
    ("cluster", "status", "", "Show the cluster without its resources"),
    ("cluster", "node add", "<node> [addr=<address>]... [--start] [--enable]", "Add a node"),
    ("cluster", "node remove", "<node>... [--force]", "Remove nodes"),
    (
        "cluster",
        "node add-remote",
        "<name> [<address>] [options] [op ...] [meta ...]",
        "Add a remote node",
    ),
    (
        "cluster",
        "node add-guest",
        "<name> <resource id> [options]",
        "Make a guest node out of a resource",
    ),
    ("cluster", "node delete-remote", "<name | address>", "Remove a remote node"),
    (
        "cluster",
        "node delete-guest",
        "<name | address | resource id>",
        "Make a guest node a plain resource",
    ),
    ("cluster", "node rename-cib", "<old> <new>", "Rename a node in the document"),
    ("cluster", "link", "add | delete | update ...", "Manage links between nodes"),
    (
        "cluster",
        "config",
        "[show] | update ... | uuid generate",
        "Show or change what corosync.conf says",
    ),
    (
        "cluster",
        "cib",
        "[<file>] [scope=<section> | --config]",
        "Print the document, or write it to a file",
    ),
    (
        "cluster",
        "cib-push",
        "<file> [diff-against=<old file> | scope=<section> | --config] [--wait[=<n>]]",
        "Make a file's configuration the cluster's",
    ),
    ("cluster", "cib-upgrade", "", "Bring the document to the latest form"),
    ("cluster", "edit", "[scope=<section> | --config]", "Edit the document with $EDITOR"),
    ("cluster", "verify", "[--full]", "Check the configuration"),
    ("cluster", "rename", "<name>", "Rename the cluster"),
    ("resource", "status", "[<id>] [node=<node>] [--hide-inactive]", "Show the state of resources"),
    ("resource", "config", "[<id>...] [--output-format text|cmd|json]", "Show what is configured"),
    ("resource", "list", "[<filter>] [--nodesc]", "List the agents that are installed"),
    (
        "resource",
        "describe",
        "[<standard>:[<provider>:]]<agent> [--full]",
        "Show the parameters of an agent",
    ),
    (
        "resource",
        "create",
        "<id> [<standard>:[<provider>:]]<agent> [options] [op <action> <options>...] [meta <options>] [clone [<id>] | promotable [<id>] | --group <id> [--before | --after <id>] | bundle <id>] [--disabled] [--no-default-ops] [--agent-validation] [--force]",
        "Create a resource",
    ),
    (
        "resource",
        "delete",
        "<id>... [--force]",
        "Delete resources, groups, clones or bundles; what runs is stopped before",
    ),
    (
        "resource",
        "update",
        "<id> [options] [op <action> <options>...] [meta <options>] [--agent-validation] [--force]",
        "Change a resource",
    ),
    ("resource", "meta", "<id> <options>", "Change meta attributes"),
    (
        "resource",
        "op",
        "add <id> <action> [options] | delete <id> <action> [options] | defaults ...",
        "Manage operations",
    ),
    ("resource", "op add", "<id> <action> [options] [--force]", "Add an operation"),
    ("resource", "op delete", "<id> <action> [options] | <operation id>", "Delete an operation"),
    ("resource", "op remove", "<id> <action> [options] | <operation id>", "Delete an operation"),
    ("resource", "enable", "<id>... [--wait[=<n>]]", "Let the cluster start resources"),
    (
        "resource",
        "disable",
        "<id>... [--safe [--brief] [--no-strict]] [--simulate [--brief]] [--wait[=<n>]]",
        "Make the cluster stop resources",
    ),
    (
        "resource",
        "safe-disable",
        "<id>... [--brief] [--no-strict] [--simulate [--brief]] [--wait[=<n>]] [--force]",
        "Disable resources only if nothing else is affected",
    ),
    ("resource", "restart", "<id> [--wait=<n>]", "Stop a resource and start it again"),
    (
        "resource",
        "move",
        "<id> [<node>] [--promoted] [--wait[=<n>]]",
        "Move a resource; the constraint that does it goes again",
    ),
    (
        "resource",
        "move-with-constraint",
        "<id> [<node>] [lifetime=<time>] [--promoted]",
        "Move a resource with a constraint that stays",
    ),
    (
        "resource",
        "ban",
        "<id> [<node>] [lifetime=<time>] [--promoted]",
        "Keep a resource off a node",
    ),
    (
        "resource",
        "clear",
        "<id> [<node>] [--expired]",
        "Take back what move-with-constraint and ban did",
    ),
    (
        "resource",
        "clone",
        "<id> [<clone id>] [meta <options>]",
        "Make a clone of a resource or group",
    ),
    (
        "resource",
        "promotable",
        "<id> [<clone id>] [meta <options>]",
        "Make a promotable clone of a resource or group",
    ),
    ("resource", "unclone", "<id>", "Take a resource out of its clone"),
    ("resource", "group", "add <group> <id>... | list | delete <group> [<id>...]", "Manage groups"),
    (
        "resource",
        "group add",
        "<group> <id>... [--before | --after <id>]",
        "Put resources into a group",
    ),
    ("resource", "ungroup", "<group> [<id>...]", "Take resources out of a group"),
    ("resource", "bundle", "create | update | reset <id> ...", "Manage bundles"),
    (
        "resource",
        "bundle create",
        "<id> container <type> <options> [network <options>] [port-map <options>]... [storage-map <options>]... [meta <options>]",
        "Create a bundle",
    ),
    (
        "resource",
        "bundle update",
        "<id> [container <options>] [network <options>] [port-map (add <options>) | (delete <id>...)]... [storage-map ...]... [meta <options>]",
        "Change a bundle",
    ),
    ("resource", "bundle reset", "<id> container <options> ...", "Make a bundle anew"),
    ("resource", "manage", "<id>... [--monitor]", "Let the cluster manage resources again"),
    (
        "resource",
        "unmanage",
        "<id>... [--monitor]",
        "Make the cluster keep its hands off resources",
    ),
    (
        "resource",
        "cleanup",
        "[<id>] [node=<node>] [operation=<action> [interval=<time>]]",
        "Forget failures, and try again",
    ),
    ("resource", "refresh", "[<id>] [node=<node>]", "Forget all history, and look what runs"),
    (
        "resource",
        "failcount",
        "[show [<id>] [node=<node>] [operation=<action> [interval=<time>]]] [--full]",
        "Show how often what failed",
    ),
    (
        "resource",
        "relocate",
        "show | dry-run [<id>...] | run [<id>...] | clear",
        "Move resources to where they would be without stickiness",
    ),
    (
        "resource",
        "explain",
        "<id> [--node <node>] [--xml <file>] [--output-format=text|json]",
        "Say what speaks for and against each node, and why what happens happens; also of a saved input",
    ),
    (
        "resource",
        "defaults",
        "[config] | update <name>=[<value>]... | set create | delete | update ...",
        "Manage defaults of resources",
    ),
    (
        "resource",
        "op defaults",
        "[config] | update <name>=[<value>]... | set create | delete | update ...",
        "Manage defaults of operations",
    ),
    ("resource", "relations", "<id> [--full]", "Show what a resource has to do with others"),
    ("resource", "utilization", "[<id> [<name>=<value>...]]", "Show or change what resources use"),
    ("resource", "description", "<id> [<text>]", "Show or change a description"),
    (
        "resource",
        "debug-start",
        "<id> [--full]",
        "Run an agent's action here, outside the cluster (also debug-stop, debug-monitor ...)",
    ),
    ("stonith", "status", "[<id>] [node=<node>]", "Show the state of fence devices"),
    ("stonith", "config", "[<id>...] [--output-format text|cmd|json]", "Show what is configured"),
    ("stonith", "list", "[<filter>] [--nodesc]", "List the fence agents that are installed"),
    ("stonith", "describe", "<agent> [--full]", "Show the parameters of a fence agent"),
    (
        "stonith",
        "create",
        "<id> <agent> [options] [op <action> <options>...] [meta <options>] [--disabled] [--agent-validation] [--force]",
        "Create a fence device",
    ),
    ("stonith", "update", "<id> [options] [--force]", "Change a fence device"),
    ("stonith", "delete", "<id>... [--force]", "Delete fence devices"),
    ("stonith", "enable", "<id>...", "Enable fence devices"),
    ("stonith", "disable", "<id>...", "Disable fence devices"),
    ("stonith", "level", "[config] | add | delete | clear | verify ...", "Manage fencing levels"),
    ("stonith", "level add", "<level> <target> <id>... [id=<level id>]", "Add a fencing level"),
    (
        "stonith",
        "level delete",
        "<level> [target <target>] [stonith <id>...]",
        "Delete fencing levels",
    ),
    (
        "stonith",
        "level remove",
        "<level> [target <target>] [stonith <id>...]",
        "Delete fencing levels",
    ),
    (
        "stonith",
        "level clear",
        "[target <target>] [stonith <id>...]",
        "Delete all fencing levels of a target or device",
    ),
    ("stonith", "fence", "<node> [--off]", "Fence a node"),
    ("constraint", "config", "[--full] [--output-format text|cmd|json]", "Show constraints"),
    (
        "constraint",
        "location",
        "<resource> prefers | avoids <node>[=<score>]...",
        "Make a resource prefer or avoid nodes",
    ),
    (
        "constraint",
        "location",
        "<resource> rule [id=] [role=] [score=] <expression>",
        "The same by a rule",
    ),
    (
        "constraint",
        "order",
        "[<action>] <resource> then [<action>] <resource> [options]",
        "Let one thing happen before another",
    ),
    (
        "constraint",
        "colocation add",
        "[<role>] <resource> with [<role>] <resource> [score=<score>] [options]",
        "Let a resource run where another runs",
    ),
    (
        "constraint",
        "ticket add",
        "<ticket> [<role>] <resource> [options]",
        "Let a resource run only where a ticket is",
    ),
    ("constraint", "delete", "<constraint id>...", "Delete constraints"),
    ("constraint", "ref", "<resource>...", "List the constraints of a resource"),
    (
        "property",
        "config",
        "[<name>... | --all] [--output-format text|cmd|json]",
        "Show properties",
    ),
    ("property", "defaults", "[<name>...] [--full]", "Show defaults of properties"),
    ("property", "describe", "[<name>...] [--full]", "Describe properties"),
    (
        "property",
        "set",
        "<name>=[<value>]... [--force]",
        "Set properties; an empty value unsets one",
    ),
    ("property", "unset", "<name>... [--force]", "Unset properties"),
    ("status", "", "[--full] [--hide-inactive]", "Show the cluster and its resources"),
    (
        "status",
        "resources",
        "[<id>] [node=<node>] [--hide-inactive]",
        "Show the state of resources",
    ),
    ("status", "cluster", "", "Show the cluster without its resources"),
    ("status", "nodes", "[corosync | both | config]", "Show the state of nodes"),
    ("status", "corosync", "", "Show who is here"),
    ("status", "quorum", "", "Show whether there is a quorum and why"),
    ("status", "pcsd", "[<node>...]", "Show whose pcsd answers"),
    ("status", "query resource", "<id> <question> [--quiet]", "Answer a script by exit status"),
    ("status", "wait", "[<timeout>]", "Wait until nothing more is to be done"),
    ("config", "", "[show]", "Show all that is configured"),
    ("node", "attribute", "[<node> [<name>=<value>...]]", "Show or change attributes of nodes"),
    ("node", "utilization", "[<node> [<name>=<value>...]]", "Show or change what nodes offer"),
    ("node", "standby", "[--all | <node>...] [--wait[=<n>]]", "Move everything away from nodes"),
    ("node", "unstandby", "[--all | <node>...] [--wait[=<n>]]", "Let nodes run resources again"),
    ("node", "maintenance", "[--all | <node>...]", "Keep the cluster's hands off nodes"),
    ("node", "unmaintenance", "[--all | <node>...]", "Let the cluster manage nodes again"),
    (
        "host",
        "auth",
        "(<host> [addr=<address>[:<port>]])... [-u <user>] [-p <password>]",
        "Authenticate hosts",
    ),
    ("host", "deauth", "[<host>...]", "Forget hosts"),
    ("quorum", "config", "", "Show the configuration of quorum"),
    ("quorum", "status", "", "Show whether there is a quorum and why"),
    ("quorum", "update", "[options]", "Change options of quorum"),
    ("quorum", "expected-votes", "<votes>", "Set the expected votes of the running cluster"),
    ("quorum", "unblock", "[--force]", "Stop waiting for nodes that are off"),
    ("tag", "config", "[<tag>...]", "Show tags"),
    ("tag", "create", "<tag> <id>...", "Create a tag"),
    (
        "tag",
        "update",
        "<tag> [add <id>... [--before | --after <id>]] [remove <id>...]",
        "Change a tag",
    ),
    ("tag", "delete", "<tag>...", "Delete tags"),
    ("alert", "config", "", "Show alerts"),
    (
        "alert",
        "create",
        "path=<path> [id=] [description=] [options <options>] [meta <options>]",
        "Create an alert",
    ),
    (
        "alert",
        "update",
        "<id> [path=] [description=] [options <options>] [meta <options>]",
        "Change an alert",
    ),
    ("alert", "delete", "<id>...", "Delete alerts"),
    (
        "alert",
        "recipient",
        "add <alert> value=<value> ... | update <id> ... | delete <id>...",
        "Manage recipients",
    ),
    ("acl", "config", "", "Show access control lists"),
    ("acl", "enable", "", "Let access control lists hold"),
    ("acl", "disable", "", "Let everybody do everything again"),
    ("acl", "role", "create | delete | assign | unassign ...", "Manage roles"),
    (
        "acl",
        "role create",
        "<role> [description=<text>] [((read | write | deny) (xpath <query> | id <id>))...]",
        "Create a role",
    ),
    ("acl", "role delete", "<role>", "Delete a role"),
    ("acl", "role assign", "<role> [to] [user | group] <name>", "Give somebody a role"),
    ("acl", "role unassign", "<role> [from] [user | group] <name>", "Take a role from somebody"),
    ("acl", "user", "create <user> [<role>...] | delete <user>", "Manage users"),
    ("acl", "group", "create <group> [<role>...] | delete <group>", "Manage groups"),
    (
        "acl",
        "permission",
        "add <role> ((read | write | deny) (xpath <query> | id <id>))... | delete <id>",
        "Manage permissions",
    ),
    ("cib", "element description", "<id> [<text>]", "Show or change a description"),
    (
        "apply",
        "",
        "-f <file> [--plan] [--wait[=<n>]]",
        "Make the running cluster's configuration as a file says; with -f FILE apply <file> that of FILE",
    ),
    (
        "export",
        "",
        "[<file>] [--output-format=xml|json]",
        "Write the configuration as 'pcs apply' reads it",
    ),
    ("pcsd", "status", "[<node>...]", "Show whose pcsd answers"),
];

/// Areas whose commands are all described together, and how their usage begins.
const WHOLE: [(&str, &str); 9] = [
    ("alert", "<command>"),
    ("booth", "<command>"),
    ("cib", "<command>"),
    ("constraint", "[constraints]..."),
    ("dr", "<command>"),
    ("node", "<command>"),
    ("quorum", "<command>"),
    ("tag", "<command>"),
    ("pcsd", "<command>"),
];

/// Describes pcs as a whole, on one screen.
pub(crate) fn main() -> String {
    let mut text = "\nUsage: pcs [-f file] [-h] [commands]...\nControl and configure the cluster.\n\nOptions:\n    -h, --help         Show this and exit\n    -f file            Work on a file instead of the running cluster\n    --corosync_conf file  Work on a corosync.conf instead of the cluster's own\n    --force            Override what can be overridden\n    --version          Print the version\n    --fullhelp         Show the usage of every command\n\nCommands:\n".to_owned();
    for (area, about) in AREAS {
        text.push_str(&format!("    {area:<11} {about}\n"));
    }
    text
}

fn rows(area: &str, command: &str) -> String {
    let mut text = String::new();
    let is_it = |row: &&Row| {
        row.0 == area
            && (command.is_empty() || row.1 == command || row.1.starts_with(&format!("{command} ")))
    };
    for (_, name, arguments, about) in COMMANDS.iter().filter(is_it) {
        let words: Vec<&str> =
            [*name, *arguments].into_iter().filter(|word| !word.is_empty()).collect();
        text.push_str(&format!("    {}\n        {about}\n", words.join(" ")));
    }
    text
}

/// Describes an area, or one command of it.
pub(crate) fn of(area: &str, command: &str) -> String {
    if area.is_empty() || !AREAS.iter().any(|(name, _)| *name == area) {
        return main();
    }
    let whole = WHOLE.iter().find(|(name, _)| *name == area);
    let head = match whole {
        Some((_, words)) => format!("Usage: pcs {area} {words}"),
        None if command.is_empty() => format!("Usage: pcs {area} ..."),
        None => format!("Usage: pcs {area} {command}..."),
    };
    let mut text = rows(area, command.trim());
    if text.is_empty() {
        text = rows(area, "");
    }
    format!("\n{head}\n{text}")
}

/// Describes everything.
pub(crate) fn full() -> String {
    let mut text = main();
    for (area, _) in AREAS {
        text.push_str(&of(area, ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{AREAS, COMMANDS, main, of};

    #[test]
    fn the_overview_fits_a_screen() {
        assert!(main().lines().count() <= 40, "{}", main().lines().count());
    }

    #[test]
    fn every_command_belongs_to_an_area() {
        for (area, command, ..) in COMMANDS {
            assert!(AREAS.iter().any(|(name, _)| name == area), "{area} {command}");
        }
    }

    #[test]
    fn the_first_line_names_the_command() {
        assert!(of("resource", "create").starts_with("\nUsage: pcs resource create...\n"));
        assert!(of("node", "attribute").starts_with("\nUsage: pcs node <command>\n"));
    }
}
