//! The binary `tctl`: parse, run, exit code.

fn main() {}
