pub mod bank;
pub mod wallet;
