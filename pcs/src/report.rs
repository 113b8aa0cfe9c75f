//! What a command tells its user: typed items, gathered in order, turned into text in one place.

use serde::Serialize;

use crate::message::Message;

/// Where the text of a message wants the hint about `--force`; at its end when it has no mark.
pub(crate) const FORCE_MARK: &str = "\u{1}";

/// Where the text of a message wants that hint in brackets.
pub(crate) const FORCE_NOTE: &str = "\u{2}";

/// How grave a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// The command changes nothing.
    Error,
    /// The command goes on.
    Warning,
    /// The command goes on, but its spelling will not be understood for ever.
    Deprecation,
    /// What is being done.
    Info,
}

/// One item of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How grave it is.
    pub severity: Severity,
    /// What it says.
    #[serde(flatten)]
    pub message: Message,
    /// Whether `--force` turns this error into a warning.
    pub forceable: bool,
}

impl Report {
    /// Makes an error.
    pub fn error(message: Message) -> Self {
        Self { severity: Severity::Error, message, forceable: false }
    }

    /// Makes an error that `--force` turns into a warning; with `forced`, that warning.
    pub fn forceable(message: Message, forced: bool) -> Self {
        let severity = if forced { Severity::Warning } else { Severity::Error };
        Self { severity, message, forceable: !forced }
    }

    /// Makes a warning.
    pub fn warning(message: Message) -> Self {
        Self { severity: Severity::Warning, message, forceable: false }
    }

    /// Makes a warning about an old spelling.
    pub fn deprecation(message: Message) -> Self {
        Self { severity: Severity::Deprecation, message, forceable: false }
    }

    /// Makes a remark.
    pub fn info(message: Message) -> Self {
        Self { severity: Severity::Info, message, forceable: false }
    }

    /// Returns the text as the command line prints it.
    pub fn text(&self) -> String {
        let text = self.message.to_string();
        let hint = if self.forceable { ", use --force to override" } else { "" };
        let text = if text.contains(FORCE_MARK) {
            text.replace(FORCE_MARK, hint)
        } else if text.contains(FORCE_NOTE) {
            let note = if self.forceable { " (use --force to override)" } else { "" };
            text.replace(FORCE_NOTE, note)
        } else {
            format!("{text}{hint}")
        };
        let prefix = match self.severity {
            Severity::Error => "Error: ",
            Severity::Warning => "Warning: ",
            Severity::Deprecation => "Deprecation Warning: ",
            Severity::Info => "",
        };
        format!("{prefix}{text}")
    }
}

/// Why a command did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The reports say why; a closing line says that it was they.
    Reported,
    /// The reports say why, and that is all there is to say.
    Said,
    /// This says why; nothing else needs to be said.
    Because(Box<Report>),
}

impl Failed {
    /// Fails with one message that stands alone.
    pub fn because(message: Message) -> Self {
        Self::Because(Box::new(Report::error(message)))
    }
}

/// What a command returns.
pub type Outcome<T = ()> = Result<T, Failed>;
