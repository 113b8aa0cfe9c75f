//! Stories: one situation each, told step by step.

use model::NodeId;

use super::world::{Alone, Faults, World};
use crate::raft::consensus::{Obstacle, Standing};
use crate::raft::event::{Event, Licence, Rejection, VoterChange};

fn whole(count: u32) -> World {
    let mut world = World::new(7, count, true);
    world.settle(3_000).expect("a new cluster forms");
    world
}

#[test]
fn a_marked_cluster_is_born_and_elects_its_first_node() {
    let world = whole(3);
    assert_eq!(world.leader(), Some(0));
    assert!(world.nodes.iter().all(|node| !node.marked));
    assert_eq!(world.core(1).standing(), Standing::Voter);
}

#[test]
fn unmarked_empty_stores_are_born_once_the_whole_nodelist_is_here() {
    let mut world = World::new(3, 3, false);
    world.crash(2);
    world.run(2_000);
    let waiting = Obstacle::Unborn { waiting_for: [NodeId(3)].into() };
    assert_eq!(world.core(0).obstacle(), Some(waiting));
    world.boot(2);
    world.settle(3_000).expect("the whole nodelist is here");
}

#[test]
fn a_write_is_applied_everywhere_and_acknowledged_once() {
    let mut world = whole(3);
    let write = world.write(0);
    world.run(200);
    assert_eq!(world.acknowledged, [write]);
    assert!(world.nodes.iter().all(|node| node.state == [write]));
    world.write(1);
    let refused = &world.nodes[1].rejected[0].1;
    assert_eq!(*refused, Rejection::NotLeader { leader: Some(NodeId(1)) });
}

#[test]
fn survivors_elect_within_milliseconds_of_the_second_detection() {
    let mut world = whole(3);
    // Node 2 notices at once, node 3 300 ms later.
    world.crash(0);
    let lost = world.now;
    let late = world.nodes[2].take_next_view();
    world.run(290);
    assert_eq!(world.leader(), None, "the lease of the second survivor still holds");
    world.nodes[2].give_view(lost + 300, late);
    let noticed = world.now.max(lost + 300);
    while world.leader().is_none() && world.now < noticed + 1_000 {
        world.step();
    }
    assert!(world.now <= noticed + 40, "{} ms", world.now - noticed);
}

#[test]
fn survivors_that_campaign_at_once_split_the_votes_for_a_moment_only() {
    let mut world = whole(3);
    world.crash(0);
    // Node 3, which lets node 2 go first for 20 ms, notices that much earlier.
    let lost = world.now;
    let views = [1, 2].map(|index| world.nodes[index].take_next_view());
    let [second, third] = views;
    world.nodes[2].give_view(lost + 20, third);
    world.nodes[1].give_view(lost + 40, second);
    while world.leader().is_none() && world.now < lost + 2_000 {
        world.step();
    }
    let took = world.now - lost - 40;
    let split = world.core(1).authority().1.0.max(world.core(2).authority().1.0);
    assert!(split > 2, "they were to meet: term {split}");
    assert!(took <= 150, "{took} ms");
}

#[test]
fn a_leader_without_a_quorum_of_voters_steps_down_and_a_minority_elects_nobody() {
    let mut world = whole(3);
    world.cut_off(0);
    world.run(2_000);
    assert!(!world.nodes[0].role.is_leader);
    assert!(world.leader().is_some_and(|leader| leader != 0));
    let missing = Obstacle::VotersMissing { voters: 3, missing: [NodeId(2), NodeId(3)].into() };
    assert_eq!(world.core(0).obstacle(), Some(missing));
    world.heal();
    world.settle(3_000).expect("healed");
}

#[test]
fn a_pair_does_not_write_without_its_other_half() {
    let mut world = whole(2);
    world.crash(0);
    world.run(3_000);
    assert_eq!(world.leader(), None);
    let missing = Obstacle::VotersMissing { voters: 2, missing: [NodeId(1)].into() };
    assert_eq!(world.core(1).obstacle(), Some(missing));
    world.boot(0);
    world.settle(3_000).expect("both are back");
}

#[test]
fn a_pairs_survivor_goes_alone_unlicensed_and_takes_the_other_in_again() {
    let mut world = whole(2);
    world.faults.alone = Alone::Unlicensed;
    let first = world.write(0);
    world.run(100);
    world.crash(0);
    let lost = world.now;
    while world.leader().is_none() && world.now < lost + 2_000 {
        world.step();
    }
    assert_eq!(world.leader(), Some(1));
    assert!(world.now - lost < 300, "{} ms", world.now - lost);
    assert!(world.core(1).is_sole_voter() && world.core(1).is_unlicensed());
    let second = world.write(1);
    world.run(100);
    world.boot(0);
    world.settle(5_000).expect("the other is taken in");
    world.run(200);
    assert_eq!(world.nodes[0].state, [first, second]);
    assert_eq!((world.nodes[0].resets, world.nodes[0].archives), (1, 1));
    assert!(!world.core(1).is_unlicensed(), "whole again");
    assert_eq!(world.core(0).generation().0, 2);
}

#[test]
fn two_halves_that_went_alone_become_one_and_the_newer_document_wins() {
    let mut world = whole(2);
    world.faults.alone = Alone::Unlicensed;
    world.cut_off(0);
    world.run(1_000);
    assert!(world.nodes.iter().all(|node| node.role.acting), "both go on");
    world.write(0);
    let kept = world.write(1);
    world.tell(1, Event::Version { admin_epoch: 0, epoch: 5 });
    world.run(200);
    world.heal();
    world.settle(5_000).expect("healed");
    assert_eq!(world.nodes[0].state, [kept]);
    assert_eq!((world.nodes[0].archives, world.nodes[1].archives), (1, 0));
}

#[test]
fn a_node_that_was_not_met_since_its_start_is_not_gone_without() {
    let mut world = whole(2);
    world.faults.alone = Alone::Unlicensed;
    world.crash(0);
    world.crash(1);
    world.boot(1);
    world.run(3_000);
    assert_eq!(world.leader(), None);
    assert_eq!(world.nodes[1].went_alone, 0);
    assert!(
        matches!(&world.nodes[1].rejected[0].1, Rejection::Refused(why) if why.contains("not seen"))
    );
}

#[test]
fn an_operator_may_let_a_node_go_on_that_has_not_met_the_other() {
    let mut world = whole(2);
    world.crash(0);
    world.crash(1);
    world.boot(0);
    world.run(500);
    assert!(world.core(0).why_not_alone(Licence::Unlicensed).is_some());
    assert_eq!(world.core(0).why_not_alone(Licence::Confirmed), None);
    let id = world.request();
    world.tell(0, Event::GoAlone { id, licence: Licence::Confirmed });
    world.run(500);
    assert!(world.nodes[0].done.contains(&id));
    assert!(world.core(0).is_sole_voter());
    world.boot(1);
    world.settle(20_000).expect("a pair again");
    assert!(world.core(0).why_not_alone(Licence::Confirmed).is_some(), "the other is here");
}

#[test]
fn an_orderly_leave_makes_the_other_the_sole_voter_and_the_leaver_comes_back() {
    let mut world = whole(2);
    assert_eq!(world.leader(), Some(0));
    // The leader leaves: it hands over first, then the new one removes it.
    let first = world.request();
    world.tell(0, Event::Leave { id: first, node: NodeId(1) });
    world.run(300);
    assert_eq!(world.leader(), Some(1));
    let told = world.nodes[0]
        .rejected
        .iter()
        .any(|(id, why)| *id == first && *why == Rejection::NotLeader { leader: Some(NodeId(2)) });
    assert!(told, "{:?}", world.nodes[0].rejected);
    let second = world.request();
    world.tell(1, Event::Leave { id: second, node: NodeId(1) });
    world.run(200);
    assert!(world.nodes[1].done.contains(&second));
    assert!(world.core(1).is_sole_voter() && !world.core(1).is_unlicensed());
    assert_eq!(world.core(1).generation().0, 2);
    world.run(500);
    assert!(world.core(1).is_sole_voter(), "who leaves is not taken in again in this life");

    world.crash(0);
    let write = world.write(1);
    world.run(200);
    assert_eq!(world.acknowledged, [write]);
    // The survivor reboots alone and serves.
    world.crash(1);
    world.boot(1);
    world.run(500);
    assert_eq!(world.leader(), Some(1));
    world.boot(0);
    world.settle(5_000).expect("the leaver is taken in again");
    assert_eq!(world.nodes[0].state, [write]);
}

#[test]
fn a_stale_leaver_that_boots_alone_waits() {
    let mut world = whole(2);
    world.faults.alone = Alone::Unlicensed;
    let id = world.request();
    world.tell(0, Event::Leave { id, node: NodeId(2) });
    world.run(200);
    world.crash(1);
    world.run(200);
    world.crash(0);
    world.boot(1);
    world.run(2_000);
    assert_eq!(world.leader(), None);
}

#[test]
fn leadership_is_handed_to_a_named_voter() {
    let mut world = whole(3);
    let id = world.request();
    world.tell(0, Event::TransferLeadership { id, to: NodeId(3) });
    world.run(200);
    assert_eq!(world.leader(), Some(2));
    assert!(world.nodes[0].done.contains(&id));
}

#[test]
fn voters_are_removed_and_taken_in_again() {
    let mut world = whole(3);
    world.crash(2);
    world.run(500);
    let id = world.request();
    world.tell(0, Event::Change { id, changes: vec![VoterChange::Remove(NodeId(3))] });
    world.run(200);
    assert!(world.nodes[0].done.contains(&id));
    assert_eq!(world.core(0).voters().len(), 2);
    world.boot(2);
    world.settle(5_000).expect("three again");
}

#[test]
fn who_left_the_nodelist_has_no_vote_once_it_is_gone() {
    let mut world = whole(4);
    let wish: std::collections::BTreeSet<NodeId> = [NodeId(1), NodeId(2), NodeId(3)].into();
    for index in 0..3 {
        world.tell(index, Event::Wish(wish.clone()));
    }
    world.run(500);
    assert_eq!(world.core(0).voters().len(), 4, "it is still here");
    world.crash(3);
    world.run(500);
    assert_eq!(world.core(0).voters(), wish);
    assert_eq!(world.core(1).voters(), wish);
}

#[test]
fn a_leaver_takes_its_vote_along_where_the_others_were_no_quorum_otherwise() {
    let mut world = whole(4);
    let id = world.request();
    world.tell(0, Event::Leave { id, node: NodeId(4) });
    world.run(200);
    assert!(world.nodes[0].done.contains(&id));
    assert_eq!(world.core(0).voters().len(), 4, "three of four are enough");
    world.crash(3);
    world.run(500);
    let id = world.request();
    world.tell(0, Event::Leave { id, node: NodeId(3) });
    world.run(500);
    assert!(world.nodes[0].done.contains(&id));
    let left: std::collections::BTreeSet<NodeId> = [1, 2, 4].map(NodeId).into();
    assert_eq!(world.core(0).voters(), left);
    world.crash(2);
    world.boot(2);
    world.boot(3);
    world.settle(20_000).expect("all four take part again");
    assert_eq!(world.core(0).voters().len(), 4);
}

#[test]
fn a_wiped_voter_does_not_vote_by_name() {
    let mut world = whole(3);
    let write = world.write(0);
    world.run(200);
    world.crash(2);
    world.nodes[2].disk = None;
    world.crash(0);
    world.boot(2);
    world.run(3_000);
    // Nodes 2 and 3 would be a majority by name.
    assert_eq!(world.leader(), None);
    world.boot(0);
    world.settle(5_000).expect("taken in anew");
    assert_eq!(world.nodes[2].state, [write]);
}

#[test]
fn a_pairs_wiped_half_is_taken_in_by_the_other() {
    let mut world = whole(2);
    let write = world.write(0);
    world.run(200);
    world.crash(0);
    world.nodes[0].disk = None;
    world.run(200);
    world.boot(0);
    world.settle(5_000).expect("taken in anew");
    assert_eq!(world.nodes[0].state, [write]);
    assert_eq!(world.core(0).generation().0, 2);
}

#[test]
fn a_slow_disk_gives_leadership_away() {
    let mut world = whole(3);
    world.tell(0, Event::PersistDone { seq: 0, took_ms: 700 });
    world.run(300);
    assert!(world.leader().is_some_and(|leader| leader != 0));
    assert!(world.nodes[0].warnings[0].contains("700 ms"));
}

#[test]
fn a_failed_write_ends_this_nodes_part_and_the_others_go_on() {
    let mut world = whole(3);
    world.tell(0, Event::PersistFailed { seq: 99, error: "no space left on device".to_owned() });
    assert_eq!(world.core(0).standing(), Standing::Stopped);
    assert!(!world.nodes[0].role.is_leader);
    let id = world.request();
    world.tell(0, Event::Propose { id, data: vec![0; 8] });
    assert!(matches!(world.nodes[0].rejected[0].1, Rejection::Refused(_)));
    // Its heartbeats go on, so it stays in the view; the others elect after raft's own timeout.
    world.run(5_000);
    assert!(world.leader().is_some_and(|leader| leader != 0));
}

#[test]
fn damaged_bytes_from_a_peer_are_told_and_harm_nothing() {
    let mut world = whole(3);
    world.tell(0, Event::Step { from: NodeId(2), bytes: vec![0xff; 40] });
    assert!(world.nodes[0].warnings[0].contains("node 2"));
    let write = world.write(0);
    world.run(200);
    assert_eq!(world.acknowledged, [write]);
}

#[test]
fn a_late_leader_acts_only_after_a_quorum_confirmed_it() {
    let mut world = whole(3);
    let leader = 0;
    world.cut.extend([(1, 2), (1, 3), (2, 1), (3, 1)]);
    world.now += 900;
    world.tell(leader, Event::Tick);
    assert!(world.nodes[leader].role.is_leader && !world.nodes[leader].role.acting);
    world.cut.clear();
    world.run(300);
    assert!(world.nodes[leader].role.acting);
}

#[test]
fn a_long_log_is_cut_and_survives_a_restart() {
    let mut world = whole(3);
    world.faults = Faults::NONE;
    for _ in 0..1_100 {
        world.write(0);
        if world.chance.permille(100) {
            world.step();
        }
    }
    world.run(500);
    assert_eq!(world.acknowledged.len(), 1_100);
    let disk = world.nodes[0].disk.as_ref().expect("a disk");
    assert!(disk.entries.len() < 600, "{} entries", disk.entries.len());
    for index in 0..3 {
        world.crash(index);
    }
    for index in 0..3 {
        world.boot(index);
    }
    world.settle(3_000).expect("back");
    assert!(world.missing_at(0).is_empty());
}

/// Takes a pair's node 2 out and in again, up to where it is a learner that has everything.
fn pair_with_a_learner() -> World {
    let mut world = whole(2);
    let id = world.request();
    world.tell(0, Event::Leave { id, node: NodeId(2) });
    world.run(200);
    world.crash(1);
    world.tell(0, Event::Wish([NodeId(1)].into()));
    world.boot(1);
    world.run(200);
    let id = world.request();
    world.tell(0, Event::Change { id, changes: vec![VoterChange::AddLearner(NodeId(2))] });
    world.run(1_000);
    assert!(world.core(0).learners().contains(&NodeId(2)));
    assert_eq!(world.core(1).last_index(), world.core(0).last_index());
    world
}

#[test]
fn a_newcomer_that_lacks_an_acknowledged_write_has_no_licence() {
    let mut world = pair_with_a_learner();
    // The sole voter commits the newcomer's vote and a write at once, by itself; the newcomer hears
    // of the vote only.
    world.together = true;
    world.withheld = Some((NodeId(2), world.core(0).last_index() + 2));
    let id = world.request();
    world.tell(0, Event::Change { id, changes: vec![VoterChange::Promote(NodeId(2))] });
    let write = world.write(0);
    let patience = world.now + 1_000;
    while world.core(1).voters().len() < 2 && world.now < patience {
        world.step();
    }
    assert_eq!(world.core(1).voters().len(), 2);
    assert_eq!(world.acknowledged, [write]);
    assert_eq!(world.missing_at(1), [write]);
    world.crash(0);
    world.run(100);
    world.tell(1, Event::Condemned { node: NodeId(1), condemned: true });
    let why = world.core(1).why_not_alone(Licence::Fenced).expect("no licence");
    assert!(why.contains("acknowledged"), "{why}");
    let id = world.request();
    world.tell(1, Event::GoAlone { id, licence: Licence::Fenced });
    world.run(500);
    assert_eq!(world.nodes[1].went_alone, 0);
}

#[test]
fn a_pair_that_is_whole_again_has_its_licence_again() {
    let mut world = pair_with_a_learner();
    let id = world.request();
    world.tell(0, Event::Change { id, changes: vec![VoterChange::Promote(NodeId(2))] });
    world.run(500);
    world.crash(0);
    world.run(100);
    world.tell(1, Event::Condemned { node: NodeId(1), condemned: true });
    assert_eq!(world.core(1).why_not_alone(Licence::Fenced), None);
}

#[test]
fn nobody_goes_alone_over_a_vote_that_may_have_been_given_elsewhere() {
    let mut world = whole(3);
    world.tell(0, Event::Wish([NodeId(1), NodeId(2)].into()));
    for change in [VoterChange::Remove(NodeId(3)), VoterChange::AddLearner(NodeId(3))] {
        let id = world.request();
        world.tell(0, Event::Change { id, changes: vec![change] });
        world.run(1_000);
        assert!(world.nodes[0].done.contains(&id), "{change:?}");
    }
    let before = world.core(1).last_index();
    let id = world.request();
    world.tell(0, Event::Change { id, changes: vec![VoterChange::Promote(NodeId(3))] });
    while world.core(1).last_index() == before {
        world.step();
    }
    world.cut_off(0);
    world.run(20);
    world.tell(1, Event::Condemned { node: NodeId(1), condemned: true });
    let why = world.core(1).why_not_alone(Licence::Fenced).expect("no licence");
    assert!(why.contains("who votes"), "{why}");
}

#[test]
fn going_alone_is_nothing_until_it_is_on_disk() {
    let mut world = whole(2);
    world.crash(0);
    world.run(20);
    world.faults.fsync_ms = 1_000;
    let id = world.request();
    world.tell(1, Event::GoAlone { id, licence: Licence::Unlicensed });
    world.tell(1, Event::PersistDone { seq: 1, took_ms: 0 });
    assert_eq!(world.nodes[1].went_alone, 0, "an earlier batch is another one");
    assert!(!world.nodes[1].role.is_leader);
    let disk = world.nodes[1].disk.clone();
    world.crash(1);
    // The batch is one frame: it did not arrive, or it arrived as a whole.
    world.nodes[1].disk = disk;
    world.faults.fsync_ms = 0;
    world.boot(1);
    world.run(1_000);
    assert_eq!(world.core(1).generation().0, 1);
    assert_eq!(world.leader(), None);
}

#[test]
fn what_a_condemned_node_says_is_void_until_its_fencing_has_a_result() {
    let mut world = whole(2);
    world.cut_off(0);
    world.run(100);
    world.tell(1, Event::Condemned { node: NodeId(1), condemned: true });
    world.heal();
    world.run(1_000);
    assert!(!world.core(1).peers[&NodeId(1)].is_usable(), "no session");
    assert_eq!(world.leader(), None, "and no votes");
    world.tell(1, Event::Condemned { node: NodeId(1), condemned: false });
    world.settle(3_000).expect("a pair again");
}

#[test]
fn a_message_of_an_earlier_session_is_void() {
    let mut world = whole(3);
    world.write(0);
    world.run(100);
    let (from, old) = world.last_append[&NodeId(2)].clone();
    assert_eq!(from, NodeId(1));
    world.tell(1, Event::Step { from, bytes: old.clone() });
    assert_eq!(world.answers(1), ["MsgAppendResponse"], "in its session it counts, even twice");
    world.cut_off(1);
    world.run(100);
    world.heal();
    world.settle(3_000).expect("healed");
    world.run(100);
    world.tell(1, Event::Step { from, bytes: old });
    assert_eq!(world.answers(1), ["greets"]);
}

#[test]
fn a_brain_that_restarts_as_leader_is_replaced_without_raft_s_timeout() {
    let mut world = whole(3);
    world.crash(0);
    world.boot(0);
    let restarted = world.now;
    world.step();
    while world.leader().is_none() && world.now < restarted + 1_000 {
        world.step();
    }
    assert!(world.now - restarted < 200, "{} ms", world.now - restarted);
}

#[test]
fn a_sole_voter_shows_all_it_has_as_soon_as_it_starts() {
    let mut world = whole(2);
    let id = world.request();
    world.tell(0, Event::Leave { id, node: NodeId(2) });
    world.run(200);
    world.crash(1);
    let write = world.write(0);
    // On disk, but nobody was told yet that it is committed.
    world.arrive(0);
    world.crash(0);
    assert!(world.acknowledged.is_empty());
    world.boot(0);
    assert_eq!(world.nodes[0].state, [write]);
}

#[test]
fn a_sole_voter_that_forgot_that_it_is_one_is_told_by_its_peer_and_does_not_give_way() {
    let mut world = whole(2);
    let leader = world.leader().unwrap();
    let (other, write) = (1 - leader, world.write(leader));
    world.run(200);
    let id = world.request();
    let node = world.nodes[other].id;
    world.tell(leader, Event::Leave { id, node });
    while world.core(other).generation().0 < 2 {
        world.step();
    }
    // the leader loses its power; that the change was committed had not reached its disk
    world.crash(leader);
    let hard = world.nodes[leader].disk.as_mut().and_then(|disk| disk.hard.as_mut()).unwrap();
    hard.commit -= 1;
    world.boot(leader);
    assert_eq!(world.core(leader).generation().0, 1, "it does not know");
    world.run(2_000);
    assert_eq!(world.nodes[leader].resets, 0, "nobody else has what it has");
    assert!(world.nodes[leader].role.acting);
    assert_eq!(world.nodes[leader].state, [write]);
    // who left and is still here is taken in again after a while
    world.settle(20_000).expect("a pair again");
}
