use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use crate::wallet::Wallet;

#[derive(Debug, PartialEq, Eq)]
pub enum TransferError {
    UnknownWallet(u64),
    SameWallet,
    NotEnough { missing: u64 },
    Overflow,
}

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

    /// Moves credits from one wallet to another, all or nothing.
    pub fn transfer(&self, from: u64, to: u64, credits: u64) -> Result<(), TransferError> {
        if from == to {
            return Err(TransferError::SameWallet);
        }
        let source = self.wallet(from).ok_or(TransferError::UnknownWallet(from))?;
        let target = self.wallet(to).ok_or(TransferError::UnknownWallet(to))?;
        let mut source = source.lock().unwrap();
        let mut target = target.lock().unwrap();
        if source.credits < credits {
            return Err(TransferError::NotEnough { missing: credits - source.credits });
        }
        target.credits = target.credits.checked_add(credits).ok_or(TransferError::Overflow)?;
        source.credits -= credits;
        Ok(())
    }

    fn wallet(&self, user: u64) -> Option<Arc<Mutex<Wallet>>> {
        self.wallets.read().unwrap().get(&user).cloned()
    }
}
