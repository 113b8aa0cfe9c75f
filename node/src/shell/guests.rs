//! Users and groups of `pcs cluster uidgid`: an access list on the tools' socket.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use nix::unistd::{Group, User};

/// Who is let in beside root and `haclient`: `(is a group, number)`.
pub(super) type Guests = BTreeSet<(bool, u32)>;

/// The extended attribute with a file's access list.
const ATTRIBUTE: &str = "system.posix_acl_access";
/// Its form.
const VERSION: u32 = 2;
/// Entries without a number carry this one.
const NOBODY: u32 = u32::MAX;

// Kinds of entries, in the order the kernel wants them.
const OWNER: u16 = 0x01;
const USER: u16 = 0x02;
const OWNING_GROUP: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// To connect to a socket is to write to it.
const READ_WRITE: u16 = 6;

/// Reads the files; a name that this host does not know admits nobody.
pub(super) fn read(directory: &Path) -> Guests {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut guests = Guests::new();
    for entry in entries {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let (uid, gid) = membership::conf::admitted(&text);
        let user = || Some(User::from_name(&uid).ok()??.uid.as_raw());
        let group = || Some(Group::from_name(&gid).ok()??.gid.as_raw());
        let numbers = [
            (false, &uid, uid.parse().ok().or_else(user)),
            (true, &gid, gid.parse().ok().or_else(group)),
        ];
        for (is_group, name, number) in numbers {
            match number {
                Some(number) => drop(guests.insert((is_group, number))),
                None if name.is_empty() => {}
                None => {
                    let file = entry.path();
                    tracing::warn!(name, file = %file.display(), "nobody is called so here");
                }
            }
        }
    }
    guests
}

/// Writes the access list; `group` says whether the owning group is let in.
pub(super) fn admit(socket: &Path, guests: &Guests, group: bool) -> io::Result<()> {
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(socket, ATTRIBUTE, &list(guests, group), flags).map_err(io::Error::from)
}

fn list(guests: &Guests, group: bool) -> Vec<u8> {
    let owning = if group { READ_WRITE } else { 0 };
    let of = |wanted: bool| guests.iter().filter(move |(is_group, _)| *is_group == wanted);
    let mut entries = vec![(OWNER, READ_WRITE, NOBODY)];
    entries.extend(of(false).map(|(_, number)| (USER, READ_WRITE, *number)));
    entries.push((OWNING_GROUP, owning, NOBODY));
    entries.extend(of(true).map(|(_, number)| (GROUP, READ_WRITE, *number)));
    entries.extend([(MASK, READ_WRITE, NOBODY), (OTHER, 0, NOBODY)]);
    let mut bytes = VERSION.to_le_bytes().to_vec();
    for (kind, permissions, number) in entries {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(number.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn names_and_numbers_are_guests_and_strangers_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).unwrap();
        };
        file("a", "uidgid {\n uid: 4711\n gid: root\n}\n");
        file("b", "uidgid {\n uid: nobody-is-called-so\n}\n");
        assert_eq!(read(directory.path()), [(false, 4711), (true, 0)].into());
        assert!(read(&directory.path().join("missing")).is_empty());
    }

    #[test]
    fn the_kernel_takes_the_list() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let guests = [(false, 4711), (true, 4712)].into();
        match admit(&socket, &guests, true) {
            Ok(()) => {
                let mut shown = [0; 256];
                let length = rustix::fs::getxattr(&socket, ATTRIBUTE, &mut shown).unwrap();
                assert_eq!(shown[..length], list(&guests, true));
            }
            // a file system without access lists, or a user namespace that maps no such number
            Err(error) => assert!(
                matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput),
                "{error}"
            ),
        }
    }
}
