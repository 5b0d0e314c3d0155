//! Ferry server
