//! The one source of randomness of the commands. Everything below the command line is handed its numbers.

use std::io;

/// 32 bytes that nobody can guess.
///
/// # Errors
/// When the operating system has none.
pub(super) fn bytes() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
