//! Pages of long lists.

use serde::{Deserialize, Serialize};

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// 1 is the first page.
    pub number: u32,
    /// Items on a page.
    pub size: u32,
}

impl PageRequest {
    /// Page `number` of 50 items; 0 counts as 1.
    pub fn of_50(number: u32) -> Self {
        Self { number: number.max(1), size: 50 }
    }

    /// Items before this page.
    pub fn offset(self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * u64::from(self.size)
    }
}

/// One part of a list, with the length of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The page that was asked for.
    pub page: PageRequest,
    /// Items in the whole list.
    pub total: u64,
}

impl<T> Page<T> {
    /// The number of pages, at least 1.
    pub fn pages(&self) -> u64 {
        self.total.div_ceil(u64::from(self.page.size.max(1))).max(1)
    }
}
