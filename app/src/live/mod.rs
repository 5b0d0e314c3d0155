//! The islands: all that runs in the browser, one file each, named `live_*.rs`. An island is a leaf: it takes plain
//! owned props, calls no other island, and the server has already drawn something useful in its place. Its texts come
//! as props or from its server function, in the person's language, so that no translations travel as code.

pub mod live_progress;
