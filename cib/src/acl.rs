//! Who may see and change what, by the access lists in the document itself.
//!
//! The permission nearest to an element decides: its own, else its parent's, and so on up. Where
//! several hold for the same element, deny outweighs write, and write outweighs read.

use std::collections::BTreeMap;

use model::ExitCode;

use crate::edit::{self, EditError, Request};
use crate::patch;
use crate::path::Path;
use crate::tree::{Content, Element};
use crate::xpath::Query;

/// What a permission grants; in the order in which they outweigh each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// May be seen.
    Read,
    /// May be seen and changed.
    Write,
    /// May not even be seen.
    Deny,
}

/// What one user may do with a document.
#[derive(Clone, Debug)]
pub enum Permissions {
    /// Everything: access lists are off, or the user is above them.
    All,
    /// Only what these grant; nothing for a user whom no list names.
    Listed {
        /// Whose permissions these are, for messages.
        user: String,
        /// What is granted where.
        rules: Vec<(Grant, Query)>,
    },
}

/// Users whom access lists do not bind, since they own the document's files.
const ABOVE_LISTS: [&str; 2] = ["root", "hacluster"];

/// Where the grants of one user lie in one document.
type Marks = BTreeMap<Vec<usize>, Grant>;

impl Permissions {
    /// Reads what the document's lists grant a user who is in these groups.
    pub fn of(document: &Element, user: &str, groups: &[String]) -> Self {
        if ABOVE_LISTS.contains(&user) || !enabled(document) {
            return Self::All;
        }
        let lists = document.at(&["configuration", "acls"]);
        let applies = |list: &Element| {
            let name = list.get("name").or_else(|| list.id()).unwrap_or_default();
            match list.name() {
                "acl_target" | "acl_user" => name == user,
                "acl_group" => groups.iter().any(|group| group == name),
                _ => false,
            }
        };
        let rules = lists
            .into_iter()
            .flat_map(Element::children)
            .filter(|list| applies(list))
            .flat_map(|list| list.children_named("role"))
            .filter_map(Element::id)
            .filter_map(|role| {
                lists?.children_named("acl_role").find(|candidate| candidate.id() == Some(role))
            })
            .flat_map(|role| role.children_named("acl_permission"))
            .filter_map(rule)
            .collect();
        Self::Listed { user: user.to_owned(), rules }
    }

    /// Returns what of the document may be seen; none when nothing may.
    ///
    /// What lies above a visible element shows its name and id only.
    pub fn readable(&self, document: &Element) -> Option<Element> {
        match self {
            Self::All => Some(document.clone()),
            Self::Listed { rules, .. } => {
                let marks = marks(document, rules);
                visible(document, &mut Vec::new(), None, &marks)
            }
        }
    }

    /// Makes sure that all that differs between two documents may be changed.
    ///
    /// # Errors
    /// Names the first place that may not.
    pub fn check(&self, old: &Element, new: &Element) -> Result<(), EditError> {
        let Self::Listed { user, rules } = self else { return Ok(()) };
        let (before, after) = (marks(old, rules), marks(new, rules));
        for change in patch::diff_unversioned(old, new).children_named("change") {
            let text = change.get("path").unwrap_or_default();
            let allowed = match change.get("operation") {
                // a new element is judged by where it stands now
                Some("create") => may_create(change, text, new, &after),
                Some("modify") if text == "/cib" && only_versions(change) => true,
                _ => {
                    may_write(text, old, &before)
                        && (change.get("operation") != Some("modify")
                            || may_write(text, new, &after))
                }
            };
            if !allowed {
                return Err(EditError {
                    code: ExitCode::InsufficientPriv,
                    message: format!("the access lists do not let user `{user}` change {text}"),
                });
            }
        }
        Ok(())
    }

    /// Applies a request as far as these permissions allow.
    ///
    /// # Errors
    /// As [`edit::apply`], and when the request changes what may not be changed.
    pub fn apply(&self, old: &Element, request: &Request) -> Result<Element, EditError> {
        let new = edit::apply(old, request)?;
        self.check(old, &new)?;
        Ok(new)
    }
}

/// Tells whether the document's access lists are on.
pub fn enabled(document: &Element) -> bool {
    document
        .at(&["configuration", "crm_config"])
        .into_iter()
        .flat_map(Element::children)
        .flat_map(Element::children)
        .find(|pair| pair.get("name") == Some("enable-acl"))
        .and_then(|pair| pair.get("value"))
        .is_some_and(|value| {
            matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y" | "1")
        })
}

fn rule(permission: &Element) -> Option<(Grant, Query)> {
    let grant = match permission.get("kind")? {
        "read" => Grant::Read,
        "write" => Grant::Write,
        "deny" => Grant::Deny,
        _ => return None,
    };
    let with = permission.get("attribute").map(|name| format!("[@{name}]")).unwrap_or_default();
    let xpath = if let Some(xpath) = permission.get("xpath") {
        xpath.to_owned()
    } else if let Some(id) = permission.get("reference") {
        format!("//*[@id='{id}']{with}")
    } else {
        format!("//{}{with}", permission.get("object-type")?)
    };
    Some((grant, Query::parse(&xpath).ok()?))
}

fn marks(document: &Element, rules: &[(Grant, Query)]) -> Marks {
    let mut marks = Marks::new();
    for (grant, query) in rules {
        // a question that takes too long grants nothing; a denial like that denies everything
        let places: Vec<Vec<usize>> = match query.select(document) {
            Ok(found) => found.into_iter().map(|found| found.place).collect(),
            Err(_) if *grant == Grant::Deny => vec![Vec::new()],
            Err(_) => Vec::new(),
        };
        for place in places {
            let mark = marks.entry(place).or_insert(*grant);
            *mark = (*mark).max(*grant);
        }
    }
    marks
}

fn visible(
    element: &Element,
    place: &mut Vec<usize>,
    inherited: Option<Grant>,
    marks: &Marks,
) -> Option<Element> {
    let grant = marks.get(place).copied().or(inherited);
    let readable = matches!(grant, Some(Grant::Read | Grant::Write));
    let mut shown = if readable {
        element.without_content()
    } else {
        let mut bare = Element::new(element.name());
        if let Some(id) = element.id() {
            bare.set("id", id);
        }
        bare
    };
    let mut any = false;
    for (at, content) in element.content().iter().enumerate() {
        match content {
            Content::Element(child) => {
                place.push(at);
                if let Some(child) = visible(child, place, grant, marks) {
                    shown.push(child);
                    any = true;
                }
                place.pop();
            }
            other if readable => shown.content_mut().push(other.clone()),
            Content::Text(_) | Content::Comment(_) => {}
        }
    }
    (readable || any).then_some(shown)
}

/// Returns what holds at a place: its own mark, else the nearest above.
fn grant_at(place: &[usize], marks: &Marks) -> Option<Grant> {
    (0..=place.len()).rev().find_map(|length| marks.get(&place[..length]).copied())
}

fn may_write(text: &str, document: &Element, marks: &Marks) -> bool {
    // a comment's path ends in a word that names no element; its parent decides
    let parent = text.strip_suffix("/comment").unwrap_or(text);
    let place = Path::parse(text)
        .ok()
        .and_then(|path| path.place(document))
        .or_else(|| Path::parse(parent).ok().and_then(|path| path.place(document)));
    place.is_some_and(|place| {
        grant_at(&place, marks) == Some(Grant::Write) && !denied_below(&place, marks)
    })
}

/// Tells whether something inside may not be touched; then the whole can't be taken away either.
fn denied_below(place: &[usize], marks: &Marks) -> bool {
    marks
        .range(place.to_vec()..)
        .take_while(|(other, _)| other.starts_with(place))
        .any(|(_, grant)| *grant != Grant::Write)
}

fn may_create(change: &Element, text: &str, new: &Element, marks: &Marks) -> bool {
    let Some(mut place) = Path::parse(text).ok().and_then(|path| path.place(new)) else {
        return false;
    };
    let position = change.get("position").and_then(|p| p.parse::<usize>().ok());
    place.extend(position);
    grant_at(&place, marks) == Some(Grant::Write) && !denied_below(&place, marks)
}

/// Every change raises the version; that takes no permission.
fn only_versions(change: &Element) -> bool {
    change.children_named("change-list").flat_map(Element::children).all(|attribute| {
        attribute.get("name").is_some_and(|name| crate::Version::ATTRIBUTES.contains(&name))
    })
}

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::Permissions;
    use crate::edit::{Request, Target};
    use crate::{Element, parse};

    fn document() -> Element {
        parse(r#"<cib validate-with="none" epoch="5" num_updates="3" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="cs"><nvpair id="cn" name="enable-acl" value="true"/></cluster_property_set></crm_config>
<resources><primitive id="A" type="D"><instance_attributes id="Ai"><nvpair id="Ain" name="password" value="s"/></instance_attributes></primitive><primitive id="B" type="D"/></resources>
<acls><acl_target id="reader"><role id="r"/></acl_target><acl_target id="owner"><role id="w"/></acl_target><acl_group id="ops"><role id="w2"/></acl_group>
<acl_role id="r"><acl_permission id="p1" kind="read" xpath="/cib"/><acl_permission id="p2" kind="deny" xpath="//nvpair[@name='password']"/></acl_role>
<acl_role id="w"><acl_permission id="p3" kind="write" reference="A"/><acl_permission id="p3r" kind="read" reference="A"/></acl_role>
<acl_role id="w2"><acl_permission id="p4" kind="write" xpath="//resources"/><acl_permission id="p5" kind="deny" object-type="nvpair" attribute="value"/></acl_role>
</acls></configuration><status/></cib>"#).unwrap()
    }

    fn of(user: &str, group: &str) -> Permissions {
        Permissions::of(&document(), user, &[group.to_owned()])
    }

    fn xpath(text: &str) -> Target {
        Target::XPath(text.to_owned())
    }

    #[test]
    fn what_may_not_be_read_is_not_there() {
        let document = document();
        assert_eq!(of("root", "").readable(&document), Some(document.clone()));
        assert_eq!(of("stranger", "").readable(&document), None);
        let seen = of("reader", "").readable(&document).unwrap();
        assert!(seen.find_id("B").is_some() && seen.find_id("Ai").is_some());
        assert!(seen.find_id("Ain").is_none());
        let seen = of("owner", "").readable(&document).unwrap();
        assert_eq!(
            seen.to_xml_compact(),
            "<cib><configuration><resources><primitive id=\"A\" type=\"D\">\
             <instance_attributes id=\"Ai\"><nvpair id=\"Ain\" name=\"password\" value=\"s\"/>\
             </instance_attributes></primitive></resources></configuration></cib>"
        );
    }

    #[test]
    fn what_may_not_be_written_stays() {
        let modify = |id: &str| Request::Modify {
            target: Target::Document,
            xml: Element::new("primitive").with("id", id).with("type", "S"),
            allow_create: false,
        };
        let create = Request::Create {
            target: Target::Section("resources".into()),
            xml: Element::new("primitive").with("id", "C"),
        };
        let delete = |what: &str| Request::Delete { target: xpath(what), xml: None };
        let try_it = |user: &str, group: &str, request: &Request| {
            of(user, group).apply(&document(), request).map(|_| ()).map_err(|e| e.code)
        };
        let denied = Err(ExitCode::InsufficientPriv);
        assert_eq!(try_it("root", "", &modify("B")), Ok(()));
        assert_eq!(try_it("owner", "", &modify("A")), Ok(()));
        assert_eq!(try_it("owner", "", &modify("B")), denied);
        assert_eq!(try_it("owner", "", &create), denied);
        assert_eq!(try_it("reader", "", &modify("A")), denied);
        assert_eq!(try_it("stranger", "", &modify("A")), denied);
        assert_eq!(try_it("one", "ops", &create), Ok(()));
        assert_eq!(try_it("one", "ops", &delete("//primitive[@id='B']")), Ok(()));
        // A holds what this group may not touch
        assert_eq!(try_it("one", "ops", &delete("//primitive[@id='A']")), denied);
        assert_eq!(try_it("one", "ops", &delete("//nvpair[@id='Ain']")), denied);
        assert_eq!(try_it("one", "ops", &delete("//acl_role[@id='w2']")), denied);
    }

    #[test]
    fn lists_that_are_off_bind_nobody() {
        let text = document().to_xml().replace("value=\"true\"", "value=\"false\"");
        let off = parse(&text).unwrap();
        assert!(matches!(Permissions::of(&off, "stranger", &[]), Permissions::All));
    }
}
