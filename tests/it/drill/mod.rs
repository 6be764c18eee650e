//! The server in an attacker's hands, against the real agent: a table of attacks, each with the answer that it must get.
//!
//! The attacker owns every key that lies on a server (TLS, both certificate authorities, the timestamp key), the
//! repository, the database and the publication directory, knows every public key and every signature that was ever
//! published, and in some attacks holds stolen keys of fewer people than a threshold asks for. After each attack nothing
//! on the node has changed, its memory has not moved, and the honest server still works with it.

mod attack;
mod content;
mod crooked;
mod evil;
mod joining;
mod log;
pub(crate) mod paper;
mod parts;
mod roots;
mod server;
mod signatures;
mod spelling;
mod table;
mod time;
mod transport;
mod triggers;
mod withdrawals;
pub(crate) mod world;

use evil::Evil;
