//! Commands one after the other, as a table: the command line, the host it is typed on, what it
//! must say, and what must then be so. That no command is missing from the tables is a test.

use crate::world::{Told, World, want, wrong};

/// One line that is typed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    on: usize,
    line: &'static str,
    code: i32,
    says: &'static [&'static str],
    then: [Option<Then>; 2],
}

/// What is so once a command has been done, as some host sees it: sooner or later.
#[derive(Clone, Copy, Debug)]
struct Then {
    on: usize,
    line: &'static str,
    says: &'static [&'static str],
    silent: Option<&'static str>,
}

/// A command that works.
pub(crate) const fn does(on: usize, line: &'static str, says: &'static [&'static str]) -> Step {
    answers(on, line, 0, says)
}

/// A command that is refused.
pub(crate) const fn refuses(on: usize, line: &'static str, says: &'static [&'static str]) -> Step {
    answers(on, line, 1, says)
}

/// A command that ends with this status.
pub(crate) const fn answers(
    on: usize,
    line: &'static str,
    code: i32,
    says: &'static [&'static str],
) -> Step {
    Step { on, line, code, says, then: [None; 2] }
}

impl Step {
    /// A host will say all of this.
    pub(crate) const fn then(
        self,
        on: usize,
        line: &'static str,
        says: &'static [&'static str],
    ) -> Self {
        self.and(Then { on, line, says, silent: None })
    }

    /// A host will not say this any more.
    pub(crate) const fn gone(self, on: usize, line: &'static str, needle: &'static str) -> Self {
        self.and(Then { on, line, says: &[], silent: Some(needle) })
    }

    const fn and(mut self, then: Then) -> Self {
        let place = if self.then[0].is_none() { 0 } else { 1 };
        self.then[place] = Some(then);
        self
    }

    fn take(&self, world: &World) -> Told {
        let said = world.run(self.on, self.line)?;
        let told = || format!("{}# {}\n{}", world.name(self.on), self.line, said.both());
        want(said.code == self.code, || {
            format!("ended with {}, not with {}:\n{}", said.code, self.code, told())
        })?;
        let text = said.both();
        for needle in self.says {
            want(text.contains(needle), || format!("does not say `{needle}`:\n{}", told()))?;
        }
        want(!text.contains("panicked"), told)?;
        self.then.iter().flatten().try_for_each(|then| self.wait(world, then))
    }

    fn wait(&self, world: &World, then: &Then) -> Told {
        let what = then.silent.map_or_else(
            || format!("`{}` after `{}`", then.says.join("` and `"), self.line),
            |needle| format!("no `{needle}` after `{}`", self.line),
        );
        world.until(then.on, then.line, &what, |said| {
            let text = said.both();
            then.says.iter().all(|needle| text.contains(needle))
                && then.silent.is_none_or(|needle| !text.contains(needle))
        })
    }
}

/// Types a table's lines one after the other.
pub(crate) fn take(world: &World, steps: &[Step]) -> Told {
    steps.iter().try_for_each(|step| step.take(world))
}

/// Says whether some step types this command.
fn is_typed(steps: &[&[Step]], command: &str) -> bool {
    let begin = format!("pcs {command}");
    let typed = |part: &str| {
        let part = part.trim().trim_start_matches("PATH=/run/bin:$PATH ");
        let rest = part.strip_prefix(&begin);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ')']))
    };
    let mut lines = steps.iter().copied().flatten().map(|step| step.line);
    lines.any(|line| line.split([';', '|', '&', '(']).any(typed))
}

/// Wants a step for each command of pcs, and one with a node down for each that tells other hosts.
pub(crate) fn check_complete(all: &[&[Step]], with_a_node_down: &[&[Step]]) -> Told {
    let mut missing = Vec::new();
    let others = crate::absent_steps::TELL_OTHERS;
    for (command, arguments) in pcs_cli::pcs::commands() {
        if !is_typed(all, &command) {
            missing.push(format!("pcs {command}"));
        }
        // who can be told to leave some hosts out, or how long to wait for them, tells others
        let told = ["--skip-offline", "--request-timeout"];
        let told = told.iter().any(|option| arguments.contains(option));
        if (told || others.contains(&command.as_str())) && !is_typed(with_a_node_down, &command) {
            missing.push(format!("pcs {command}, with a node down"));
        }
    }
    if missing.is_empty() { Ok(()) } else { wrong(format!("no step for:\n{}", missing.join("\n"))) }
}

/// Proves that the check can fail.
pub(crate) fn check_the_check() -> Told {
    let steps = [does(0, "pcs tag create a b; pcs tag", &[]), does(0, "pcs acl enabled", &[])];
    for (command, typed) in [("tag create", true), ("tag", true), ("acl enable", false)] {
        want(is_typed(&[&steps], command) == typed, || format!("misjudged: {command}"))?;
    }
    want(check_complete(&[&steps], &[]).is_err(), || "two steps are not all".to_owned())
}
