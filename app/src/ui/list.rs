//! What the address of a sorted and searched list carries.

use serde::{Deserialize, Serialize};

/// Search, order and page of a list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// The words to find.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// The column to sort by; empty is the list's own order.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sort: String,
    /// `desc` turns the order around.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub order: String,
    /// The page; none is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

impl ListQuery {
    /// Does one of the texts contain what is searched? Everything fits an empty search.
    pub fn fits<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        let wanted = self.search.trim().to_lowercase();
        wanted.is_empty() || texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
    }

    /// The column to sort by, or the list's own.
    pub fn sort_or(&self, usual: &str) -> String {
        if self.sort.is_empty() { usual.to_owned() } else { self.sort.clone() }
    }

    /// The chosen order, for a search that keeps it.
    pub fn order_kept(&self) -> Vec<(&'static str, String)> {
        vec![("sort", self.sort.clone()), ("order", self.order.clone())]
    }

    /// Is the order turned around?
    pub fn is_descending(&self) -> bool {
        self.order == "desc"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_looks_into_every_text_without_regard_to_case() {
        let asked = ListQuery { search: " spring ".to_owned(), ..ListQuery::default() };
        assert!(asked.fits(["Autumn", "Spring buyers"]));
        assert!(!asked.fits(["Autumn"]));
        assert!(ListQuery::default().fits(["anything"]));
    }
}
