//! `cargo shardplan …`: the same program, called by cargo with its own name as the first argument.

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().collect();
    if args.get(1).is_some_and(|first| first == "shardplan") {
        args.remove(1);
    }
    shardplan::cli::run(args).into()
}
