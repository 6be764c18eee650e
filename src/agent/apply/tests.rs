//! The engine with real files and commands.
