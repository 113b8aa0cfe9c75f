//! `pcs config backup`: the cluster's configuration in one archive.

use std::fs;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use super::context::{Cli, Context, Failure, fail};
use super::hosts;
use super::tarball::{self, Packed};

/// The form of the archive, so that a later version can tell.
pub(super) const FORM: &str = "1";

/// Where the files of an archive are on a host: the name in it, and the path below the root.
pub(super) const PLACES: [(&str, &str); 4] = [
    ("corosync_authkey", "/etc/corosync/authkey"),
    ("pacemaker_authkey", "/etc/pacemaker/authkey"),
    ("corosync.conf", "/etc/corosync/corosync.conf"),
    ("pcs_settings.conf", "/var/lib/pcsd/pcs_settings.conf"),
];

/// The directory with the users who may talk to the cluster, and its name in the archive.
pub(super) const USERS: (&str, &str) = ("uidgid.d", "/etc/corosync/uidgid.d");

/// `pcs config backup [FILE]`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force"])?;
    let file = match words {
        [] => None,
        [name] if name.ends_with(".tar.bz2") => Some(name.clone()),
        [name] => Some(format!("{name}.tar.bz2")),
        _ => return Err(Failure::Usage { area: "config", command: "backup" }),
    };
    let Some(file) = file else {
        if std::io::stdout().is_terminal() {
            return fail(
                "an archive is nothing for a terminal, name a file: 'pcs config backup FILE'",
            );
        }
        let packed = packed(context)?;
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(&packed).and_then(|()| stdout.flush());
        return written.or_else(|error| fail(format!("unable to write the tarball: {error}")));
    };
    if !context.force() && Path::new(&file).exists() {
        return fail(format!("'{file}' already exists, use --force to overwrite"));
    }
    let packed = packed(context)?;
    let written = (|| {
        // keys are in it: for this user's eyes only
        let mut options = fs::OpenOptions::new();
        let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&file)?;
        out.write_all(&packed)?;
        out.sync_all()
    })();
    written.or_else(|error| fail(format!("unable to write '{file}': {error}")))
}

fn packed(context: &mut Context) -> Cli<Vec<u8>> {
    let mut files = vec![Packed::public("version.txt", FORM)];
    files.push(Packed::public("cib.xml", document(context)?));
    for (name, place) in PLACES {
        files.extend(file(name, &hosts::paths().at(place))?);
    }
    if !files.iter().any(|file| file.name == "corosync.conf") {
        return fail(
            "unable to create tarball: there is no corosync.conf, this host is no member of a \
             cluster",
        );
    }
    let (name, place) = USERS;
    let mut users: Vec<_> =
        fs::read_dir(hosts::paths().at(place)).into_iter().flatten().flatten().collect();
    users.sort_by_key(fs::DirEntry::file_name);
    for user in users {
        let name = format!("{name}/{}", user.file_name().to_string_lossy());
        files.extend(file(&name, &user.path())?);
    }
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    tarball::pack(&files, seconds)
        .or_else(|error| fail(format!("unable to create tarball: {error}")))
}

/// Returns the document of the running cluster, else what it was when it ran last.
fn document(context: &mut Context) -> Cli<String> {
    if context.live().is_ok() {
        let mut document = context.cib()?;
        document.retain_children(|child| child.name() != "status");
        return Ok(document.to_xml());
    }
    let path = hosts::paths().cib_dir().join("cib.xml");
    fs::read_to_string(&path).or_else(|error| {
        let path = path.display();
        fail(format!("unable to create tarball: '{path}' can't be read: {error}"))
    })
}

fn file(name: &str, path: &Path) -> Cli<Option<Packed>> {
    let read = fs::read(path).and_then(|content| Ok((content, fs::metadata(path)?)));
    match read {
        Ok((content, metadata)) => {
            let mode = metadata.permissions().mode() & 0o777;
            Ok(Some(Packed { name: name.to_owned(), mode, content }))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            fail(format!("unable to create tarball: '{}' can't be read: {error}", path.display()))
        }
    }
}
