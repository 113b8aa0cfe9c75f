//! Stories of groups.

use super::super::LinkId;
use super::super::event::PeerChange;
use super::super::quorum::VoteRules;
use super::simulation::Net;
use super::*;

fn three() -> Net {
    settled(Net::new(3, 1, VoteRules::default(), 7))
}

fn two() -> Net {
    let rules = VoteRules { two_node: true, wait_for_all: true, ..VoteRules::default() };
    settled(Net::new(2, 1, rules, 7))
}

/// Starts all and forgets how it began.
fn settled(mut net: Net) -> Net {
    net.start_all();
    net.run(2_000);
    let ids: Vec<u32> = net.hosts.keys().copied().collect();
    for id in ids {
        net.take_effects(id);
    }
    net
}

#[test]
fn nodes_that_start_together_form_one_view_in_milliseconds() {
    let mut net = Net::new(3, 2, VoteRules::default(), 1);
    net.start_all();
    net.run(30);
    for id in 1..=3 {
        assert_eq!(net.view(id), [1, 2, 3]);
        assert!(net.full_view(id).quorate);
        assert_eq!(net.full_view(id), net.full_view(1));
    }
    assert!(net.views_seen(1).len() <= 2);
}

#[test]
fn a_node_that_finds_nobody_is_alone_after_a_token() {
    let mut net = Net::new(3, 1, VoteRules::default(), 1);
    net.start(2, false);
    net.run(999);
    assert_eq!(net.view(2), []);
    net.run(10);
    assert_eq!(net.view(2), [2]);
    assert!(!net.full_view(2).quorate);
}

#[test]
fn the_only_node_of_a_cluster_need_not_wait() {
    let mut net = Net::new(1, 1, VoteRules::default(), 1);
    net.start(1, false);
    net.run(1);
    assert!(net.full_view(1).quorate);
}

#[test]
fn a_silent_node_is_lost_after_its_token_and_the_view_follows_in_milliseconds() {
    let mut net = three();
    let crashed = net.now;
    net.crash(3);
    net.run(3_000);
    for id in [1, 2] {
        let seen = net.take_effects(id);
        let lost = seen.iter().find_map(|(at, effect)| match effect {
            Effect::Peer { node: NodeId(3), change: PeerChange::Lost { .. } } => Some(*at),
            _ => None,
        });
        let lost = lost.expect("the loss is told").since(crashed);
        assert!((900..=1_001).contains(&lost), "{lost}");
        let views: Vec<_> = seen
            .iter()
            .filter_map(|(at, effect)| match effect {
                Effect::View(view) => Some((at.since(crashed), view.members.len(), view.quorate)),
                _ => None,
            })
            .collect();
        let [(at, 2, true)] = views[..] else { panic!("{views:?}") };
        assert!(at <= lost + 10, "lost at {lost}, view at {at}");
    }
}

#[test]
fn a_link_is_down_after_three_beats_long_before_its_node_is_lost() {
    let mut net = settled(Net::new(2, 2, VoteRules::default(), 3));
    let start = net.now;
    net.cut.insert((1, 2, 1));
    net.run(5_000);
    let seen = net.take_effects(2);
    let [(at, Effect::LinkChange { node: NodeId(1), link: LinkId(1), up: false })] = &seen[..]
    else {
        panic!("{seen:?}")
    };
    assert!((250..=360).contains(&at.since(start)), "{}", at.since(start));
    net.heal();
    net.run(200);
    let seen = net.take_effects(2);
    assert!(
        matches!(seen[..], [(_, Effect::LinkChange { link: LinkId(1), up: true, .. })]),
        "{seen:?}"
    );
    assert_eq!(net.view(1), [1, 2]);
}

#[test]
fn a_brain_that_is_back_within_the_token_is_the_same_member() {
    let mut net = three();
    net.crash(2);
    net.run(500);
    net.start(2, true);
    net.run(3_000);
    for id in [1, 3] {
        let seen = net.take_effects(id);
        let told = seen.iter().any(|(_, effect)| {
            *effect
                == Effect::MemberRestarted { node: NodeId(2), incarnation: model::Incarnation(2) }
        });
        assert!(told, "{seen:?}");
        for (_, effect) in &seen {
            match effect {
                Effect::View(view) => assert_eq!(view.members.len(), 3, "{seen:?}"),
                Effect::Peer { .. } => panic!("{seen:?}"),
                _ => {}
            }
        }
        assert_eq!(net.full_view(id).members[&NodeId(2)].incarnation, model::Incarnation(2));
    }
    let own = net.views_seen(2);
    assert_eq!(own.len(), 1, "it is never alone: {own:?}");
}

#[test]
fn a_brain_that_is_back_too_late_was_lost_and_joins_again() {
    let mut net = three();
    net.crash(2);
    net.run(1_500);
    assert_eq!(net.view(1), [1, 3]);
    net.start(2, true);
    net.run(1_500);
    assert_eq!(net.view(1), [1, 2, 3]);
    assert_eq!(net.full_view(2), net.full_view(1));
}

#[test]
fn a_host_that_reboots_within_the_token_is_first_out_and_then_in() {
    let mut net = three();
    net.crash(2);
    net.run(300);
    net.start(2, false);
    net.run(1_000);
    let sizes: Vec<usize> = net.views_seen(1).iter().map(|(_, v)| v.members.len()).collect();
    assert_eq!(sizes, [2, 3]);
    assert_eq!(net.full_view(2), net.full_view(1));
}

#[test]
fn the_other_of_a_pair_is_seen_out_between_its_boots() {
    let mut net = two();
    net.crash(2);
    net.run(300);
    net.start(2, false);
    net.run(1_000);
    let sizes: Vec<usize> = net.views_seen(1).iter().map(|(_, v)| v.members.len()).collect();
    assert_eq!(sizes, [1, 2]);
}

#[test]
fn who_leaves_in_order_is_out_at_once_and_knows_it() {
    let mut net = three();
    net.tell(3, Event::LeaveRequested);
    net.run(20);
    assert_eq!(net.view(1), [1, 2]);
    assert_eq!(net.view(2), [1, 2]);
    assert!(net.take_effects(3).iter().any(|(_, effect)| *effect == Effect::Left));
    net.crash(3);
    net.run(3_000);
    let seen = net.take_effects(1);
    let lost = |e: &Effect| matches!(e, Effect::Peer { change: PeerChange::Lost { .. }, .. });
    assert!(!seen.iter().any(|(_, effect)| lost(effect)), "{seen:?}");
    net.start(3, true);
    net.run(1_200);
    assert_eq!(net.view(1), [1, 2, 3]);
}

#[test]
fn when_all_leave_nobody_changes_the_view() {
    let mut net = three();
    for id in 1..=3 {
        net.tell(id, Event::LeaveRequested);
    }
    net.run(600);
    for id in 1..=3 {
        let seen = net.take_effects(id);
        assert!(seen.iter().any(|(_, effect)| *effect == Effect::Left), "{seen:?}");
        assert!(!seen.iter().any(|(_, effect)| matches!(effect, Effect::View(_))), "{seen:?}");
    }
}

#[test]
fn a_node_that_is_heard_but_does_not_hear_is_left_out_and_nothing_flaps() {
    let mut net = three();
    // 1 does not hear 3; 2 hears both.
    net.cut_one_way(3, 1);
    net.run(5_000);
    let views: Vec<_> = (1..=3).map(|id| net.view(id)).collect();
    assert_eq!(views, [vec![1, 2], vec![1, 2], vec![3]]);
    for id in 1..=3 {
        assert!(net.views_seen(id).len() <= 2);
    }
    net.run(30_000);
    for id in 1..=3 {
        assert_eq!(net.views_seen(id), []);
    }
    net.heal();
    net.run(3_000);
    assert_eq!(net.view(3), [1, 2, 3]);
}

#[test]
fn the_node_between_two_that_do_not_hear_each_other_keeps_the_view_it_was_in() {
    let mut net = Net::new(3, 1, VoteRules::default(), 5);
    net.start(2, false);
    net.start(3, false);
    net.run(2_000);
    assert_eq!(net.view(2), [2, 3]);
    net.cut_both(1, 3);
    net.start(1, false);
    net.run(10_000);
    assert_eq!(net.view(2), [2, 3], "low numbers do not break a view");
    assert_eq!(net.view(1), [1]);
    let warned = net.take_effects(1);
    let told =
        warned.iter().any(|(_, e)| matches!(e, Effect::Warning(Warning::NotAllConnected { .. })));
    assert!(told, "{warned:?}");
}

#[test]
fn one_survivor_that_notices_later_does_not_leave_the_other_alone() {
    let mut net = three();
    // 1 dies; 3 last heard of it 300 ms before 2 did.
    net.cut_one_way(1, 3);
    net.run(300);
    net.crash(1);
    net.run(3_000);
    for id in [2, 3] {
        let views = net.views_seen(id);
        assert!(views.iter().all(|(_, view)| view.quorate), "n{id}: {views:?}");
        assert_eq!(net.view(id), [2, 3]);
    }
}

#[test]
fn a_paused_node_accuses_nobody_and_learns_that_it_was_given_up() {
    let mut net = three();
    net.pause(1, 5_000);
    net.run(4_900);
    assert_eq!(net.view(2), [2, 3]);
    net.take_effects(1);
    net.run(2_000);
    let seen = net.take_effects(1);
    let accused = |e: &Effect| matches!(e, Effect::Peer { change: PeerChange::Lost { .. }, .. });
    assert!(!seen.iter().any(|(_, effect)| accused(effect)), "{seen:?}");
    let sizes: Vec<usize> = seen
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::View(view) => Some(view.members.len()),
            _ => None,
        })
        .collect();

    assert_eq!(sizes, [1, 3], "it must know that the others went on without it");
    let told = seen.iter().any(|(_, e)| matches!(e, Effect::Warning(Warning::OwnPause { .. })));
    assert!(told);
    assert_eq!(net.view(2), [1, 2, 3]);
}

#[test]
fn a_short_pause_of_all_changes_nothing() {
    let mut net = three();
    for id in 1..=3 {
        net.pause(id, 4_000);
    }
    net.run(10_000);
    for id in 1..=3 {
        assert_eq!(net.views_seen(id), []);
    }
}

#[test]
fn a_stuttering_node_still_notices_a_death() {
    let mut net = three();
    net.crash(3);
    let crashed = net.now;
    while net.view(1) != [1, 2] {
        net.pause(1, 250);
        net.run(500);
        assert!(net.now.since(crashed) < 5_000, "it never notices");
    }
}

#[test]
fn a_stuck_controller_is_lost_and_comes_back() {
    let mut net = three();
    net.tell(3, Event::Stuck(true));
    net.run(1_500);
    assert_eq!(net.view(1), [1, 2]);
    net.tell(3, Event::Stuck(false));
    net.run(1_500);
    assert_eq!(net.view(1), [1, 2, 3]);
    assert_eq!(net.view(3), [1, 2, 3]);
}

#[test]
fn old_packets_of_a_dead_node_do_not_bring_it_back() {
    let mut net = three();
    let mut out = Vec::new();
    let now = net.now;
    net.host(3).group.next_beat = now;
    net.host(3).group.handle(now, Event::Tick { late_ms: 0 }, &mut out);
    let Some(Effect::Send { heartbeat, .. }) = out.pop() else { panic!("no heartbeat") };
    net.crash(3);
    net.run(1_500);
    assert_eq!(net.view(1), [1, 2]);
    net.take_effects(1);
    for _ in 0..50 {
        net.tell(1, Event::Heard { link: LinkId(0), heartbeat: Box::new(heartbeat.clone()) });
        net.run(50);
    }
    let seen = net.take_effects(1);
    assert_eq!(seen, [], "a replay is no sign of life");
}

#[test]
fn repeated_packets_do_not_keep_a_dead_node_alive() {
    let mut net = three();
    let mut out = Vec::new();
    let now = net.now;
    net.host(3).group.next_beat = now;
    net.host(3).group.handle(now, Event::Tick { late_ms: 0 }, &mut out);
    let Some(Effect::Send { heartbeat, .. }) = out.pop() else { panic!("no heartbeat") };
    net.crash(3);
    for _ in 0..30 {
        net.tell(1, Event::Heard { link: LinkId(0), heartbeat: Box::new(heartbeat.clone()) });
        net.run(50);
    }
    assert_eq!(net.view(1), [1, 2]);
}

#[test]
fn a_peer_that_needs_a_longer_token_gets_it() {
    let mut net = Net::new(2, 1, VoteRules::default(), 2);
    net.start(1, false);
    net.conf.token_ms = 3_000;
    net.start(2, false);
    net.run(1_000);
    net.crash(2);
    net.run(2_800);
    assert_eq!(net.view(1), [1, 2]);
    net.run(300);
    assert_eq!(net.view(1), [1]);
}

#[test]
fn a_pair_waits_for_both_once_and_then_each_goes_on_alone() {
    let mut net = two();
    net.crash(2);
    net.run(1_500);
    assert!(net.full_view(1).quorate);
    // Both off; one comes back and waits.
    net.crash(1);
    net.start(1, false);
    net.run(1_500);
    assert!(!net.full_view(1).quorate);
    assert_eq!(net.host(1).group.quorum().waiting_for, [NodeId(2)]);
    net.take_effects(1);
    // Told from outside that nobody need be waited for.
    net.tell(1, Event::WaitForAllSatisfied);
    let views = net.views_seen(1);
    let [(_, view)] = &views[..] else { panic!("{views:?}") };
    assert!(view.quorate);
}

#[test]
fn who_need_not_wait_frees_the_others_of_its_view() {
    let rules = VoteRules { wait_for_all: true, ..VoteRules::default() };
    let mut net = Net::new(3, 1, rules, 4);
    net.start(1, false);
    net.start(2, false);
    net.run(1_500);
    assert!(!net.full_view(1).quorate);
    net.tell(2, Event::WaitForAllSatisfied);
    net.run(10);
    assert!(net.full_view(1).quorate && net.full_view(2).quorate);
}

#[test]
fn the_last_man_stands_after_its_window() {
    let rules = VoteRules { last_man_standing_ms: Some(2_000), ..VoteRules::default() };
    let mut net = settled(Net::new(5, 1, rules, 9));
    net.crash(5);
    net.crash(4);
    net.run(1_500);
    assert!(net.full_view(1).quorate);
    assert_eq!(net.host(1).group.quorum().expected, 5);
    net.run(2_500);
    assert_eq!(net.host(1).group.quorum().expected, 3);
    net.crash(3);
    net.run(4_000);
    assert!(net.full_view(1).quorate);
    assert_eq!(net.host(1).group.quorum().expected, 2);
    net.crash(2);
    net.run(4_000);
    assert!(!net.full_view(1).quorate);
    // Those who come back raise it again.
    net.start(2, false);
    net.start(3, false);
    net.run(2_000);
    let quorum = net.host(1).group.quorum().clone();
    assert!(quorum.quorate, "{quorum:?}");
}

#[test]
fn an_orderly_leave_lowers_what_is_expected_where_that_is_allowed() {
    let rules =
        VoteRules { allow_downscale: true, expected_votes: Some(3), ..VoteRules::default() };
    let mut net = settled(Net::new(5, 1, rules, 9));
    assert_eq!(net.host(1).group.quorum().expected, 5);
    net.tell(5, Event::LeaveRequested);
    net.run(100);
    assert_eq!(net.host(1).group.quorum().expected, 4);
    for id in [4, 3] {
        net.tell(id, Event::LeaveRequested);
        net.run(100);
    }
    assert_eq!(net.host(1).group.quorum().expected, 3);
    assert!(net.full_view(1).quorate);
}

#[test]
fn a_changed_vote_is_counted_in_the_view_that_holds() {
    let mut net = three();
    let mut conf = net.conf.clone();
    conf.nodes.get_mut(&NodeId(1)).unwrap().votes = 3;
    for id in 1..=3 {
        net.tell(id, Event::ConfChanged(Box::new(conf.clone())));
    }
    net.run(200);
    let quorum = net.host(2).group.quorum().clone();
    assert_eq!((quorum.total, quorum.expected, quorum.needed), (5, 5, 3));
    assert_eq!(net.views_seen(2).len(), 0);
}

#[test]
fn a_new_node_joins_after_the_file_names_it_and_a_removed_one_is_out() {
    let mut net = three();
    let mut conf = net.conf.clone();
    let removed = conf.nodes.remove(&NodeId(3)).unwrap();
    for id in [1, 2] {
        net.tell(id, Event::ConfChanged(Box::new(conf.clone())));
    }
    net.run(2_000);
    assert_eq!(net.view(1), [1, 2]);
    conf.nodes.insert(NodeId(3), removed);
    for id in [1, 2] {
        net.tell(id, Event::ConfChanged(Box::new(conf.clone())));
    }
    net.run(3_000);
    assert_eq!(net.view(1), [1, 2, 3]);
}

#[test]
fn another_corosync_conf_on_a_peer_is_told_once() {
    let mut net = three();
    let mut conf = net.conf.clone();
    conf.digest = 99;
    conf.version = 4;
    net.tell(3, Event::ConfChanged(Box::new(conf)));
    net.run(3_000);
    let warnings: Vec<String> = net
        .take_effects(1)
        .into_iter()
        .filter_map(|(_, effect)| match effect {
            Effect::Warning(warning) => Some(warning.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("n3 has another corosync.conf (config_version 4, here 1)"));
}

#[test]
fn two_machines_with_one_number_are_told() {
    let mut net = three();
    let mut heartbeat = net.host(1).group.compose(Monotonic(0));
    heartbeat.boot = model::BootId(5);
    heartbeat.incarnation = model::Incarnation(77);
    net.tell(1, Event::Heard { link: LinkId(0), heartbeat: Box::new(heartbeat) });
    let seen = net.take_effects(1);
    assert!(
        matches!(seen[..], [(_, Effect::Warning(Warning::SameNodeId { node: NodeId(1) }))]),
        "{seen:?}"
    );
}

#[test]
fn a_peer_that_keeps_getting_lost_must_prove_itself_longer_each_time() {
    let mut net = Net::new(2, 1, VoteRules::default(), 3);
    net.start_all();
    net.run(2_000);
    let mut waits = Vec::new();
    for _ in 0..4 {
        net.cut_both(1, 2);
        net.run(1_500);
        assert_eq!(net.view(1), [1]);
        net.heal();
        let healed = net.now;
        while net.view(1) != [1, 2] {
            net.run(100);
            assert!(net.now.since(healed) < 20_000);
        }
        waits.push(net.now.since(healed));
    }
    assert!(waits[0] <= 300, "{waits:?}");
    assert!(waits[3] > waits[2] && waits[2] > waits[1], "{waits:?}");
}

#[test]
fn a_quiet_group_sends_ten_heartbeats_a_second_and_no_more() {
    let mut net = three();
    let before = net.host(1).group.sequence;
    net.run(10_000);
    let sent = net.host(1).group.sequence - before;
    assert!((99..=101).contains(&sent), "{sent}");
}
