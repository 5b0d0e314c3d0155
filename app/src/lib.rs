//! Ferry app
