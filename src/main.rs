//! The one binary: hands the command line to [`dinkem_appliance::cli`] and exits with its status.

fn main() -> std::process::ExitCode {
    dinkem_appliance::cli::main()
}
