//! Who asks on the tools' socket, and whether the access lists let them.
//!
//! The kernel says who is at the other end; what a tool claims counts only from root and
//! hacluster, who may ask for somebody else (`CIB_user`). Changes of the configuration are judged
//! by the DC on the document they meet; everything else here.

use std::ffi::CString;

use nix::unistd::{Group, Uid, User, getgrouplist};
use tonic::Status;
use tonic::transport::server::UdsConnectInfo;

use cib::Element;
use cib::acl::{self, Permissions};
use wire::tools::Caller;

/// The user whose files the cluster's are.
const OWNER: &str = "hacluster";

/// What is known of who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    uid: u32,
    /// The user's name, else the number.
    name: String,
}

impl Peer {
    /// Reads who is at the other end of a connection.
    pub(crate) fn of(extensions: &tonic::Extensions) -> Result<Self, Status> {
        let credentials = extensions.get::<UdsConnectInfo>().and_then(|info| info.peer_cred);
        let Some(credentials) = credentials else {
            return Err(Status::unauthenticated("the kernel does not say who asks"));
        };
        let uid = credentials.uid();
        if uid == 0 {
            return Ok(Self { uid, name: "root".to_owned() });
        }
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        Ok(Self { uid, name: user.map_or_else(|| uid.to_string(), |user| user.name) })
    }

    /// Tells whether it may ask for others: root, the cluster's own user, and whoever runs this.
    fn is_trusted(&self) -> bool {
        self.uid == 0 || self.name == OWNER || self.uid == Uid::effective().as_raw()
    }

    /// Returns for whom it asks: itself, unless it may ask for others and does.
    pub(crate) fn caller(&self, claimed: Option<Caller>, document: &Element) -> Caller {
        let claimed = claimed.unwrap_or_default();
        let user = if !self.is_trusted() {
            self.name.clone()
        } else if claimed.user.is_empty() {
            "root".to_owned()
        } else {
            claimed.user
        };
        // nobody needs them where there are no lists, and looking them up may take a while
        let groups = if acl::enabled(document) { groups_of(&user) } else { Vec::new() };
        Caller { user, client: claimed.client, groups }
    }
}

/// Returns the names of a user's groups; none for a user whom the system does not know.
fn groups_of(user: &str) -> Vec<String> {
    let known = User::from_name(user).ok().flatten();
    let (Some(known), Ok(name)) = (known, CString::new(user)) else { return Vec::new() };
    let ids = getgrouplist(&name, known.gid).unwrap_or_default();
    ids.into_iter().filter_map(|id| Some(Group::from_gid(id).ok()??.name)).collect()
}

fn permissions(caller: &Caller, document: &Element) -> Permissions {
    Permissions::of(document, &caller.user, &caller.groups)
}

fn refused(caller: &Caller, what: &str) -> Status {
    Status::permission_denied(format!(
        "the access lists do not let user `{}` {what}; ask for a role that does (pcs acl)",
        caller.user
    ))
}

/// Returns what of the document a caller may see; none where that is all of it.
pub(crate) fn readable(caller: &Caller, document: &Element) -> Result<Option<Element>, Status> {
    match permissions(caller, document) {
        Permissions::All => Ok(None),
        listed @ Permissions::Listed { .. } => listed
            .readable(document)
            .map(Some)
            .ok_or_else(|| refused(caller, "see anything of the configuration")),
    }
}

/// Makes sure that a caller may see the status section.
pub(crate) fn may_see_status(caller: &Caller, document: &Element) -> Result<(), Status> {
    let Ok(seen) = readable(caller, document) else {
        return Err(refused(caller, "see the status"));
    };
    let section = seen.as_ref().unwrap_or(document).child("status");
    section.map(|_| ()).ok_or_else(|| refused(caller, "see the status"))
}

/// Makes sure that a caller may change the status section: set attributes, have histories
/// forgotten.
pub(crate) fn may_change_status(caller: &Caller, document: &Element) -> Result<(), Status> {
    let mut changed = document.clone();
    changed.child_or_insert("status").set("changed-by", caller.user.as_str());
    permissions(caller, document)
        .check(document, &changed)
        .map_err(|_| refused(caller, "change the status"))
}

/// Makes sure that a caller is above the lists: what stops a node is no matter of a section.
pub(crate) fn may_manage(caller: &Caller, document: &Element) -> Result<(), Status> {
    match permissions(caller, document) {
        Permissions::All => Ok(()),
        Permissions::Listed { .. } => Err(refused(caller, "manage this node")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(enabled: bool) -> Element {
        let text = format!(
            r#"<cib><configuration><crm_config><cluster_property_set id="cs">
            <nvpair id="cn" name="enable-acl" value="{enabled}"/></cluster_property_set></crm_config>
            <resources><primitive id="A"/></resources><acls>
            <acl_target id="reader"><role id="r"/></acl_target>
            <acl_target id="operator"><role id="o"/></acl_target>
            <acl_role id="r"><acl_permission id="p1" kind="read" xpath="//resources"/></acl_role>
            <acl_role id="o"><acl_permission id="p2" kind="write" xpath="//status"/></acl_role>
            </acls></configuration><status/></cib>"#
        );
        cib::parse(&text).unwrap()
    }

    fn peer(uid: u32, name: &str) -> Peer {
        Peer { uid, name: name.to_owned() }
    }

    fn claims(user: &str) -> Option<Caller> {
        Some(Caller { user: user.to_owned(), client: "t".to_owned(), groups: vec!["x".to_owned()] })
    }

    /// A user number that this process does not run under.
    const OTHER: u32 = u32::MAX - 7;

    #[test]
    fn only_root_and_the_clusters_user_may_ask_for_others() {
        let document = document(true);
        let user = |peer: Peer, claim: &str| peer.caller(claims(claim), &document).user;
        assert_eq!(user(peer(0, "root"), "reader"), "reader");
        assert_eq!(user(peer(OTHER, "hacluster"), "reader"), "reader");
        assert_eq!(user(peer(0, "root"), ""), "root");
        assert_eq!(user(peer(OTHER, "reader"), "root"), "reader");
        assert_eq!(user(peer(OTHER, "reader"), "hacluster"), "reader");
        // nor may anybody say in which groups somebody is
        let caller = peer(OTHER, "nobody-at-all").caller(claims("root"), &document);
        assert!(caller.groups.is_empty());
    }

    #[test]
    fn lists_bind_those_who_are_not_above_them() {
        let document = document(true);
        let as_user = |name: &str| Caller { user: name.to_owned(), ..Caller::default() };
        let (root, reader, operator, stranger) =
            (as_user("root"), as_user("reader"), as_user("operator"), as_user("stranger"));
        assert_eq!(readable(&root, &document).unwrap(), None);
        let seen = readable(&reader, &document).unwrap().unwrap();
        assert!(seen.find_id("A").is_some() && seen.find_id("cn").is_none());
        let refused = readable(&stranger, &document).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
        assert!(refused.message().contains("`stranger`"), "{}", refused.message());
        assert!(may_see_status(&operator, &document).is_ok());
        assert!(may_see_status(&reader, &document).is_err());
        assert!(may_change_status(&operator, &document).is_ok());
        assert!(may_change_status(&reader, &document).is_err());
        assert!(may_manage(&root, &document).is_ok());
        assert!(may_manage(&operator, &document).is_err());
    }

    #[test]
    fn without_lists_whoever_is_let_in_may_do_everything() {
        let document = document(false);
        let stranger = Caller { user: "stranger".to_owned(), ..Caller::default() };
        assert_eq!(readable(&stranger, &document).unwrap(), None);
        assert!(may_change_status(&stranger, &document).is_ok());
        assert!(may_manage(&stranger, &document).is_ok());
    }
}
