//! The `shardplan` program: everything it does is in the library's [`shardplan::cli`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    shardplan::cli::run(std::env::args_os()).into()
}
