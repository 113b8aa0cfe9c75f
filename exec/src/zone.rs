//! This machine's local time.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

/// Where zones are kept; TZDIR is of no use to a daemon.
const ZONES: &str = "/usr/share/zoneinfo";

/// Returns the zone of local time as the C library has it: what `TZ` names (a file of the zone
/// database, or a rule of POSIX), else `/etc/localtime`, else UTC.
///
/// jiff's own search of the system's zone reads all directories of the database first, which takes
/// as long as a small plan.
pub fn local_zone() -> TimeZone {
    let named = std::env::var("TZ").ok();
    find(named.as_deref(), Path::new("/etc/localtime"))
}

fn find(named: Option<&str>, default: &Path) -> TimeZone {
    let Some(named) = named else { return read(default).unwrap_or(TimeZone::UTC) };
    let name = named.strip_prefix(':').unwrap_or(named);
    if name.is_empty() {
        return TimeZone::UTC;
    }
    // an absolute path stays what it is when it is joined
    let file: PathBuf = Path::new(ZONES).join(name);
    read(&file).or_else(|| TimeZone::posix(name).ok()).unwrap_or(TimeZone::UTC)
}

fn read(file: &Path) -> Option<TimeZone> {
    TimeZone::tzif("", &fs::read(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::find;

    fn offset(zone: &TimeZone, moment: &str) -> i32 {
        zone.to_offset(moment.parse::<Timestamp>().unwrap()).seconds()
    }

    #[test]
    fn a_rule_of_posix_is_understood() {
        let zone = find(Some("CET-1CEST,M3.5.0,M10.5.0/3"), Path::new("/none"));
        assert_eq!(offset(&zone, "2026-01-02T00:00:00Z"), 3600);
        assert_eq!(offset(&zone, "2026-07-02T00:00:00Z"), 7200);
    }

    #[test]
    fn nothing_known_is_utc() {
        for named in [None, Some(""), Some(":"), Some("No/Such_Zone"), Some("/dev/null")] {
            let zone = find(named, Path::new("/none"));
            assert_eq!(offset(&zone, "2026-07-02T00:00:00Z"), 0, "{named:?}");
        }
    }

    #[test]
    fn a_file_of_the_database_counts() {
        let file = Path::new("/usr/share/zoneinfo/Europe/Berlin");
        // a machine without the database has nothing to read
        let expected = if file.exists() { 7200 } else { 0 };
        for named in ["Europe/Berlin", ":Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin"] {
            let zone = find(Some(named), Path::new("/none"));
            assert_eq!(offset(&zone, "2026-07-02T00:00:00Z"), expected, "{named}");
        }
        let zone = find(None, file);
        assert_eq!(offset(&zone, "2026-07-02T00:00:00Z"), expected);
    }
}
