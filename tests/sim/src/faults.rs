//! What goes wrong, and how it ends.

use model::{NodeId, ResourceId};

use crate::client::Wish;
use crate::setting::{Fencing, RESOURCES, TOKEN_MS};
use crate::world::{Happening, World};

impl World {
    /// Lets something go wrong, or not; or lets somebody ask for something.
    pub(crate) fn disturb(&mut self) {
        let ids = self.ids();
        let Some(node) = self.chance.pick(&ids).copied() else { return };
        match self.chance.below(1000) {
            0..25 => self.write(node),
            25..30 => {
                let on = self.chance.permille(500);
                self.change(node, |_| Wish::Standby(node, on));
            }
            30..35 => {
                let on = self.chance.permille(500);
                let name = self.resource();
                self.change(node, |_| Wish::Enabled(name, on));
            }
            35..37 => self.change(node, |_| Wish::Cleanup),
            37..41 => self.lose_power(node),
            41..49 => {
                let quick = self.setting.fencing == Fencing::Off || self.chance.permille(700);
                let back = self.chance.between(20, if quick { TOKEN_MS / 4 } else { 3_000 });
                self.kill_brain(node, back);
            }
            49..55 => {
                let back = self.chance.between(10, 600);
                self.kill_hands(node, back);
            }
            55..61 => self.crash_resource(node),
            61..65 => {
                let slow = self.chance.between(20, 700);
                let until = self.now + self.chance.between(200, 3_000);
                self.note(|| format!("n{node} disk is slow: {slow} ms a write"));
                self.host(node).disk.slow = (until, slow);
            }
            65..70 => {
                let Some(other) = self.chance.pick(&ids).copied() else { return };
                self.break_wire(node, other);
            }
            // what follows makes a node that is not off look lost
            70..100 if self.setting.fencing != Fencing::Off => self.disturb_time_and_space(node),
            _ => {}
        }
    }

    fn disturb_time_and_space(&mut self, node: NodeId) {
        let ids = self.ids();
        let Some(other) = self.chance.pick(&ids).copied().filter(|other| *other != node) else {
            return;
        };
        match self.chance.below(30) {
            0..3 => self.cut(node, other),
            3..5 => {
                self.cut(node, other);
                self.cut(other, node);
            }
            5..9 => {
                for other in ids.into_iter().filter(|other| *other != node) {
                    self.cut(node, other);
                    self.cut(other, node);
                }
            }
            9..17 => self.heal(),
            17..21 => {
                let until = self.now + self.chance.between(50, 2_500);
                self.note(|| format!("n{node} brain stands still until {until}"));
                if let Some(brain) = &mut self.host(node).brain {
                    brain.frozen_until = brain.frozen_until.max(until);
                }
            }
            21..25 => {
                let until = self.now + self.chance.between(50, 2_500);
                self.note(|| format!("n{node} loop hangs until {until}"));
                if let Some(brain) = &mut self.host(node).brain {
                    brain.stalled_until = brain.stalled_until.max(until);
                }
            }
            25..28 => {
                let until = self.now + self.chance.between(50, 1_500);
                self.note(|| format!("n{node} hands stand still until {until}"));
                if let Some(hands) = &mut self.host(node).hands {
                    hands.frozen_until = hands.frozen_until.max(until);
                }
            }
            _ => {
                let until = self.now + self.chance.between(500, 3_000);
                self.note(|| format!("n{node} stands still as a whole until {until}"));
                let host = self.host(node);
                if let Some(brain) = &mut host.brain {
                    brain.frozen_until = brain.frozen_until.max(until);
                }
                if let Some(hands) = &mut host.hands {
                    hands.frozen_until = hands.frozen_until.max(until);
                }
            }
        }
    }

    fn change(&mut self, node: NodeId, wish: impl FnOnce(&mut Self) -> Wish) {
        if self.client.configured {
            let wish = wish(self);
            self.ask(node, wish);
        }
    }

    fn resource(&mut self) -> &'static str {
        self.chance.pick(&RESOURCES).copied().unwrap_or("a")
    }

    fn lose_power(&mut self, node: NodeId) {
        self.power_off(node, "its power went");
        let back = self.chance.between(500, 6_000);
        self.after(back, Happening::PowerOn { node });
    }

    /// A service dies by itself; a monitor is to notice.
    fn crash_resource(&mut self, node: NodeId) {
        let resource = ResourceId::from(self.resource());
        if self.host(node).active.remove(&resource) {
            self.note(|| format!("n{node} {resource} crashed"));
        }
    }

    /// Ends all faults: the network is whole, every host has power, every process runs.
    pub(crate) fn calm_down(&mut self) {
        self.note(|| "calm".to_owned());
        self.calm = true;
        self.heal();
        for node in self.ids() {
            if !self.host(node).powered {
                let after = self.chance.below(1_000);
                self.after(after, Happening::PowerOn { node });
            }
            self.host(node).disk.slow = (0, 0);
        }
        self.wish_all_well();
    }
}
