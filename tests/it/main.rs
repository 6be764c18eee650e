//! All integration tests in one binary: the real program, real git, real ssh-keygen, real TLS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod agent;
mod attacks;
mod audit;
mod cli;
mod corpus;
mod daemon;
mod demo;
mod dialects;
mod drill;
mod fuzz;
mod gate;
mod kill;
mod layers;
mod lint;
mod metamorphic;
mod packaging;
mod puppet;
mod readme;
mod secrets;
mod semantics;
mod server;
mod supply;
mod support;
mod tidy;
mod transform;
mod tuf;
mod verify;
