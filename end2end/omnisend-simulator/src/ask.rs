//! Requests without a wire: a test that keeps its own clock asks here, and is told what would have come over the network,
//! at once. Script, key, limits, calls and log are those of the HTTP door.

use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;

use crate::gateway::{record, serve};
use crate::problem::Answer;
use crate::state::State;
use crate::wire::WireFault;
use crate::world::{Head, Served};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    /// After `/api`.
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub version: Option<String>,
    pub content_type: Option<String>,
    pub body: Bytes,
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An answer.
    Answer { status: u16, headers: Vec<(String, String)>, body: Bytes },
    /// The connection broke; whether anything was done is for the log to know.
    Broken,
    /// Nothing, for ever.
    Silence,
}

/// What comes of a request, and the time that a script lets pass around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub told: Told,
    pub delay: Duration,
}

impl State {
    /// Answers a request as the HTTP door would; waits for nothing.
    pub fn ask(&self, asked: Asked) -> Outcome {
        let shared = &self.0;
        let Asked { method, path, query, authorization, version, content_type, body } = asked;
        let head = Head { method, path, query, authorization, version, content_type };
        let (number, mut effects) = shared.world().arrive(&head, shared.clock.now());
        let delay = effects.delay_before + effects.delay_after;
        if effects.hang || effects.reset_before {
            record(shared, number, &head, None, &effects, Some(&body));
            let told = if effects.hang { Told::Silence } else { Told::Broken };
            return Outcome { told, delay };
        }
        let served = match effects.answer.take() {
            Some(answer) => Served { answer, at: shared.clock.now(), brand: None },
            None => serve(shared, number, &head, &body, &mut effects),
        };
        record(shared, number, &head, Some(&served), &effects, Some(&body));
        let is_cut = effects.cut_share.is_some() || matches!(effects.wire, Some(WireFault::Cut { .. }));
        Outcome { told: if is_cut { Told::Broken } else { told(served.answer) }, delay }
    }
}

fn told(answer: Answer) -> Told {
    let mut headers: Vec<(String, String)> =
        answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if !answer.content_type.is_empty() {
        headers.push(("content-type".to_owned(), answer.content_type.to_owned()));
    }
    Told::Answer { status: answer.status, headers, body: answer.body }
}
