//! The fields of a request: form-encoded, from the body or behind the question mark.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

/// The fields by name; the last of equal names counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the query and the body.
    pub(crate) fn parse(query: &str, body: &[u8]) -> Self {
        let query = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self(query.chain(form_urlencoded::parse(body).into_owned()).collect())
    }

    /// Returns a field, empty when it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Says whether a field is set to something that means yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), "1" | "true" | "on")
    }

    /// Reads the JSON in the field `data_json`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(self.get("data_json"))
            .map_err(|error| format!("the field 'data_json' cannot be read: {error}"))
    }
}

/// Finds a cookie in a `Cookie` header.
pub(crate) fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_from_query_and_body() {
        let form = Form::parse("component=pacemaker&force=1", b"name=a+b%3D&force=0");
        assert_eq!(form.get("component"), "pacemaker");
        assert_eq!(form.get("name"), "a b=");
        assert!(!form.flag("force"));
        assert_eq!(form.get("none"), "");
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let header = "xtoken=1; token=abc; CIB_user=hacluster";
        assert_eq!(cookie(header, "token"), Some("abc"));
        assert_eq!(cookie(header, "CIB_user"), Some("hacluster"));
        assert_eq!(cookie(header, "user"), None);
    }
}
