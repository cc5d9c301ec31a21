mod config;

use std::process::ExitCode;

fn main() -> ExitCode {
    match config::Config::from_lookup(|name| std::env::var(name).ok()) {
        Ok(config) => {
            println!("listening on {}", config.listen);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
