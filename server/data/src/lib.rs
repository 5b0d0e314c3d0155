//! Ferry data
