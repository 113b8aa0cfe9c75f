//! Configurations of booth on this host: read for others, written for others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Paths;
use pcs::cluster::protocol::BoothFiles;

use crate::store::{self, PUBLIC, SECRET};

fn check_name(name: &str) -> Result<(), String> {
    if pcs::booth::is_instance_name(name) {
        return Ok(());
    }
    Err(format!("booth name '{name}' is not valid"))
}

/// Reads a configuration and its key; empty texts where they are not there.
pub(crate) fn read(paths: &Paths, name: &str) -> Result<BoothFiles, String> {
    check_name(name)?;
    let file = |extension: &str| {
        store::read(&paths.booth_dir().join(format!("{name}.{extension}")))
            .map(Option::unwrap_or_default)
            .map_err(|error| store::chain(&error))
    };
    let config = String::from_utf8(file("conf")?)
        .map_err(|_| format!("the configuration '{name}' of booth is no text"))?;
    Ok(BoothFiles { name: name.to_owned(), config, key: STANDARD.encode(file("key")?) })
}

/// Writes a configuration and, where there is one, its key.
pub(crate) fn write(paths: &Paths, files: &BoothFiles) -> Result<(), String> {
    check_name(&files.name)?;
    let key = STANDARD.decode(&files.key).map_err(|_| "the key is not valid base64".to_owned())?;
    let path = |extension: &str| paths.booth_dir().join(format!("{}.{extension}", files.name));
    let written = (|| {
        if !key.is_empty() {
            store::write(&path("key"), &key, SECRET)?;
        }
        store::write(&path("conf"), files.config.as_bytes(), PUBLIC)
    })();
    written.map_err(|error| store::chain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_travel_and_no_name_leads_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        assert_eq!(read(&paths, "booth").unwrap().config, "");
        let key = STANDARD.encode(b"k");
        let mut files = BoothFiles { name: "geo".into(), config: "site = 10.0.0.1\n".into(), key };
        write(&paths, &files).unwrap();
        assert_eq!(read(&paths, "geo").unwrap(), files);
        files.name = "../geo".into();
        assert!(write(&paths, &files).is_err() && read(&paths, "a/b").is_err());
    }
}
