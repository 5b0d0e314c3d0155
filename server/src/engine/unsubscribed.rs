//! Reads who has unsubscribed at the destination, before the plan of an export that sends subscription statuses is made:
//! they never get one from us.

use ferry_data::plan::AddressSet;

use super::EngineError;
use super::asking::Asking;
use super::run::{Ending, Held};

/// All who have unsubscribed, or how the work on the run ends for now.
pub(super) async fn read(held: &Held) -> Result<Result<AddressSet, Ending>, EngineError> {
    let mut asking = Asking::of(held).await?;
    let mut found = AddressSet::default();
    let mut after = None::<String>;
    let ending = loop {
        let page = asking.ask(|key| {
            let (destination, after) = (held.destination.clone(), after.clone());
            async move { destination.list_unsubscribed(&key.secret, after.as_deref()).await }
        });
        match page.await? {
            Ok(page) => {
                page.emails.iter().for_each(|email| found.insert(email));
                // A cursor that leads to itself leads nowhere.
                if page.next.is_none() || page.next == after {
                    break None;
                }
                after = page.next;
            }
            Err(ending) => break Some(ending),
        }
    };
    asking.over().await?;
    Ok(match ending {
        Some(ending) => Err(ending),
        None => Ok(found),
    })
}
