//! The `shardplan` program: everything it does is in the library's [`shardplan::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    shardplan::cli::run(std::env::args_os()).into()
}
