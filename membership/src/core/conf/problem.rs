//! What is wrong with a corosync.conf, where, and what to do about it.

use std::fmt;

/// Whether the file can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is used; somebody should look.
    Warning,
    /// The file is refused.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// Line of the file, where one line is to blame.
    pub line: Option<u32>,
    /// One sentence that names the thing and the way out.
    pub text: String,
}

impl Problem {
    pub(super) fn error(line: impl Into<Option<u32>>, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, line: line.into(), text: text.into() }
    }

    pub(super) fn warning(line: impl Into<Option<u32>>, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, line: line.into(), text: text.into() }
    }

    /// Returns the sentence with its place: `FILE:LINE: text`.
    pub fn in_file(&self, file: &str) -> String {
        match self.line {
            Some(line) => format!("{file}:{line}: {}", self.text),
            None => format!("{file}: {}", self.text),
        }
    }
}

/// A corosync.conf that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfError {
    /// Name of the file as the user knows it.
    pub file: String,
    /// All that is wrong with it; at least one is an error.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfError {}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.problems.iter().filter(|p| p.severity == Severity::Error);
        if let Some(first) = errors.next() {
            f.write_str(&first.in_file(&self.file))?;
        }
        for problem in errors {
            write!(f, "\n{}", problem.in_file(&self.file))?;
        }
        Ok(())
    }
}
