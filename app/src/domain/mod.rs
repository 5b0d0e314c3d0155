//! Ferry domain
