//! Whose commands are taken: the highest authority seen, and what an inquorate side may ask.

use model::Authority;

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its authority is lower than the highest seen.
    Outranked,
    /// It could start something, and this node's side has no quorum.
    Inquorate,
}

/// The door through which every command comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    highest: Authority,
    quorate: bool,
}

impl Gate {
    /// Returns the highest authority seen.
    pub(crate) fn highest(&self) -> Authority {
        self.highest
    }

    /// Sets what the brain says of quorum. Until it has said something there is none.
    pub(crate) fn set_quorate(&mut self, quorate: bool) {
        self.quorate = quorate;
    }

    /// Forgets the highest authority: it came from a log that is void.
    pub(crate) fn begin_anew(&mut self) {
        self.highest = Authority::default();
    }

    /// Lets a join in unless a later lineage or term has been here. A join counts from sequence
    /// 0, so the same DC may join again; the mark never sinks.
    pub(crate) fn join(&mut self, authority: Authority) -> Result<(), Refusal> {
        if (authority.generation, authority.term) < (self.highest.generation, self.highest.term) {
            return Err(Refusal::Outranked);
        }
        self.highest = self.highest.max(authority);
        Ok(())
    }

    /// Lets a command in that can only make things safer (cancel, forget).
    pub(crate) fn command(&mut self, authority: Authority) -> Result<(), Refusal> {
        if authority < self.highest {
            return Err(Refusal::Outranked);
        }
        self.highest = authority;
        Ok(())
    }

    /// Lets an action in: without quorum only what cannot make a resource active.
    pub(crate) fn execute(&mut self, authority: Authority, action: &str) -> Result<(), Refusal> {
        if !self.quorate && !matches!(action, "stop" | "demote" | "notify" | "monitor") {
            return Err(if authority < self.highest {
                Refusal::Outranked
            } else {
                Refusal::Inquorate
            });
        }
        self.command(authority)
    }
}

#[cfg(test)]
mod tests {
    use model::{Generation, Term};

    use super::*;

    fn authority(generation: u64, term: u64, sequence: u64) -> Authority {
        Authority { generation: Generation(generation), term: Term(term), sequence }
    }

    #[test]
    fn a_lower_authority_is_refused_and_leaves_the_mark_alone() {
        let mut gate = Gate::default();
        gate.set_quorate(true);
        assert_eq!(gate.command(authority(1, 5, 3)), Ok(()));
        for low in [authority(1, 5, 2), authority(1, 4, 99), authority(0, 9, 99)] {
            assert_eq!(gate.command(low), Err(Refusal::Outranked), "{low}");
            assert_eq!(gate.execute(low, "start"), Err(Refusal::Outranked), "{low}");
        }
        assert_eq!(gate.highest(), authority(1, 5, 3));
        assert_eq!(gate.execute(authority(2, 0, 0), "start"), Ok(()));
    }

    #[test]
    fn the_same_term_may_join_again_without_lowering_the_mark() {
        let mut gate = Gate::default();
        assert_eq!(gate.command(authority(1, 5, 30)), Ok(()));
        assert_eq!(gate.join(authority(1, 5, 0)), Ok(()));
        assert_eq!(gate.highest(), authority(1, 5, 30));
        assert_eq!(gate.join(authority(1, 4, 0)), Err(Refusal::Outranked));
        assert_eq!(gate.join(authority(1, 6, 0)), Ok(()));
        assert_eq!(gate.command(authority(1, 5, 31)), Err(Refusal::Outranked));
    }

    #[test]
    fn without_quorum_nothing_starts() {
        let mut gate = Gate::default();
        for action in ["start", "promote", "migrate_from", "migrate_to", "reload", "reload-agent"] {
            assert_eq!(
                gate.execute(authority(1, 1, 1), action),
                Err(Refusal::Inquorate),
                "{action}"
            );
        }
        assert_eq!(gate.highest(), Authority::default(), "a refused command raises nothing");
        for action in ["stop", "demote", "notify", "monitor"] {
            assert_eq!(gate.execute(authority(1, 1, 1), action), Ok(()), "{action}");
        }
    }
}
