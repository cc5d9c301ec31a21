use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(pub u64);

/// The 16 hex digits of an id, on the stack.
pub struct HexId {
    digits: [u8; 16],
}

impl Id {
    pub fn to_hex(self) -> HexId {
        let mut digits = [0; 16];
        for (index, digit) in digits.iter_mut().enumerate() {
            let shift = 60 - 4 * index;
            *digit = DIGITS[((self.0 >> shift) & 0xf) as usize];
        }
        HexId { digits }
    }
}

impl HexId {
    pub fn as_str(&self) -> &str {
        // SAFETY: `digits` is private and only ever filled from DIGITS, which is ASCII.
        unsafe { std::str::from_utf8_unchecked(&self.digits) }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_hex().as_str())
    }
}
