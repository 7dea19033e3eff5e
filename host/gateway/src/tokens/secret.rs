//! A token as its holder has it: 256 random bits, of which the gateway keeps the hash alone.

use std::fmt;

use openclaw_package::digest::Digest;
use zeroize::Zeroizing;

/// What every token begins with, so that scanners for leaked secrets recognise one.
pub(crate) const PREFIX: &str = "ocg_";
const BYTES: usize = 32;

/// A token in full. It is wiped from memory when dropped, and never shown by `Debug`.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one, from the system's randomness.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0_u8; BYTES]);
        getrandom::fill(bytes.as_mut_slice())?;
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * BYTES));
        text.push_str(PREFIX);
        for byte in bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        Ok(Self(text))
    }

    /// What somebody presented; none for what cannot be a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let fits =
            digits.len() == 2 * BYTES && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it. It is random, so neither salt nor a slow hash is needed.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(ocg_…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_prefix_and_256_random_bits() {
        let secret = Secret::generate().unwrap();
        assert_eq!(secret.reveal().len(), 68);
        assert_eq!(Secret::parse(secret.reveal()).unwrap().hash(), secret.hash());
        assert_ne!(Secret::generate().unwrap().hash(), secret.hash());
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        let upper = secret.reveal().to_uppercase();
        for text in ["", "ocg_", "ocg_00", &"0".repeat(68), &upper, &format!("{} ", secret.reveal())] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }
}
