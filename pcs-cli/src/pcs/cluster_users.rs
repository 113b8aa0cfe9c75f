//! `pcs cluster uidgid`: users and groups who may talk to the cluster beside root and `haclient`, a
//! file each. The node's daemon lets them in when it starts.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::context::{Cli, Context, Failure, fail};
use super::{hosts, json};

fn usage<T>() -> Cli<T> {
    Err(Failure::Usage { area: "cluster", command: "uidgid" })
}

/// A user, a group, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Admitted {
    uid: String,
    gid: String,
}

impl Admitted {
    /// Reads `[uid=…] [gid=…]`.
    fn parse(words: &[String]) -> Cli<Self> {
        let mut admitted = Self::default();
        for word in words {
            match word.split_once('=') {
                Some(("uid", value)) => value.clone_into(&mut admitted.uid),
                Some(("gid", value)) => value.clone_into(&mut admitted.gid),
                Some((key, _)) => {
                    return fail(format!("{key} is not a valid key, you must use uid or gid"));
                }
                None => return fail(format!("missing value of '{word}' option")),
            }
        }
        let good = |name: &str| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$'))
        };
        for name in [&admitted.uid, &admitted.gid] {
            if !good(name) {
                return fail(format!("'{name}' is no name or number of a user or group"));
            }
        }
        if admitted == Self::default() {
            return fail("you must set either uid or gid");
        }
        Ok(admitted)
    }

    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let (uid, gid) = membership::conf::admitted(&text);
        Some(Self { uid, gid }).filter(|admitted| *admitted != Self::default())
    }

    fn text(&self) -> String {
        format!("uidgid {{\n  uid: {}\n  gid: {}\n}}\n", self.uid, self.gid)
    }
}

fn directory() -> PathBuf {
    hosts::paths().uidgid_dir()
}

fn all() -> Vec<(PathBuf, Admitted)> {
    let entries = fs::read_dir(directory()).into_iter().flatten().flatten();
    let mut all: Vec<(PathBuf, Admitted)> =
        entries.filter_map(|entry| Some((entry.path(), Admitted::read(&entry.path())?))).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// `pcs cluster uidgid [add | delete …]`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        None => list(context),
        Some(("add", rest)) if !rest.is_empty() => add(context, rest),
        Some(("delete" | "remove", rest)) if !rest.is_empty() => remove(context, rest),
        Some(("rm", _)) => fail(
            "This command has been replaced with 'pcs cluster uidgid delete', 'pcs cluster uidgid remove'. See 'man pcs' -> Changes in pcs-0.11.",
        ),
        _ => usage(),
    }
}

fn list(context: &mut Context) -> Cli {
    context.supports(&["--output-format"])?;
    let format = context.output_format(&["json", "text"])?;
    let all: Vec<Admitted> = all().into_iter().map(|(_, admitted)| admitted).collect();
    if format == "json" {
        context.print(&json::pretty(&serde_json::json!({ "uidgids": all })));
        return Ok(());
    }
    if all.is_empty() {
        context.print("No uidgids configured");
    }
    for Admitted { uid, gid } in all {
        context.print(&format!("UID/GID: uid={uid} gid={gid}"));
    }
    Ok(())
}

fn add(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[])?;
    let new = Admitted::parse(words)?;
    let Admitted { uid, gid } = &new;
    if all().iter().any(|(_, admitted)| *admitted == new) {
        return fail(format!("uidgid file with uid={uid} and gid={gid} already exists"));
    }
    let path = directory().join(format!("pcs-uidgid-{uid}-{gid}"));
    let written = fs::create_dir_all(directory()).and_then(|()| fs::write(&path, new.text()));
    written.or_else(|error| fail(format!("Unable to write '{}': {error}", path.display())))?;
    context.remark("the cluster's daemon on this host lets them in at its next start");
    Ok(())
}

fn remove(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[])?;
    let wanted = Admitted::parse(words)?;
    let found: Vec<PathBuf> = all()
        .into_iter()
        .filter(|(_, admitted)| *admitted == wanted)
        .map(|(path, _)| path)
        .collect();
    if found.is_empty() {
        let Admitted { uid, gid } = wanted;
        return fail(format!("no uidgid files with uid={uid} and gid={gid} found"));
    }
    for path in found {
        fs::remove_file(&path)
            .or_else(|error| fail(format!("Unable to remove '{}': {error}", path.display())))?;
    }
    Ok(())
}
