//! Where a tool finds the document: a file (`CIB_file`), a shadow copy (`CIB_shadow`), or the
//! live cluster.

use std::env;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cib::Element;
use cib::edit::{self, EditError, Request};
use model::ExitCode;

use crate::replace::replace;

/// Why a source could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no cluster here to talk to.
    #[error(
        "the cluster is not running on this node; start it with `pcs cluster start`, or name a file with CIB_file"
    )]
    NotConnected,
    /// A file can't be read or written.
    #[error("`{}` can't be {verb}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// "read" or "written".
        verb: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds no document.
    #[error("`{}` is not a CIB", path.display())]
    NotXml {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: cib::ParseError,
    },
    /// The shadow copy that `CIB_shadow` names is not there.
    #[error("there is no shadow copy `{name}`; `crm_shadow --create {name}` makes one")]
    NoShadow {
        /// Its name.
        name: String,
    },
    /// The request was refused.
    #[error(transparent)]
    Refused(#[from] EditError),
    /// The cluster answered otherwise than with a document.
    #[error("{message}")]
    Cluster {
        /// The exit status for it.
        code: ExitCode,
        /// One sentence.
        message: String,
    },
}

impl SourceError {
    /// Returns the exit status that tools use for it.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::NotConnected => ExitCode::Disconnect,
            Self::NoShadow { .. } => ExitCode::NoSuch,
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ExitCode::NoSuch,
                std::io::ErrorKind::PermissionDenied => ExitCode::InsufficientPriv,
                _ => ExitCode::IoErr,
            },
            Self::NotXml { .. } => ExitCode::Config,
            Self::Refused(error) => error.code,
            Self::Cluster { code, .. } => *code,
        }
    }

    /// Returns the error with its causes in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// The live cluster, as tools see it.
pub trait Cluster {
    /// Returns the document; of one section only where `section` names one.
    ///
    /// # Errors
    /// When the cluster can't be asked or refuses.
    fn query(&mut self, section: Option<&str>) -> Result<Element, SourceError>;

    /// Changes the document; returns when the change is committed.
    ///
    /// # Errors
    /// When the cluster can't be asked or refuses; then nothing was changed.
    fn change(&mut self, request: &Request) -> Result<(), SourceError>;
}

/// Connects to the live cluster.
///
/// # Errors
/// When there is none.
pub fn connect() -> Result<Box<dyn Cluster>, SourceError> {
    let tool = env::args_os().next().unwrap_or_default();
    let tool = Path::new(&tool).file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Box::new(crate::live::Live::connect(&tool)?))
}

/// Where the document is.
pub enum CibSource {
    /// A file.
    File(PathBuf),
    /// A shadow copy and its file.
    Shadow {
        /// The name in `CIB_shadow`.
        name: String,
        /// Its file.
        path: PathBuf,
    },
    /// The cluster on this node.
    Live(Box<dyn Cluster>),
}

impl std::fmt::Debug for CibSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Shadow { name, path } => {
                f.debug_struct("Shadow").field("name", name).field("path", path).finish()
            }
            Self::Live(_) => f.write_str("Live"),
        }
    }
}

impl CibSource {
    /// Chooses as all tools do: `CIB_shadow`, else `CIB_file`, else the live cluster.
    ///
    /// # Errors
    /// When the shadow copy is not there, or no cluster runs.
    pub fn open() -> Result<Self, SourceError> {
        match Self::offline()? {
            Some(source) => Ok(source),
            None => connect().map(Self::Live),
        }
    }

    /// Chooses among shadow copy and file; none when neither is named.
    ///
    /// # Errors
    /// When the shadow copy is not there.
    pub fn offline() -> Result<Option<Self>, SourceError> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        if let Some(name) = set("CIB_shadow") {
            let name = name.to_string_lossy().into_owned();
            let path = shadow_path(&name);
            if !path.exists() {
                return Err(SourceError::NoShadow { name });
            }
            return Ok(Some(Self::Shadow { name, path }));
        }
        Ok(set("CIB_file").map(|path| Self::File(path.into())))
    }

    /// Tells whether this is the live cluster.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Returns the document.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn query(&mut self) -> Result<Element, SourceError> {
        match self {
            Self::File(path) | Self::Shadow { path, .. } => read(path),
            Self::Live(cluster) => cluster.query(None),
        }
    }

    /// Changes the document and returns what it is now.
    ///
    /// # Errors
    /// When the change is refused, or can't be stored; then nothing was changed.
    pub fn change(&mut self, request: &Request) -> Result<Element, SourceError> {
        match self {
            Self::File(path) | Self::Shadow { path, .. } => {
                let old = read(path)?;
                let new = edit::apply(&old, request)?;
                if new != old {
                    write(path, &new)?;
                }
                Ok(new)
            }
            Self::Live(cluster) => {
                cluster.change(request)?;
                cluster.query(None)
            }
        }
    }

    /// Changes the document without asking for the result.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub fn send(&mut self, request: &Request) -> Result<(), SourceError> {
        match self {
            Self::Live(cluster) => cluster.change(request),
            Self::File(_) | Self::Shadow { .. } => self.change(request).map(|_| ()),
        }
    }
}

/// Returns the directory of shadow copies: `CIB_shadow_dir`, else the cluster's own for root and
/// hacluster, else one in the user's home.
pub fn shadow_directory() -> PathBuf {
    if let Some(directory) = env::var_os("CIB_shadow_dir").filter(|value| !value.is_empty()) {
        return directory.into();
    }
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    match user {
        Some(user) if user.uid.is_root() || user.name == "hacluster" => {
            PathBuf::from("/var/lib/pacemaker/cib")
        }
        Some(user) => user.dir.join(".cib"),
        None => env::temp_dir(),
    }
}

/// Returns the file of a shadow copy.
pub fn shadow_path(name: &str) -> PathBuf {
    shadow_directory().join(format!("shadow.{name}"))
}

/// A document of this size is no mistake yet; more would only exhaust memory.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Reads a document from a file, a pipe, or what bzip2 or xz made of one.
///
/// # Errors
/// When it can't be read, or is no XML.
pub fn read(path: &Path) -> Result<Element, SourceError> {
    let text = read_text(path)?;
    cib::parse(&text).map_err(|source| SourceError::NotXml { path: path.to_owned(), source })
}

/// Reads a file's text, unpacked.
///
/// # Errors
/// When it can't be read; bytes that are no UTF-8 become replacement characters.
pub fn read_text(path: &Path) -> Result<String, SourceError> {
    let fail = |source| SourceError::File { path: path.to_owned(), verb: "read", source };
    let file = fs::File::open(path).map_err(fail)?;
    // a pipe has no length, and a file may grow
    let length = file.metadata().map_or(0, |about| about.len().min(BYTES_MAX));
    let length = usize::try_from(length).map_or(0, |length| length + 1);
    // glibc gives a large block a mapping of its own, and takes the next of its size from the heap
    // once the first was given back: there what is made of the text, and of the plan, can have the
    // pages that the text leaves, which else would all be new ones (a tenth of a plan's time)
    drop(std::hint::black_box(Vec::<u8>::with_capacity(length)));
    let mut bytes = Vec::with_capacity(length);
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(fail)?;
    text_of(bytes).map_err(fail)
}

/// Reads standard input, unpacked.
///
/// # Errors
/// As [`read_text`].
pub fn read_stdin() -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(BYTES_MAX).read_to_end(&mut bytes)?;
    text_of(bytes)
}

/// Unpacks what bzip2 or xz made, and takes the rest for text.
fn text_of(mut bytes: Vec<u8>) -> std::io::Result<String> {
    if bytes.starts_with(b"BZh") {
        bytes = unpacked(bzip2::read::MultiBzDecoder::new(bytes.as_slice()))?;
    } else if bytes.starts_with(b"\xfd7zXZ\0") {
        bytes = unpacked(lzma_rust2::XzReader::new(bytes.as_slice(), true))?;
    } else if bytes.starts_with(b"\x1f\x8b") {
        let text = "it is packed with gzip; unpack it with `gunzip`";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn unpacked(packed: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    packed.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a document in one step: whoever reads meanwhile sees the old one or the new one.
///
/// # Errors
/// When it can't be written; then the old one is still there.
pub fn write(path: &Path, document: &Element) -> Result<(), SourceError> {
    let fail = |source| SourceError::File { path: path.to_owned(), verb: "written", source };
    replace(path, document.to_xml().as_bytes()).map_err(fail)
}

#[cfg(test)]
mod tests {
    use cib::edit::{Request, Target};
    use model::ExitCode;

    use super::CibSource;

    #[test]
    fn a_file_is_changed_in_one_step_or_not_at_all() {
        let directory = std::env::temp_dir().join(format!("systole-source-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("cib.xml");
        super::write(&path, &cib::edit::empty()).unwrap();
        let mut source = CibSource::File(path.clone());
        let create = Request::Create {
            target: Target::Section("resources".into()),
            xml: cib::parse(
                "<primitive id=\"A\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/>",
            )
            .unwrap(),
        };
        let new = source.change(&create).unwrap();
        assert!(new.find_id("A").is_some());
        assert_eq!(source.query().unwrap(), new);
        let before = std::fs::read(&path).unwrap();
        assert_eq!(source.change(&create).unwrap_err().code(), ExitCode::Exists);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    /// `<cib/>`, packed by xz.
    const PACKED: [u8; 60] = [
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21,
        0x01, 0x1c, 0x00, 0x00, 0x00, 0x10, 0xcf, 0x58, 0xcc, 0x01, 0x00, 0x06, 0x3c, 0x63, 0x69,
        0x62, 0x2f, 0x3e, 0x0a, 0x00, 0x00, 0xa6, 0xb4, 0xc3, 0xeb, 0x00, 0x01, 0x1b, 0x07, 0x12,
        0xeb, 0xd4, 0x17, 0x90, 0x42, 0x99, 0x0d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
    ];

    #[test]
    fn what_xz_packed_is_unpacked_and_what_is_damaged_refused() {
        assert_eq!(super::text_of(PACKED.to_vec()).unwrap(), "<cib/>\n");
        assert!(super::text_of(PACKED[..40].to_vec()).is_err());
        let error = super::text_of(b"\x1f\x8b".to_vec()).unwrap_err();
        assert!(error.to_string().contains("gunzip"));
    }

    #[test]
    fn what_is_missing_or_no_cib_is_named() {
        let mut source = CibSource::File("/nonexistent/cib.xml".into());
        let error = source.query().unwrap_err();
        assert_eq!(error.code(), ExitCode::NoSuch);
        assert!(error.chain().starts_with("`/nonexistent/cib.xml` can't be read: "));
    }
}
