//! The fault script as a test writes it, in TOML or JSON. Every rule says which requests it hits and
//! what happens to them; several rules may hit one request.

use serde::{Deserialize, Serialize};

use super::HoldStatus;

/// A whole script.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    pub rules: Vec<Rule>,
}

impl Script {
    /// Reads a script: JSON when it begins with a brace, else TOML.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())
        } else {
            toml::from_str(text).map_err(|error| error.to_string())
        }
    }

    /// A script of one rule.
    pub fn one(rule: Rule) -> Self {
        Self { rules: vec![rule] }
    }
}

/// Which requests are hit, and what happens to them. Everything that is named must fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Shown in the request log.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub method: Option<String>,
    /// Path after `/api`, with `*` for anything: `/batches`, `/contacts/*`.
    #[serde(default)]
    pub path: Option<String>,
    /// Part of the keys, with `*`: `5f0000000000000000000001-*` is one brand.
    #[serde(default)]
    pub key: Option<String>,
    /// The requests that fit so far, counted from 1 for each rule.
    #[serde(default)]
    pub nth: Vec<u64>,
    #[serde(default)]
    pub from: Option<u64>,
    #[serde(default)]
    pub to: Option<u64>,
    /// Every so many of the requests that fit.
    #[serde(default)]
    pub every: Option<u64>,
    /// Seeded, between 0 and 1.
    #[serde(default)]
    pub probability: Option<f64>,
    /// How often it may hit at most.
    #[serde(default)]
    pub times: Option<u64>,
    /// Milliseconds of the simulator's clock since the script was set.
    #[serde(default)]
    pub after_ms: Option<u64>,
    #[serde(default)]
    pub until_ms: Option<u64>,
    /// Only once the brand holds this many contacts.
    #[serde(default)]
    pub contacts_at_least: Option<usize>,
    pub action: Action,
}

impl Rule {
    /// A rule that hits every request until it is narrowed.
    pub fn always(action: Action) -> Self {
        Self {
            name: String::new(),
            method: None,
            path: None,
            key: None,
            nth: Vec::new(),
            from: None,
            to: None,
            every: None,
            probability: None,
            times: None,
            after_ms: None,
            until_ms: None,
            contacts_at_least: None,
            action,
        }
    }

    /// A rule for one call, such as `("POST", "/batches")`.
    pub fn on(method: &str, path: &str, action: Action) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()), ..Self::always(action) }
    }
}

/// Where a scripted 429 says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryIn {
    #[default]
    Body,
    Header,
    Both,
}

/// A number, or whatever a broken service writes in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    Seconds(i64),
    Text(String),
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answers with a status instead of doing anything.
    Status {
        status: u16,
        #[serde(default)]
        retry_after: Option<RetryAfter>,
        #[serde(default)]
        retry_in: RetryIn,
        /// An HTML page, as a proxy in front sends it.
        #[serde(default)]
        html: bool,
    },
    /// Answers with any bytes; `repeat` makes the body long.
    Body {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default = "json_type")]
        content_type: String,
        body: String,
        #[serde(default = "once")]
        repeat: usize,
    },
    /// Ends the connection before anything is done.
    ResetBefore,
    /// Does what was asked and ends the connection without (or in the middle of) the answer.
    ResetAfter {
        /// Bytes of the answer, head included, that still arrive.
        #[serde(default)]
        at_byte: usize,
    },
    /// Sends this share of the body and closes.
    CutBody {
        #[serde(default = "half")]
        share: f64,
    },
    /// Sends the answer in small pieces.
    SlowBody {
        #[serde(default = "one")]
        bytes: usize,
        every_ms: u64,
        /// The head, too.
        #[serde(default)]
        head: bool,
    },
    /// Waits before the request is looked at, or before the answer leaves (real time).
    Delay {
        ms: u64,
        #[serde(default)]
        after: bool,
    },
    /// Never answers.
    Hang,
    /// The batch that this request creates does not move on.
    BatchHeld {
        #[serde(default)]
        status: HoldStatus,
        /// For ever when left out.
        #[serde(default)]
        for_ms: Option<u64>,
    },
    /// The batch stops after this share of its items.
    BatchStopped {
        #[serde(default = "half")]
        after: f64,
    },
    /// The batch takes longer.
    BatchSlow { ms: u64 },
    /// The batch is worked off a second time, this much later.
    BatchTwice {
        #[serde(default)]
        after_ms: u64,
    },
    /// Items of the batch fail.
    ItemErrors(ItemErrors),
    /// The key stops working, from this request on: 401, or 403 when its permissions were taken away.
    RevokeKey {
        #[serde(default = "unauthorized")]
        status: u16,
    },
    /// Other programs of the brand use this much of its limit.
    OtherTraffic { per_minute: u32 },
    /// People unsubscribe at the vendor: those whose address fits, at most `count` of them.
    Unsubscribe {
        #[serde(default = "everybody")]
        email: String,
        #[serde(default = "one")]
        count: usize,
    },
}

/// Which items fail, and how. An item fails when any of the ways names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ItemErrors {
    /// Places in the batch, counted from 0.
    pub items: Vec<usize>,
    /// `1` fails, any other character does not: `0010`.
    pub mask: String,
    /// Addresses with `*`.
    pub email: String,
    pub probability: f64,
    pub status: u16,
    pub code: String,
    pub message: String,
    /// The whole batch is refused because of these items: with 400, or with the status where that is an error of the service.
    pub whole_batch: bool,
}

impl Default for ItemErrors {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            mask: String::new(),
            email: String::new(),
            probability: 0.0,
            status: 400,
            code: "validation-failed".to_owned(),
            message: "The item could not be processed.".to_owned(),
            whole_batch: false,
        }
    }
}

fn ok() -> u16 {
    200
}
fn unauthorized() -> u16 {
    401
}
fn json_type() -> String {
    "application/json".to_owned()
}
fn everybody() -> String {
    "*".to_owned()
}
fn once() -> usize {
    1
}
fn one() -> usize {
    1
}
fn half() -> f64 {
    0.5
}

/// Whether `text` fits a pattern in which `*` stands for anything.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    if rest.is_empty() {
        return true;
    }
    loop {
        if fits(rest, text) {
            return true;
        }
        let mut chars = text.chars();
        if chars.next().is_none() {
            return false;
        }
        text = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_the_same_from_toml_and_json() {
        let toml = "[[rules]]\nname = \"busy\"\nmethod = \"POST\"\npath = \"/batches\"\nnth = [2]\n\
                    action = { do = \"status\", status = 429, retry_after = \"soon\" }\n";
        let json = r#"{"rules":[{"name":"busy","method":"POST","path":"/batches","nth":[2],
                      "action":{"do":"status","status":429,"retry_after":"soon"}}]}"#;
        let read = Script::parse(toml);
        assert_eq!(read, Script::parse(json));
        assert_eq!(read.map(|script| script.rules.len()), Ok(1));
    }

    #[test]
    fn a_misspelt_rule_is_refused() {
        assert!(Script::parse(r#"{"rules":[{"nht":[1],"action":{"do":"hang"}}]}"#).is_err());
        assert!(Script::parse(r#"{"rules":[{"action":{"do":"status","status":500,"retryafter":1}}]}"#).is_err());
        assert!(Script::parse(r#"{"rules":[{"action":{"do":"explode"}}]}"#).is_err());
    }

    #[test]
    fn stars_stand_for_anything() {
        assert!(
            fits("*", "") && fits("a*c", "abbc") && fits("*@x.com", "p@x.com") && fits("/contacts/*", "/contacts/tags")
        );
        assert!(!fits("a*c", "abd") && !fits("/contacts", "/contacts/tags"));
    }
}
