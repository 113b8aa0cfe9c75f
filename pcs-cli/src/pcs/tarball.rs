//! Archives (`.tar.bz2`) of the cluster's files: written for backups and reports, read for restores.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};

use bzip2::Compression;
use bzip2::read::MultiBzDecoder;
use bzip2::write::BzEncoder;

/// All files of a cluster are small; more than this is none of ours and would fill the memory.
const UNPACKED_MAX: u64 = 512 * 1024 * 1024;

/// Files of an archive by their names in it.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// One file to be packed.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// Its name in the archive.
    pub(crate) name: String,
    /// Its permissions.
    pub(crate) mode: u32,
    /// Its content.
    pub(crate) content: Vec<u8>,
}

impl Packed {
    /// Makes a file that everybody may read.
    pub(crate) fn public(name: &str, content: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), mode: 0o644, content: content.into() }
    }
}

/// Packs files, in this order, all of the same time.
pub(crate) fn pack(files: &[Packed], seconds: u64) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(BzEncoder::new(Vec::new(), Compression::best()));
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(file.content.len()).map_err(io::Error::other)?);
        header.set_mode(file.mode);
        header.set_mtime(seconds);
        archive.append_data(&mut header, &file.name, file.content.as_slice())?;
    }
    let mut packed = archive.into_inner()?;
    packed.flush()?;
    packed.finish()
}

/// Unpacks the plain files of an archive; links and devices in it are left where they are.
pub(crate) fn unpack(packed: &[u8]) -> io::Result<Files> {
    let mut files = Files::new();
    let mut archive = tar::Archive::new(MultiBzDecoder::new(packed).take(UNPACKED_MAX));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(name, content);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{Packed, pack, unpack};

    #[test]
    fn what_was_packed_comes_out_again() {
        let long = format!("d/{}", "n".repeat(200));
        let files = [Packed::public("a", "one"), Packed::public(&long, vec![0; 10_000])];
        let out = unpack(&pack(&files, 7).unwrap()).unwrap();
        assert_eq!(out["a"], b"one");
        assert_eq!(out[&long].len(), 10_000);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert!(unpack(b"root:x:0:0").is_err());
        let mut cut = pack(&[Packed::public("a", vec![7; 50_000])], 7).unwrap();
        cut.truncate(cut.len() / 2);
        assert!(unpack(&cut).is_err());
    }
}
