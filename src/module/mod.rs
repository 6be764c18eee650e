//! A site's files to typed modules, and those to catalogs.
//!
//! Layer 1. Pure: the same tree gives the same bytes on every machine and in any number of threads.
