mod config;

fn main() {
    let config = config::Config::default();
    println!("listening on {}", config.listen);
}
