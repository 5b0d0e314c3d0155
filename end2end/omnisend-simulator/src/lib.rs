//! Omnisend simulator
