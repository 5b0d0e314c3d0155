//! Typed identifiers. Each is a UUID, stored and shown as its hyphenated text.

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id! {
    /// A person who may sign in.
    UserId,
    /// A data source.
    SourceId,
    /// A segment.
    SegmentId,
    /// A connection.
    ConnectionId,
    /// An export.
    ExportId,
    /// A run of an export.
    RunId,
    /// A system refresh.
    JobId,
}
