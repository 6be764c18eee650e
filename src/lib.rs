//! Countersign: change-gated configuration. Nothing runs on a node unless the required people
//! signed exactly that. `ARCHITECTURE.md` is the map; the modules below are its rooms.

pub mod agent;
pub mod audit;
pub mod cli;
pub mod model;
pub mod module;
pub mod policy;
pub mod repo;
pub mod review;
pub mod sealing;
pub mod server;
pub mod shell;
pub mod signing;
pub mod store;
