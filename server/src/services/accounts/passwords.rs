//! Passwords: what is accepted, and how they are hashed (Argon2id). Hashing takes a core and 19 MiB for a moment, so it
//! runs beside the async threads and only a few at a time: signing in must not become a way to stop the server.

use std::sync::{Arc, OnceLock};

use app::error::{AppError, FieldFault, FieldFaultKind};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::db::accounts::email_key;
use crate::services::internal;

/// The least number of characters.
pub const SHORTEST: usize = 12;
/// The largest number of bytes: far above any real password, it keeps hashing short.
const LONGEST_BYTES: usize = 1024;
/// How many are hashed at the same time.
const AT_ONCE: usize = 2;
/// What OWASP's password storage page asks of Argon2id at least: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Passwords of twelve characters and more that are seen again and again, a line each, lower case.
const COMMON: &str = include_str!("common_passwords.txt");
/// What such passwords are put together from.
const COMMON_WORDS: [&str; 13] = [
    "password",
    "passwort",
    "contrasena",
    "contrasenya",
    "parola",
    "losenord",
    "senha",
    "qwerty",
    "welcome",
    "ferry",
    "admin",
    "administrator",
    "letmein",
];

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    at_once: Arc<Semaphore>,
    /// Checked in place of the hash of a person who does not exist, so that both take the same time.
    nobody: Arc<OnceLock<String>>,
}

/// What came of checking a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another one.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, hashed with less than is asked for today: hash it again.
    RightButWeak,
}

impl Passwords {
    /// With the parameters of production.
    pub fn new() -> Self {
        Self::with(MEMORY_KIB, PASSES, LANES)
    }

    fn with(memory_kib: u32, passes: u32, lanes: u32) -> Self {
        let params = Params::new(memory_kib, passes, lanes, None).unwrap_or_default();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Self { argon2, at_once: Arc::new(Semaphore::new(AT_ONCE)), nobody: Arc::default() }
    }

    /// Weak and fast, for tests that sign in many people.
    #[cfg(test)]
    pub fn fast() -> Self {
        Self::with(Params::MIN_M_COST, 1, 1)
    }

    /// Hashes a password; the result names its parameters and its salt.
    ///
    /// # Errors
    /// Only an internal one.
    pub async fn hash(&self, password: &SecretString) -> Result<String, AppError> {
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.aside(move || argon2.hash_password(password.expose_secret().as_bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(|error| internal(HashError(error.to_string())))
    }

    /// Checks a password. Without a hash it takes as long and is wrong.
    ///
    /// # Errors
    /// Only an internal one.
    pub async fn check(&self, hash: Option<String>, password: &SecretString) -> Result<Verdict, AppError> {
        let (this, password) = (self.clone(), password.clone());
        self.aside(move || this.check_now(hash, &password)).await
    }

    fn check_now(&self, hash: Option<String>, password: &SecretString) -> Verdict {
        let exists = hash.is_some();
        let text = hash.unwrap_or_else(|| self.nobody().to_owned());
        let Ok(parsed) = PasswordHash::new(&text) else { return Verdict::Wrong };
        let right = self.argon2.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
        match Params::try_from(&parsed) {
            _ if !(right && exists) => Verdict::Wrong,
            Ok(params) if self.is_at_least(&params) && parsed.algorithm.as_str() == "argon2id" => Verdict::Right,
            _ => Verdict::RightButWeak,
        }
    }

    fn is_at_least(&self, params: &Params) -> bool {
        let wanted = self.argon2.params();
        params.m_cost() >= wanted.m_cost() && params.t_cost() >= wanted.t_cost()
    }

    fn nobody(&self) -> &str {
        self.nobody.get_or_init(|| {
            let password = rand::random::<[u8; 32]>();
            self.argon2.hash_password(&password).map(|hash| hash.to_string()).unwrap_or_default()
        })
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
        let permit = self.at_once.clone().acquire_owned().await.map_err(internal)?;
        // The permit goes along: a caller that is gone does not let one more in while this one still computes.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(internal)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
struct HashError(String);

/// Is this password good enough for somebody with this address? No rules about kinds of characters: length counts, and
/// that nobody guesses it.
///
/// # Errors
/// What is wrong with the field `password`.
pub fn check_new(password: &str, email: &str) -> Result<(), AppError> {
    let fault = |fault| Err(AppError::Fields(vec![FieldFault { field: "password".to_owned(), fault }]));
    if password.is_empty() {
        return fault(FieldFaultKind::Required);
    }
    if password.chars().count() < SHORTEST {
        return fault(FieldFaultKind::TooShort);
    }
    if password.len() > LONGEST_BYTES {
        return fault(FieldFaultKind::TooLong);
    }
    if is_common(&password.to_lowercase(), &email_key(email)) {
        return fault(FieldFaultKind::TooCommon);
    }
    Ok(())
}

/// Is it a known one, a repetition, a sequence, or little more than a common word or the address?
fn is_common(password: &str, email: &str) -> bool {
    let plain: String = password.chars().map(plain_letter).collect();
    let known = COMMON.lines().any(|line| line == password || line == plain);
    let plain_email: String =
        email.chars().map(|letter| if letter == '@' { letter } else { plain_letter(letter) }).collect();
    known
        || is_repetition(password)
        || is_sequence(password)
        || is_little_more_than_a_word(password, email)
        || is_little_more_than_a_word(&plain, &plain_email)
}

/// The letter that a digit or sign usually stands for.
fn plain_letter(letter: char) -> char {
    match letter {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// One to four characters again and again.
fn is_repetition(password: &str) -> bool {
    let letters: Vec<char> = password.chars().collect();
    (1..=4).any(|length| letters.iter().zip(letters.iter().skip(length)).all(|(one, next)| one == next))
}

/// Nearly every character follows the one before it, up or down: `123456789012`, `abcdefghijkl`.
fn is_sequence(password: &str) -> bool {
    let letters: Vec<char> = password.chars().collect();
    let steps = letters.windows(2).filter(|pair| (pair[0] as u32).abs_diff(pair[1] as u32) <= 1).count();
    let wraps = letters.windows(2).filter(|pair| pair == &['9', '0'] || pair == &['0', '9']).count();
    steps + wraps + 2 >= letters.len()
}

/// Without the common words and the parts of the address, fewer than five letters and digits remain.
fn is_little_more_than_a_word(password: &str, email: &str) -> bool {
    let mut rest = password.to_owned();
    let parts = email.split(['@', '.', '_', '-', '+']).filter(|part| part.len() >= 4);
    for word in parts.chain(COMMON_WORDS) {
        rest = rest.replace(word, "");
    }
    rest.len() < password.len() && rest.chars().filter(|letter| letter.is_alphanumeric()).count() < 5
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn refused(password: &str) -> FieldFaultKind {
        match check_new(password, "Maria.Ionescu@example.ro") {
            Err(AppError::Fields(faults)) => faults[0].fault,
            other => panic!("{password}: {other:?}"),
        }
    }

    #[test]
    fn length_counts_and_kinds_of_characters_do_not() {
        assert_eq!(refused(""), FieldFaultKind::Required);
        assert_eq!(refused("eleven char"), FieldFaultKind::TooShort);
        assert_eq!(refused(&"long enough ".repeat(100)), FieldFaultKind::TooLong);
        for good in [
            "blue harbour tide",
            "ștrengăriță mică",
            "kzpwmxqrtvnh",
            " leading and trailing ",
            &"xq7 ".repeat(3)[..11].repeat(6),
        ] {
            assert!(check_new(good, "maria.ionescu@example.ro").is_ok(), "{good}");
        }
    }

    #[test]
    fn what_everybody_guesses_is_refused() {
        for common in [
            "password1234",
            "Password!2024",
            "P@ssw0rd1234",
            "123456789012",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "qwertyuiopas",
            "ferryferry12",
            "maria.ionescu",
            "MariaIonescu1",
            "administrator",
            "letmeinletmein",
            "987654321098",
            "1q2w3e4r5t6y",
        ] {
            assert_eq!(refused(common), FieldFaultKind::TooCommon, "{common}");
        }
    }

    #[tokio::test]
    async fn the_hash_names_argon2id_with_19_mib_two_passes_and_one_lane() {
        let hash = Passwords::new().hash(&"blue harbour tide".into()).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn never_more_than_two_are_hashed_at_once_even_when_nobody_waits_for_them_any_more() {
        let passwords = Passwords::fast();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..60)
            .map(|n| {
                let (passwords, now, most) = (passwords.clone(), now.clone(), most.clone());
                let task = tokio::spawn(async move {
                    let work = move || {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(3));
                        now.fetch_sub(1, Ordering::SeqCst);
                    };
                    passwords.aside(work).await
                });
                (n, task)
            })
            .collect();

        tokio::time::sleep(Duration::from_millis(20)).await;
        for (n, task) in tasks {
            if n % 3 == 0 {
                task.abort();
            }
            assert!(task.await.is_ok() || n % 3 == 0, "{n}");
        }

        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }

    #[tokio::test]
    async fn only_the_exact_password_is_right_and_a_weak_hash_is_told() {
        let (weak, strong) = (Passwords::fast(), Passwords::with(64, 2, 1));
        let password = SecretString::from("blue harbour tide");
        let hash = weak.hash(&password).await.expect("hashed");

        assert_eq!(weak.check(Some(hash.clone()), &password).await, Ok(Verdict::Right));
        assert_eq!(strong.check(Some(hash.clone()), &password).await, Ok(Verdict::RightButWeak));
        assert_eq!(weak.check(Some(hash), &"blue harbour tide ".into()).await, Ok(Verdict::Wrong));
        assert_eq!(weak.check(None, &password).await, Ok(Verdict::Wrong));
        assert_eq!(weak.check(Some("damaged".to_owned()), &password).await, Ok(Verdict::Wrong));
    }
}
