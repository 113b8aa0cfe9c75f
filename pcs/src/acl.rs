//! Access control lists: roles, users, groups, permissions.

use cib::Element;
use serde::Serialize;

use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::options::Wanted;
use crate::report::{Failed, Outcome};

/// A permission as somebody typed it: what, of which kind, where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// `read`, `write` or `deny`.
    pub kind: String,
    /// `xpath` or `id`.
    pub scope: String,
    /// The path or the id.
    pub target: String,
}

const KINDS: [&str; 3] = ["deny", "read", "write"];

/// Whom a role is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A user.
    User,
    /// A group.
    Group,
    /// A user, else a group.
    Either,
}

impl Holder {
    fn element(self) -> &'static str {
        if self == Self::Group { "acl_group" } else { "acl_target" }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::User => "ACL user",
            Self::Group => "ACL group",
            Self::Either => "ACL group / ACL user",
        }
    }
}

fn acls(cib: &Element) -> impl Iterator<Item = &Element> {
    cib.at(&["configuration", "acls"]).into_iter().flat_map(Element::children)
}

fn find<'a>(cib: &'a Element, name: &str, id: &str) -> Option<&'a Element> {
    acls(cib).find(|e| e.name() == name && e.id() == Some(id))
}

fn not_found(cib: &Element, id: &str, kind: &str) -> Message {
    if ids::exists(cib, id) {
        Message::IdIsNotAn { id: id.into(), kind: kind.into() }
    } else {
        Message::IdNotFound { id: id.into(), kinds: vec![kind.into()], near: None }
    }
}

/// What the lists say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AclView {
    /// Whether they hold.
    pub enabled: bool,
    /// Who has which roles.
    pub users: Vec<HolderView>,
    /// The same for groups.
    pub groups: Vec<HolderView>,
    /// What the roles allow.
    pub roles: Vec<RoleView>,
}

/// Who has roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HolderView {
    /// The name of the user or group.
    pub id: String,
    /// The ids of roles.
    pub roles: Vec<String>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it allows and denies.
    pub permissions: Vec<PermissionView>,
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PermissionView {
    /// Its id.
    pub id: String,
    /// `read`, `write` or `deny`.
    pub kind: String,
    /// `xpath`, `id` or `object-type`.
    pub scope: String,
    /// The path, the id or the element's name.
    pub target: String,
}

/// Reads the lists.
pub fn view(cib: &Element) -> AclView {
    let id = |e: &Element| e.id().unwrap_or_default().to_owned();
    let holders = |name| {
        let named = acls(cib).filter(|e| e.name() == name);
        named
            .map(|e| HolderView { id: id(e), roles: e.children_named("role").map(id).collect() })
            .collect()
    };
    let permission = |e: &Element| {
        let (scope, target) = match (e.get("xpath"), e.get("reference")) {
            (Some(xpath), _) => ("xpath", xpath),
            (None, Some(reference)) => ("id", reference),
            (None, None) => ("object-type", e.get("object-type").unwrap_or_default()),
        };
        PermissionView {
            id: id(e),
            kind: e.get("kind").unwrap_or_default().to_owned(),
            scope: scope.to_owned(),
            target: target.to_owned(),
        }
    };
    let role = |e: &Element| RoleView {
        id: id(e),
        description: e.get("description").map(str::to_owned),
        permissions: e.children_named("acl_permission").map(permission).collect(),
    };
    AclView {
        enabled: crate::property::value(cib, "enable-acl").is_some_and(crate::options::is_true),
        users: holders("acl_target"),
        groups: holders("acl_group"),
        roles: acls(cib).filter(|e| e.name() == "acl_role").map(role).collect(),
    }
}

fn check_permissions(env: &mut Environment<'_>, permissions: &[Permission]) {
    for permission in permissions {
        let kind = &permission.kind;
        env.check_value("permission", kind, KINDS.contains(&kind.as_str()), Wanted::Choice(&KINDS));
        let scopes = ["id", "xpath"];
        let scope = &permission.scope;
        env.check_value(
            "scope type",
            scope,
            scopes.contains(&scope.as_str()),
            Wanted::Choice(&scopes),
        );
        if scope == "id" && !ids::exists(&env.cib, &permission.target) {
            env.error(Message::IdNotFound {
                id: permission.target.clone(),
                kinds: vec!["id".into()],
                near: None,
            });
        }
    }
}

fn build_permission(
    cib: &Element,
    role: &str,
    permission: &Permission,
    taken: &mut Vec<String>,
) -> Element {
    let id = ids::free_besides(cib, &format!("{role}-{}", permission.kind), taken);
    taken.push(id.clone());
    let key = if permission.scope == "id" { "reference" } else { "xpath" };
    Element::new("acl_permission")
        .with("id", id)
        .with("kind", permission.kind.as_str())
        .with(key, permission.target.as_str())
}

/// Makes a role.
///
/// # Errors
/// Reported.
pub fn create_role(
    env: &mut Environment<'_>,
    id: &str,
    description: Option<&str>,
    permissions: &[Permission],
) -> Outcome {
    check_permissions(env, permissions);
    env.checked()?;
    env.check_new_id(id, "ACL role");
    env.checked()?;
    let mut role = Element::new("acl_role").with("id", id);
    if let Some(description) = description {
        role.set("description", description);
    }
    let mut taken = vec![id.to_owned()];
    for permission in permissions {
        role.push(build_permission(&env.cib, id, permission, &mut taken));
    }
    env.section("acls").push(role);
    Ok(())
}

/// Deletes a role and takes it from everybody; with `with_empty_holders` those who have no other
/// go too.
///
/// # Errors
/// Said.
pub fn delete_role(env: &mut Environment<'_>, id: &str, with_empty_holders: bool) -> Outcome {
    if find(&env.cib, "acl_role", id).is_none() {
        return Err(Failed::because(not_found(&env.cib, id, "ACL role")));
    }
    let acls = env.section("acls");
    acls.retain_children(|e| !(e.name() == "acl_role" && e.id() == Some(id)));
    let mut emptied = Vec::new();
    for holder in acls.children_mut().filter(|e| e.name() != "acl_role") {
        let had = holder.children().any(|r| r.id() == Some(id));
        holder.retain_children(|r| r.id() != Some(id));
        if had && holder.child("role").is_none() {
            emptied.extend(holder.id().map(str::to_owned));
        }
    }
    if with_empty_holders {
        acls.retain_children(|e| {
            e.name() == "acl_role" || !e.id().is_some_and(|id| emptied.iter().any(|h| h == id))
        });
    }
    Ok(())
}

fn find_holder(env: &Environment<'_>, who: &str, holder: Holder) -> Outcome<&'static str> {
    if find(&env.cib, holder.element(), who).is_some() {
        return Ok(holder.element());
    }
    if holder == Holder::Either {
        if find(&env.cib, "acl_group", who).is_some() {
            return Ok("acl_group");
        }
        if ids::exists(&env.cib, who) {
            return Err(Failed::because(not_found(&env.cib, who, "ACL user")));
        }
    }
    Err(Failed::because(not_found(&env.cib, who, holder.kind())))
}

/// Gives somebody a role.
///
/// # Errors
/// Said.
pub fn assign(env: &mut Environment<'_>, role: &str, who: &str, holder: Holder) -> Outcome {
    let name = find_holder(env, who, holder)?;
    if find(&env.cib, "acl_role", role).is_none() {
        return Err(Failed::because(not_found(&env.cib, role, "ACL role")));
    }
    let acls = env.section("acls");
    let found = acls.children_mut().find(|e| e.name() == name && e.id() == Some(who));
    if let Some(element) = found {
        if element.children().any(|r| r.id() == Some(role)) {
            return Err(Failed::because(Message::RoleAlreadyAssigned {
                role: role.into(),
                who: who.into(),
            }));
        }
        element.push(Element::new("role").with("id", role));
    }
    Ok(())
}

/// Takes a role from somebody.
///
/// # Errors
/// Said.
pub fn unassign(
    env: &mut Environment<'_>,
    role: &str,
    who: &str,
    holder: Holder,
    with_empty_holders: bool,
) -> Outcome {
    let name = find_holder(env, who, holder)?;
    let acls = env.section("acls");
    let found = acls.children_mut().find(|e| e.name() == name && e.id() == Some(who));
    let Some(element) = found else { return Ok(()) };
    if element.remove_child(|r| r.id() == Some(role)).is_none() {
        return Err(Failed::because(Message::RoleNotAssigned {
            role: role.into(),
            who: who.into(),
        }));
    }
    if with_empty_holders && element.child("role").is_none() {
        acls.retain_children(|e| !(e.name() == name && e.id() == Some(who)));
    }
    Ok(())
}

/// Makes a user or a group with roles.
///
/// # Errors
/// Said.
pub fn create_holder(
    env: &mut Environment<'_>,
    who: &str,
    holder: Holder,
    roles: &[String],
) -> Outcome {
    let name = holder.element();
    if holder == Holder::Group
        && let Some(message) = ids::check(who, "ACL group")
    {
        return Err(Failed::because(message));
    }
    if find(&env.cib, name, who).is_some()
        || (holder == Holder::Group && ids::exists(&env.cib, who))
    {
        return Err(Failed::because(Message::IdAlreadyExists { id: who.into() }));
    }
    for role in roles {
        if find(&env.cib, "acl_role", role).is_none() {
            let message = not_found(&env.cib, role, "ACL role");
            env.error(message);
        }
    }
    if env.has_errors() {
        return Err(Failed::Said);
    }
    let mut element = Element::new(name).with("id", who);
    for (n, role) in roles.iter().enumerate() {
        if roles[..n].contains(role) {
            return Err(Failed::because(Message::RoleAlreadyAssigned {
                role: role.clone(),
                who: who.into(),
            }));
        }
        element.push(Element::new("role").with("id", role.as_str()));
    }
    env.section("acls").push(element);
    Ok(())
}

/// Deletes a user or a group.
///
/// # Errors
/// Said.
pub fn delete_holder(env: &mut Environment<'_>, who: &str, holder: Holder) -> Outcome {
    let name = holder.element();
    if find(&env.cib, name, who).is_none() {
        return Err(Failed::because(not_found(&env.cib, who, holder.kind())));
    }
    env.section("acls").retain_children(|e| !(e.name() == name && e.id() == Some(who)));
    Ok(())
}

/// Adds permissions to a role, which is made when it is missing.
///
/// # Errors
/// Reported.
pub fn add_permissions(
    env: &mut Environment<'_>,
    role: &str,
    permissions: &[Permission],
) -> Outcome {
    check_permissions(env, permissions);
    env.checked()?;
    if find(&env.cib, "acl_role", role).is_none() {
        if ids::exists(&env.cib, role) {
            return Err(Failed::because(not_found(&env.cib, role, "ACL role")));
        }
        env.check_new_id(role, "ACL role");
        env.checked()?;
        env.section("acls").push(Element::new("acl_role").with("id", role));
    }
    let mut taken = Vec::new();
    for permission in permissions {
        let element = build_permission(&env.cib, role, permission, &mut taken);
        let acls = env.section("acls");
        if let Some(role) =
            acls.children_mut().find(|e| e.name() == "acl_role" && e.id() == Some(role))
        {
            role.push(element);
        }
    }
    Ok(())
}

/// Deletes a permission.
///
/// # Errors
/// Said.
pub fn delete_permission(env: &mut Environment<'_>, id: &str) -> Outcome {
    let is_it = |e: &Element| e.name() == "acl_permission" && e.id() == Some(id);
    if !acls(&env.cib).flat_map(Element::children).any(is_it) {
        return Err(Failed::because(not_found(&env.cib, id, "ACL permission")));
    }
    for role in env.section("acls").children_mut() {
        role.retain_children(|e| !is_it(e));
    }
    Ok(())
}
