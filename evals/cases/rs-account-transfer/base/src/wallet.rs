#[derive(Debug, Default)]
pub struct Wallet {
    pub credits: u64,
}
