//! Keeps every scheduler input on disk: three rings of `pe-input-N.bz2`, `pe-warn-N.bz2` and
//! `pe-error-N.bz2`, which `crm_simulate` and Pacemaker's own tools replay.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bzip2::Compression;
use bzip2::read::BzDecoder;
use bzip2::write::BzEncoder;

use cib::Element;
use model::WallTime;

use crate::core::interface::Severity;
use crate::core::options::Options;

/// An input could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("failed to {doing} `{path}`")]
pub struct InputError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// How many inputs of each series are kept; none = all, 0 = none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesLimits {
    /// `pe-input-series-max`.
    pub good: Option<u64>,
    /// `pe-warn-series-max`.
    pub warning: Option<u64>,
    /// `pe-error-series-max`.
    pub error: Option<u64>,
}

impl Default for SeriesLimits {
    fn default() -> Self {
        Self { good: Some(4000), warning: Some(5000), error: None }
    }
}

impl SeriesLimits {
    /// Reads the cluster's options.
    pub fn read(options: &Options) -> Self {
        let default = Self::default();
        let get = |name: &str, default| match options.properties.get(name) {
            Some(text) => match text.parse::<i64>() {
                Ok(-1) => None,
                Ok(number) => u64::try_from(number).ok().or(default),
                Err(_) => default,
            },
            None => default,
        };
        Self {
            good: get("pe-input-series-max", default.good),
            warning: get("pe-warn-series-max", default.warning),
            error: get("pe-error-series-max", default.error),
        }
    }
}

/// The rings, in one directory (`/var/lib/pacemaker/pengine`).
#[derive(Clone, Debug)]
pub struct Inputs {
    directory: PathBuf,
    /// Per series the last input kept: a digest of its text without the time, and its file.
    last: BTreeMap<Severity, (u64, PathBuf)>,
}

impl Inputs {
    /// Keeps inputs in a directory, which is made when the first one comes.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), last: BTreeMap::new() }
    }

    /// Keeps an input and returns its file; nothing if its options say to keep none of its series. An input that does
    /// not differ from the last one of its series but by the time is not kept again.
    ///
    /// To pack a large input is work for a good part of a second; `pause` is told after each piece
    /// how long that took, and may wait.
    ///
    /// # Errors
    /// When the directory, the input or the counter cannot be written.
    pub fn save(
        &mut self,
        severity: Severity,
        document: &Element,
        now: WallTime,
        pause: impl FnMut(Duration),
    ) -> Result<Option<PathBuf>, InputError> {
        let limits = SeriesLimits::read(&Options::read(document));
        let (series, limit) = match severity {
            Severity::Good => ("pe-input", limits.good),
            Severity::Warning => ("pe-warn", limits.warning),
            Severity::Error => ("pe-error", limits.error),
        };
        if limit == Some(0) {
            return Ok(None);
        }
        let mut hasher = DefaultHasher::new();
        document.to_xml_compact().hash(&mut hasher);
        let digest = hasher.finish();
        if let Some((last, path)) = self.last.get(&severity)
            && *last == digest
        {
            return Ok(Some(path.clone()));
        }
        fs::create_dir_all(&self.directory)
            .map_err(|source| self.error("make", &self.directory, source))?;
        let counter = self.directory.join(format!("{series}.last"));
        let number = next_number(&counter, limit);
        let path = self.directory.join(format!("{series}-{number}.bz2"));
        let mut dated = document.clone();
        dated.set("execution-date", now.secs().to_string());
        let packed = pack(&dated.to_xml(), pause).map_err(|e| self.error("pack", &path, e))?;
        self.write(&path, &packed)?;
        self.write(&counter, number.to_string().as_bytes())?;
        self.last.insert(severity, (digest, path.clone()));
        Ok(Some(path))
    }

    /// Writes beside and renames, so that a full disk leaves the older file as it was.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), InputError> {
        let beside = path.with_extension("new");
        fs::write(&beside, bytes).map_err(|source| self.error("write", &beside, source))?;
        fs::rename(&beside, path).map_err(|source| self.error("replace", path, source))
    }

    #[allow(clippy::unused_self, reason = "reads as a method where it is used")]
    fn error(&self, doing: &'static str, path: &Path, source: io::Error) -> InputError {
        InputError { doing, path: path.to_owned(), source }
    }
}

/// Returns the number after the one last used, beginning again behind the end of the ring. A
/// counter that is missing or damaged begins at 0.
fn next_number(counter: &Path, limit: Option<u64>) -> u64 {
    let last = fs::read_to_string(counter).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let next = last.map_or(0, |last| last.wrapping_add(1));
    if limit.is_some_and(|limit| next >= limit) { 0 } else { next }
}

/// What is packed in one go: a block of bzip2, which is sorted when it is full.
const PIECE: usize = 100_000;

fn pack(text: &str, mut pause: impl FnMut(Duration)) -> io::Result<Vec<u8>> {
    let mut encoder = BzEncoder::new(Vec::new(), Compression::new(1));
    for piece in text.as_bytes().chunks(PIECE) {
        let began = Instant::now();
        encoder.write_all(piece)?;
        pause(began.elapsed());
    }
    encoder.finish()
}

/// Reads an input, packed or plain.
///
/// # Errors
/// When the file cannot be read or unpacked.
pub fn read(path: &Path) -> Result<String, InputError> {
    let failed = |source| InputError { doing: "read", path: path.to_owned(), source };
    let bytes = fs::read(path).map_err(failed)?;
    let mut text = String::new();
    if bytes.starts_with(b"BZh") {
        BzDecoder::new(bytes.as_slice()).read_to_string(&mut text).map_err(failed)?;
    } else {
        text = String::from_utf8(bytes)
            .map_err(|e| failed(io::Error::new(io::ErrorKind::InvalidData, e)))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(epoch: u64, option: &str, value: &str) -> Element {
        cib::parse(&format!(
            "<cib epoch=\"{epoch}\"><configuration><crm_config><cluster_property_set id=\"a\">\
             <nvpair id=\"b\" name=\"{option}\" value=\"{value}\"/></cluster_property_set>\
             </crm_config></configuration></cib>"
        ))
        .unwrap()
    }

    #[test]
    fn inputs_are_numbered_counted_on_after_a_restart_and_wrap_around() {
        let directory = tempfile::tempdir().unwrap();
        let mut names = Vec::new();
        for epoch in 0..5 {
            let mut inputs = Inputs::new(directory.path().join("pengine"));
            let now = WallTime::from_secs(7);
            let mut document = document(epoch, "pe-input-series-max", "3");
            let path = inputs.save(Severity::Good, &document, now, drop).unwrap().unwrap();
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            document.set("execution-date", "7");
            assert_eq!(read(&path).unwrap(), document.to_xml());
        }
        let number = |n: u32| format!("pe-input-{n}.bz2");
        assert_eq!(names, [number(0), number(1), number(2), number(0), number(1)]);
    }

    #[test]
    fn the_same_input_at_another_time_is_kept_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut inputs = Inputs::new(directory.path());
        let mut save = |epoch, secs| {
            let document = document(epoch, "x", "y");
            inputs
                .save(Severity::Warning, &document, WallTime::from_secs(secs), drop)
                .unwrap()
                .unwrap()
        };
        let first = save(1, 10);
        assert_eq!(save(1, 20), first);
        assert_ne!(save(2, 30), first);
    }

    #[test]
    fn a_series_may_be_turned_off_and_a_directory_that_cannot_be_made_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let mut inputs = Inputs::new(directory.path());
        let off = document(1, "pe-error-series-max", "0");
        assert_eq!(inputs.save(Severity::Error, &off, WallTime(0), drop).unwrap(), None);
        let mut inputs = Inputs::new("/proc/nowhere");
        let error = inputs.save(Severity::Good, &off, WallTime(0), drop).unwrap_err();
        assert_eq!(error.to_string(), "failed to make `/proc/nowhere`");
    }
}
