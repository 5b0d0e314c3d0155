//! What a fault script does to a batch and its items.

use super::Hold;
use super::script::{ItemErrors, fits};
use crate::batches::store::ItemWork;
use crate::chance;
use crate::problem::FieldFault;

/// Everything that hits the batch of one request.
#[derive(Debug, Default)]
pub struct BatchEffects {
    pub hold: Option<Hold>,
    /// Share of the items after which it stops.
    pub stop_after: Option<f64>,
    /// Extra microseconds until it ends.
    pub slower: i64,
    /// Microseconds after its end when it is worked off again.
    pub again: Option<i64>,
    pub items: Vec<Spoiler>,
}

/// One rule that spoils items.
#[derive(Debug)]
pub struct Spoiler {
    pub errors: ItemErrors,
    pub seed: u64,
    pub rule: u64,
    /// Which of the rule's requests this is.
    pub nth: u64,
}

impl Spoiler {
    fn hits(&self, place: usize, email: &str) -> bool {
        let errors = &self.errors;
        errors.items.contains(&place)
            || errors.mask.as_bytes().get(place) == Some(&b'1')
            || (!errors.email.is_empty() && fits(&errors.email, email))
            || (errors.probability > 0.0
                && chance::draw(self.seed, [self.rule, self.nth, place as u64]) < errors.probability)
    }
}

impl BatchEffects {
    /// Replaces the items that are hit; an error refuses the whole batch, with its status and faults.
    pub fn spoil(&self, items: &mut [ItemWork], emails: &[String]) -> Result<(), (u16, Vec<FieldFault>)> {
        let mut faults = Vec::new();
        let mut status = 400;
        for spoiler in &self.items {
            for (place, (item, email)) in items.iter_mut().zip(emails).enumerate() {
                if !spoiler.hits(place, email) {
                    continue;
                }
                let errors = &spoiler.errors;
                if errors.whole_batch {
                    status = status.max(errors.status);
                    faults.push(FieldFault::format(format!("items[{place}]"), errors.message.clone()));
                } else {
                    *item = ItemWork::Scripted {
                        status: errors.status,
                        code: errors.code.clone(),
                        message: errors.message.clone(),
                    };
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err((status, faults)) }
    }
}
