//! The `landfall` command.

use std::process::ExitCode;

#[cfg(any(feature = "mimalloc", target_env = "musl"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    landfall::cli::main(std::env::args_os()).code().into()
}
