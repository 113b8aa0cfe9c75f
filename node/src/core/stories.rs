//! What two or three brains do together, told as stories.

use model::{ExitCode, NodeId};

use super::message::{Action, ToolRequest};
use super::testing::Cluster;

const UNFENCED: &[(&str, &str)] = &[("stonith-enabled", "false")];

fn property(name: &str) -> String {
    format!(
        "<cluster_property_set id=\"p\"><nvpair id=\"{name}\" name=\"{name}\" value=\"1\"/>\
         </cluster_property_set>"
    )
}

fn has(cluster: &Cluster, at: NodeId, name: &str) -> bool {
    cluster.brain(at).store().committed().find_id(name).is_some()
}

#[test]
fn a_cluster_forms_and_starts_what_it_is_given() {
    let cluster = Cluster::with(3, UNFENCED, &["a", "b"]);
    assert_eq!(cluster.home("a").len(), 1);
    assert_eq!(cluster.home("b").len(), 1);
}

#[test]
fn the_leader_of_a_pair_that_survives_goes_on_alone() {
    let mut cluster = Cluster::with(2, UNFENCED, &["a", "b"]);
    let (leader, other) = (cluster.dc(), cluster.follower());
    cluster.power_off(other);
    cluster.view(&[leader], true);
    cluster.run(1_000);
    assert!(cluster.brain(leader).consensus().is_sole_voter());
    assert!(cluster.brain(leader).consensus().is_unlicensed());
    assert_eq!(cluster.home("a"), [leader]);
    assert_eq!(cluster.home("b"), [leader]);
    let id = cluster.change(leader, &property("later"));
    cluster.run(100);
    assert_eq!(cluster.code(id), Some(ExitCode::Ok));
}

#[test]
fn the_follower_of_a_pair_that_survives_goes_on_alone() {
    let mut cluster = Cluster::with(2, UNFENCED, &["a", "b"]);
    let (leader, other) = (cluster.dc(), cluster.follower());
    cluster.power_off(leader);
    cluster.view(&[other], true);
    cluster.run(1_000);
    assert!(cluster.brain(other).consensus().is_sole_voter());
    assert_eq!(cluster.home("a"), [other]);
    assert_eq!(cluster.home("b"), [other]);
}

#[test]
fn with_fencing_a_survivor_of_a_pair_waits() {
    let mut cluster = Cluster::with(2, &[("stonith-enabled", "true")], &[]);
    let (leader, other) = (cluster.dc(), cluster.follower());
    cluster.power_off(other);
    cluster.view(&[leader], true);
    cluster.run(5_000);
    assert!(!cluster.brain(leader).consensus().is_sole_voter());
    let id = cluster.change(leader, &property("later"));
    cluster.run(100);
    assert_eq!(cluster.code(id), Some(ExitCode::NoDc));
}

#[test]
fn a_change_whose_question_was_lost_with_the_link_is_asked_again() {
    let mut cluster = Cluster::with(3, UNFENCED, &[]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    cluster.held.insert((at, dc));
    let id = cluster.change(at, &property("asked"));
    cluster.break_link(at, dc);
    cluster.run(100);
    assert_eq!(cluster.code(id), Some(ExitCode::Ok));
    assert!(has(&cluster, at, "asked"));
}

#[test]
fn a_change_whose_answer_was_lost_with_the_link_is_answered_again_and_done_once() {
    let mut cluster = Cluster::with(3, UNFENCED, &[]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    let epoch =
        |cluster: &Cluster| cib::versions::Version::of(cluster.brain(dc).store().committed()).epoch;
    let before = epoch(&cluster);
    let change = super::message::Change { action: "bump".to_owned(), ..Default::default() };
    cluster.held.insert((dc, at));
    let id = cluster.tool(at, ToolRequest::Change(change));
    cluster.run(50);
    assert_eq!(cluster.code(id), None);
    // the asker's link breaks, too: it asks again what has been done already
    cluster.break_link(at, dc);
    cluster.break_link(dc, at);
    cluster.run(100);
    assert_eq!(cluster.code(id), Some(ExitCode::Ok));
    assert_eq!(epoch(&cluster), before + 1);
}

#[test]
fn an_answer_to_a_former_life_is_not_taken_for_one_to_this() {
    let mut cluster = Cluster::with(3, UNFENCED, &[]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    cluster.held.insert((dc, at));
    let _lost = cluster.change(at, &property("first"));
    cluster.run(50);
    // the brain starts again before anybody misses it, and asks for something that is refused
    cluster.held.clear();
    cluster.start(at, false);
    let everybody: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    cluster.view(&everybody, true);
    cluster.run(500);
    cluster.held.insert((at, dc));
    let refused = cluster.change(at, "banana");
    cluster.break_link(dc, at);
    cluster.deliver();
    assert_eq!(cluster.code(refused), None, "nobody has heard the question yet");
    cluster.held.clear();
    cluster.run(100);
    assert_eq!(cluster.code(refused), Some(ExitCode::DataErr));
}

#[test]
fn a_lost_dc_leaves_no_question_unanswered() {
    let mut cluster = Cluster::with(3, UNFENCED, &[]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    cluster.held.insert((at, dc));
    let change = cluster.change(at, &property("asked"));
    let idle = cluster.act(at, Action::WaitIdle { timeout_ms: 60_000 });
    cluster.held.clear();
    cluster.power_off(dc);
    let rest: Vec<NodeId> = cluster.hosts.keys().copied().filter(|id| *id != dc).collect();
    cluster.view(&rest, true);
    cluster.run(3_000);
    assert_eq!(cluster.code(change), Some(ExitCode::Indeterminate));
    // this one changes nothing: the new DC is asked
    assert_eq!(cluster.code(idle), Some(ExitCode::Ok));
}

#[test]
fn who_does_not_decide_any_more_does_not_say_that_nothing_is_under_way() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a"]);
    let dc = cluster.dc();
    let _change = cluster.change(dc, &property("x"));
    cluster.deliver();
    let idle = cluster.act(dc, Action::WaitIdle { timeout_ms: 1_000 });
    assert_eq!(cluster.code(idle), None, "a plan is wanted");
    // quorate by votes, but most voters are missing
    cluster.view(&[dc], true);
    cluster.deliver();
    assert_eq!(cluster.brain(dc).controller().role(), crmd::core::controller::Role::Following);
    assert_eq!(cluster.code(idle), None, "it cannot know");
    cluster.run(5_000);
    assert_eq!(cluster.code(idle), Some(ExitCode::Timeout));
}

#[test]
fn a_change_refused_while_office_is_handed_over_does_not_spoil_the_log() {
    let mut cluster = Cluster::with(3, UNFENCED, &[]);
    let (dc, others) = (cluster.dc(), cluster.hosts.keys().copied().collect::<Vec<_>>());
    for other in others.into_iter().filter(|id| *id != dc) {
        cluster.held.insert((other, dc));
    }
    // the first one is under way while its leader begins to hand over
    let first = cluster.change(dc, &property("first"));
    let _leaving = cluster.act(dc, Action::Leave { all: false });
    cluster.run(20);
    let second = cluster.change(dc, &property("second"));
    assert_ne!(cluster.code(second), None, "nothing is proposed while office is handed over");
    let third = cluster.change(dc, &property("third"));
    cluster.held.clear();
    cluster.run(5_000);
    assert!(cluster.code(first).is_some() && cluster.code(third).is_some());
    for id in cluster.hosts.keys() {
        assert_eq!(cluster.brain(*id).log_stopped(), None);
    }
}
