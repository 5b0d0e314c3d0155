//! A kind of destination as people see it: its proper name and its picture.

use domain::destination::DestinationKind;
use leptos::prelude::*;

use crate::services::Services;

/// The proper name; the kind itself where Ferry no longer knows it.
pub fn kind_name(services: &Services, kind: &DestinationKind) -> String {
    services.connections.card(kind).map_or_else(|| kind.0.clone(), |card| card.name)
}

/// The picture from `public/destinations`.
pub fn kind_picture(kind: &DestinationKind) -> AnyView {
    view! { <img class="kind" src=format!("/destinations/{kind}.svg") alt="" width="20" height="20" /> }.into_any()
}
