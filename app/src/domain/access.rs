//! Who may do what: pure functions that the menu, the row and the service all call. Nowhere else is a right decided.

use serde::{Deserialize, Serialize};

use crate::id::UserId;

/// The three roles; each one includes the rights of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at segments, profiles, exports and runs.
    Viewer,
    /// Builds data sources and segments, and exports over connections shared with contributors.
    Contributor,
    /// Does everything.
    Administrator,
}

impl Role {
    /// All roles, lowest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Contributor, Self::Administrator];

    /// The name in the database, in files and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Contributor => "contributor",
            Self::Administrator => "administrator",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Who may build exports over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Only administrators (the default).
    Administrators,
    /// Administrators and contributors.
    AdministratorsAndContributors,
}

impl Audience {
    /// The name in the database and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrators => "administrators",
            Self::AdministratorsAndContributors => "administrators_and_contributors",
        }
    }

    /// The audience of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Administrators, Self::AdministratorsAndContributors].into_iter().find(|a| a.as_str() == name)
    }
}

/// The person making a request, as known at this very request: a changed role acts at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who it is.
    pub id: UserId,
    /// The address they sign in with; also shown as their name.
    pub email: String,
    /// Their role now.
    pub role: Role,
}

/// May look at segments, profiles, exports, the history, and how the system refresh stands.
pub fn may_look(role: Role) -> bool {
    match role {
        Role::Viewer | Role::Contributor | Role::Administrator => true,
    }
}

/// May look at data sources: their places, their columns and the rows that were rejected.
pub fn may_look_at_sources(role: Role) -> bool {
    may_edit_data(role)
}

/// May add, refresh, change and remove data sources and segments.
pub fn may_edit_data(role: Role) -> bool {
    match role {
        Role::Contributor | Role::Administrator => true,
        Role::Viewer => false,
    }
}

/// May name a file or folder on the server's own disk as a data source. The server's disk is the operator's
/// business, so this is not left to contributors.
pub fn may_read_server_files(role: Role) -> bool {
    role == Role::Administrator
}

/// May see, add, edit, share and remove connections.
pub fn may_manage_connections(role: Role) -> bool {
    role == Role::Administrator
}

/// May add people, change their roles and disable them.
pub fn may_manage_users(role: Role) -> bool {
    role == Role::Administrator
}

/// May look at and set when the system refresh comes, start it and stop it, and choose the customer table.
pub fn may_manage_system(role: Role) -> bool {
    role == Role::Administrator
}

/// May build an export over a connection with this audience.
pub fn may_use_connection(role: Role, audience: Audience) -> bool {
    match (role, audience) {
        (Role::Administrator, _) | (Role::Contributor, Audience::AdministratorsAndContributors) => true,
        (Role::Contributor, Audience::Administrators) | (Role::Viewer, _) => false,
    }
}

/// May know the name of a connection with this audience, where an export uses it.
pub fn may_know_connection(role: Role, audience: Audience) -> bool {
    role == Role::Administrator || audience == Audience::AdministratorsAndContributors
}

/// May change, schedule, run, duplicate or remove an export.
///
/// Contributors may do so with every export over a connection shared with them, including exports made by others. An
/// export without a connection belongs to administrators until one is assigned.
pub fn may_edit_export(role: Role, connection: Option<Audience>) -> bool {
    match (role, connection) {
        (Role::Administrator, _) => true,
        (Role::Contributor | Role::Viewer, Some(audience)) => may_use_connection(role, audience),
        (Role::Contributor | Role::Viewer, None) => false,
    }
}

/// May add an export at all: somebody who could use at least one audience.
pub fn may_add_export(role: Role) -> bool {
    may_use_connection(role, Audience::AdministratorsAndContributors)
}

/// May take an export's connection away while keeping the export.
pub fn may_detach_connection(role: Role) -> bool {
    role == Role::Administrator
}

/// May this person decide that subscription statuses leave with an export?
pub fn may_choose_status(role: Role) -> bool {
    role == Role::Administrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_table_holds_for_every_role_and_audience() {
        use Audience::{Administrators as Closed, AdministratorsAndContributors as Shared};
        for role in Role::ALL {
            let admin = role == Role::Administrator;
            let edits = role != Role::Viewer;
            assert!(may_look(role));
            assert_eq!(may_look_at_sources(role), edits);
            assert_eq!(may_edit_data(role), edits);
            assert_eq!(may_manage_connections(role), admin);
            assert_eq!(may_manage_users(role), admin);
            assert_eq!(may_manage_system(role), admin);
            assert_eq!(may_read_server_files(role), admin);
            assert_eq!(may_detach_connection(role), admin);
            assert_eq!(may_choose_status(role), admin);
            assert_eq!(may_add_export(role), edits);
            assert_eq!(may_know_connection(role, Closed), admin);
            assert!(may_know_connection(role, Shared));
            assert_eq!(may_edit_export(role, Some(Closed)), admin);
            assert_eq!(may_edit_export(role, Some(Shared)), edits);
            assert_eq!(may_edit_export(role, None), admin);
        }
    }

    #[test]
    fn names_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("owner"), None);
    }
}
