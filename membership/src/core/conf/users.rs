//! Files of `uidgid.d`: a user or a group who may talk to the cluster.

use super::Document;

/// Reads one file; returns the user and the group it names, empty where it names none.
pub fn admitted(text: &str) -> (String, String) {
    let Ok(document) = Document::parse(text, "uidgid") else { return Default::default() };
    let section = document.section("uidgid");
    let value = |key| section.and_then(|s| s.get(key)).unwrap_or_default().to_owned();
    (value("uid"), value("gid"))
}

#[cfg(test)]
mod tests {
    use super::admitted;

    #[test]
    fn a_user_or_a_group_is_named() {
        let both = admitted("uidgid {\n  uid: ops\ngid: 7\n}\n");
        assert_eq!(both, ("ops".to_owned(), "7".to_owned()));
        assert_eq!(admitted("uidgid {\n  uid: ops\n gid: \n}\n").1, "");
        assert_eq!(admitted("totem {\n}\n"), <(String, String)>::default());
    }
}
