//! What a tool says: text for people and scripts, and how it exits.

use std::io::Write as _;

use cib::Element;
use model::ExitCode;

use crate::cib_source::{self, SourceError};

use super::options::Options;

/// What a tool printed and how it exits.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<ExitCode>,
}

impl Answer {
    /// Text for standard output, success.
    pub(crate) fn text(out: impl Into<String>) -> Self {
        Self { out: out.into(), ..Self::default() }
    }

    /// A line for standard error, and how to exit.
    pub(crate) fn fail(code: ExitCode, line: impl std::fmt::Display) -> Self {
        Self { err: format!("{line}\n"), code: Some(code), ..Self::default() }
    }

    /// Prints it and returns the exit status.
    pub(crate) fn print(self) -> ExitCode {
        let code = self.code.unwrap_or(ExitCode::Ok);
        let told = std::io::stderr().lock().write_all(self.err.as_bytes());
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(self.out.as_bytes()).and_then(|()| stdout.flush());
        match written.and(told) {
            // a reader that went away early (`| head`) is no error of ours
            Err(error)
                if error.kind() != std::io::ErrorKind::BrokenPipe && code == ExitCode::Ok =>
            {
                ExitCode::IoErr
            }
            _ => code,
        }
    }
}

/// What all tools answer to `--version`.
pub(crate) const VERSION: &str = concat!(
    "Pacemaker 3.0.1 (Systole ",
    env!("CARGO_PKG_VERSION"),
    ")\nCompatible with the tools written by Andrew Beekhof and the Pacemaker project contributors\n"
);

/// Why there is no XML where some was given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// It could not be read.
    #[error("Couldn't parse input from {from}: {why}")]
    Unreadable {
        /// A file, or what stands for one.
        from: String,
        /// Why.
        why: String,
    },
    /// It is no XML.
    #[error("Couldn't parse input from {from}: {why}")]
    Malformed {
        /// A file, or what stands for one.
        from: String,
        /// Where and why.
        why: cib::ParseError,
    },
}

/// The XML that `-x`, `-X` or `-p` gives; none when none of them is there.
pub(crate) fn xml_input(options: &Options) -> Option<Result<Element, InputError>> {
    let parse = |from: &str, text: &str| {
        cib::parse(text).map_err(|why| InputError::Malformed { from: from.to_owned(), why })
    };
    match options.last_of(&["xml-text", "xml-file", "xml-pipe"])? {
        "xml-text" => Some(parse("input string", options.value("xml-text").unwrap_or_default())),
        "xml-file" => {
            let from = options.value("xml-file").unwrap_or_default().to_owned();
            if from == "-" {
                return Some(read_stdin().and_then(|text| parse("STDIN", &text)));
            }
            Some(cib_source::read(from.as_ref()).map_err(|error| match error {
                SourceError::NotXml { source: why, .. } => InputError::Malformed { from, why },
                other => InputError::Unreadable { from, why: other.chain() },
            }))
        }
        _ => Some(read_stdin().and_then(|text| parse("STDIN", &text))),
    }
}

fn read_stdin() -> Result<String, InputError> {
    let unreadable = |error: std::io::Error| InputError::Unreadable {
        from: "STDIN".to_owned(),
        why: error.to_string(),
    };
    cib_source::read_stdin().map_err(unreadable)
}
