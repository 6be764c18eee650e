//! The `countersign` program. All it does is hand the arguments over and return the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::cli::main(std::env::args_os())
}
