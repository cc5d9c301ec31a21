use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use crate::wallet::Wallet;

/// Shared by all worker threads.
#[derive(Default)]
pub struct Bank {
    wallets: RwLock<HashMap<u64, Arc<Mutex<Wallet>>>>,
}

impl Bank {
    pub fn open(&self, user: u64, credits: u64) {
        let wallet = Arc::new(Mutex::new(Wallet { credits }));
        self.wallets.write().unwrap().insert(user, wallet);
    }

    pub fn credits(&self, user: u64) -> Option<u64> {
        let wallet = self.wallet(user)?;
        let credits = wallet.lock().unwrap().credits;
        Some(credits)
    }

    fn wallet(&self, user: u64) -> Option<Arc<Mutex<Wallet>>> {
        self.wallets.read().unwrap().get(&user).cloned()
    }
}
