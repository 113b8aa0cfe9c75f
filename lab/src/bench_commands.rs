//! `bench commands`: what a person waits for who types a command, with many resources or few.

use std::time::Instant;

use crate::bench::{Options, Table, all_started, dummies, serve_address, settle};
use crate::cluster::Cluster;
use crate::hosts::LabError;

/// What only looks, or writes what is there already.
const LOOKS: &[(&str, &str)] = &[
    ("pcs_status", "pcs status"),
    ("pcs_status_full", "pcs status --full"),
    ("pcs_status_xml", "pcs status xml"),
    ("pcs_resource_status", "pcs resource status"),
    ("pcs_resource_config", "pcs resource config"),
    ("pcs_constraint", "pcs constraint"),
    ("pcs_config", "pcs config"),
    ("pcs_cluster_verify", "pcs cluster verify"),
    ("pcs_property_config", "pcs property config"),
    ("cibadmin_query", "cibadmin -Q"),
    ("crm_mon", "crm_mon -1"),
    ("pcs_resource_explain", "pcs resource explain RESOURCE"),
    ("pcs_plan", "pcs property set cluster-recheck-interval=11min --plan"),
    ("pcs_property_same", "pcs property set maintenance-mode=false"),
];

/// What changes the configuration, in an order that ends where it began.
const CHANGES: &[(&str, &str)] = &[
    ("pcs_property_set", "pcs property set cluster-recheck-interval=10min"),
    ("pcs_property_unset", "pcs property unset cluster-recheck-interval"),
    ("pcs_resource_create", "pcs resource create bench ocf:heartbeat:Dummy"),
    ("pcs_resource_update", "pcs resource update bench op monitor interval=31s"),
    ("pcs_constraint_location", "pcs constraint location bench prefers NODE=50"),
    ("pcs_constraint_delete", "pcs constraint delete location-bench-NODE-50"),
    ("pcs_resource_disable", "pcs resource disable bench"),
    // it stands still by now: to wait for what it runs would be its agent's time
    ("pcs_resource_delete", "pcs resource delete bench"),
];

/// What moves resources: the command alone, not what comes of it.
const MOVES: &[(&str, &str)] = &[
    ("pcs_node_standby", "pcs node standby NODE"),
    ("pcs_node_unstandby", "pcs node unstandby NODE"),
];

/// Measures single commands on the first host.
pub(crate) fn run(cluster: &Cluster, options: &Options, table: &mut Table) -> Result<(), LabError> {
    let served = match options.resources {
        None | Some(0) => {
            serve_address(cluster)?;
            "ClusterIP"
        }
        Some(count) => {
            serve_many(cluster, count, options.monitors_s)?;
            "d1"
        }
    };
    settle(cluster, 0)?;
    let last = cluster.lab.hosts().last().map(|host| host.name().to_owned()).unwrap_or_default();
    for _ in 0..options.runs {
        // what the lab adds to each command: entering the host and starting a shell
        let entry = cluster.must(0, "true")?.took;
        table.row("nothing_ms").add_ms(entry);
        let mut measure = |name: &str, line: &str| -> Result<(), LabError> {
            let line = line.replace("NODE", &last).replace("RESOURCE", served);
            let took = cluster.must(0, &format!("{line} >/dev/null"))?.took;
            table.row(&format!("{name}_ms")).add_ms(took.saturating_sub(entry));
            Ok(())
        };
        for (name, line) in LOOKS {
            measure(name, line)?;
        }
        measure(
            "agent_metadata",
            "env OCF_ROOT=/usr/lib/ocf /usr/lib/ocf/resource.d/heartbeat/Dummy meta-data || systole \
             agent ocf:heartbeat:Dummy meta-data",
        )?;
        for (name, line) in CHANGES.iter().chain(MOVES) {
            measure(name, line)?;
            // what a change brings about is not to be in the way of the next command
            settle(cluster, 0)?;
        }
    }
    Ok(())
}

/// Starts the cluster with so many resources that run, and a preference for each.
fn serve_many(cluster: &Cluster, count: u32, monitors_s: u32) -> Result<(), LabError> {
    cluster.start_all()?;
    cluster.must(0, "pcs property set stonith-enabled=false")?;
    let host = &cluster.lab.hosts()[0];
    let mut constraints = String::from("<constraints>");
    let homes = cluster.lab.hosts().iter().cycle().zip(1..=count);
    for (home, number) in homes {
        constraints.push_str(&format!(
            "<rsc_location id=\"home-d{number}\" rsc=\"d{number}\" node=\"{}\" score=\"10\"/>",
            home.name()
        ));
    }
    constraints.push_str("</constraints>");
    host.write_file("/run/resources.xml", &dummies(count, monitors_s))?;
    host.write_file("/run/constraints.xml", &constraints)?;
    for section in ["resources", "constraints"] {
        let file = format!("/run/{section}.xml");
        cluster.must(0, &format!("cibadmin --replace --scope {section} --xml-file {file}"))?;
    }
    // how long that takes is what `scale` measures
    all_started(cluster, count, Instant::now(), &mut Table::default())
}
