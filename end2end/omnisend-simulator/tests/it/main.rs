//! The simulator held against the vendor's documents, over real HTTP. Each numbered rule of the README
//! has tests that name it by what it says.

mod batches;
mod contacts;
mod control;
mod errors;
mod faults;
mod limits;
mod paging;
mod program;
mod shapes;
mod stage;
mod tags;
