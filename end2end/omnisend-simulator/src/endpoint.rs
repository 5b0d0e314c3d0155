//! The calls that exist under `/api`, and which one a method and path mean. Answers live elsewhere.

use axum::http::Method;
use serde::Serialize;

/// One call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    ContactsList,
    ContactUpsert,
    ContactPatchByEmail,
    ContactGet,
    ContactPatch,
    TagsAdd,
    TagsRemove,
    BatchesList,
    BatchCreate,
    BatchGet,
    BatchItems,
    BrandCurrent,
    SegmentsList,
    SegmentCreate,
    SegmentGet,
    SegmentUpdate,
    SegmentDelete,
    SegmentStatistics,
    /// A path that does not exist.
    Unknown,
    /// A path that exists, asked with another method.
    WrongMethod,
}

impl Endpoint {
    /// The call and the id in its path. `path` begins after `/api`.
    pub fn resolve<'p>(method: &Method, path: &'p str) -> (Self, &'p str) {
        let mut parts = path.trim_matches('/').split('/');
        let parts = (parts.next().unwrap_or(""), parts.next(), parts.next(), parts.next());
        let (candidates, id): (&[(&Method, Self)], &str) = match parts {
            ("contacts", None, ..) => (
                &[
                    (&Method::GET, Self::ContactsList),
                    (&Method::POST, Self::ContactUpsert),
                    (&Method::PATCH, Self::ContactPatchByEmail),
                ],
                "",
            ),
            ("contacts", Some("tags"), None, _) => {
                (&[(&Method::POST, Self::TagsAdd), (&Method::DELETE, Self::TagsRemove)], "")
            }
            ("contacts", Some(id), None, _) => {
                (&[(&Method::GET, Self::ContactGet), (&Method::PATCH, Self::ContactPatch)], id)
            }
            ("batches", None, ..) => (&[(&Method::GET, Self::BatchesList), (&Method::POST, Self::BatchCreate)], ""),
            ("batches", Some(id), None, _) => (&[(&Method::GET, Self::BatchGet)], id),
            ("batches", Some(id), Some("items"), None) => (&[(&Method::GET, Self::BatchItems)], id),
            ("brands", Some("current"), None, _) => (&[(&Method::GET, Self::BrandCurrent)], ""),
            ("segments", None, ..) => (&[(&Method::GET, Self::SegmentsList), (&Method::POST, Self::SegmentCreate)], ""),
            ("segments", Some(id), None, _) => (
                &[
                    (&Method::GET, Self::SegmentGet),
                    (&Method::PUT, Self::SegmentUpdate),
                    (&Method::DELETE, Self::SegmentDelete),
                ],
                id,
            ),
            ("segments", Some(id), Some("statistics"), None) => (&[(&Method::GET, Self::SegmentStatistics)], id),
            _ => return (Self::Unknown, ""),
        };
        let found = candidates.iter().find(|(known, _)| *known == method).map(|(_, endpoint)| *endpoint);
        (found.unwrap_or(Self::WrongMethod), id)
    }

    /// How the log and the summary name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ContactsList => "GET /contacts",
            Self::ContactUpsert => "POST /contacts",
            Self::ContactPatchByEmail => "PATCH /contacts",
            Self::ContactGet => "GET /contacts/{id}",
            Self::ContactPatch => "PATCH /contacts/{id}",
            Self::TagsAdd => "POST /contacts/tags",
            Self::TagsRemove => "DELETE /contacts/tags",
            Self::BatchesList => "GET /batches",
            Self::BatchCreate => "POST /batches",
            Self::BatchGet => "GET /batches/{id}",
            Self::BatchItems => "GET /batches/{id}/items",
            Self::BrandCurrent => "GET /brands/current",
            Self::SegmentsList => "GET /segments",
            Self::SegmentCreate => "POST /segments",
            Self::SegmentGet => "GET /segments/{id}",
            Self::SegmentUpdate => "PUT /segments/{id}",
            Self::SegmentDelete => "DELETE /segments/{id}",
            Self::SegmentStatistics => "GET /segments/{id}/statistics",
            Self::Unknown => "unknown path",
            Self::WrongMethod => "wrong method",
        }
    }

    /// The scope it asks for; `None` where that depends on what the batch carries.
    pub fn scope(self) -> Option<&'static str> {
        match self {
            Self::ContactsList | Self::ContactGet => Some("contacts.read"),
            Self::ContactUpsert | Self::ContactPatchByEmail | Self::ContactPatch => Some("contacts.write"),
            Self::TagsAdd | Self::TagsRemove => Some("contacts.write"),
            Self::BrandCurrent => Some("brands.read"),
            Self::SegmentsList | Self::SegmentGet | Self::SegmentStatistics => Some("segments.read"),
            Self::SegmentCreate | Self::SegmentUpdate | Self::SegmentDelete => Some("segments.write"),
            Self::BatchesList | Self::BatchCreate | Self::BatchGet | Self::BatchItems => None,
            Self::Unknown | Self::WrongMethod => None,
        }
    }

    /// Whether it changes anything at the vendor.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::ContactUpsert
                | Self::ContactPatchByEmail
                | Self::ContactPatch
                | Self::TagsAdd
                | Self::TagsRemove
                | Self::BatchCreate
                | Self::SegmentCreate
                | Self::SegmentUpdate
                | Self::SegmentDelete
        )
    }
}

impl Serialize for Endpoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
