//! How `crm_resource` is used.

/// The text of `--help`.
pub(super) const USAGE: &str = "\
crm_resource - ask after resources and act on them
Usage: crm_resource [command] [options]

Queries:
 -L, --list                   List all resources with their state (also without a command)
 -l, --list-raw               List the names of all instances of primitives
 -O, --list-operations        List operations of nodes that are here (see --resource, --node)
 -o, --list-all-operations    List operations of all nodes
     --list-standards         List the standards of agents there are
     --list-ocf-providers[=AGENT]
                              List the providers of OCF agents, or those that have this one
     --list-agents=STD[:PROV] List the agents of a standard or provider
     --list-ocf-alternatives=AGENT
                              List the providers that have this OCF agent
     --show-metadata=STD:PROV:AGENT
                              Show the metadata of an agent
 -q, --query-xml              Show the configuration of a resource, its template's included
 -w, --query-xml-raw          Show the configuration of a resource as it is written
 -g, --get-parameter=NAME     Show a parameter (or see --meta, --utilization)
 -W, --locate                 Show the nodes a resource runs on
 -a, --constraints            Show what a resource prefers and what it runs with
 -A, --stack                  The same with --recursive
 -Y, --why                    Show why resources do not run

Commands:
 -C, --cleanup                Forget failures (see --resource, --node, --operation, --interval)
 -R, --refresh                Forget all history, so that the state is found out again
 -p, --set-parameter=NAME     Set a parameter (needs -v; see --meta, --utilization)
 -d, --delete-parameter=NAME  Delete a parameter
 -M, --move                   Make a constraint that moves a resource to --node, or away
 -B, --ban                    Make a constraint that keeps a resource off a node
 -U, --clear                  Remove the constraints that --move and --ban made
 -D, --delete                 Delete a resource (needs -t)
 -F, --fail                   Have the cluster treat a resource as failed on a node
     --restart                Stop a resource with what depends on it and start it again
     --wait                   Wait until the cluster has nothing to do
     --force-check, --force-start, --force-stop, --force-promote, --force-demote
                              Have the agent do it on this node, whatever the cluster thinks;
                              with -V a shell agent shows each step. NAME=VALUE: instead of the
                              configured parameter; --force-check=LEVEL: how closely it looks
     --validate[=LEVEL]       Have the agent check its parameters: those of --resource, or those given
                              as NAME=VALUE (or --option) for --class, --provider and --agent
     --digests                Show the digests of the parameters on a node, by which changes are found
                              out; NAME=VALUE: as if the parameter were this one

Options:
 -r, --resource=ID            The resource
 -N, --node=NAME              The node
 -v, --parameter-value=VALUE  With -p
 -m, --meta                   A meta attribute is meant (with -p, -g, -d)
 -z, --utilization            A utilization attribute is meant (with -p, -g, -d)
 -s, --set-name=ID            The set of attributes that is meant (with -p, -d)
 -i, --nvpair=ID              The pair that is meant (with -p, -d)
 -t, --resource-type=ELEMENT  primitive, group, clone, bundle (with -D)
 -n, --operation=NAME         The operation whose failures are forgotten (with -C)
 -I, --interval=TIME          Its interval
 -u, --lifetime=DURATION      How long a constraint holds: PT5M, P1D (with -M, -B)
     --promoted               The promoted role is meant (with -M, -B, -U)
 -e, --expired                Only constraints whose lifetime is over (with -U)
     --recursive              Follow chains of colocations (with -a)
 -T, --timeout=TIME           How long to wait (with --wait, --restart)
 -f, --force                  Do it in spite of doubts
 -Q, --quiet                  Say less
     --output-as=FORMAT       text or xml
 -h, --help                   This text
 -$, --version                Version information

Examples:

  crm_resource --locate --resource vip
  crm_resource --resource vip --move --node ser2 --lifetime PT1H
  crm_resource --resource vip --clear
  crm_resource --resource db --set-parameter target-role --meta --parameter-value Stopped
  crm_resource --wait --timeout 60s
";
