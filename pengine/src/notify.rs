//! Notifications: clones that want to be told before and after what happens to their siblings.
//!
//! For each task of such a clone there are up to four points in time, around which the clone's own
//! pseudo-actions are ordered: `pre` and `confirmed-pre`, `post` and `confirmed-post`. What the
//! instances are told, and which of them, is known only once all consequences have been drawn.

use std::cmp::Ordering;

use crate::action::{Key, relation::*};
use crate::cluster::Cluster;
use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::place::Placed;
use crate::role::Role;
use crate::rules::Pairs;
use crate::task::{self, Task};

/// What comes after everything else has the priority of completion.
const COMPLETION_PRIORITY: i32 = 1_000_000;

/// Two points in time: instances are told after the first and have heard it at the second.
#[derive(Clone, Copy, Debug)]
struct Points {
    begin: ActionIx,
    done: ActionIx,
}

/// The notifications about one task of a clone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notification {
    about: Task,
    pre: Option<Points>,
    post: Option<Points>,
}

/// Makes the points in time around a task of a clone: before `action`, after `complete`.
pub(crate) fn announce(
    placed: &mut Placed,
    rsc: ResourceIx,
    about: Task,
    action: Option<ActionIx>,
    complete: Option<ActionIx>,
) -> Notification {
    let mut pre = None;
    if let Some(action) = action {
        let points = points(placed, rsc, ("pre", "confirmed-pre"), about, action);
        for point in [points.begin, points.done] {
            placed.book[point].runnable = true;
        }
        placed.book.order_actions(points.begin, points.done, ORDERED);
        placed.book.order_actions(points.done, action, ORDERED);
        pre = Some(points);
    }
    let mut post = None;
    if let Some(complete) = complete {
        let points = points(placed, rsc, ("post", "confirmed-post"), about, complete);
        for point in [points.begin, points.done] {
            placed.book[point].runnable = placed.book[complete].runnable;
            placed.book[point].priority = COMPLETION_PRIORITY;
        }
        placed.book.order_actions(complete, points.begin, FIRST_IMPLIES_THEN);
        placed.book.order_actions(points.begin, points.done, FIRST_IMPLIES_THEN);
        if let Some(pre) = pre {
            placed.book.order_actions(pre.done, points.begin, ORDERED);
        }
        post = Some(points);
    }
    Notification { about, pre, post }
}

fn points(
    placed: &mut Placed,
    rsc: ResourceIx,
    (begin, done): (&'static str, &'static str),
    about: Task,
    action: ActionIx,
) -> Points {
    let mut point = |when: &'static str, task: Task| {
        let Placed { cluster, book, .. } = &mut *placed;
        let (subject, optional) = (book[action].task, book[action].optional);
        let key = Key::once(task::notification(when, subject.name()));
        let point = book.action(cluster, rsc, key, task, None, optional);
        book[point].pseudo = true;
        for (name, value) in [
            ("notify_key_type", when),
            ("notify_key_operation", subject.name()),
            ("notify_type", begin),
            ("notify_operation", about.name()),
        ] {
            book[point].meta.insert(name, value);
        }
        point
    };
    let begin_point = point(begin, task::NOTIFY);
    Points { begin: begin_point, done: point(done, task::NOTIFIED) }
}

/// Announces the starts and stops of a clone whose pseudo-actions are there.
pub(crate) fn announce_activity(planned: &mut Planned, rsc: ResourceIx) {
    let start = announce_task(planned, rsc, task::START, task::RUNNING);
    let stop = announce_task(planned, rsc, task::STOP, task::STOPPED);
    one_after_another(planned, &[(stop, start)]);
}

/// Announces the promotions and demotions of a clone; starts and stops have been before.
pub(crate) fn announce_promotion(planned: &mut Planned, rsc: ResourceIx) {
    let known = |about: Task| {
        let all = planned.notifications.get(&rsc).into_iter().flatten();
        all.copied().find(|notification| notification.about == about)
    };
    let (start, stop) = (known(task::START), known(task::STOP));
    let promote = announce_task(planned, rsc, task::PROMOTE, task::PROMOTED);
    let demote = announce_task(planned, rsc, task::DEMOTE, task::DEMOTED);
    if let (Some(start), Some(stop)) = (start, stop) {
        let order = [(stop, promote), (start, promote), (demote, promote), (demote, start)];
        one_after_another(planned, &order);
        one_after_another(planned, &[(demote, stop)]);
    }
}

fn announce_task(planned: &mut Planned, rsc: ResourceIx, about: Task, done: Task) -> Notification {
    let book = &planned.placed.book;
    let (action, complete) =
        (book.first_action(rsc, about, None), book.first_action(rsc, done, None));
    let notification = announce(&mut planned.placed, rsc, about, action, complete);
    planned.notifications.entry(rsc).or_default().push(notification);
    notification
}

/// All have heard what the first is about before any hears of the second.
fn one_after_another(planned: &mut Planned, pairs: &[(Notification, Notification)]) {
    for (first, then) in pairs {
        if let (Some(first), Some(then)) = (first.post, then.pre) {
            planned.placed.book.order_actions(first.done, then.begin, ORDERED);
        }
    }
}

/// Makes the notifications of a clone's instances, now that it is known what will happen.
pub(crate) fn complete(planned: &mut Planned, rsc: ResourceIx) {
    for notification in planned.notifications.remove(&rsc).unwrap_or_default() {
        let mut news = News::default();
        news.collect(&planned.placed, rsc, true);
        let keys = news.keys(&planned.placed.cluster, &planned.placed.scores, rsc);
        let happens = !news.about(notification.about).is_empty();
        if happens {
            for points in [notification.pre, notification.post].into_iter().flatten() {
                for point in [points.begin, points.done] {
                    planned.placed.book[point].optional = false;
                }
            }
        }
        tell(&mut planned.placed, rsc, &notification, &keys, happens);
    }
}

/// Tells a clone's instances that the fencing of a node stands for the stop of one of them.
pub(crate) fn order_after_fencing(
    placed: &mut Placed,
    stop: ActionIx,
    rsc: ResourceIx,
    fence: ActionIx,
) {
    let notification = announce(placed, rsc, task::STOP, None, Some(fence));
    let node = placed.book[stop].node.map(|node| placed.cluster[node].name.clone());
    let keys = Pairs::from([
        ("notify_stop_resource".to_owned(), placed.cluster[rsc].id.clone()),
        ("notify_stop_uname".to_owned(), node.unwrap_or_default()),
    ]);
    let top = placed.cluster.uppermost(rsc, false);
    tell(placed, top, &notification, &keys, true);
}

/// Who is where, and what happens to whom: a resource and, where there is one, a node each.
#[derive(Debug, Default)]
struct News {
    active: Vec<Entry>,
    inactive: Vec<Entry>,
    promoted: Vec<Entry>,
    unpromoted: Vec<Entry>,
    start: Vec<Entry>,
    stop: Vec<Entry>,
    promote: Vec<Entry>,
    demote: Vec<Entry>,
}

type Entry = (ResourceIx, Option<NodeIx>);

impl News {
    fn about(&self, task: Task) -> &[Entry] {
        match task {
            task::START => &self.start,
            task::STOP => &self.stop,
            task::PROMOTE => &self.promote,
            task::DEMOTE => &self.demote,
            _ => &[],
        }
    }

    fn collect(&mut self, placed: &Placed, rsc: ResourceIx, activity: bool) {
        let one = &placed.cluster[rsc];
        if !one.children.is_empty() {
            for &child in &one.children {
                self.collect(placed, child, activity);
            }
            return;
        }
        let here = (rsc, one.running_on.first().copied());
        match one.role {
            Role::Stopped => self.inactive.push(here),
            Role::Started => self.active.push(here),
            Role::Unpromoted => {
                self.unpromoted.push(here);
                self.active.push(here);
            }
            Role::Promoted => {
                self.promoted.push(here);
                self.active.push(here);
            }
            Role::Unknown => {}
        }
        if !activity {
            return;
        }
        for &action in placed.book.of_resource(rsc) {
            let action = &placed.book[action];
            let Some(node) = action.node.filter(|_| !action.optional) else { continue };
            // the stop on a node that can't be trusted is told although it can't be done
            let told =
                action.runnable || (action.task == task::STOP && placed.cluster[node].unclean);
            if !told {
                continue;
            }
            let entry = (rsc, Some(node));
            match action.task {
                task::START => self.start.push(entry),
                task::STOP => self.stop.push(entry),
                task::PROMOTE => self.promote.push(entry),
                task::DEMOTE => self.demote.push(entry),
                _ => {}
            }
        }
    }

    /// The news as meta-attributes.
    fn keys(
        &mut self,
        cluster: &Cluster,
        scores: &crate::ledger::Scores,
        rsc: ResourceIx,
    ) -> Pairs {
        let mut keys = Pairs::new();
        let mut add = |name: &str, list: &mut Vec<Entry>, with_nodes: bool| {
            list.sort_by(|a, b| compare(cluster, a, b));
            list.dedup_by_key(|entry| entry.0);
            let listed = list.iter().filter(|(_, node)| node.is_some() || !with_nodes);
            let (mut resources, mut nodes) = (Vec::new(), Vec::new());
            for (resource, node) in listed {
                resources.push(cluster[*resource].id.as_str());
                nodes.extend(node.map(|node| cluster[node].name.as_str()));
            }
            keys.insert(format!("notify_{name}_resource"), words(&resources));
            if with_nodes {
                keys.insert(format!("notify_{name}_uname"), words(&nodes));
            }
        };
        add("stop", &mut self.stop, true);
        add("start", &mut self.start, true);
        add("demote", &mut self.demote, true);
        add("promote", &mut self.promote, true);
        // agents know the roles by their older names, too
        for name in ["unpromoted", "slave"] {
            add(name, &mut self.unpromoted, true);
        }
        for name in ["promoted", "master"] {
            add(name, &mut self.promoted, true);
        }
        add("active", &mut self.active, true);
        add("inactive", &mut self.inactive, false);
        let names = |nodes: &mut dyn Iterator<Item = NodeIx>| {
            words(&nodes.map(|node| cluster[node].name.as_str()).collect::<Vec<_>>())
        };
        let order = || cluster.node_order.iter().copied();
        let allowed = names(&mut order().filter(|node| scores.allowed(rsc, *node)));
        keys.insert("notify_available_uname".to_owned(), allowed);
        keys.insert("notify_all_uname".to_owned(), names(&mut order()));
        let target = cluster[rsc].meta.get("container-attribute-target");
        if target.is_some_and(|target| target == "host") {
            let host = |node: NodeIx| {
                let container = cluster.guest_container(node);
                container.and_then(|c| cluster[c].running_on.first().copied()).unwrap_or(node)
            };
            keys.insert("notify_all_hosts".to_owned(), names(&mut order().map(host)));
        }
        keys
    }
}

fn compare(cluster: &Cluster, a: &Entry, b: &Entry) -> Ordering {
    let id = |entry: &Entry| cluster[entry.0].id.as_str();
    let node = |entry: &Entry| entry.1.map(|node| cluster[node].name.as_str());
    id(a).cmp(id(b)).then_with(|| node(a).cmp(&node(b)))
}

/// Words in a row; nothing is a single space, so that the attribute is there for agents.
fn words(list: &[&str]) -> String {
    if list.is_empty() { " ".to_owned() } else { list.join(" ") }
}

/// Makes the notification actions of all instances of a clone.
fn tell(
    placed: &mut Placed,
    rsc: ResourceIx,
    notification: &Notification,
    keys: &Pairs,
    happens: bool,
) {
    let children = placed.cluster[rsc].children.clone();
    if !children.is_empty() {
        for child in children {
            tell(placed, child, notification, keys, happens);
        }
        return;
    }
    // what happens to the instances themselves knows the news as well
    for action in placed.book.of_resource(rsc).to_vec() {
        let action = &mut placed.book[action];
        let told = matches!(action.task, task::START | task::STOP | task::PROMOTE | task::DEMOTE);
        if told && !action.optional && action.node.is_some() {
            action.meta.extend(keys);
        }
    }
    let about = notification.about;
    if !happens && about != task::STOP {
        return;
    }
    let one = &placed.cluster[rsc];
    let required = |placed: &Placed, task: Task| {
        let action = placed.book.first_action(rsc, task, None);
        action.is_some_and(|action| !placed.book[action].optional)
    };
    if matches!(about, task::STOP | task::DEMOTE) && one.role != Role::Stopped {
        let stop = placed.book.first_action(rsc, task::STOP, None);
        let implied = stop.is_some_and(|stop| placed.book[stop].pseudo);
        let stays = about == task::DEMOTE || !required(placed, task::STOP);
        for node in one.running_on.clone() {
            let host = &placed.cluster[node];
            if implied && (host.unclean || host.requires_reset) {
                // a node that is being fenced can't be told
                continue;
            }
            before(placed, rsc, node, notification, keys);
            if stays {
                after(placed, rsc, node, notification, keys);
            }
        }
    }
    let concerned = match about {
        task::START => true,
        // what can't start can't be promoted
        task::PROMOTE => can_start(placed, rsc),
        _ => false,
    };
    if concerned
        && placed.cluster[rsc].next_role != Role::Stopped
        && let Some(node) = placed.homes[rsc.position()].node
        // nor can anybody be told on a remote node that can't be connected
        && placed.cluster[node].connection.is_none_or(|connection| can_start(placed, connection))
    {
        if about == task::PROMOTE || !required(placed, task::START) {
            before(placed, rsc, node, notification, keys);
        }
        after(placed, rsc, node, notification, keys);
    }
}

/// Tells whether nothing keeps a resource from starting, if it must.
fn can_start(placed: &Placed, rsc: ResourceIx) -> bool {
    let start = placed.book.first_action(rsc, task::START, None);
    start.is_none_or(|start| placed.book[start].optional || placed.book[start].runnable)
}

fn before(
    placed: &mut Placed,
    rsc: ResourceIx,
    node: NodeIx,
    notification: &Notification,
    keys: &Pairs,
) {
    if let Some(points) = notification.pre {
        tell_one(placed, rsc, node, points, keys);
    }
}

fn after(
    placed: &mut Placed,
    rsc: ResourceIx,
    node: NodeIx,
    notification: &Notification,
    keys: &Pairs,
) {
    let Some(points) = notification.post else { return };
    if let Some(told) = tell_one(placed, rsc, node, points, keys) {
        placed.book[told].priority = COMPLETION_PRIORITY;
    }
    // monitors begin when everybody has heard
    for action in placed.book.of_resource(rsc).to_vec() {
        let known = &placed.book[action];
        if known.key.interval_ms > 0 && known.task != task::CANCEL {
            placed.book.order_actions(points.done, action, ORDERED);
        }
    }
}

/// Makes the notification of one instance on a node.
fn tell_one(
    placed: &mut Placed,
    rsc: ResourceIx,
    node: NodeIx,
    points: Points,
    keys: &Pairs,
) -> Option<ActionIx> {
    let Placed { cluster, book, .. } = placed;
    let begin = &book[points.begin];
    if !cluster[node].online || !begin.runnable {
        return None;
    }
    let (meta, optional, task) = (begin.meta.clone(), begin.optional, begin.task);
    let word = |name: &str| meta.get(name).unwrap_or_default();
    let key = Key::once(task::notification(word("notify_type"), word("notify_operation")));
    let told = book.action(cluster, rsc, key, task, Some(node), optional);
    for (name, value) in meta.iter() {
        // what the instance's own operation says goes before
        book[told].meta.insert_missing(name.to_owned(), value.to_owned());
    }
    book[told].meta.extend(keys);
    book.order_actions(points.begin, told, ORDERED);
    book.order_actions(told, points.done, ORDERED);
    Some(told)
}
