//! What the tests of delivery share: the [`oracle`], which says after any run whether a promise was broken, the bad
//! network of a [`proxy`], seeded [`chance`], and [`simulated`] time. The oracle looks at the simulator's own log and at the
//! tables of Ferry's database from outside, and uses no line of Ferry's: a mistake must not hide in both.

pub mod chance;
pub mod oracle;
pub mod proxy;
pub mod settings;
pub mod simulated;
