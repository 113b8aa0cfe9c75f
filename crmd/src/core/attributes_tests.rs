//! What members make of attributes set here and there.

use model::{Member, View};

use super::*;

fn view(members: &[(u32, u128, u64)]) -> View {
    View {
        number: 1,
        quorate: true,
        members: members
            .iter()
            .map(|&(id, boot, incarnation)| {
                let member = Member {
                    id: NodeId(id),
                    name: format!("ser{id}").into(),
                    boot: BootId(boot),
                    incarnation: Incarnation(incarnation),
                };
                (NodeId(id), member)
            })
            .collect(),
    }
}

fn set(node: u32, name: &str, value: Option<&str>) -> SetAttribute {
    SetAttribute {
        node: NodeId(node),
        set: None,
        name: name.into(),
        value: value.map(str::to_owned),
        dampening_ms: None,
        private: false,
    }
}

fn step(core: &mut Attributes, at: u64, event: Event) -> Vec<Effect> {
    let mut out = Vec::new();
    core.handle(Monotonic(at), event, &mut out);
    out
}

fn broadcast(effects: &[Effect]) -> Vec<AttributeChange> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Broadcast(changes) => Some(changes.clone()),
            Effect::Send { .. } | Effect::Changed(_) => None,
        })
        .flatten()
        .collect()
}

fn changed(effects: &[Effect]) -> Vec<Option<String>> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Changed(changed) => Some(changed.value.clone()),
            Effect::Send { .. } | Effect::Broadcast(_) => None,
        })
        .collect()
}

#[test]
fn members_agree_whatever_order_changes_arrive_in() {
    let (mut a, mut b) = (Attributes::new(NodeId(1), 0), Attributes::new(NodeId(2), 0));
    let from_a = broadcast(&step(&mut a, 0, Event::Set(set(1, "x", Some("a")))));
    let from_b = broadcast(&step(&mut b, 0, Event::Set(set(1, "x", Some("b")))));
    step(&mut a, 1, Event::Received(from_b));
    step(&mut b, 1, Event::Received(from_a));
    assert_eq!(a.get(NodeId(1), "x"), Some("b"));
    assert_eq!(b.get(NodeId(1), "x"), Some("b"));
    let gone = broadcast(&step(&mut a, 2, Event::Set(set(1, "x", None))));
    step(&mut b, 2, Event::Received(gone));
    assert_eq!((a.get(NodeId(1), "x"), b.get(NodeId(1), "x")), (None, None));
}

#[test]
fn a_restarted_brain_gets_values_back_and_a_new_boot_clears_them() {
    let mut a = Attributes::new(NodeId(1), 0);
    step(&mut a, 0, Event::View(view(&[(1, 10, 1), (2, 20, 1)])));
    step(&mut a, 0, Event::Set(set(2, "x", Some("5"))));
    let effects = step(&mut a, 1, Event::View(view(&[(1, 10, 1), (2, 20, 2)])));
    let sent = effects.into_iter().find_map(|effect| match effect {
        Effect::Send { to: NodeId(2), changes } => Some(changes),
        Effect::Send { .. } | Effect::Broadcast(_) | Effect::Changed(_) => None,
    });
    let mut b = Attributes::new(NodeId(2), 0);
    step(&mut b, 1, Event::View(view(&[(1, 10, 1), (2, 20, 2)])));
    step(&mut b, 2, Event::Received(sent.clone().unwrap()));
    assert_eq!(b.get(NodeId(2), "x"), Some("5"));

    let effects = step(&mut a, 3, Event::View(view(&[(1, 10, 1), (2, 21, 1)])));
    assert_eq!(changed(&effects), [None]);
    assert_eq!(a.get(NodeId(2), "x"), None);
    let mut c = Attributes::new(NodeId(3), 0);
    step(&mut c, 3, Event::View(view(&[(2, 21, 1), (3, 30, 1)])));
    step(&mut c, 3, Event::Received(sent.unwrap()));
    assert_eq!(c.get(NodeId(2), "x"), None, "a value of an earlier boot is not taken");
}

#[test]
fn dampening_shows_the_last_of_several_values_once() {
    let mut a = Attributes::new(NodeId(1), 0);
    let first = SetAttribute { dampening_ms: Some(5000), ..set(1, "pingd", Some("100")) };
    assert!(changed(&step(&mut a, 0, Event::Set(first))).is_empty());
    assert!(changed(&step(&mut a, 3000, Event::Set(set(1, "pingd", Some("200"))))).is_empty());
    assert_eq!(a.get(NodeId(1), "pingd"), Some("200"));
    assert_eq!(a.next_deadline(), Some(Monotonic(5000)));
    assert_eq!(changed(&step(&mut a, 5000, Event::Tick)), [Some("200".to_owned())]);
    assert!(step(&mut a, 9000, Event::Tick).is_empty());
}

#[test]
fn a_private_value_is_told_to_members_but_not_to_the_controller() {
    let mut a = Attributes::new(NodeId(1), 0);
    let effects =
        step(&mut a, 0, Event::Set(SetAttribute { private: true, ..set(1, "p", Some("1")) }));
    assert!(changed(&effects).is_empty());
    assert_eq!(broadcast(&effects).len(), 1);
}

#[test]
fn values_count_up_to_infinity() {
    for (request, old, new) in [
        ("value++", None, "1"),
        ("value++", Some("4"), "5"),
        ("value+=10", Some("-3"), "7"),
        ("value++", Some("INFINITY"), "INFINITY"),
        ("value++", Some("999999"), "INFINITY"),
        ("value", Some("4"), "value"),
        ("12", Some("4"), "12"),
    ] {
        assert_eq!(evaluate(request, old), new, "{request} {old:?}");
    }
}

#[test]
fn a_value_of_a_boot_that_others_saw_first_is_not_lost() {
    let mut a = Attributes::new(NodeId(1), 0);
    let mut b = Attributes::new(NodeId(2), 0);
    let old = view(&[(1, 10, 1), (2, 20, 1), (3, 30, 1)]);
    step(&mut a, 0, Event::View(old.clone()));
    step(&mut b, 0, Event::View(old));
    let stale = broadcast(&step(&mut b, 1, Event::Set(set(3, "y", Some("stale")))));
    let new = view(&[(1, 10, 1), (2, 20, 1), (3, 31, 1)]);
    step(&mut a, 2, Event::View(new.clone()));
    let early = broadcast(&step(&mut a, 2, Event::Set(set(3, "x", Some("1")))));
    step(&mut b, 3, Event::Received(early));
    assert_eq!(b.get(NodeId(3), "x"), None);
    step(&mut b, 4, Event::View(new));
    assert_eq!(b.get(NodeId(3), "x"), Some("1"));
    step(&mut a, 5, Event::Received(stale));
    assert_eq!(a.get(NodeId(3), "y"), None);
}

#[test]
fn members_agree_in_the_end_under_any_order_and_repetition() {
    let mut dice: u64 = 88_172_645_463_325_252;
    let mut roll = |below: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 11) % below
    };
    let everybody = view(&[(1, 10, 1), (2, 20, 1), (3, 30, 1)]);
    let mut members: Vec<Attributes> = (1..=3).map(|n| Attributes::new(NodeId(n), 0)).collect();
    for member in &mut members {
        step(member, 0, Event::View(everybody.clone()));
    }
    let mut letters: Vec<(usize, Vec<AttributeChange>)> = Vec::new();
    for at in 0..3_000 {
        let who = usize::try_from(roll(3)).unwrap();
        let node = u32::try_from(roll(3)).unwrap() + 1;
        let value = [None, Some("1"), Some("value++")][usize::try_from(roll(3)).unwrap()];
        let request = set(node, ["a", "b"][usize::try_from(roll(2)).unwrap()], value);
        let told = broadcast(&step(&mut members[who], at, Event::Set(request)));
        letters.extend((0..3).filter(|other| *other != who).map(|other| (other, told.clone())));
        while letters.len() > 6 {
            let pick = usize::try_from(roll(letters.len() as u64)).unwrap();
            let (to, changes) = letters[pick].clone();
            if roll(4) > 0 {
                letters.remove(pick); // else it comes twice
            }
            step(&mut members[to], at, Event::Received(changes));
        }
    }
    for (to, changes) in letters {
        step(&mut members[to], 4_000, Event::Received(changes));
    }
    let all = |m: &Attributes| -> Vec<(NodeId, String, Option<String>)> {
        m.all().map(|c| (c.node, c.name.clone(), c.value.clone())).collect()
    };
    assert!(!all(&members[0]).is_empty());
    assert_eq!(all(&members[0]), all(&members[1]));
    assert_eq!(all(&members[1]), all(&members[2]));
}
