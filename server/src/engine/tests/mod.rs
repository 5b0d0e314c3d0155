//! The engine against the real simulator over HTTP, with real databases, plans and ledgers.
