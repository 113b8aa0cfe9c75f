//! A file whose presence means that a resource runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::OcfCode;

use crate::call::{Call, Failure, fail, tried};

/// The state file of a call.
#[derive(Clone, Debug)]
pub(crate) struct State {
    path: PathBuf,
}

impl State {
    /// Finds it: the parameter, else `DIRECTORY/PREFIX-INSTANCE SUFFIX`. An anonymous clone has
    /// no number of its own in it.
    pub(crate) fn of(call: &Call, parameter: &str, prefix: &str, suffix: &str) -> Self {
        let path = match call.parameter(parameter) {
            Some(path) => PathBuf::from(path),
            None => {
                let instance = if call.is_true("CRM_meta_globally_unique") {
                    call.instance()
                } else {
                    call.instance().split(':').next().unwrap_or_default()
                };
                PathBuf::from(format!("{prefix}-{instance}{suffix}"))
            }
        };
        Self { path }
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    pub(crate) fn read(&self) -> String {
        fs::read_to_string(&self.path).map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        tried(fs::write(&self.path, text), || {
            format!("cannot write state file {}", self.path.display())
        })
    }

    pub(crate) fn remove(&self) -> Result<(), Failure> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tried(Err(error), || format!("cannot remove state file {}", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the file could be made.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        if directory.is_dir() {
            return Ok(());
        }
        fail(
            OcfCode::InvalidParam,
            format!(
                "state file {} cannot be made: there is no directory {}",
                self.path.display(),
                directory.display()
            ),
        )
    }
}
