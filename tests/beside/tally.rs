//! What came of an area's commands, told by kinds.

use std::collections::BTreeMap;

use libtest_mimic::Completion;

use crate::lines::{self, Line};

/// Commands that were compared, and how those differ that do.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// All of them.
    pub(crate) count: usize,
    /// Those that differ for a reason that is written down.
    pub(crate) known: usize,
    found: BTreeMap<(String, String), Vec<String>>,
}

impl Tally {
    /// Notes a command that differs, with what ours says and what the other does.
    pub(crate) fn add(&mut self, command: &Line, mine: &str, theirs: &str) {
        let words = lines::shown(&command.words);
        let shown = format!("{}: {words}\n      {mine}\n      {theirs}", command.start);
        self.found.entry((kind(mine), kind(theirs))).or_default().push(shown);
    }

    /// Tells what there is, the most frequent kind first; fails if there is any.
    pub(crate) fn told(self, area: &str) -> Result<Completion, String> {
        let Self { count, known, found } = self;
        println!("{area}: {count} commands, {known} known to differ, {} kinds new", found.len());
        if found.is_empty() {
            return Ok(Completion::Completed);
        }
        let mut kinds: Vec<Vec<String>> = found.into_values().collect();
        kinds.sort_by_key(|commands| std::cmp::Reverse(commands.len()));
        let told: Vec<String> =
            kinds.iter().map(|commands| format!("{} × {}", commands.len(), commands[0])).collect();
        Err(format!("ours, then the other's:\n  {}", told.join("\n  ")))
    }
}

/// Quoted words are what the command is about; the kind of a difference is what is said around them.
fn kind(text: &str) -> String {
    let outside = text.split('\'').enumerate().filter(|(n, _)| n % 2 == 0).map(|(_, part)| part);
    outside.collect::<Vec<&str>>().join("_")
}
