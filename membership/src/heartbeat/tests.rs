//! Real threads on the loopback: they find each other, miss each other, leave in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use model::BootId;

use super::*;
use crate::core::status::ContactState;

/// Returns a port for each test of each process, so that they can run side by side; below those
/// that the kernel gives to whoever asks for any.
fn port(test: u16) -> u16 {
    let process = u16::try_from(std::process::id() % 1_000).unwrap();
    20_000 + 12 * process + 2 * test
}

fn conf(nodes: u32, port: u16, token: u64) -> Conf {
    let nodes: String = (1..=nodes)
        .map(|id| {
            format!(
                "node {{\nring0_addr: 127.0.0.{id}\nring1_addr: 127.0.1.{id}\nname: n{id}\n\
                 nodeid: {id}\n}}\n"
            )
        })
        .collect();
    let text = format!(
        "totem {{\nversion: 2\ncluster_name: my\ntoken: {token}\ninterface {{\nlinknumber: 0\n\
         mcastport: {port}\n}}\n}}\nnodelist {{\n{nodes}}}\nquorum {{\nprovider: \
         corosync_votequorum\n}}\n"
    );
    crate::conf::load(&text, "corosync.conf").unwrap()
}

struct Node {
    handle: Arc<Handle>,
    notices: Receiver<Notice>,
    /// Its controller hangs.
    hangs: Arc<AtomicBool>,
}

fn start(conf: &Conf, id: u32, life: u64, key: u8) -> Node {
    let (tell, notices) = channel();
    let identity = Identity {
        node: NodeId(id),
        boot: BootId(id.into()),
        incarnation: Incarnation(life),
        seed: u64::from(id) * 77 + life,
        last_view: 0,
    };
    let key = AuthKey::new(&[key; 64], "my").unwrap();
    let config = Config { identity, conf: conf.clone(), key };
    let handle = Arc::new(spawn(config, move |notice| drop(tell.send(notice))).unwrap());
    let hangs = Arc::new(AtomicBool::new(false));
    // its controller, which goes round however long the test looks elsewhere
    let (controlled, hung) = (Arc::downgrade(&handle), Arc::clone(&hangs));
    std::thread::spawn(move || {
        let (_never, pause) = channel::<()>();
        while let Some(handle) = controlled.upgrade() {
            if !hung.load(Ordering::Relaxed) {
                handle.alive();
            }
            drop(handle);
            let _passed = pause.recv_timeout(PAUSE);
        }
    });
    Node { handle, notices, hangs }
}

/// How long whatever must happen may take on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);

impl Node {
    /// Waits for a notice.
    fn wait_for(&self, what: &str, mut test: impl FnMut(&Notice) -> bool) -> Notice {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.notices.recv_timeout(PAUSE) {
                Ok(notice) if test(&notice) => return notice,
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        panic!("no {what}: {:?}", self.handle.snapshot());
    }

    fn wait_for_view(&self, members: usize) {
        self.wait_for(
            "view",
            |notice| matches!(notice, Notice::View(view) if view.members.len() == members),
        );
    }
}

#[test]
fn three_threads_form_a_view_and_one_leaves_in_order() {
    let conf = conf(3, port(0), 3000);
    let nodes: Vec<Node> = (1..=3).map(|id| start(&conf, id, 1, 1)).collect();
    for node in &nodes {
        node.wait_for_view(3);
    }
    let status = nodes[0].handle.snapshot();
    assert_eq!(status.members().count(), 3);
    assert!(status.quorum.quorate);
    assert_eq!(status.token_ms, 3000);
    assert_eq!(status.node(2).unwrap().contact, ContactState::Mutual);
    let first = nodes[0].handle.addresses(NodeId(2))[0];
    assert!(first.ip().is_loopback() && [port(0), port(0) + 1].contains(&first.port()));
    nodes[2].handle.leave();
    nodes[2].wait_for("end of the leave", |notice| *notice == Notice::Left);
    for node in &nodes[..2] {
        node.wait_for_view(2);
    }
}

#[test]
fn a_thread_that_ends_without_a_word_is_lost_after_the_token() {
    let conf = conf(2, port(1), 1000);
    let one = start(&conf, 1, 1, 1);
    let two = start(&conf, 2, 1, 1);
    one.wait_for_view(2);
    two.wait_for_view(2);
    drop(two);
    let lost = one.wait_for("loss", |notice| {
        matches!(notice, Notice::Peer { change: PeerChange::Lost { .. }, .. })
    });
    let Notice::Peer { change: PeerChange::Lost { silent_ms }, .. } = lost else {
        panic!("{lost:?}")
    };
    assert!(silent_ms >= 1_000, "{silent_ms}");
    one.wait_for_view(1);
    // A new life of the same boot joins again.
    let two = start(&conf, 2, 2, 1);
    one.wait_for_view(2);
    two.wait_for_view(2);
}

#[test]
fn a_hung_controller_silences_its_node() {
    let conf = conf(2, port(2), 1000);
    let one = start(&conf, 1, 1, 1);
    let two = start(&conf, 2, 1, 1);
    one.wait_for_view(2);
    two.wait_for_view(2);
    two.hangs.store(true, Ordering::Relaxed);
    one.wait_for("loss", |notice| {
        matches!(notice, Notice::Peer { change: PeerChange::Lost { .. }, .. })
    });
    two.wait_for("word of it", |notice| {
        matches!(notice, Notice::Trouble(text) if text.contains("the controller has hung"))
    });
    two.hangs.store(false, Ordering::Relaxed);
    one.wait_for_view(2);
}

#[test]
fn another_key_is_told_by_name_and_a_new_key_brings_them_together() {
    let conf = conf(2, port(3), 3000);
    let one = start(&conf, 1, 1, 1);
    let two = start(&conf, 2, 1, 2);
    let warned = one.wait_for("warning", |notice| matches!(notice, Notice::Warning(_)));
    let Notice::Warning(warning) = warned else { panic!("{warned:?}") };
    assert!(
        warning.to_string().starts_with("/etc/corosync/authkey differs on n2 (127.0."),
        "{warning}"
    );
    assert!(one.handle.snapshot().warnings[0].contains("authkey differs"));
    let key = AuthKey::new(&[1; 64], "my").unwrap();
    two.handle.reload(conf.clone(), Some(key));
    one.wait_for_view(2);
    two.wait_for_view(2);
}

#[test]
fn a_second_link_that_has_no_interface_is_told_and_the_first_carries_on() {
    let mut document = conf(2, port(4), 3000).document;
    for node in document.section_mut("nodelist").sections_mut("node") {
        let id = node.get("nodeid").unwrap().to_owned();
        node.set("ring1_addr", format!("192.0.2.{id}"));
    }
    let conf = Conf::from_document(document, "corosync.conf").unwrap();
    let one = start(&conf, 1, 1, 1);
    let two = start(&conf, 2, 1, 1);
    one.wait_for("trouble", |notice| {
        matches!(notice, Notice::Trouble(text)
            if text.starts_with("no interface of this machine has the address 192.0.2.1 "))
    });
    one.wait_for_view(2);
    let links = two.handle.snapshot().node(1).unwrap().links.clone();
    assert_eq!(links.iter().map(|link| link.up).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_start_without_any_usable_link_is_refused() {
    let conf = conf(2, port(5), 3000);
    let _one = start(&conf, 1, 1, 1);
    let (tell, _notices) = channel();
    let identity = Identity {
        node: NodeId(1),
        boot: BootId(1),
        incarnation: Incarnation(2),
        seed: 1,
        last_view: 0,
    };
    let key = AuthKey::new(&[1; 64], "my").unwrap();
    let tell = move |notice| drop(tell.send(notice));
    let error = spawn(Config { identity, conf, key }, tell).unwrap_err().to_string();
    let place = format!("UDP port {} on 127.0.0.1", port(5));
    assert!(error.contains(&place), "{error}");
    assert!(error.contains("is in use"), "{error}");
}
