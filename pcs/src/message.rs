//! Every message a command has, with its text. The one place texts are made.

use serde::Serialize;

use crate::report::{FORCE_MARK, FORCE_NOTE};
use crate::text::{plural, quoted, quoted_with, typed};

/// What a report says. The name of a variant is its code, the fields are its payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", content = "payload", rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each text says what its message and fields are")]
pub enum Message {
    // --- ids and names ---
    #[error("{what} cannot be empty")]
    EmptyId { what: String },
    #[error("invalid {what} '{id}', '{character}' is not a valid {}character for a {what}", if *.first { "first " } else { "" })]
    InvalidId { id: String, what: String, character: char, first: bool },
    #[error("'{id}' already exists")]
    IdAlreadyExists { id: String },
    #[error("{}'{id}' does not exist", kinds_of(.kinds))]
    IdNotFound { id: String, kinds: Vec<String>, near: Option<String> },
    #[error("'{id}' is not a {}", kinds_of(.expected).trim_end())]
    IdOfOtherKind { id: String, expected: Vec<String> },

    // --- options ---
    #[error("invalid {} {}, allowed options are: {}", option_word(.kind, .names), quoted(.names), quoted(.allowed))]
    InvalidOptions { names: Vec<String>, allowed: Vec<String>, kind: String, near: Option<String> },
    #[error(
        "If {kind} option '{option}' is specified, {kind} option '{other}' must be specified as well"
    )]
    OptionNeedsOther { kind: String, option: String, other: String },
    #[error("required {} {} {} missing", option_word_plain(.kind, .names.len()), quoted(.names), plural(.names.len(), "is", "are"))]
    RequiredOptionsMissing { names: Vec<String>, kind: String },
    #[error("'{value}' is not a valid {name} value, use {}", wanted(.choices, .words.as_deref()))]
    InvalidOptionValue { name: String, value: String, choices: Vec<String>, words: Option<String> },
    #[error("{} has to be specified", one_of_deprecated(.kind, .names, .deprecated))]
    RequiredOneOf { names: Vec<String>, deprecated: Vec<String>, kind: String },
    #[error("{} is deprecated and might be removed in a future release, therefore it should not be used{}", typed(.kind, &format!("option '{name}'")), instead(.replaced_by))]
    DeprecatedOption { name: String, replaced_by: Vec<String>, kind: String },
    #[error("{name} cannot be empty")]
    ParameterEmpty { name: String },
    #[error("Clone option 'promotable' is not compatible with '{agent}' resource agent")]
    AgentNotPromotable { agent: String },
    #[error(
        "Clone option 'promotable' is not compatible with '{agent}' resource agent of resource '{resource}'"
    )]
    ResourceNotPromotable { agent: String, resource: String },
    #[error(
        "changing a monitor operation interval from {from} to {to} to make the operation unique"
    )]
    MonitorIntervalChanged { from: String, to: String },
    #[error("invalid score '{score}', use integer or INFINITY or -INFINITY")]
    InvalidScore { score: String },
    #[error("Value '{value}' of option '{name}' is not unique across '{agent}' resources. Following resources are configured with the same value of the instance attribute: {}", quoted(.resources))]
    ValueNotUnique { name: String, value: String, agent: String, resources: Vec<String> },

    // --- agents ---
    #[error(
        "Invalid resource agent name '{name}'. Use standard:provider:type when standard is 'ocf' or standard:type otherwise. List of standards and providers can be obtained by using commands 'pcs resource standards' and 'pcs resource providers'."
    )]
    InvalidResourceAgentName { name: String },
    #[error(
        "Invalid stonith agent name '{name}'. Agent name cannot contain the ':' character, do not use the 'stonith:' prefix. List of agents can be obtained by using command 'pcs stonith list'."
    )]
    InvalidStonithAgentName { name: String },
    #[error("Assumed agent name '{name}' (deduced from '{entered}')")]
    AgentNameGuessed { name: String, entered: String },
    #[error("Unable to find agent '{name}', try specifying its full name")]
    AgentNameGuessNone { name: String, near: Vec<String> },
    #[error("Multiple agents match '{name}', please specify full name: {}", quoted_or(.agents))]
    AgentNameGuessSeveral { name: String, agents: Vec<String> },
    #[error("Agent '{agent}' is not installed or does not provide valid metadata: {reason}")]
    UnableToGetAgentMetadata { agent: String, reason: String, near: Vec<String> },
    #[error("Validation result from agent{}:\n  {}", FORCE_NOTE, .output.join("\n  "))]
    AgentValidation { agent: String, output: Vec<String> },

    // --- properties ---
    #[error("Cannot remove {} {}, {} not present in property set '{set}'", plural(.names.len(), "property", "properties"), quoted(.names), plural(.names.len(), "it is", "they are"))]
    CannotRemoveProperty { names: Vec<String>, set: String },
    #[error(
        "Setting property stonith-enabled to false leaves the cluster with no enabled means to fence nodes, resulting in the cluster not being able to recover from certain failure conditions"
    )]
    StonithDisabledByProperty,
    #[error("This command cannot be used for renaming a cluster, use 'pcs cluster rename'")]
    UseClusterRename,
    #[error(
        "fencing-watchdog-timeout / stonith-watchdog-timeout cannot be unset or set to 0 while SBD is enabled without devices"
    )]
    WatchdogTimeoutCannotBeUnset,

    // --- operations ---
    #[error("multiple specification of the same operation with the same interval:\n{}", .duplicates.join("\n"))]
    OperationIntervalDuplication { duplicates: Vec<String> },

    // --- creating resources ---
    #[error(
        "This command does not accept stonith resource. Use 'pcs stonith create' command instead."
    )]
    UseStonithCreate,
    #[error("This command does not accept stonith resource.")]
    StonithNotAccepted,
    #[error("Meta attributes of {} are not validated", .kinds.join(" / "))]
    MetaNotValidated { kinds: Vec<String> },
    #[error("{kind} meta attribute{} {} has no effect on cluster resource handling, meta attributes with effect: {}", plural(.names.len(), "", "s"), quoted(.names), quoted(.known))]
    UnknownMeta { names: Vec<String>, known: Vec<String>, kind: String },
    #[error(
        "this command is not sufficient for creating a guest node, use 'pcs cluster node add-guest'"
    )]
    UseAddGuest,
    #[error(
        "this command is not sufficient for creating a remote connection, use 'pcs cluster node add-remote'"
    )]
    UseAddRemote,
    #[error(
        "There is no resource '{resource}' in the group '{group}', cannot add resources next to it"
    )]
    GroupAdjacentNotInGroup { resource: String, group: String },

    // --- groups ---
    #[error("Cannot modify group '{group}', no resources to add or remove specified")]
    GroupNothingToDo { group: String },
    #[error("Cannot specify adjacent resource '{resource}' without resources to add")]
    GroupAdjacentWithoutResources { resource: String },
    #[error("'{id}' is a {kind} resource, {kind} resources cannot be put into a group")]
    CannotGroup { id: String, kind: String },
    #[error("'{id}' cannot be put into a group because its parent '{parent}' is a {kind} resource")]
    CannotGroupOutOf { id: String, parent: String, kind: String },
    #[error("Cannot put resource '{resource}' next to itself")]
    GroupNextToItself { resource: String },
    #[error("Cannot add {} {}, {} already present in group '{group}'", plural(.resources.len(), "resource", "resources"), quoted(.resources), plural(.resources.len(), "it is", "they are"))]
    GroupAlreadyHas { resources: Vec<String>, group: String },
    #[error("Resources to add or remove must be unique, duplicate resources: {}", quoted(.resources))]
    GroupDuplicates { resources: Vec<String> },

    // --- removing elements ---
    #[error("{text}", text = text_of_dependants(.elements))]
    RemovingDependants { elements: Vec<(String, Vec<String>)> },
    #[error("{text}", text = text_of_references(.references))]
    RemovingReferences { references: Vec<References> },
    #[error(
        "Resources are not going to be stopped before deletion because the command does not run on a live cluster"
    )]
    NotStoppedBeforeDelete,
    #[error("Not checking if {} {} {} stopped before deletion because the command does not run on a live cluster. Deleting unstopped resources may result in orphaned resources being present in the cluster.", plural(.resources.len(), "resource", "resources"), quoted(.resources), plural(.resources.len(), "is", "are"))]
    NotCheckedStopped { resources: Vec<String> },
    #[error("this command is not sufficient for removing a remote node: {}, use 'pcs cluster node remove-remote'", quoted(.nodes))]
    UseRemoveRemote { nodes: Vec<String> },
    #[error(
        "this command is not sufficient for removing a guest node, use 'pcs cluster node remove-guest'"
    )]
    UseRemoveGuest,
    #[error(
        "Changing connection parameters of an existing guest node is not sufficient for connecting to a different guest node, remove the existing guest node with 'pcs cluster node remove-guest' and add a new one with 'pcs cluster node add-guest'"
    )]
    GuestParametersChanged,
    #[error("Removing Constraint - {id}")]
    RemovingConstraint { id: String },
    #[error("Removing {id} from set {set}")]
    RemovingFromSet { id: String, set: String },
    #[error("Removing set {id}")]
    RemovingSet { id: String },
    #[error("Group '{group}' does not exist")]
    GroupNotFound { group: String },
    #[error("Resource '{resource}' does not exist in group '{group}'")]
    ResourceNotInGroup { resource: String, group: String },
    #[error("Cannot remove all resources from a cloned group")]
    CannotEmptyClonedGroup,

    // --- changing resources ---
    #[error("Disabling specified {} would have an effect on {} {}: {}", plural(.disabled.len(), "resource", "resources"), plural(.affected.len(), "this", "these"), plural(.affected.len(), "resource", "resources"), quoted(.affected))]
    DisableAffectsOthers { disabled: Vec<String>, affected: Vec<String> },
    #[error("'{id}' is unmanaged")]
    ResourceUnmanaged { id: String },
    #[error("Resource '{id}' has no enabled monitor operations")]
    NoMonitorEnabled { id: String },
    #[error("Unable to find resource: {id}")]
    UnableToFindResource { id: String, near: Option<String> },
    #[error("unable to find group or resource: {id}")]
    UnableToFindGroupOrResource { id: String, near: Option<String> },
    #[error("cannot clone bundle resource")]
    CannotCloneBundled,
    #[error("cannot clone a group that has already been cloned")]
    CannotCloneClonedGroup,
    #[error("{id} is already a clone resource")]
    AlreadyClone { id: String },
    #[error("'{id}' is a stonith resource, stonith resources cannot be cloned")]
    CannotCloneStonith { id: String },
    #[error("you cannot specify both promotable option and promotable keyword")]
    PromotableTwice,
    #[error("id '{id}' already exists")]
    IdExists { id: String },
    #[error("could not find resource: {id}")]
    CouldNotFindResource { id: String, near: Option<String> },
    #[error("id '{id}' is already in use, please specify another one")]
    IdInUse { id: String },
    #[error("unable to find operation id: {id}")]
    OperationIdNotFound { id: String },
    #[error("Resource '{resource}' runs on several nodes: say which of them is meant")]
    NodeNeededForSeveral { resource: String },
    #[error(
        "Requested action leaves the cluster with no enabled means to fence nodes, resulting in the cluster not being able to recover from certain failure conditions"
    )]
    NoStonithMeansLeft,
    #[error("'{id}' is not a clone resource")]
    NotAClone { id: String },
    #[error("op settings must be changed on base resource, not the clone")]
    OperationsOfClone,
    #[error(
        "Meta attributes are not validated by this command. For validation, please use 'pcs {area} meta' instead."
    )]
    MetaNotValidatedHere { area: String },
    #[error("{word} does not appear to be a valid operation action")]
    NotAnAction { word: String },
    #[error("operation {name} with interval {interval} already specified for {resource}:\n{}", .present.join("\n"))]
    OperationAlreadyWithInterval {
        name: String,
        interval: String,
        resource: String,
        present: Vec<String>,
    },
    #[error("operation {name} already specified for {resource}{mark}:\n{}", .present.join("\n"), mark = FORCE_MARK)]
    OperationAlready { name: String, resource: String, present: Vec<String> },
    #[error("Unable to find operation matching: {operation}")]
    OperationNotFound { operation: String },
    #[error("Value of utilization attribute must be integer: '{name}={value}'")]
    UtilizationNotInteger { name: String, value: String },

    // --- nodes ---
    #[error("Node '{node}' does not appear to exist in configuration")]
    NodeNotFound { node: String, near: Option<String> },
    #[error(
        "unable to set attribute {attribute}\ncrm_attribute: Could not map name={node} to a UUID\n"
    )]
    UnableToSetNodeAttribute { attribute: String, node: String },
    #[error("attribute: '{attribute}' doesn't exist for node: '{node}'")]
    NodeAttributeNotFound { attribute: String, node: String },
    #[error("Unable to find a node: {node}")]
    UnableToFindNode { node: String },
    #[error("Unable to find a resource: {id}")]
    UnableToFindAResource { id: String },

    // --- fencing levels ---
    #[error("Stonith {} {} {} not exist", plural(.devices.len(), "resource", "resources"), quoted(.devices), plural(.devices.len(), "does", "do"))]
    StonithResourcesMissing { devices: Vec<String> },
    #[error("Fencing level for '{target}' at level '{index}' with device(s) {} already exists", quoted(.devices))]
    FencingLevelExists { target: String, index: String, devices: Vec<String> },
    #[error("Fencing level{}{}{} does not exist", .target.as_ref().map(|t| format!(" for '{t}'")).unwrap_or_default(), .index.as_ref().map(|i| format!(" at level '{i}'")).unwrap_or_default(), if .devices.is_empty() { String::new() } else { format!(" with device(s) {}", quoted(.devices)) })]
    FencingLevelNotFound { index: Option<String>, target: Option<String>, devices: Vec<String> },

    // --- defaults and rules ---
    #[error(
        "Several options sets exist, please use the 'pcs {command} set update' command and specify an option set ID"
    )]
    DefaultsSeveralSets { command: String },
    #[error("Defaults do not apply to resources which override them with their own defined values")]
    DefaultsMayBeOverridden,
    #[error("options set '{id}' does not exist")]
    OptionSetNotFound { id: String },
    #[error("'{rule}' is not a valid rule expression, parse error near or after line 1 column {column}\n  {rule}\n  {}^", "-".repeat(.column.saturating_sub(1)))]
    RuleParseError { rule: String, column: usize },
    #[error("Since '{since}' is not sooner than until '{until}'")]
    RuleRangeBackwards { since: String, until: String },
    #[error("Duplicate options in a single (sub)expression: {}", quoted(.names))]
    RuleDuplicateOptions { names: Vec<String> },
    #[error("Keyword{} {} cannot be used in a rule in this command", plural(.keywords.len(), "", "s"), keyword_list(.keywords))]
    RuleKeywordsNotAllowed { keywords: Vec<String> },

    // --- constraints ---
    #[error("Resource '{id}' does not exist")]
    ResourceNotFound { id: String, near: Option<String> },
    #[error("{id} is a {kind} resource, you should use the {kind} id: {whole} when adding constraints{}", if *.plain { ". Use --force to override." } else { "" })]
    ConstrainTheWhole { id: String, kind: String, whole: String, plain: bool },
    #[error("Validation for node existence in the cluster will be skipped")]
    NodeValidationSkipped,
    #[error("Node '{node}' does not seem to be in the cluster")]
    NodeNotInCluster { node: String, near: Option<String> },
    #[error("Only one of options {} can be used", quoted(.names))]
    MutuallyExclusive { names: Vec<String> },
    #[error("invalid role value '{role}', allowed values are: {}", quoted(.allowed))]
    InvalidRole { role: String, allowed: Vec<String> },
    #[error("Unable to find constraints or constraint rules: {}", quoted(.ids))]
    ConstraintsNotFound { ids: Vec<String> },
    #[error("Unable to find location constraints: {}", quoted(.ids))]
    LocationConstraintsNotFound { ids: Vec<String> },
    #[error(
        "Unable to find colocation constraint with source resource '{who}' and target resource '{with}'"
    )]
    ColocationNotFound { who: String, with: String },
    #[error(
        "Removing colocation constraint with interchanged source resource id and target resource id. This behavior is deprecated and will be removed."
    )]
    ColocationSwapped,
    #[error("No matching resources found in ordering list")]
    OrderNotFound,
    #[error("value of '{name}' option is empty")]
    OptionValueEmpty { name: String },
    #[error("invalid {name} value '{value}', allowed values are: {}", .allowed.join(", "))]
    OptionValueNotAllowed { name: String, value: String, allowed: Vec<String> },
    #[error("no matching ticket constraint found")]
    TicketConstraintNotFound,
    #[error(
        "booth ticket name '{ticket}' is not valid, use up to 63 alphanumeric characters or dash"
    )]
    InvalidTicketName { ticket: String },
    #[error("Cannot create an order constraint for resources in the same group")]
    OrderInOneGroup,
    #[error("Adding {first} {then} ({kind}) (Options: {})", .options.join(" "))]
    AddingOrder { first: String, then: String, kind: String, options: Vec<String> },
    #[error("duplicate constraint already exists{mark}\n{}", .constraints.join("\n"), mark = FORCE_MARK)]
    DuplicateConstraintListed { constraints: Vec<String> },
    #[error("Duplicate constraints:\n  {}", .constraints.join("\n  "))]
    DuplicateConstraints { constraints: Vec<String> },
    #[error("Duplicate constraint already exists")]
    DuplicateConstraint,

    // --- tags ---
    #[error("Ids to add must be unique, duplicate ids: {}", quoted(.ids))]
    TagDuplicateIds { ids: Vec<String> },
    #[error("Ids cannot be added and removed at the same time: {}", quoted(.ids))]
    TagAddAndRemove { ids: Vec<String> },
    #[error("Cannot add reference {} already in the tag '{tag}': {}", plural(.ids.len(), "id", "ids"), quoted(.ids))]
    TagAlreadyHas { tag: String, ids: Vec<String> },
    #[error("Tag cannot contain itself")]
    TagInItself,
    #[error("Cannot specify adjacent id '{id}' without ids to add")]
    TagAdjacentWithoutIds { id: String },
    #[error("Ids to remove must be unique, duplicate ids: {}", quoted(.ids))]
    TagDuplicateIdsToRemove { ids: Vec<String> },
    #[error("Tag '{tag}' does not contain {}: {}", plural(.ids.len(), "id", "ids"), quoted(.ids))]
    TagLacks { tag: String, ids: Vec<String> },
    #[error(
        "There would be no references left in the tag '{tag}', please remove the whole tag using the 'pcs tag remove {tag}' command"
    )]
    TagWouldBeEmpty { tag: String },
    #[error(
        "There is no reference id '{id}' in the tag '{tag}', cannot put reference ids next to it in the tag"
    )]
    TagAdjacentNotThere { id: String, tag: String },
    #[error("Cannot put id '{id}' next to itself.")]
    TagNextToItself { id: String },
    #[error("Cannot remove id '{id}' next to which ids are being added")]
    TagAdjacentRemoved { id: String },
    #[error("Tag '{tag}' cannot be removed because it is referenced in {} {}", plural(.constraints.len(), "constraint", "constraints"), quoted(.constraints))]
    TagInConstraints { tag: String, constraints: Vec<String> },

    // --- alerts ---
    #[error("Recipient '{value}' in alert '{alert}' already exists")]
    RecipientExists { value: String, alert: String },
    #[error("Recipient value '{value}' is not valid.")]
    RecipientInvalid { value: String },

    // --- access control ---
    #[error("'{id}' is not an {kind}")]
    IdIsNotAn { id: String, kind: String },
    #[error("Role '{role}' is already assigned to '{who}'")]
    RoleAlreadyAssigned { role: String, who: String },
    #[error("Role '{role}' is not assigned to '{who}'")]
    RoleNotAssigned { role: String, who: String },

    // --- bundles ---
    #[error("Only one of {kind} options '{one}' and '{other}' can be used")]
    OnlyOneOption { kind: String, one: String, other: String },
    #[error("{kind} option '{one}' or '{other}' has to be specified")]
    OneOptionNeeded { kind: String, one: String, other: String },
    #[error("image cannot be empty, use image name")]
    ImageEmpty,
    #[error("there is no {kind} '{map}' in the bundle '{bundle}'")]
    BundleMapNotFound { kind: String, map: String, bundle: String },
    #[error("{element} '{map}' exists but does not belong to bundle '{bundle}'")]
    BundleMapOfOther { element: String, map: String, bundle: String },
    #[error(
        "Resource '{resource}' will not be accessible by the cluster inside bundle '{bundle}', at least one of bundle options 'control-port' or 'ip-range-start' has to be specified"
    )]
    BundleUnreachable { resource: String, bundle: String },
    #[error(
        "bundle '{bundle}' already contains resource '{resource}', a bundle may contain at most one resource"
    )]
    BundleFull { bundle: String, resource: String },

    // --- desired files ---
    #[error(
        "a desired configuration begins with <cib> or <configuration>, this one begins with <{root}>; 'pcs export' makes one"
    )]
    NotADesiredFile { root: String },
    #[error("unknown {} of the configuration: {}, known are: {}", plural(.names.len(), "section", "sections"), quoted(.names), quoted(.known))]
    UnknownSections { names: Vec<String>, known: Vec<String> },

    // --- remote and guest nodes ---
    #[error(
        "Unable to check if there is a conflict with nodes set in corosync because the command does not run on a live cluster (e.g. -f was used)"
    )]
    ConflictsNotChecked,
    #[error("No addresses specified for host '{node}', using '{address}'")]
    AddressGuessed { node: String, address: String },
    #[error(
        "Distribution of '{what}' to '{node}' was skipped because the command does not run on a live cluster (e.g. -f was used). Please, distribute the file(s) manually."
    )]
    DistributionSkipped { what: String, node: String },
    #[error(
        "Removing '{what}' from '{node}' was skipped because the command does not run on a live cluster (e.g. -f was used). Please, remove the file(s) manually."
    )]
    RemovalSkipped { what: String, node: String },
    #[error("Running action(s) {} on '{node}' was skipped because the command does not run on a live cluster (e.g. -f was used). Please, run the action(s) manually.", quoted(.actions))]
    ActionsSkipped { actions: Vec<String>, node: String },
    #[error(
        "Skipping removal of node '{node}' from pacemaker because the command does not run on a live cluster"
    )]
    PurgeSkipped { node: String },
    #[error("{kind} node '{node}' does not appear to exist in configuration")]
    NodeOfKindNotFound { node: String, kind: String },
    #[error("the resource '{id}' is already a guest node")]
    AlreadyGuest { id: String },
    #[error(
        "Cannot set name of the guest node to '{name}' because that ID already exists in the cluster configuration."
    )]
    GuestNameTaken { name: String },
    #[error("Removing resource: '{id}'")]
    RemovingResource { id: String },

    // --- moving resources ---
    #[error("You must specify a node when moving/banning a stopped resource")]
    NodeNeededForStopped,
    #[error("when specifying --promoted you must use the promotable clone id{}", .clone.as_ref().map(|id| format!(" ({id})")).unwrap_or_default())]
    PromotableNeeded { clone: Option<String> },
    #[error(
        "cannot clear resource '{resource}'\ncrm_resource: Node '{node}' not found\nError performing operation: No such object"
    )]
    CannotClear { resource: String, node: String },
    #[error("Creating location constraint '{id}' with a score of -INFINITY for resource {resource} on {node}.\n\tThis will prevent {resource} from {} on {node} until the constraint is removed.\n\tThis will be the case even if {node} is the last node in the cluster", if *.promoted { "being promoted" } else { "running" })]
    BanCreated { id: String, resource: String, node: String, promoted: bool },
    #[error("Migration will take effect until: {until}")]
    MigrationUntil { until: String },
    #[error(
        "A move constraint has been created and the resource '{resource}' may or may not move depending on other configuration"
    )]
    MoveConstraintCreated { resource: String },
    #[error(
        "cannot {verb} resource '{resource}'\nInvalid duration specified: {lifetime}\nPlease refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of valid durations"
    )]
    LifetimeInvalid { verb: String, resource: String, lifetime: String },

    // --- clusters as a whole; the texts are in cluster::message ---
    #[error(transparent)]
    #[serde(untagged)]
    Cluster(#[from] crate::cluster::ClusterMessage),
    #[error(transparent)]
    #[serde(untagged)]
    Booth(crate::booth::BoothMessage),
}

/// What is taken out of which elements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct References {
    /// The kind of what goes.
    pub kind: String,
    /// The id of what goes.
    pub id: String,
    /// Where it is taken out, by kind.
    pub from: Vec<(String, Vec<String>)>,
}

fn keyword_list(keywords: &[String]) -> String {
    let words: Vec<String> = keywords.iter().map(|k| format!("'{k}'")).collect();
    match words.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => words.concat(),
    }
}

fn by_kind(elements: &[(String, Vec<String>)]) -> Vec<String> {
    let mut lines: Vec<String> = elements
        .iter()
        .map(|(kind, ids)| format!("{}: {}", plural_kind(kind, ids.len()), quoted(ids)))
        .collect();
    lines.sort();
    lines
}

fn plural_kind(kind: &str, count: usize) -> String {
    if count == 1 { kind.to_owned() } else { format!("{kind}s") }
}

fn text_of_dependants(elements: &[(String, Vec<String>)]) -> String {
    let count: usize = elements.iter().map(|(_, ids)| ids.len()).sum();
    let word = plural(count, "element", "elements");
    format!("Removing dependant {word}:\n  {}", by_kind(elements).join("\n  "))
}

fn text_of_references(references: &[References]) -> String {
    let mut lines = vec!["Removing references:".to_owned()];
    for reference in references {
        lines.push(format!("  {} '{}' from:", reference.kind, reference.id));
        lines.extend(by_kind(&reference.from).into_iter().map(|line| format!("    {line}")));
    }
    lines.join("\n")
}

impl Message {
    /// Returns what somebody probably meant or should type next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::IdNotFound { near: Some(near), .. }
            | Self::InvalidOptions { near: Some(near), .. }
            | Self::NodeNotFound { near: Some(near), .. }
            | Self::NodeNotInCluster { near: Some(near), .. }
            | Self::ResourceNotFound { near: Some(near), .. }
            | Self::UnableToFindResource { near: Some(near), .. }
            | Self::CouldNotFindResource { near: Some(near), .. }
            | Self::UnableToFindGroupOrResource { near: Some(near), .. } => {
                Some(format!("did you mean {near}?"))
            }
            Self::AgentNameGuessNone { near, .. } | Self::UnableToGetAgentMetadata { near, .. }
                if !near.is_empty() =>
            {
                Some(format!("did you mean {}?", near.join(" or ")))
            }
            Self::AgentNameGuessNone { .. } => {
                Some("'pcs resource list' shows the agents that are installed".to_owned())
            }
            _ => None,
        }
    }
}

/// Writes kinds of elements in front of an id: `clone / group `.
fn kinds_of(kinds: &[String]) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let mut kinds = kinds.to_vec();
    kinds.sort();
    format!("{} ", kinds.join(" / "))
}

fn option_word(kind: &str, names: &[String]) -> String {
    let colon = if names.len() == 1 { "" } else { ":" };
    format!("{}{colon}", option_word_plain(kind, names.len()))
}

fn option_word_plain(kind: &str, count: usize) -> String {
    typed(kind, plural(count, "option", "options"))
}

fn wanted(choices: &[String], words: Option<&str>) -> String {
    words.map_or_else(|| quoted(choices), str::to_owned)
}

fn quoted_or(words: &[String]) -> String {
    quoted_with(words, " or ")
}

fn instead(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", use {} instead", quoted(names)) }
}

fn one_of_deprecated(kind: &str, names: &[String], deprecated: &[String]) -> String {
    let good = names.iter().map(|name| format!("'{name}'"));
    let old = deprecated.iter().map(|name| format!("'{name}' (deprecated)"));
    let all: Vec<String> = good.chain(old).collect();
    format!("{} {}", typed(kind, "option"), all.join(" or "))
}
