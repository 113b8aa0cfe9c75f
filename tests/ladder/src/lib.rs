//! Clusters of any size as documents with a status, the same text for the same wish.

/// What the cluster is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Primitives only.
    Plain,
    /// Groups, a clone here and there, pairs that belong together, preferences.
    Mixed,
    /// Interleaved anonymous clones, one after the other.
    Clones,
    /// Promotable clones with promotion scores on every node.
    Promotable,
    /// Chains of five primitives, each with and after the one before.
    Chains,
}

/// What the cluster is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All runs where it should.
    Running,
    /// The first node has gone; what ran there must run elsewhere.
    Failover,
    /// All nodes have just come up; nothing was looked for yet.
    Stopped,
}

/// A cluster to be written down.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Wish {
    /// What it is made of.
    pub shape: Shape,
    /// What it is going through.
    pub state: State,
    /// How many nodes, from 1.
    pub nodes: usize,
    /// How many primitives run when all runs, instances of clones counted one by one.
    pub resources: usize,
}

/// Writes the cluster as a document of `validate-with="none"`: no schema is loaded for it.
pub fn document(wish: &Wish) -> String {
    let mut writer = Writer {
        wish: *wish,
        resources: String::new(),
        constraints: String::new(),
        history: vec![String::new(); wish.nodes],
        homes: 0,
        calls: 0,
    };
    writer.resources();
    writer.finish()
}

struct Writer {
    wish: Wish,
    resources: String,
    constraints: String,
    /// The histories, a text a node.
    history: Vec<String>,
    /// How many homes were given away: the next one is this, modulo nodes.
    homes: usize,
    calls: u64,
}

impl Writer {
    fn resources(&mut self) {
        let Wish { shape, nodes, resources, .. } = self.wish;
        match shape {
            Shape::Plain => (0..resources).for_each(|n| {
                let home = self.home();
                self.primitive(&format!("r{n}"), home);
            }),
            Shape::Mixed => self.mixed(resources),
            Shape::Clones => self.clones(resources.div_ceil(nodes), false),
            Shape::Promotable => self.clones(resources.div_ceil(nodes), true),
            Shape::Chains => self.chains(resources),
        }
    }

    fn mixed(&mut self, resources: usize) {
        let nodes = self.wish.nodes;
        let mut made = 0;
        for block in 0.. {
            if made >= resources {
                break;
            }
            // three in a group, two that belong together, two with a preference, a loner; a clone
            // in every fourth block
            let home = self.home();
            self.resources.push_str(&format!("<group id=\"g{block}\">"));
            for member in 0..3 {
                self.primitive(&format!("g{block}m{member}"), home);
            }
            self.resources.push_str("</group>");
            let home = self.home();
            let (first, then) = (format!("a{block}"), format!("b{block}"));
            self.primitive(&first, home);
            self.primitive(&then, home);
            self.pair(&first, &then);
            for loner in ["p", "q", "l"] {
                let home = self.home();
                let id = format!("{loner}{block}");
                self.primitive(&id, home);
                if loner != "l" {
                    self.constraints.push_str(&format!(
                        "<rsc_location id=\"loc-{id}\" rsc=\"{id}\" node=\"node{}\" score=\"50\"/>",
                        home + 1
                    ));
                }
            }
            made += 8;
            if block % 4 == 3 {
                self.clone(&format!("c{block}"), false);
                made += nodes;
            }
        }
    }

    fn clones(&mut self, count: usize, promotable: bool) {
        for n in 0..count {
            let id = format!("c{n}");
            self.clone(&id, promotable);
            if n > 0 && !promotable {
                self.pair(&format!("c{}-clone", n - 1), &format!("{id}-clone"));
            }
        }
    }

    fn chains(&mut self, resources: usize) {
        let mut home = 0;
        for n in 0..resources {
            let id = format!("r{n}");
            if n % 5 == 0 {
                home = self.home();
            }
            self.primitive(&id, home);
            if n % 5 > 0 {
                self.pair(&format!("r{}", n - 1), &id);
            }
        }
    }

    /// `then` runs with and after `first`.
    fn pair(&mut self, first: &str, then: &str) {
        self.constraints.push_str(&format!(
            "<rsc_colocation id=\"with-{then}\" rsc=\"{then}\" with-rsc=\"{first}\" score=\"INFINITY\"/>\
             <rsc_order id=\"after-{then}\" first=\"{first}\" then=\"{then}\"/>"
        ));
    }

    fn home(&mut self) -> usize {
        self.homes += 1;
        (self.homes - 1) % self.wish.nodes
    }

    fn primitive(&mut self, id: &str, home: usize) {
        self.definition(id, "");
        for node in 0..self.wish.nodes {
            self.operations(id, node, if node == home { Role::Started } else { Role::Stopped });
        }
    }

    fn clone(&mut self, id: &str, promotable: bool) {
        let option = if promotable { "promotable" } else { "interleave" };
        self.resources.push_str(&format!(
            "<clone id=\"{id}-clone\"><meta_attributes id=\"{id}-meta\">\
             <nvpair id=\"{id}-meta-{option}\" name=\"{option}\" value=\"true\"/></meta_attributes>"
        ));
        let promoted_monitor = format!(
            "<op id=\"{id}-monitor-11s\" name=\"monitor\" interval=\"11s\" role=\"Promoted\"/>"
        );
        self.definition(id, if promotable { &promoted_monitor } else { "" });
        self.resources.push_str("</clone>");
        let promoted = self.home();
        for node in 0..self.wish.nodes {
            let role = if promotable && node == promoted { Role::Promoted } else { Role::Started };
            self.operations(id, node, role);
        }
    }

    fn definition(&mut self, id: &str, more_operations: &str) {
        self.resources.push_str(&format!(
            "<primitive id=\"{id}\" class=\"ocf\" provider=\"pacemaker\" type=\"Stateful\">\
             <operations><op id=\"{id}-monitor-10s\" name=\"monitor\" interval=\"10s\" timeout=\"20s\"/>\
             {more_operations}</operations></primitive>"
        ));
    }

    /// Writes what happened to a resource on a node.
    fn operations(&mut self, id: &str, node: usize, role: Role) {
        if self.wish.state == State::Stopped {
            return;
        }
        let mut text = format!(
            "<lrm_resource id=\"{id}\" class=\"ocf\" provider=\"pacemaker\" type=\"Stateful\">"
        );
        match role {
            Role::Stopped => self.operation(&mut text, id, "monitor", 0, 7),
            Role::Started => {
                self.operation(&mut text, id, "start", 0, 0);
                self.operation(&mut text, id, "monitor", 10_000, 0);
            }
            Role::Promoted => {
                self.operation(&mut text, id, "promote", 0, 0);
                self.operation(&mut text, id, "monitor", 11_000, 8);
            }
        }
        text.push_str("</lrm_resource>");
        self.history[node].push_str(&text);
    }

    fn operation(&mut self, text: &mut String, id: &str, task: &str, interval_ms: u32, rc: u8) {
        self.calls += 1;
        let call = self.calls;
        let key = format!("{call}:1:{rc}:11111111-2222-3333-4444-555555555555");
        // of no parameters; monitors digest their timeout, too
        let digest = match interval_ms {
            0 => "f2317cad3d54cec5d7d7aa7d0bf35cf8",
            _ => "4811cef7f7f94e3a35a70be7916cb2fd",
        };
        text.push_str(&format!(
            "<lrm_rsc_op id=\"{id}_{name}_{interval_ms}\" operation_key=\"{id}_{task}_{interval_ms}\" \
             operation=\"{task}\" crm-debug-origin=\"ladder\" crm_feature_set=\"3.16.1\" \
             transition-key=\"{key}\" transition-magic=\"0:{rc};{key}\" call-id=\"{call}\" \
             rc-code=\"{rc}\" op-status=\"0\" interval=\"{interval_ms}\" last-rc-change=\"1700000000\" \
             exec-time=\"10\" queue-time=\"0\" op-digest=\"{digest}\"/>",
            // of what is not repeated, the last one is kept
            name = if interval_ms == 0 { "last" } else { task },
        ));
    }

    fn finish(self) -> String {
        let mut nodes = String::new();
        let mut status = String::new();
        for (number, history) in self.history.iter().enumerate() {
            let number = number + 1;
            nodes.push_str(&format!("<node id=\"{number}\" uname=\"node{number}\"/>"));
            let online = match (self.wish.state, number) {
                (State::Failover, 1) => {
                    "in_ccm=\"false\" crmd=\"offline\" join=\"down\" expected=\"down\""
                }
                _ => "in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\"",
            };
            status.push_str(&format!(
                "<node_state id=\"{number}\" uname=\"node{number}\" {online}>\
                 <lrm id=\"{number}\"><lrm_resources>{history}</lrm_resources></lrm>"
            ));
            if self.wish.shape == Shape::Promotable {
                status.push_str(&self.promotion_scores(number));
            }
            status.push_str("</node_state>");
        }
        format!(
            "<cib crm_feature_set=\"3.16.1\" validate-with=\"none\" epoch=\"1\" num_updates=\"1\" \
             admin_epoch=\"0\" have-quorum=\"1\" dc-uuid=\"{dc}\"><configuration><crm_config>\
             <cluster_property_set id=\"options\">\
             <nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/>\
             <nvpair id=\"o2\" name=\"dc-version\" value=\"ladder\"/>\
             </cluster_property_set></crm_config><nodes>{nodes}</nodes>\
             <resources>{resources}</resources><constraints>{constraints}</constraints>\
             <rsc_defaults><meta_attributes id=\"defaults\">\
             <nvpair id=\"d1\" name=\"resource-stickiness\" value=\"100\"/></meta_attributes>\
             </rsc_defaults></configuration><status>{status}</status></cib>",
            dc = self.wish.nodes,
            resources = self.resources,
            constraints = self.constraints,
        )
    }

    fn promotion_scores(&self, node: usize) -> String {
        let clones = self.wish.resources.div_ceil(self.wish.nodes);
        let scores: String = (0..clones)
            .map(|n| {
                // the node that is promoted is the one with the highest score
                let score = if n % self.wish.nodes + 1 == node { 10 } else { 5 };
                format!("<nvpair id=\"s{node}-c{n}\" name=\"master-c{n}\" value=\"{score}\"/>")
            })
            .collect();
        format!(
            "<transient_attributes id=\"{node}\"><instance_attributes id=\"s{node}\">{scores}\
             </instance_attributes></transient_attributes>"
        )
    }
}

/// What a resource does on a node.
#[derive(Clone, Copy)]
enum Role {
    Stopped,
    Started,
    Promoted,
}
