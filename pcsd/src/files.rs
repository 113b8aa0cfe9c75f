//! The cluster's files on this host: put there, compared, removed.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use exec::secrets::Secrets;
use model::Paths;
use pcs::cluster::protocol::{FileCode, FileKind, FileOutcome, FileRequest};

use crate::store::{self, PUBLIC, SECRET, StoreError};

/// The cluster's keys: for root's eyes, and nobody writes them in place.
const KEY: u32 = 0o400;

/// Returns where a file of the cluster lives, with its mode; none for what is no file of its own.
fn place(paths: &Paths, kind: FileKind) -> Option<(PathBuf, u32)> {
    Some(match kind {
        FileKind::CorosyncConf => (paths.corosync_conf(), PUBLIC),
        FileKind::CorosyncAuthkey => (paths.corosync_authkey(), KEY),
        FileKind::PacemakerAuthkey => (paths.pacemaker_authkey(), KEY),
        FileKind::PcsdSettings => (paths.pcsd_settings(), PUBLIC),
        FileKind::DisasterRecovery => (paths.pcsd_disaster_recovery(), PUBLIC),
        FileKind::Secret => return None,
    })
}

/// Keeps or forgets a value that is not in the document.
fn secret(paths: &Paths, request: &FileRequest, value: Option<&[u8]>) -> FileOutcome {
    let refused = |message: String| FileOutcome { code: FileCode::Unexpected, message };
    let Some((resource, parameter)) = request.name.split_once('/') else {
        return refused(format!("`{}` names no resource and parameter", request.name));
    };
    let secrets = Secrets::below(paths.secrets_dir());
    let Some(value) = value else {
        return match secrets.remove(resource, parameter) {
            Ok(true) => done(FileCode::Deleted),
            Ok(false) => done(FileCode::NotFound),
            Err(error) => refused(error.to_string()),
        };
    };
    let Ok(value) = std::str::from_utf8(value) else {
        return refused("the value is not text".to_owned());
    };
    let there = secrets.read(resource, parameter).ok();
    let code = match there {
        Some(old) if old == value => return done(FileCode::SameContent),
        Some(_) if !request.rewrite_existing => return done(FileCode::Conflict),
        Some(_) => FileCode::Rewritten,
        None => FileCode::Written,
    };
    match secrets.write(resource, parameter, value) {
        Ok(()) => done(code),
        Err(error) => refused(error.to_string()),
    }
}

/// Turns a failure into an outcome that names the file and the cause.
fn failed(error: &StoreError) -> FileOutcome {
    FileOutcome { code: FileCode::Unexpected, message: store::chain(error) }
}

fn done(code: FileCode) -> FileOutcome {
    FileOutcome { code, message: String::new() }
}

/// Writes one file of the cluster.
pub(crate) fn put(paths: &Paths, request: &FileRequest) -> FileOutcome {
    let Ok(content) = STANDARD.decode(&request.data) else {
        return FileOutcome {
            code: FileCode::Unexpected,
            message: "the content is not valid base64".to_owned(),
        };
    };
    if request.kind == FileKind::CorosyncConf
        && let Err(message) = check_corosync_conf(&content)
    {
        return FileOutcome { code: FileCode::Unexpected, message };
    }
    if request.birth && request.kind == FileKind::CorosyncConf {
        if let Err(message) = check_document(&request.document) {
            return FileOutcome { code: FileCode::Unexpected, message };
        }
        if let Err(error) = store::write(&paths.birth_mark(), request.document.as_bytes(), SECRET) {
            return failed(&error);
        }
    }
    let Some((path, mode)) = place(paths, request.kind) else {
        return secret(paths, request, Some(&content));
    };
    let there = match store::read(&path) {
        Ok(there) => there,
        Err(error) => return failed(&error),
    };
    let code = match &there {
        Some(old) if *old == content => return done(FileCode::SameContent),
        Some(_) if !request.rewrite_existing => return done(FileCode::Conflict),
        Some(_) => FileCode::Rewritten,
        None => FileCode::Written,
    };
    match store::write(&path, &content, mode) {
        Ok(()) => done(code),
        Err(error) => failed(&error),
    }
}

/// Removes one file of the cluster.
pub(crate) fn remove(paths: &Paths, request: &FileRequest) -> FileOutcome {
    let Some((path, _)) = place(paths, request.kind) else { return secret(paths, request, None) };
    match store::remove(&path) {
        Ok(true) => done(FileCode::Deleted),
        Ok(false) => done(FileCode::NotFound),
        Err(error) => failed(&error),
    }
}

/// Refuses a corosync.conf that the brain would refuse.
pub(crate) fn check_corosync_conf(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content).map_err(|_| "corosync.conf is not text".to_owned())?;
    membership::conf::load(text, "corosync.conf").map(drop).map_err(|error| error.to_string())
}

/// Refuses a restored document that the brain would refuse; nothing is that of a new cluster.
fn check_document(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let document = cib::parse(text).map_err(|error| format!("the document: {error}"))?;
    match cib::validate::errors(&document).first() {
        Some(finding) => Err(format!("the document: {}", finding.what())),
        None => Ok(()),
    }
}

/// Says whether this host is or was part of a cluster.
pub(crate) fn has_cluster(paths: &Paths) -> bool {
    paths.corosync_conf().exists() || paths.cib_dir().join("cib.xml").exists()
}

/// Removes everything that makes this host a member of a cluster.
pub(crate) fn destroy(paths: &Paths) -> Result<(), StoreError> {
    // corosync.conf first: without it nothing starts, whatever else may be left.
    for path in [
        paths.corosync_conf(),
        paths.corosync_authkey(),
        paths.pacemaker_authkey(),
        paths.cib_dir(),
        paths.pengine_dir(),
        paths.pcsd_autostart(),
        paths.pcsd_disaster_recovery(),
    ] {
        store::remove(&path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: FileKind, content: &[u8], rewrite_existing: bool) -> FileRequest {
        FileRequest { data: STANDARD.encode(content), rewrite_existing, ..FileRequest::of(kind) }
    }

    #[test]
    fn a_key_is_not_replaced_unless_asked() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        let kind = FileKind::CorosyncAuthkey;
        let code = |content: &[u8], rewrite| put(&paths, &request(kind, content, rewrite)).code;
        assert_eq!(code(b"one", false), FileCode::Written);
        assert_eq!(code(b"one", false), FileCode::SameContent);
        assert_eq!(code(b"two", false), FileCode::Conflict);
        assert_eq!(code(b"two", true), FileCode::Rewritten);
        assert_eq!(store::read(&paths.corosync_authkey()).unwrap().unwrap(), b"two");
    }

    #[test]
    fn a_secret_value_is_kept_by_name_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        let named = |name: &str, value: &[u8]| FileRequest {
            name: name.to_owned(),
            ..request(FileKind::Secret, value, true)
        };
        assert_eq!(put(&paths, &named("db/passwd", b"x")).code, FileCode::Written);
        assert_eq!(put(&paths, &named("db/passwd", b"x")).code, FileCode::SameContent);
        assert_eq!(put(&paths, &named("db/passwd", b"y")).code, FileCode::Rewritten);
        let secrets = Secrets::below(paths.secrets_dir());
        assert_eq!(secrets.read("db", "passwd").unwrap(), "y");
        for name in ["db", "../etc", "db/../../x", "/x"] {
            assert_eq!(put(&paths, &named(name, b"x")).code, FileCode::Unexpected, "{name}");
        }
        assert_eq!(remove(&paths, &named("db/passwd", b"")).code, FileCode::Deleted);
        assert_eq!(remove(&paths, &named("db/passwd", b"")).code, FileCode::NotFound);
    }

    #[test]
    fn after_destroy_nothing_of_the_cluster_is_left() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        put(&paths, &request(FileKind::CorosyncAuthkey, b"k", false));
        store::write(&paths.cib_dir().join("cib.xml"), b"<cib/>", PUBLIC).unwrap();
        assert!(has_cluster(&paths));
        destroy(&paths).unwrap();
        assert!(!has_cluster(&paths) && !paths.corosync_authkey().exists());
        let key = FileRequest::of(FileKind::CorosyncAuthkey);
        assert_eq!(remove(&paths, &key).code, FileCode::NotFound);
    }

    #[test]
    fn a_corosync_conf_that_the_brain_would_refuse_is_not_written() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        let outcome = put(&paths, &request(FileKind::CorosyncConf, b"totem {\n tokem: 5\n", true));
        assert_eq!(outcome.code, FileCode::Unexpected);
        assert!(outcome.message.contains("corosync.conf"), "{}", outcome.message);
        assert!(!paths.corosync_conf().exists());
    }

    #[test]
    fn only_a_new_cluster_gets_the_mark_of_its_birth() {
        let conf =
            b"totem {\n version: 2\n}\nnodelist {\n node {\n ring0_addr: 10.0.0.1\n nodeid: 1\n \
                     }\n}\n";
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        let mut request = request(FileKind::CorosyncConf, conf, true);
        assert_eq!(put(&paths, &request).code, FileCode::Written);
        assert!(!paths.birth_mark().exists(), "a node that is added must not begin a log");
        request.birth = true;
        assert_eq!(put(&paths, &request).code, FileCode::SameContent);
        assert!(paths.birth_mark().exists());
        destroy(&paths).unwrap();
        assert!(!paths.birth_mark().exists());
    }

    #[test]
    fn content_that_is_no_base64_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        let mut bad = request(FileKind::PacemakerAuthkey, b"", false);
        bad.data = "???".into();
        assert_eq!(put(&paths, &bad).code, FileCode::Unexpected);
        assert!(!paths.pacemaker_authkey().exists());
    }
}
