//! Seals everything anew after another secret key was put before the old one. Each secret in a transaction of its own, the
//! known value last: a break-off leaves only what either key opens, and the old key is needed at start until nothing is
//! sealed with it. Runs go on meanwhile.

use domain::id::ConnectionId;

use super::{CANARY, CANARY_PLACE, KeyError};
use crate::db::{Database, accounts, connections};
use crate::secrets::Keyring;

/// What a rotation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// API keys that were sealed anew.
    pub renewed: u64,
    /// API keys that there are.
    pub all: u64,
}

/// Seals with the newest key whatever an older one sealed. Can be repeated, and taken up again after a break-off.
///
/// # Errors
/// No key opens one of the secrets: what was renewed until then stays, and the older keys are still needed.
pub async fn rotate(db: &Database, keyring: &Keyring) -> Result<Rotated, KeyError> {
    let mut renewed = 0;
    loop {
        let mut tx = db.begin().await?;
        let all = connections::sealed_keys(&mut tx).await?;
        let is_old = |(_, sealed): &&(ConnectionId, Vec<u8>)| !keyring.is_sealed_with_newest(sealed);
        let old: Vec<_> = all.iter().filter(is_old).collect();
        if old.is_empty() {
            let canary = keyring.seal(CANARY_PLACE, &CANARY.into()).map_err(KeyError::Malformed)?;
            accounts::replace_canary(&mut tx, &canary).await?;
            tx.commit().await?;
            return Ok(Rotated { renewed, all: all.len() as u64 });
        }
        drop(tx);
        for (id, sealed) in old {
            renewed += u64::from(renew(db, keyring, *id, sealed).await?);
        }
    }
}

/// Seals one API key anew, unless somebody has replaced it meanwhile.
async fn renew(db: &Database, keyring: &Keyring, id: ConnectionId, sealed: &[u8]) -> Result<bool, KeyError> {
    let row = id.to_string();
    let place = connections::key_place(&row);
    let secret = keyring.open(place, sealed).map_err(|cause| KeyError::Closed(row.clone(), cause))?;
    let again = keyring.seal(place, &secret).map_err(KeyError::Malformed)?;
    let mut tx = db.begin().await?;
    let is_renewed = connections::seal_anew(&mut tx, id, sealed, &again).await?;
    tx.commit().await?;
    Ok(is_renewed)
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret as _, SecretString};
    use uuid::Uuid;

    use super::super::check_canary;
    use super::*;
    use crate::db::connections::StoredConnection;
    use crate::db::testing::{databases, draft};
    use crate::secrets::SecretError;

    /// A keyring of the new key before the old one, the old one alone, and the new one alone.
    fn keyrings() -> [Keyring; 3] {
        let (new, old) = (Keyring::generate(), Keyring::generate());
        let both = SecretString::from(format!("{}\n{}", new.expose_secret(), old.expose_secret()));
        [both, old, new].map(|text| Keyring::parse(&text).expect("keys"))
    }

    /// Connections that this key sealed, each with a key of its own.
    async fn fill(db: &Database, keyring: &Keyring, count: u128) -> Vec<ConnectionId> {
        let mut tx = db.begin().await.expect("begun");
        let canary = keyring.seal(CANARY_PLACE, &CANARY.into()).expect("sealed");
        accounts::insert_canary(&mut tx, &canary, 1).await.expect("kept");
        let mut ids = Vec::new();
        for number in 1..=count {
            let id = ConnectionId(Uuid::from_u128(number));
            let row = id.to_string();
            let secret = SecretString::from(format!("omn-{number}"));
            let sealed = keyring.seal(connections::key_place(&row), &secret).expect("sealed");
            let stored = StoredConnection { id, sealed_key: sealed, ..draft(&format!("Shop {number}")) };
            assert!(connections::put_draft(&mut tx, &stored).await.expect("kept"));
            ids.push(id);
        }
        tx.commit().await.expect("committed");
        ids
    }

    /// How many of the keys this keyring opens, each as it was; and whether it would start.
    async fn opens(db: &Database, keyring: &Keyring) -> (usize, bool) {
        let mut tx = db.read().await.expect("begun");
        let canary = accounts::canary(&mut tx).await.expect("read").expect("there");
        let all = connections::sealed_keys(&mut tx).await.expect("read");
        let is_open = |(id, sealed): &&(ConnectionId, Vec<u8>)| {
            let row = id.to_string();
            let opened = keyring.open(connections::key_place(&row), sealed);
            opened.is_ok_and(|text| text.expose_secret() == format!("omn-{}", id.0.as_u128()))
        };
        (all.iter().filter(is_open).count(), check_canary(keyring, &canary).is_ok())
    }

    #[tokio::test]
    async fn everything_is_sealed_with_the_newest_key_and_the_old_one_is_needed_no_more() {
        for db in databases().await {
            let [both, old, new] = keyrings();
            fill(&db, &old, 3).await;

            assert_eq!(rotate(&db, &both).await.expect("rotated"), Rotated { renewed: 3, all: 3 });

            assert_eq!(opens(&db, &new).await, (3, true));
            assert_eq!(opens(&db, &old).await, (0, false));
            assert_eq!(rotate(&db, &both).await.expect("again"), Rotated { renewed: 0, all: 3 });
        }
    }

    #[tokio::test]
    async fn a_secret_that_no_key_opens_is_named_and_the_old_key_stays_needed() {
        for db in databases().await {
            let [both, old, new] = keyrings();
            let ids = fill(&db, &old, 3).await;
            let mut tx = db.begin().await.expect("begun");
            let all = connections::sealed_keys(&mut tx).await.expect("read");
            let (id, sealed) = all.iter().find(|(id, _)| *id == ids[1]).expect("the second");
            assert!(connections::seal_anew(&mut tx, *id, sealed, b"damaged").await.expect("written"));
            tx.commit().await.expect("committed");

            let failed = rotate(&db, &both).await.expect_err("one is damaged");

            assert!(matches!(&failed, KeyError::Closed(row, SecretError::DoesNotOpen) if *row == ids[1].to_string()));
            assert!(!opens(&db, &new).await.1, "the new key alone does not start");
            assert_eq!(opens(&db, &both).await, (2, true));
        }
    }
}
