//! The words of Countersign as types: names, digests, times, resources, facts, catalogs, findings.
//!
//! Layer 0. No I/O, no clock, no randomness, and no import of any other module of the crate.

pub mod canonical;
pub mod catalog;
pub mod checkpoint;
pub mod digest;
pub mod expr;
pub mod fact;
pub mod finding;
pub mod graph;
pub mod name;
pub mod report;
pub mod resource;
pub mod safety;
pub mod secret;
pub mod spelled;
pub mod stamp;
pub mod text;
pub mod tree;
pub mod wire;

pub use catalog::Catalog;
pub use checkpoint::Checkpoint;
pub use digest::Digest;
pub use expr::Expr;
pub use fact::{FactPath, Facts};
pub use finding::{Finding, Place, Related, Severity};
pub use name::{EnvName, ModuleName, NodeName, Principal, RoleName, SecretName};
pub use resource::{Kind, Meta, Ref, Resource, Spec};
pub use secret::{Sealed, SealingKey, Secret};
pub use stamp::Stamp;
pub use text::Text;
pub use tree::Tree;
