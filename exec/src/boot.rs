//! This boot's id: a random number in a file in /run, made by whoever needs it first.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use model::BootId;

/// Returns a random number for identities.
pub fn random_id() -> io::Result<u128> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u128::from_ne_bytes(bytes))
}

/// Reads the boot id, and makes one where there is none. Of several that make one at once, one
/// wins and all read the same.
pub fn boot_id(path: &Path) -> io::Result<BootId> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        known => return known,
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let id = BootId(random_id()?);
    let draft = path.with_extension(format!("{id}.new"));
    let mut file = File::create_new(&draft)?;
    writeln!(file, "{id}")?;
    drop(file);
    // A link, unlike a rename, does not replace what another one has made meanwhile.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read(path),
    }
}

fn read(path: &Path) -> io::Result<BootId> {
    let text = fs::read_to_string(path)?;
    text.parse().map_err(|error| {
        let text = format!(
            "{} holds no boot id ({error}); remove it if nothing of the cluster runs here",
            path.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

#[cfg(test)]
mod tests {
    use super::boot_id;

    #[test]
    fn everybody_reads_the_same_boot_id() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/boot-id");
        let ids: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| boot_id(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("boot-id");
        std::fs::write(&path, "banana").unwrap();
        let error = boot_id(&path).unwrap_err().to_string();
        assert!(error.contains("boot-id holds no boot id"), "{error}");
    }
}
