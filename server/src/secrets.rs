//! Seals secrets at rest, such as a destination's key, with XChaCha20-Poly1305.
//!
//! A sealed secret is bound to its [`Place`]: table, column and row. Copied to another row it does not open. This module
//! knows neither where the keys come from (`config`) nor where the sealed bytes are kept (`db`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The first byte of everything sealed in the present form: version, key id, nonce, ciphertext with tag.
const VERSION: u8 = 1;
const KEY_ID_LENGTH: usize = 8;
const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;
const KEY_LENGTH: usize = 32;

/// Why a secret cannot be sealed or opened. Says nothing about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A key is not the base64 text of 32 bytes.
    #[error("a secret key must be 32 bytes in base64 (44 characters), as `openssl rand -base64 32` prints it")]
    MalformedKey,
    /// There is not one key.
    #[error("no secret key is given")]
    NoKey,
    /// The same key is given twice.
    #[error("the same secret key is given twice")]
    RepeatedKey,
    /// All bytes of a key are equal: a placeholder, not a key.
    #[error("the secret key is a placeholder: make one with `openssl rand -base64 32`")]
    PlaceholderKey,
    /// It was sealed with a key that is not there.
    #[error("it was sealed with another secret key")]
    UnknownKey,
    /// It was damaged, or sealed for another place.
    #[error("it does not open: it is damaged or belongs elsewhere")]
    DoesNotOpen,
}

/// Where a sealed secret is kept. Part of what is authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row's primary key.
    pub row: &'a str,
}

impl Place<'_> {
    /// What is authenticated beside the ciphertext. The lengths keep `a` + `bc` apart from `ab` + `c`.
    fn associated_data(&self, key_id: &[u8; KEY_ID_LENGTH]) -> Vec<u8> {
        let mut data = b"ferry sealed secret".to_vec();
        data.push(VERSION);
        for part in [self.table.as_bytes(), self.column.as_bytes(), self.row.as_bytes(), key_id] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

struct SecretKey {
    id: [u8; KEY_ID_LENGTH],
    cipher: XChaCha20Poly1305,
}

/// The keys: the first one seals, all of them open.
pub struct Keyring {
    keys: Vec<SecretKey>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({} keys)", self.keys.len())
    }
}

impl Keyring {
    /// Reads keys from text: base64 of 32 bytes each, separated by commas or white space, the newest first.
    ///
    /// # Errors
    /// Every key must be well formed and given once.
    pub fn parse(text: &SecretString) -> Result<Self, SecretError> {
        let mut keys: Vec<SecretKey> = Vec::new();
        for word in text.expose_secret().split([',', ' ', '\n', '\r', '\t']).filter(|word| !word.is_empty()) {
            let bytes = Zeroizing::new(STANDARD.decode(word).map_err(|_| SecretError::MalformedKey)?);
            let key = read_key(&bytes)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(SecretError::RepeatedKey);
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(SecretError::NoKey) } else { Ok(Self { keys }) }
    }

    /// A new random key, in the form that [`Keyring::parse`] reads.
    pub fn generate() -> SecretString {
        let bytes = Zeroizing::new(rand::random::<[u8; KEY_LENGTH]>());
        SecretString::from(STANDARD.encode(*bytes))
    }

    /// Seals a secret for its place, with the newest key and a random nonce.
    ///
    /// # Errors
    /// [`SecretError::DoesNotOpen`] only for a text longer than the cipher's limit of 256 GiB.
    pub fn seal(&self, place: Place<'_>, secret: &SecretString) -> Result<Vec<u8>, SecretError> {
        let key = self.keys.first().ok_or(SecretError::NoKey)?;
        let nonce = XNonce::generate();
        let aad = place.associated_data(&key.id);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let sealed = key.cipher.encrypt(&nonce, payload).map_err(|_| SecretError::DoesNotOpen)?;
        let mut bytes = Vec::with_capacity(1 + KEY_ID_LENGTH + NONCE_LENGTH + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&key.id);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what [`Keyring::seal`] made for the same place.
    ///
    /// # Errors
    /// The key is not there, or the bytes are damaged or from another place.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretString, SecretError> {
        let (version, rest) = sealed.split_first().ok_or(SecretError::DoesNotOpen)?;
        if *version != VERSION || rest.len() < KEY_ID_LENGTH + NONCE_LENGTH + TAG_LENGTH {
            return Err(SecretError::DoesNotOpen);
        }
        let (key_id, rest) = rest.split_at(KEY_ID_LENGTH);
        let (nonce, ciphertext) = rest.split_at(NONCE_LENGTH);
        let key = self.keys.iter().find(|key| key.id == key_id).ok_or(SecretError::UnknownKey)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| SecretError::DoesNotOpen)?;
        let aad = place.associated_data(&key.id);
        let payload = Payload { msg: ciphertext, aad: &aad };
        let bytes = Zeroizing::new(key.cipher.decrypt(&nonce, payload).map_err(|_| SecretError::DoesNotOpen)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::DoesNotOpen)?;
        Ok(SecretString::from(text))
    }

    /// Does the newest key seal this? What does not is due for sealing anew after a key was added.
    pub fn is_sealed_with_newest(&self, sealed: &[u8]) -> bool {
        self.keys.first().is_some_and(|key| sealed.get(1..=KEY_ID_LENGTH) == Some(&key.id[..]))
    }
}

fn read_key(bytes: &[u8]) -> Result<SecretKey, SecretError> {
    if bytes.len() != KEY_LENGTH {
        return Err(SecretError::MalformedKey);
    }
    if bytes.iter().all(|byte| *byte == bytes[0]) {
        return Err(SecretError::PlaceholderKey);
    }
    let digest = Sha256::new().chain_update(b"ferry key id").chain_update(bytes).finalize();
    let mut id = [0; KEY_ID_LENGTH];
    id.copy_from_slice(&digest[..KEY_ID_LENGTH]);
    let cipher = XChaCha20Poly1305::new_from_slice(bytes).map_err(|_| SecretError::MalformedKey)?;
    Ok(SecretKey { id, cipher })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Place<'static> = Place { table: "connections", column: "sealed_key", row: "1" };

    fn keyring() -> Keyring {
        Keyring::parse(&Keyring::generate()).expect("a generated key is well formed")
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_place_and_nowhere_else(text in ".{0,200}", row in "[a-f0-9]{1,36}") {
            let keyring = keyring();
            let place = Place { row: &row, ..HERE };
            let sealed = keyring.seal(place, &SecretString::from(text.as_str())).expect("sealed");

            let opened = keyring.open(place, &sealed).expect("opens");
            prop_assert_eq!(opened.expose_secret(), text.as_str());
            let other_row = format!("{row}0");
            for elsewhere in [
                Place { row: &other_row, ..place },
                Place { column: "other", ..place },
                Place { table: "other", ..place },
                Place { table: "connectionss", column: "ealed_key", ..place },
            ] {
                prop_assert_eq!(keyring.open(elsewhere, &sealed).err(), Some(SecretError::DoesNotOpen));
            }
        }

        #[test]
        fn a_flipped_bit_or_a_cut_end_does_not_open(text in ".{1,40}", at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let keyring = keyring();
            let mut sealed = keyring.seal(HERE, &SecretString::from(text.as_str())).expect("sealed");
            let at = at.index(sealed.len());
            prop_assert!(keyring.open(HERE, &sealed[..at]).is_err());
            sealed[at] ^= 1 << bit;
            prop_assert!(keyring.open(HERE, &sealed).is_err());
        }
    }

    #[test]
    fn an_older_key_opens_and_the_newest_seals() {
        let (old, new) = (Keyring::generate(), Keyring::generate());
        let before = Keyring::parse(&old).expect("one key");
        let both = format!("{}, {}", new.expose_secret(), old.expose_secret());
        let after = Keyring::parse(&SecretString::from(both)).expect("two keys");
        let sealed = before.seal(HERE, &SecretString::from("omn-key")).expect("sealed");

        assert_eq!(after.open(HERE, &sealed).expect("the old key opens").expose_secret(), "omn-key");
        assert!(!after.is_sealed_with_newest(&sealed));
        let again = after.seal(HERE, &SecretString::from("omn-key")).expect("sealed");
        assert!(after.is_sealed_with_newest(&again));
        assert_eq!(before.open(HERE, &again).err(), Some(SecretError::UnknownKey));
    }

    #[test]
    fn malformed_keys_are_refused() {
        let short = STANDARD.encode([7; 31]);
        let placeholder = STANDARD.encode([0; 32]);
        let key = Keyring::generate();
        let twice = format!("{} {}", key.expose_secret(), key.expose_secret());
        for (text, error) in [
            ("", SecretError::NoKey),
            (" ,\n", SecretError::NoKey),
            ("changeme", SecretError::MalformedKey),
            (short.as_str(), SecretError::MalformedKey),
            (placeholder.as_str(), SecretError::PlaceholderKey),
            (twice.as_str(), SecretError::RepeatedKey),
        ] {
            assert_eq!(Keyring::parse(&SecretString::from(text)).err(), Some(error), "{text:?}");
        }
    }

    #[test]
    fn the_keyring_does_not_print_its_keys() {
        assert_eq!(format!("{:?}", keyring()), "Keyring(1 keys)");
    }
}
