//! What two or three brains do together, told as stories.

use crmd::core::attributes::SetAttribute;
use model::{ExitCode, HandsCommand, HandsReport, NodeId};

use super::Input;
use super::message::{Action, Caller, Change, PeerMessage, Target, ToolRequest};
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

/// Both halves of a pair go on alone; `writes` of them write that often meanwhile.
fn split_pair(writes: &[(u32, u32)]) -> Cluster {
    let mut cluster = Cluster::with(2, UNFENCED, &["a", "b"]);
    let both = [NodeId(1), NodeId(2)];
    for (from, to) in [(both[0], both[1]), (both[1], both[0])] {
        cluster.held.insert((from, to));
    }
    for half in both {
        cluster.view(&[half], true);
    }
    cluster.run(1_000);
    for half in both {
        assert!(cluster.brain(half).consensus().is_unlicensed());
    }
    for (half, count) in writes {
        for number in 0..*count {
            cluster.change(NodeId(*half), &property(&format!("w{half}-{number}")));
            cluster.run(50);
        }
    }
    assert_eq!(cluster.home("a"), both, "nobody could know");
    cluster
}

#[test]
fn the_loser_of_a_split_stops_everything_before_the_winner_joins_it() {
    for (winner, loser) in [(1, 2), (2, 1)] {
        let mut cluster = split_pair(&[(winner, 3), (loser, 1)]);
        let (winner, loser) = (NodeId(winner), NodeId(loser));
        // the loser's hands have obeyed a later term than the winner's
        for _ in 0..6 {
            cluster.start(loser, false);
            cluster.view(&[loser], true);
            cluster.run(500);
        }
        for half in [winner, loser] {
            cluster.host(half).hands.done.clear();
        }
        cluster.held.clear();
        cluster.view(&[NodeId(1), NodeId(2)], true);
        cluster.run(10_000);
        assert!(has(&cluster, loser, &format!("w{}-2", winner.0)), "the winner's document");
        assert!(!has(&cluster, winner, &format!("w{}-0", loser.0)));
        assert_eq!(cluster.home("a").len(), 1);
        assert_eq!(cluster.home("b").len(), 1);
        let done = &cluster.hosts[&loser].hands.done;
        let first = done.iter().position(|what| what.starts_with("monitor"));
        assert!(done.iter().take(2).all(|what| what.starts_with("stop")), "{done:?}");
        assert!(first.is_none_or(|first| first >= 2), "{done:?}");
        // where the winner had it, nothing was disturbed
        let kept = &cluster.hosts[&winner].hands.done;
        assert!(
            !kept.iter().any(|what| what == "stop a" && cluster.home("a") == [winner]),
            "{kept:?}"
        );
        assert_eq!(cluster.brain(winner).dc(), Some(winner));
        assert!(!cluster.brain(winner).consensus().is_unlicensed(), "the pair is whole again");
    }
}

#[test]
fn a_sole_voter_that_boots_alone_waits_for_nobody_and_serves() {
    let mut cluster = Cluster::with(2, UNFENCED, &["a"]);
    let (stays, goes) = (cluster.dc(), cluster.follower());
    cluster.act(goes, Action::Leave { all: false });
    cluster.run(3_000);
    assert!(cluster.host(goes).left);
    cluster.change(stays, &property("meanwhile"));
    cluster.run(100);
    cluster.power_off(stays);
    cluster.start(stays, false);
    assert!(cluster.host(stays).waits_for_nobody, "wait_for_all is satisfied by itself");
    cluster.view(&[stays], true);
    cluster.run(30_000);
    assert_eq!(cluster.home("a"), [stays]);
    assert!(has(&cluster, stays, "meanwhile"));
    // who left boots alone, too, and knows that it must wait
    cluster.kill_brain(stays);
    cluster.power_off(goes);
    cluster.start(goes, false);
    assert!(!cluster.host(goes).waits_for_nobody);
    cluster.view(&[goes], true);
    cluster.run(30_000);
    assert_eq!(cluster.home("a"), [stays], "nothing is started");
}

#[test]
fn one_of_a_pair_that_went_down_together_waits_and_says_so_once() {
    let mut cluster = Cluster::with(2, UNFENCED, &["a"]);
    let both = [NodeId(1), NodeId(2)];
    for half in both {
        cluster.power_off(half);
    }
    cluster.start(both[0], false);
    // quorate by votes, as with wait_for_all: 0
    cluster.view(&both[..1], true);
    cluster.run(30_000);
    assert!(cluster.home("a").is_empty());
    assert!(!cluster.host(both[0]).waits_for_nobody);
    let said = |text: &&String| text.contains("was not seen since this node started");
    assert_eq!(cluster.host(both[0]).warnings.iter().filter(said).count(), 1);
    cluster.start(both[1], false);
    cluster.view(&both, true);
    cluster.run(30_000);
    assert_eq!(cluster.home("a").len(), 1);
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
fn the_word_of_new_hands_is_repeated_when_the_link_comes_back_before_the_dc_is_known() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a"]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    cluster.held.insert((at, dc));
    cluster.restart_hands(at);
    // nothing is heard of the DC for so long that nobody is known to decide
    cluster.held.insert((dc, at));
    for _ in 0..100 {
        if cluster.brain(at).dc().is_some() {
            cluster.run(100);
        }
    }
    assert_eq!(cluster.brain(at).dc(), None);
    cluster.break_link(at, dc);
    cluster.held.clear();
    cluster.run(2_000);
    assert!(cluster.brain(at).dc().is_some());
    let unknown = model::Authority::default();
    assert_ne!(cluster.host(at).hands.highest, unknown, "nobody asked the new hands");
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
fn no_number_of_votes_and_no_operator_makes_up_for_missing_voters_of_three() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a"]);
    let (alone, dc) = (cluster.follower(), cluster.dc());
    for votes in [1, 5] {
        let heard = cluster.act(dc, Action::ExpectVotes { votes });
        cluster.run(50);
        assert_eq!(cluster.code(heard), Some(ExitCode::Ok), "a majority of the voters is here");
    }
    let rest: Vec<NodeId> = cluster.hosts.keys().copied().filter(|id| *id != alone).collect();
    for node in rest {
        cluster.power_off(node);
    }
    cluster.view(&[alone], false);
    for action in [Action::ExpectVotes { votes: 1 }, Action::Unblock] {
        let refused = cluster.act(alone, action);
        cluster.run(2_000);
        assert_eq!(cluster.code(refused), Some(ExitCode::Quorum));
    }
    let late = cluster.change(alone, &property("alone"));
    cluster.run(2_000);
    assert_ne!(cluster.code(late), Some(ExitCode::Ok));
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
    for host in cluster.hosts.values() {
        assert_eq!(host.brain.as_ref().and_then(super::Brain::log_stopped), None);
    }
}

#[test]
fn a_dc_that_stood_still_does_nothing_before_a_quorum_has_confirmed_it() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a"]);
    let dc = cluster.dc();
    let others: Vec<NodeId> = cluster.hosts.keys().copied().filter(|id| *id != dc).collect();
    for other in &others {
        cluster.held.insert((dc, *other));
        cluster.held.insert((*other, dc));
    }
    // the process stood still; a tool's question is what it reads first
    cluster.now += 800;
    let done = cluster.host(dc).hands.done.len();
    let refresh = cluster.act(dc, Action::Refresh(Target::default()));
    assert_eq!(cluster.code(refresh), Some(ExitCode::NoDc));
    assert_eq!(cluster.host(dc).hands.done.len(), done);
    cluster.held.clear();
    cluster.run(500);
    let refresh = cluster.act(dc, Action::Refresh(Target::default()));
    assert_eq!(cluster.code(refresh), Some(ExitCode::Ok), "it still led");
}

#[test]
fn a_side_that_is_to_ignore_quorum_starts_what_the_others_ran() {
    let ignore = [("stonith-enabled", "false"), ("no-quorum-policy", "ignore")];
    let mut cluster = Cluster::with(3, &ignore, &["a", "b", "c"]);
    let survivor = cluster.follower();
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    for lost in all.iter().filter(|id| **id != survivor) {
        cluster.power_off(*lost);
    }
    cluster.view(&[survivor], false);
    cluster.run(5_000);
    for resource in ["a", "b", "c"] {
        assert_eq!(cluster.home(resource), [survivor]);
    }
    let id = cluster.change(survivor, &property("x"));
    assert_eq!(cluster.code(id), Some(ExitCode::Quorum), "nobody can write all the same");
}

fn stopped(cluster: &Cluster, resource: &str) -> bool {
    cluster.home(resource).is_empty()
}

fn attribute(cluster: &Cluster, at: NodeId, of: NodeId, name: &str) -> Option<String> {
    cluster.brain(at).attributes().get(of, name).map(str::to_owned)
}

#[test]
fn a_node_may_stop_what_it_runs_although_the_log_has_no_quorum() {
    let mut cluster = Cluster::with(2, &[("stonith-enabled", "true")], &[]);
    let (survivor, other) = (cluster.dc(), cluster.follower());
    // as if it had run before fencing was wanted
    cluster.host(survivor).hands.active.insert("a".into());
    cluster.power_off(other);
    cluster.view(&[survivor], true);
    cluster.run(1_000);
    assert_eq!(cluster.brain(survivor).dc(), None, "quorate by votes, and nobody can write");
    let leave = cluster.act(survivor, Action::Leave { all: false });
    cluster.run(10_000);
    assert_eq!(cluster.code(leave), Some(ExitCode::Ok));
    assert!(cluster.host(survivor).left);
}

#[test]
fn who_has_counted_itself_out_leaves_in_order_when_there_is_a_dc_again() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a", "b", "c"]);
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    let leaver = cluster.follower();
    // the others are here by their heartbeats only for a while
    cluster.view(&[leaver], true);
    for other in all.iter().filter(|id| **id != leaver) {
        cluster.view(&[*other], false);
    }
    // it takes its time to stop what it runs
    cluster.host(leaver).hands.deaf = true;
    cluster.act(leaver, Action::Leave { all: false });
    cluster.run(4_000);
    assert_eq!(cluster.brain(leaver).view().members.len(), 1);
    assert!(!cluster.host(leaver).left, "nobody knows what its hands still run");
    cluster.host(leaver).hands.deaf = false;
    cluster.view(&all, true);
    cluster.run(10_000);
    assert!(cluster.host(leaver).left);
    let dc = all.iter().copied().find(|id| *id != leaver).unwrap();
    assert_eq!(cluster.home("a").len(), 1, "it moved");
    assert!(!cluster.home("a").contains(&leaver));
    let record = &cluster.brain(dc).store().records()[&leaver];
    assert!(!record.may_run(), "the log knows that it left in order: {record:?}");
}

#[test]
fn a_brain_that_starts_again_while_its_node_leaves_stays_also_under_another_dc() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a", "b", "c"]);
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    let (dc, leaver) = (cluster.dc(), cluster.follower());
    // it is drained, but the word that it may go does not arrive
    cluster.held.insert((dc, leaver));
    cluster.act(leaver, Action::Leave { all: false });
    cluster.run(20);
    assert!(attribute(&cluster, dc, leaver, "shutdown").is_some());
    cluster.power_off(dc);
    cluster.start(leaver, false);
    let rest: Vec<NodeId> = all.iter().copied().filter(|id| *id != dc).collect();
    cluster.view(&rest, true);
    cluster.run(10_000);
    assert!(!cluster.host(leaver).left, "nobody asked its new life to leave");
    for at in &rest {
        assert_eq!(attribute(&cluster, *at, leaver, "shutdown"), None);
    }
    let record = &cluster.brain(rest[0]).store().records()[&leaver];
    assert!(record.may_run(), "it serves again: {record:?}");
    let homes: Vec<NodeId> = ["a", "b", "c"].iter().flat_map(|r| cluster.home(r)).collect();
    assert_eq!(homes.len(), 3);
    assert!(homes.contains(&leaver), "{homes:?}");
}

#[test]
fn who_were_all_asked_to_leave_do_not_wait_for_ever_for_one_that_was_not() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a"]);
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    let forgotten = cluster.follower();
    let leaving: Vec<NodeId> = all.iter().copied().filter(|id| *id != forgotten).collect();
    for node in &leaving {
        cluster.act(*node, Action::Leave { all: true });
    }
    cluster.run(5_000);
    assert!(leaving.iter().all(|node| !cluster.hosts[node].left), "the last one may yet ask");
    cluster.run(20_000);
    for node in &leaving {
        assert!(cluster.hosts[node].left, "n{node} is still waiting");
    }
    assert!(!cluster.hosts[&forgotten].left);
    let records = cluster.brain(forgotten).store().records();
    assert!(leaving.iter().all(|node| !records[node].may_run()), "{records:?}");
}

#[test]
fn all_who_are_asked_leave_together_and_the_voters_stay() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a", "b"]);
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    for node in &all {
        cluster.act(*node, Action::Leave { all: true });
    }
    cluster.run(3_000);
    for node in &all {
        assert!(cluster.hosts[node].left);
        assert_eq!(cluster.left_with[node], 3);
    }
    assert!(stopped(&cluster, "a") && stopped(&cluster, "b"));
}

#[test]
fn a_dc_whose_first_heir_cannot_lead_leaves_all_the_same() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a"]);
    let dc = cluster.dc();
    let others: Vec<NodeId> = cluster.hosts.keys().copied().filter(|id| *id != dc).collect();
    // the first one that would be asked to take over has no log any more
    let error = "no space left".to_owned();
    cluster.input(others[0], Input::PersistFailed { seq: 1, error });
    let leave = cluster.act(dc, Action::Leave { all: false });
    cluster.run(20_000);
    assert_eq!(cluster.code(leave), Some(ExitCode::Ok));
    assert!(cluster.host(dc).left);
}

fn attribute_change(of: NodeId, value: Option<&str>) -> ToolRequest {
    let change = SetAttribute {
        node: of,
        set: None,
        name: "fail-count-a#monitor_0".to_owned(),
        value: value.map(str::to_owned),
        dampening_ms: None,
        private: false,
    };
    let caller = Caller { user: "root".to_owned(), client: "story".to_owned(), groups: Vec::new() };
    ToolRequest::Attributes { caller, changes: vec![change] }
}

#[test]
fn a_dc_hears_all_attributes_before_the_history_it_asked_for() {
    let mut cluster = Cluster::with(2, UNFENCED, &["a"]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    cluster.tool(at, attribute_change(at, Some("INFINITY")));
    cluster.run(100);
    cluster.held.insert((at, dc));
    let authority = model::Authority { sequence: u64::MAX, ..cluster.host(at).hands.highest };
    let message = PeerMessage::Command(HandsCommand::Join { authority });
    cluster.input(at, Input::Peer { from: dc, message });
    let said = cluster.under_way(at, dc);
    let attributes = |m: &PeerMessage| matches!(m, PeerMessage::Attributes(all) if all.len() == 1);
    let history = |m: &PeerMessage| matches!(m, PeerMessage::Report(HandsReport::History { .. }));
    let place = |test: &dyn Fn(&PeerMessage) -> bool| said.iter().position(|m| test(m));
    let (first, then) = (place(&attributes), place(&history));
    assert!(first.is_some() && first < then, "{said:?}");
}

#[test]
fn what_a_brain_writes_is_newer_than_what_its_former_lives_wrote() {
    let mut cluster = Cluster::with(2, UNFENCED, &["a"]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    for value in ["1", "2", "3"] {
        cluster.tool(at, attribute_change(at, Some(value)));
    }
    cluster.run(100);
    // it starts again, and has not heard yet what the others know
    cluster.attributes_to_lose = 2;
    cluster.start(at, false);
    cluster.view(&[dc, at], true);
    cluster.tool(at, attribute_change(at, Some("4")));
    cluster.run(100);
    let seen = |by: NodeId| attribute(&cluster, by, at, "fail-count-a#monitor_0");
    assert_eq!((seen(at).as_deref(), seen(dc).as_deref()), (Some("4"), Some("4")));
}

#[test]
fn a_node_whose_log_has_ended_hears_the_dc_and_is_heard() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a", "b", "c"]);
    let (dc, at) = (cluster.dc(), cluster.follower());
    cluster.input(at, Input::PersistFailed { seq: 1, error: "no space left".to_owned() });
    cluster.run(100);
    assert!(cluster.brain(at).log_stopped().is_some());
    let id = cluster.change(at, &property("x"));
    cluster.run(500);
    assert_eq!(cluster.code(id), Some(ExitCode::Ok), "{:?}", cluster.replies.get(&id));
    // what it has is old by now, and stays so
    let version = cib::versions::Version::of(cluster.brain(at).store().committed());
    let stale = Change {
        caller: Caller { user: "root".to_owned(), client: "story".to_owned(), groups: Vec::new() },
        action: "modify".to_owned(),
        xml: property("y"),
        base: format!("{}.{}", version.admin_epoch, version.epoch),
        ..Change::default()
    };
    let id = cluster.tool(at, ToolRequest::Change(stale));
    cluster.run(500);
    let reply = cluster.replies.get(&id).unwrap();
    assert!(reply.message.contains("do it on another node"), "{reply:?}");
    let leave = cluster.act(at, Action::Leave { all: false });
    cluster.run(3_000);
    assert_eq!(cluster.code(leave), Some(ExitCode::Ok));
    assert!(cluster.host(at).left);
    let records = cluster.brain(dc).store().records();
    assert!(!records[&at].may_run(), "{records:?}");
}

#[test]
fn what_cannot_be_stopped_holds_a_leaving_node_for_a_while_and_is_named() {
    let escalation = [UNFENCED, &[("shutdown-escalation", "60s")]].concat();
    let mut cluster = Cluster::with(3, &escalation, &["a", "b", "c"]);
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    let stuck = cluster.follower();
    let resource = ["a", "b", "c"].into_iter().find(|id| cluster.home(id) == [stuck]).unwrap();
    cluster.host(stuck).hands.stubborn.insert(resource.into());
    for node in &all {
        cluster.act(*node, Action::Leave { all: true });
    }
    cluster.run(30_000);
    assert!(all.iter().all(|node| !cluster.hosts[node].left), "they keep the quorum for it");
    let dc = cluster.dc();
    let now = cluster.clocks();
    let said = cluster.brain(dc).waiting(now).join("; ");
    let wanted = format!("n{stuck} cannot leave: {resource} could not be stopped there");
    assert!(said.starts_with(&wanted), "{said}");
    assert!(!said.contains("the record of"), "nothing is about to start: {said}");
    let records = cluster.brain(dc).store().records();
    assert!(records[&stuck].may_run(), "nobody may say that it runs nothing: {records:?}");
    cluster.run(40_000);
    assert!(all.iter().all(|node| cluster.hosts[node].left), "they wait no longer than they may");
    assert_eq!(cluster.home(resource), [stuck]);
}

#[test]
fn one_of_a_pair_whose_log_has_ended_goes_so_that_the_other_can_go_on() {
    for dc_fails in [false, true] {
        let mut cluster = Cluster::with(2, UNFENCED, &["a", "b"]);
        let (sick, well) = match (cluster.dc(), cluster.follower()) {
            (dc, other) if dc_fails => (dc, other),
            (dc, other) => (other, dc),
        };
        cluster.input(sick, Input::PersistFailed { seq: 1, error: "no space left".to_owned() });
        cluster.run(60_000);
        assert!(cluster.host(sick).left, "it holds the other up (dc fails: {dc_fails})");
        cluster.kill_brain(sick);
        cluster.view(&[well], true);
        cluster.run(5_000);
        for resource in ["a", "b"] {
            assert_eq!(cluster.home(resource), [well], "dc fails: {dc_fails}");
        }
        let id = cluster.change(well, &property("later"));
        cluster.run(100);
        assert_eq!(cluster.code(id), Some(ExitCode::Ok));
    }
}

#[test]
fn where_no_log_is_well_nobody_goes_and_everything_goes_on() {
    let mut cluster = Cluster::with(2, UNFENCED, &["a", "b"]);
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    for node in &all {
        cluster.input(*node, Input::PersistFailed { seq: 1, error: "no space left".to_owned() });
    }
    cluster.run(60_000);
    assert!(all.iter().all(|node| !cluster.hosts[node].left));
    for resource in ["a", "b"] {
        assert_eq!(cluster.home(resource).len(), 1);
    }
    // an operator stops one of them: it need not wait for a DC that will not be
    let leave = cluster.act(all[0], Action::Leave { all: false });
    cluster.run(60_000);
    assert_eq!(cluster.code(leave), Some(ExitCode::Ok));
    assert!(cluster.hosts[&all[0]].left);
    assert!(["a", "b"].iter().all(|resource| !cluster.home(resource).contains(&all[0])));
}

#[test]
fn a_node_whose_log_has_ended_stops_everything_when_it_is_cut_off() {
    let mut cluster = Cluster::with(3, UNFENCED, &["a", "b", "c"]);
    let (first_dc, sick) = (cluster.dc(), cluster.follower());
    cluster.input(sick, Input::PersistFailed { seq: 1, error: "no space left".to_owned() });
    cluster.run(100);
    // its hands have obeyed a DC since of whose term its log knows nothing
    cluster.power_off(first_dc);
    let mut rest: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    rest.retain(|id| *id != first_dc);
    cluster.start(first_dc, false);
    let all: Vec<NodeId> = cluster.hosts.keys().copied().collect();
    cluster.view(&all, true);
    cluster.run(5_000);
    let holds = |cluster: &Cluster| {
        ["a", "b", "c"].into_iter().filter(|r| cluster.home(r).contains(&sick)).count()
    };
    assert!(holds(&cluster) > 0, "it serves");
    cluster.view(&[sick], false);
    cluster.run(5_000);
    assert_eq!(holds(&cluster), 0, "it goes on serving while the others recover what it has");
}
