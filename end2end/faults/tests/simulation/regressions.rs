//! Seeds that once broke a promise, by the name of what was wrong.
