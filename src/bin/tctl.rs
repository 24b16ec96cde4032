//! The binary `tctl`: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    jumpgate::cli::start::<jumpgate::cli::tctl::Cli>()
}
