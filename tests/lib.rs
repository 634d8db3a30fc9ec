//! Tests over real sockets: `it/` for what sessions and pools do there, `footprint.rs` for what a process is left with.
