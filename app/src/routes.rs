//! Every address of Ferry, once: builders for links, and the place of each page in the menu.

use domain::access::{Role, may_look, may_look_at_sources, may_manage_connections, may_manage_users};
use domain::id::{ConnectionId, ExportId, RunId, SegmentId, SourceId};
use serde::Serialize;

use crate::request::with_query;

/// Where the browser finds the generated files.
pub const ASSETS: &str = "/pkg";

/// The start page.
pub const HOME: &str = "/";
/// Sign-in.
pub const SIGN_IN: &str = "/sign-in";
/// Data sources.
pub const SOURCES: &str = "/data/sources";
/// Adding a data source.
pub const NEW_SOURCE: &str = "/data/sources/new";
/// The look at a file before it becomes a data source.
pub const SOURCE_PREVIEW: &str = "/data/sources/preview";
/// Profiles.
pub const PROFILES: &str = "/data/profiles";
/// Segments.
pub const SEGMENTS: &str = "/segments";
/// Adding a segment.
pub const NEW_SEGMENT: &str = "/segments/new";
/// Exports.
pub const EXPORTS: &str = "/data/exports";
/// Adding an export.
pub const NEW_EXPORT: &str = "/data/exports/new";
/// Connections.
pub const CONNECTIONS: &str = "/admin/connections";
/// Adding a connection.
pub const NEW_CONNECTION: &str = "/admin/connections/new";
/// People.
pub const USERS: &str = "/admin/users";
/// How the system refresh stands.
pub const SYSTEM: &str = "/admin/system";
/// When the system refresh comes.
pub const SYSTEM_SCHEDULE: &str = "/admin/system/schedule";
/// Where files are uploaded to.
pub const UPLOADS: &str = "/uploads";

/// Sign-in, and on to `path` afterwards.
pub fn sign_in_then(path: &str) -> String {
    #[derive(Serialize)]
    struct Query<'a> {
        next: &'a str,
    }
    if path.is_empty() || path == HOME { SIGN_IN.to_owned() } else { with_query(SIGN_IN, &Query { next: path }) }
}

/// `path` when it is a page of ours, else the start page: an address from outside never redirects elsewhere.
pub fn own_page(path: &str) -> &str {
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\n', '\r', '\t']);
    if ours { path } else { HOME }
}

/// One data source.
pub fn source(id: SourceId) -> String {
    format!("{SOURCES}/{id}")
}

/// Where a newer file for a data source is sent to.
pub fn newer_file(id: SourceId) -> String {
    format!("{UPLOADS}?source={id}")
}

/// The rows that the last refresh of a data source rejected, as a file.
pub fn rejected_rows(id: SourceId) -> String {
    format!("{SOURCES}/{id}/rejected.csv")
}

/// One segment.
pub fn segment(id: SegmentId) -> String {
    format!("{SEGMENTS}/{id}")
}

/// One export.
pub fn export(id: ExportId) -> String {
    format!("{EXPORTS}/{id}")
}

/// What the next run of an export would do.
pub fn dry_run(id: ExportId) -> String {
    format!("{EXPORTS}/{id}/dry-run")
}

/// The question before an export is removed.
pub fn remove_export(id: ExportId) -> String {
    format!("{EXPORTS}/{id}/remove")
}

/// A new export with the settings of another.
pub fn duplicate_export(id: ExportId) -> String {
    format!("{NEW_EXPORT}?from={id}")
}

/// The history of an export.
pub fn runs(id: ExportId) -> String {
    format!("{EXPORTS}/{id}/runs")
}

/// One run.
pub fn run(id: RunId) -> String {
    format!("/runs/{id}")
}

/// The rows of a run that did not arrive, as a file.
pub fn run_rows(id: RunId) -> String {
    format!("/runs/{id}/rows.csv")
}

/// A connection that is being added.
pub fn set_up_connection(id: ConnectionId) -> String {
    format!("{CONNECTIONS}/set-up/{id}")
}

/// One connection.
pub fn connection(id: ConnectionId) -> String {
    format!("{CONNECTIONS}/{id}")
}

/// The question before a connection is removed.
pub fn remove_connection(id: ConnectionId) -> String {
    format!("{CONNECTIONS}/{id}/remove")
}

/// The page of a one-time link for the first administrator.
pub fn set_up(token: &str) -> String {
    format!("/set-up/{token}")
}

/// The page of a one-time link for an invited person.
pub fn invitation(token: &str) -> String {
    format!("/invitation/{token}")
}

/// An entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MenuItem {
    /// Data > Sources.
    Sources,
    /// Data > Profiles.
    Profiles,
    /// Data > Exports.
    Exports,
    /// Segments.
    Segments,
    /// Admin > Connections.
    Connections,
    /// Admin > Users.
    Users,
    /// Admin > System.
    System,
}

impl MenuItem {
    /// The page.
    pub fn path(self) -> &'static str {
        match self {
            Self::Sources => SOURCES,
            Self::Profiles => PROFILES,
            Self::Exports => EXPORTS,
            Self::Segments => SEGMENTS,
            Self::Connections => CONNECTIONS,
            Self::Users => USERS,
            Self::System => SYSTEM,
        }
    }

    /// Is it in this role's menu?
    pub fn is_for(self, role: Role) -> bool {
        match self {
            Self::Sources => may_look_at_sources(role),
            Self::Profiles | Self::Exports | Self::Segments | Self::System => may_look(role),
            Self::Connections => may_manage_connections(role),
            Self::Users => may_manage_users(role),
        }
    }

    /// Does the page of this path belong to it?
    pub fn holds(self, path: &str) -> bool {
        path.strip_prefix(self.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            || self == Self::Exports && path.starts_with("/runs/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_redirected_to() {
        assert_eq!(own_page("/data/exports?sort=name"), "/data/exports?sort=name");
        for outside in ["//evil.example", "https://evil.example", "/\\evil.example", "", "evil"] {
            assert_eq!(own_page(outside), HOME);
        }
    }

    #[test]
    fn the_menu_shows_no_page_that_the_role_may_not_open() {
        assert!(MenuItem::Connections.is_for(Role::Administrator));
        assert!(!MenuItem::Connections.is_for(Role::Contributor));
        assert!(!MenuItem::Users.is_for(Role::Viewer));
        assert!(MenuItem::Exports.is_for(Role::Viewer));
    }

    #[test]
    fn a_run_belongs_to_the_exports() {
        assert!(MenuItem::Exports.holds("/runs/1"));
        assert!(MenuItem::Exports.holds("/data/exports/new"));
        assert!(!MenuItem::Segments.holds("/segmentsx"));
    }
}
