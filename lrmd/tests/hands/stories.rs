//! The stories, each a function; see `bench` for what they stand on.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use model::{ExecStatus, HandsCommand};

use crate::bench::{Node, op, with};

/// One test.
pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) lacks: fn() -> Option<&'static str>,
    pub(crate) tell: fn(),
}

macro_rules! stories {
    ($($lacks:ident: $name:ident,)*) => {
        vec![$(Story { name: stringify!($name), lacks: $lacks, tell: $name },)*]
    };
}

pub(crate) fn all() -> Vec<Story> {
    stories![
        nothing: an_agent_gets_its_environment_and_gives_its_reason,
        nothing: a_value_that_is_kept_out_of_the_document_reaches_the_agent,
        nothing: a_hanging_start_is_killed_at_its_deadline,
        nothing: an_init_script_is_run_with_status_for_monitor,
        nothing: what_is_not_installed_says_so,
        nothing: the_newest_brain_wins,
        nothing: results_wait_for_a_brain,
        nothing: a_start_in_flight_survives_kill_minus_9_of_the_hands,
        nothing: a_start_that_ended_while_the_hands_were_dead_is_told,
        nothing: a_start_handed_over_but_not_begun_is_run_once,
        nothing: what_was_acknowledged_leaves_nothing_behind,
        nothing: a_deadline_holds_also_while_the_hands_are_dead,
        nothing: a_stop_after_kill_minus_9_uses_the_parameters_of_the_start,
        nothing: a_killed_runner_is_an_error_and_its_agent_dies,
        nothing: a_second_lrmd_is_refused,
        nothing: a_brain_that_hangs_counts_as_gone,
        nothing: a_hundred_resources_start_at_once,
        resource_agents: debians_dummy_runs,
        resource_agents_as_root: debians_ipaddr2_runs,
        resource_agents_as_root: debians_anything_runs,
        resource_agents: our_agents_take_the_parameters_of_the_installed_ones,
        nothing: our_dummy_runs_where_none_is_installed,
        root: our_ipaddr2_runs_where_none_is_installed,
        root: our_ipaddr2_tells_the_neighbours,
        root: our_ipaddr2_does_ipv6,
    ]
}

fn nothing() -> Option<&'static str> {
    None
}

fn root() -> Option<&'static str> {
    (!nix::unistd::geteuid().is_root()).then_some("needs root")
}

fn resource_agents() -> Option<&'static str> {
    let there = Path::new("/usr/lib/ocf/resource.d/heartbeat/IPaddr2").exists();
    (!there).then_some("package resource-agents is not installed")
}

fn resource_agents_as_root() -> Option<&'static str> {
    resource_agents().or_else(root)
}

/// Keeps a journal of its calls, and a state file.
const KEEPER: &str = r#"
[ $1 = meta-data ] || echo "$1 $OCF_RESKEY_value" >> $DIR/journal
case $1 in
start) sleep ${OCF_RESKEY_slow:-0}; touch $DIR/state; echo "started $OCF_RESKEY_value" >> $DIR/journal;;
stop) rm -f $DIR/state;;
monitor) [ -e $DIR/state ] || exit 7;;
meta-data) echo '<resource-agent name="x"><parameters><parameter name="value" reloadable="1"/></parameters><actions><action name="reload-agent"/></actions></resource-agent>';;
esac"#;

fn an_agent_gets_its_environment_and_gives_its_reason() {
    let node = Node::new();
    node.agent(
        "Env",
        "[ $1 = start ] || exit 3; env > $DIR/env; echo ocf-exit-reason:not today >&2; exit 1",
    );
    let start =
        with(op("ocf:test:Env", "a", "start"), &[("ip", "10.0.0.1"), ("OCF_CHECK_LEVEL", "5")]);
    let record = node.brain().run(start);
    assert_eq!((record.rc, record.status), (1, ExecStatus::Done));
    assert_eq!(record.exit_reason, "not today");
    let environment = std::fs::read_to_string(node.path("env")).unwrap();
    for line in [
        "OCF_RESOURCE_INSTANCE=a",
        "OCF_RESOURCE_TYPE=Env",
        "OCF_RESOURCE_PROVIDER=test",
        "OCF_RESKEY_ip=10.0.0.1",
        "OCF_RESKEY_CRM_meta_timeout=20000",
        "OCF_RESKEY_crm_feature_set=3.20.5",
        "OCF_CHECK_LEVEL=5",
        "LC_ALL=C",
    ] {
        assert!(environment.lines().any(|known| known == line), "{line} not in\n{environment}");
    }
}

fn a_value_that_is_kept_out_of_the_document_reaches_the_agent() {
    let node = Node::new();
    node.agent("Keeper", KEEPER);
    let with_mark = |resource: &str, action: &str| {
        with(op("ocf:test:Keeper", resource, action), &[("value", "lrm://")])
    };
    let mut brain = node.brain();
    // without it nothing is started, and it is said what is missing; what runs has to be stopped all the same
    let record = brain.run(with_mark("b", "start"));
    assert_eq!((record.status, record.rc), (ExecStatus::NoSecrets, 1));
    assert!(
        record.exit_reason.starts_with("this node has no secret value for `value` of b ("),
        "{}",
        record.exit_reason
    );
    assert_eq!(brain.run(with_mark("b", "stop")).rc, 0);
    let secrets = exec::secrets::Secrets::below(node.path("run/secrets"));
    secrets.write("a", "value", "hidden").unwrap();
    assert_eq!(brain.run(with_mark("a", "start")).rc, 0);
    assert_eq!(brain.run(with_mark("a", "monitor")).rc, 0);
    assert_eq!(node.journal(), ["stop lrm://", "start hidden", "started hidden", "monitor hidden"]);
}

fn a_hanging_start_is_killed_at_its_deadline() {
    let node = Node::new();
    node.agent("Hang", "[ $1 = start ] || exit 3; sleep 600 & echo $! > $DIR/sleeper; wait");
    let mut start = op("ocf:test:Hang", "a", "start");
    start.timeout_ms = 2_000;
    let record = node.brain().run(start);
    assert_eq!((record.status, record.rc), (ExecStatus::Timeout, 1));
    let sleeper = std::fs::read_to_string(node.path("sleeper")).unwrap();
    assert!(!is_running(sleeper.trim()), "its children die with it");
}

fn is_running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn an_init_script_is_run_with_status_for_monitor() {
    let node = Node::new();
    node.init_script(
        "web",
        "case $1 in start) touch $DIR/up;; stop) rm -f $DIR/up;; status) [ -e $DIR/up ] || exit 3;; *) exit 2;; esac",
    );
    let mut brain = node.brain();
    for agent in ["lsb:web", "service:web"] {
        assert_eq!(brain.run(op(agent, "a", "monitor")).rc, 7, "{agent}");
        assert_eq!(brain.run(op(agent, "a", "start")).rc, 0);
        let mut again = op(agent, "a", "monitor");
        again.transition_key.push('2');
        assert_eq!(brain.run(again).rc, 0);
        assert_eq!(brain.run(op(agent, "a", "stop")).rc, 0);
        let authority = brain.authority();
        brain.say(HandsCommand::Forget { authority, resource: "a".into(), operation: None });
    }
}

fn what_is_not_installed_says_so() {
    let node = Node::new();
    node.agent("Broken", "");
    let broken = node.path("ocf/resource.d/test/Broken");
    std::fs::write(&broken, "#!/no/such/interpreter\n").unwrap();
    let mut brain = node.brain();
    for (agent, resource, words) in [
        ("ocf:test:Nope", "a", "is not installed on this node"),
        ("ocf:test:Broken", "b", "the interpreter in its first line is not installed"),
        ("systemd:httpd", "c", "systemd resources arrive with a later release"),
    ] {
        let record = brain.run(op(agent, resource, "start"));
        assert_eq!((record.rc, record.status), (5, ExecStatus::NotInstalled), "{agent}");
        assert!(record.exit_reason.contains(words), "{}", record.exit_reason);
    }
}

fn the_newest_brain_wins() {
    let node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut old = node.brain();
    let mut new = node.brain();
    assert!(old.is_cut_off());
    assert_eq!(new.run(op("ocf:test:Keeper", "a", "start")).rc, 0);
}

fn results_wait_for_a_brain() {
    let node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    brain.execute(with(op("ocf:test:Keeper", "a", "start"), &[("slow", "0.3")]));
    wait_for(|| node.journal().iter().any(|line| line == "start "));
    drop(brain);
    let mut next = node.brain();
    let record = next.result("a_start_0");
    assert_eq!(record.rc, 0);
    assert_eq!(
        record.restart,
        Some((String::new(), cib::digest::operation([], 0, cib::digest::Parameters::All)))
    );
}

pub(crate) fn sleep_ms(ms: u16) {
    let mut none: [nix::poll::PollFd<'_>; 0] = [];
    nix::poll::poll(&mut none, ms).unwrap();
}

fn wait_for(mut happens: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !happens() {
        assert!(Instant::now() < until, "it does not happen");
        sleep_ms(10);
    }
}

fn a_start_in_flight_survives_kill_minus_9_of_the_hands() {
    let mut node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    let before = brain.join().0;
    let start = with(op("ocf:test:Keeper", "a", "start"), &[("slow", "1.5"), ("value", "v")]);
    brain.execute(start.clone());
    wait_for(|| node.journal().iter().any(|line| line == "start v"));
    node.kill();
    node.restart();
    let mut brain = node.brain();
    let (hands, records) = brain.join();
    assert_ne!(hands, before, "the history is gone, and says so");
    let known: Vec<_> = records.iter().map(|r| (r.key(), r.status)).collect();
    assert_eq!(known, [("a_start_0".to_owned(), ExecStatus::Pending)], "but not what is in flight");
    // A DC that does not know asks again, with the same key: it is adopted.
    brain.execute(start);
    let record = brain.result("a_start_0");
    assert_eq!((record.rc, record.status), (0, ExecStatus::Done));
    assert_eq!(node.journal(), ["start v", "started v"], "run once, and to its end");
}

fn a_start_that_ended_while_the_hands_were_dead_is_told() {
    let mut node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    brain.execute(with(op("ocf:test:Keeper", "a", "start"), &[("slow", "0.5")]));
    wait_for(|| !node.journal().is_empty());
    node.kill();
    wait_for(|| node.journal().iter().any(|line| line.starts_with("started")));
    node.restart();
    let record = node.brain().result("a_start_0");
    assert_eq!((record.rc, record.status), (0, ExecStatus::Done));
    assert!(record.exec_time_ms >= 500, "{}", record.exec_time_ms);
}

fn a_start_handed_over_but_not_begun_is_run_once() {
    let mut node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    brain.run(op("ocf:test:Keeper", "a", "start"));
    node.kill();
    // As if the hands had died between writing the request and starting the runner.
    for file in ["runner.json", "agent.json", "result.json"] {
        std::fs::remove_file(node.path("run/ops/1").join(file)).unwrap();
    }
    std::fs::remove_file(node.path("journal")).unwrap();
    node.restart();
    // A runner of the dead hands that was late to begin.
    let mut late = Command::new(std::env::current_exe().unwrap())
        .arg("op-runner")
        .arg(node.path("run/ops/1"))
        .spawn()
        .unwrap();
    assert_eq!(node.brain().result("a_start_0").rc, 0);
    late.wait().unwrap();
    assert_eq!(node.journal(), ["start ", "started "]);
}

fn what_was_acknowledged_leaves_nothing_behind() {
    let mut node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    brain.run(op("ocf:test:Keeper", "a", "start"));
    let operations = node.path("run/ops");
    let count = || std::fs::read_dir(&operations).map_or(0, Iterator::count);
    assert_eq!(count(), 1);
    brain.say(HandsCommand::Acknowledge { through: u64::MAX });
    wait_for(|| count() == 0);
    node.kill();
    node.restart();
    assert_eq!(node.brain().join().1, []);
}

fn a_deadline_holds_also_while_the_hands_are_dead() {
    let mut node = Node::new();
    node.agent("Hang", "[ $1 = start ] || exit 3; echo $$ > $DIR/pid; sleep 600");
    let mut brain = node.brain();
    let mut start = op("ocf:test:Hang", "a", "start");
    start.timeout_ms = 3_000;
    brain.execute(start);
    let pid = || std::fs::read_to_string(node.path("pid")).unwrap_or_default();
    wait_for(|| pid().ends_with('\n'));
    let pid = pid();
    node.kill();
    wait_for(|| !is_running(pid.trim()));
    node.restart();
    assert_eq!(node.brain().result("a_start_0").status, ExecStatus::Timeout);
}

fn a_stop_after_kill_minus_9_uses_the_parameters_of_the_start() {
    let mut node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    brain.run(with(op("ocf:test:Keeper", "a", "start"), &[("value", "old")]));
    brain.say(HandsCommand::Acknowledge { through: u64::MAX });
    node.kill();
    node.restart();
    let mut brain = node.brain();
    brain.run(with(op("ocf:test:Keeper", "a", "stop"), &[("value", "new")]));
    assert_eq!(node.journal().last().map(String::as_str), Some("stop old"));
}

fn a_brain_that_hangs_counts_as_gone() {
    let node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    brain.say(HandsCommand::Policy { stop_without_brain_ms: Some(200) });
    brain.run(op("ocf:test:Keeper", "a", "start"));
    let state = node.path("state");
    assert!(state.exists());
    brain.hang(Duration::from_secs(8));
    wait_for(|| !state.exists());
}

fn a_killed_runner_is_an_error_and_its_agent_dies() {
    let node = Node::new();
    node.agent("Hang", "[ $1 = start ] || exit 3; echo $$ $PPID > $DIR/pids; sleep 600");
    let mut brain = node.brain();
    brain.execute(op("ocf:test:Hang", "a", "start"));
    let pids = || std::fs::read_to_string(node.path("pids")).unwrap_or_default();
    wait_for(|| pids().ends_with('\n') && node.path("run/ops/1/agent.json").exists());
    let pids = pids();
    let (agent, runner) = pids.trim().split_once(' ').unwrap();
    let runner = nix::unistd::Pid::from_raw(runner.parse().unwrap());
    nix::sys::signal::kill(runner, nix::sys::signal::Signal::SIGKILL).unwrap();
    let record = brain.result("a_start_0");
    assert_eq!((record.status, record.rc), (ExecStatus::Error, 1));
    assert!(record.exit_reason.contains("its runner was killed"), "{}", record.exit_reason);
    assert!(!is_running(agent));
}

fn our_agents_take_the_parameters_of_the_installed_ones() {
    fn parameters(metadata: &str) -> Vec<(String, String)> {
        let root = cib::parse(metadata.trim_start()).unwrap();
        let mut all: Vec<(String, String)> = root
            .descendants()
            .filter(|element| element.name() == "parameter")
            .map(|parameter| {
                let content = parameter.descendants().find(|child| child.name() == "content");
                let default = content.and_then(|content| content.get("default"));
                let name = parameter.get("name").unwrap_or_default();
                (name.to_owned(), default.unwrap_or_default().to_owned())
            })
            .collect();
        all.sort();
        all
    }
    for (provider, kind) in agents::list() {
        let file = format!("/usr/lib/ocf/resource.d/{provider}/{kind}");
        let output = Command::new(&file)
            .arg("meta-data")
            .env("OCF_ROOT", "/usr/lib/ocf")
            .env("OCF_RESOURCE_INSTANCE", "RESOURCE_ID")
            .output();
        // ocf:pacemaker comes with another package.
        let Ok(output) = output else { continue };
        let theirs = parameters(&String::from_utf8_lossy(&output.stdout));
        assert_eq!(parameters(agents::metadata(provider, kind).unwrap()), theirs, "{kind}");
    }
}

fn a_second_lrmd_is_refused() {
    let node = Node::new();
    let mut brain = node.brain();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["lrmd".into(), node.path("run"), node.path("ocf"), node.path("init.d")])
        .status()
        .unwrap();
    assert!(!status.success());
    assert_eq!(brain.join().1, [], "the first one goes on");
}

fn a_hundred_resources_start_at_once() {
    let node = Node::new();
    node.agent("Keeper", KEEPER);
    let mut brain = node.brain();
    for n in 0..100 {
        brain.execute(op("ocf:test:Keeper", &format!("r{n}"), "start"));
    }
    for n in 0..100 {
        assert_eq!(brain.result(&format!("r{n}_start_0")).rc, 0);
    }
}

fn debians_dummy_runs() {
    let node = Node::with_installed_agents();
    let state = node.path("state").display().to_string();
    let parameters = [("state", state.as_str())];
    let mut brain = node.brain();
    let dummy = |action| with(op("ocf:heartbeat:Dummy", "a", action), &parameters);
    assert_eq!(brain.run(dummy("monitor")).rc, 7);
    let start = brain.run(dummy("start"));
    assert_eq!((start.rc, start.exit_reason.as_str()), (0, ""));
    assert_eq!(start.restart.map(|r| r.0).as_deref(), Some(" state "), "it reloads in the old way");
    let mut recurring = dummy("monitor");
    recurring.interval_ms = 200;
    recurring.transition_key = "3:1:0:x".to_owned();
    assert_eq!(brain.run(recurring).rc, 0);
    std::fs::remove_file(node.path("state")).unwrap();
    assert_eq!(brain.result("a_monitor_200").rc, 7, "the failure is noticed");
    assert_eq!(brain.run(dummy("stop")).rc, 0);
}

/// Runs the rest of a story in a network of its own, with an interface `lan0`.
fn in_own_network(story: &str) {
    let script = "ip link set lo up && ip link add lan0 type veth peer name lan1 && ip link set lan1 up && \
                  ip link set lan0 up && ip address add 10.9.9.1/24 dev lan0 && \
                  ip address add fd00:9::1/64 dev lan0 nodad && exec \"$@\"";
    let name = format!("{story} (inside)");
    if std::env::var_os("SYSTOLE_INSIDE").is_some() {
        return;
    }
    let status = Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", story])
        .env("SYSTOLE_INSIDE", "1")
        .status()
        .unwrap();
    assert!(status.success(), "{name}");
}

fn debians_ipaddr2_runs() {
    if std::env::var_os("SYSTOLE_INSIDE").is_none() {
        return in_own_network("debians_ipaddr2_runs");
    }
    an_address_comes_and_goes(&Node::with_installed_agents(), "10.9.9.100", "10.9.9.100/24");
}

fn our_ipaddr2_runs_where_none_is_installed() {
    if std::env::var_os("SYSTOLE_INSIDE").is_none() {
        return in_own_network("our_ipaddr2_runs_where_none_is_installed");
    }
    let node = Node::new();
    an_address_comes_and_goes(&node, "10.9.9.100", "10.9.9.100/24");
    let mut brain = node.brain();
    let parameters = [("ip", "192.0.2.7")];
    let lost = brain.run(with(op("ocf:heartbeat:IPaddr2", "lost", "start"), &parameters));
    assert_eq!(lost.rc, 1);
    assert!(lost.exit_reason.contains("set nic and cidr_netmask"), "{}", lost.exit_reason);
    let parameters = [("ip", "10.9.9.101"), ("cidr_netmask", "255.255.255.0"), ("iflabel", "web")];
    assert_eq!(brain.run(with(op("ocf:heartbeat:IPaddr2", "web", "start"), &parameters)).rc, 0);
    assert!(
        addresses().contains("10.9.9.101/24 scope global secondary lan0:web"),
        "{}",
        addresses()
    );
    let lvs = [("ip", "10.9.9.101"), ("lvs_support", "true")];
    let authority = brain.authority();
    brain.say(HandsCommand::Forget { authority, resource: "web".into(), operation: None });
    assert_eq!(brain.run(with(op("ocf:heartbeat:IPaddr2", "web", "stop"), &lvs)).rc, 0);
    assert!(addresses().contains("lo    inet 10.9.9.101/32 scope host lo"), "{}", addresses());
    assert_eq!(brain.run(with(op("ocf:heartbeat:IPaddr2", "web", "monitor"), &lvs)).rc, 7);
}

fn our_ipaddr2_does_ipv6() {
    if std::env::var_os("SYSTOLE_INSIDE").is_none() {
        return in_own_network("our_ipaddr2_does_ipv6");
    }
    an_address_comes_and_goes(&Node::new(), "fd00:9::100", "fd00:9::100/64");
}

fn addresses() -> String {
    let output = Command::new("ip").args(["-o", "address"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn an_address_comes_and_goes(node: &Node, ip: &str, shown: &str) {
    let mut brain = node.brain();
    let address = |action| with(op("ocf:heartbeat:IPaddr2", "vip", action), &[("ip", ip)]);
    let there = || addresses().lines().any(|line| line.contains(shown) && line.contains("lan0"));
    assert_eq!(brain.run(address("monitor")).rc, 7);
    let start = brain.run(address("start"));
    assert_eq!(start.rc, 0, "{}", start.exit_reason);
    assert!(there(), "{}", addresses());
    let mut again = address("monitor");
    again.transition_key = "9:1:0:x".to_owned();
    assert_eq!(brain.run(again).rc, 0);
    assert_eq!(brain.run(address("stop")).rc, 0);
    assert!(!there());
}

fn our_ipaddr2_tells_the_neighbours() {
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{
        AddressFamily, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket, sockopt,
    };
    use nix::sys::time::{TimeVal, TimeValLike as _};

    if std::env::var_os("SYSTOLE_INSIDE").is_none() {
        return in_own_network("our_ipaddr2_tells_the_neighbours");
    }
    let ears =
        socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
            .unwrap();
    let neighbour = nix::ifaddrs::getifaddrs()
        .unwrap()
        .filter(|entry| entry.interface_name == "lan1")
        .find_map(|entry| entry.address?.as_link_addr().copied())
        .unwrap();
    bind(ears.as_raw_fd(), &neighbour).unwrap();
    setsockopt(&ears, sockopt::ReceiveTimeout, &TimeVal::milliseconds(3_000)).unwrap();

    let node = Node::new();
    let parameters = [("ip", "10.9.9.100"), ("arp_count", "3"), ("arp_interval", "50")];
    let start = with(op("ocf:heartbeat:IPaddr2", "vip", "start"), &parameters);
    assert_eq!(node.brain().run(start).rc, 0);
    let mut announced = 0;
    let mut frame = [0; 256];
    while announced < 6 {
        let length = recv(ears.as_raw_fd(), &mut frame, nix::sys::socket::MsgFlags::empty())
            .unwrap_or_else(|error| panic!("{announced} announcements, then {error}"));
        let arp = frame[..length].get(12..14) == Some(&[8, 6]);
        if arp && frame[28..32] == [10, 9, 9, 100] && frame[38..42] == [10, 9, 9, 100] {
            announced += 1;
        }
    }
}

fn our_dummy_runs_where_none_is_installed() {
    let node = Node::new();
    let state = node.path("state").display().to_string();
    let mut brain = node.brain();
    for agent in ["ocf:heartbeat:Dummy", "ocf:pacemaker:Dummy"] {
        let dummy = |action| with(op(agent, agent, action), &[("state", &state)]);
        assert_eq!(brain.run(dummy("monitor")).rc, 7);
        let start = brain.run(dummy("start"));
        assert_eq!((start.rc, start.exit_reason.as_str()), (0, ""));
        assert!(start.restart.is_some(), "its metadata is known");
        assert_eq!(brain.run(dummy("stop")).rc, 0);
    }
}

fn debians_anything_runs() {
    let node = Node::with_installed_agents();
    let mut brain = node.brain();
    let pidfile = node.path("any.pid").display().to_string();
    let parameters =
        [("binfile", "/bin/sleep"), ("cmdline_options", "600"), ("pidfile", pidfile.as_str())];
    let web = |action| with(op("ocf:heartbeat:anything", "web", action), &parameters);
    assert_eq!(brain.run(web("monitor")).rc, 7);
    let start = brain.run(web("start"));
    assert_eq!(start.rc, 0, "{}", start.exit_reason);
    let pid = std::fs::read_to_string(&pidfile).unwrap();
    assert!(is_running(pid.trim()), "the service outlives the action that started it");
    let mut again = web("monitor");
    again.transition_key = "9:1:0:x".to_owned();
    assert_eq!(brain.run(again).rc, 0);
    assert_eq!(brain.run(web("stop")).rc, 0);
    assert!(!is_running(pid.trim()));
}
