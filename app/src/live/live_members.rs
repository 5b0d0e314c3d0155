//! The member count and the first members of a rule, while it is being edited. An island because they follow the
//! typing; a newer count cancels the one before it. Without script the page counts when it is shown.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What a rule gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// How many, as a sentence; empty while the rule is not finished.
    pub sentence: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The first members as text.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Counts the rule of the editor's form, which travels as the browser encodes it.
#[server(name = TryRule, prefix = "/api/segments", endpoint = "try")]
pub async fn try_rule(form: String) -> Result<Tried, AppError> {
    crate::screens::segments::tried(&crate::screens::segments::rule_of(&form)?).await
}

/// The count and the members beside the form with the id `segment`.
#[island]
pub fn LiveMembers(first: Tried, label: String) -> impl IntoView {
    let found = RwSignal::new(first);
    #[cfg(target_arch = "wasm32")]
    Effect::new(move |_| browser::follow(found));
    let table = move || {
        let Tried { columns, rows, .. } = found.get();
        let head = columns.into_iter().map(|name| view! { <th scope="col"><bdi>{name}</bdi></th> }).collect_view();
        let row = |cells: Vec<Option<String>>| {
            let cells = cells.into_iter().map(|cell| view! { <td><bdi>{cell.unwrap_or_default()}</bdi></td> });
            view! { <tr>{cells.collect_view()}</tr> }
        };
        view! {
            <table>
                <thead><tr>{head}</tr></thead>
                <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
            </table>
        }
    };
    view! {
        <p class="count" role="status">{move || found.get().sentence}</p>
        <div class="table data" role="region" tabindex="0" aria-label=label>{table}</div>
    }
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use futures::future::{AbortHandle, abortable};
    use js_sys::{Array, Function, Object, Reflect};
    use leptos::prelude::*;
    use leptos::wasm_bindgen::closure::Closure;
    use leptos::wasm_bindgen::{JsCast, JsValue};
    use web_sys::{Element, Event, FormData, HtmlElement, HtmlFormElement};

    use super::{Tried, try_rule};

    /// How long the typing must rest before a rule is counted.
    const REST_MILLISECONDS: u32 = 250;

    pub(super) fn follow(found: RwSignal<Tried>) {
        let form = document().get_element_by_id("segment").and_then(|e| e.dyn_into::<HtmlFormElement>().ok());
        let Some(form) = form else { return };
        let running = StoredValue::new(None::<AbortHandle>);
        let listener = Closure::<dyn FnMut(Event)>::new({
            let form = form.clone();
            move |event: Event| {
                if event.type_() == "change" && is_redrawing(&event) {
                    return update(&form);
                }
                // Dropping the request cancels it in the browser, and with it on the server.
                if let Some(earlier) = running.get_value() {
                    earlier.abort();
                }
                let Some(text) = encoded(&form) else { return };
                let (count, handle) = abortable(async move {
                    crate::live::pause(REST_MILLISECONDS).await;
                    if let Ok(tried) = try_rule(text).await {
                        found.set(tried);
                    }
                });
                running.set_value(Some(handle));
                leptos::task::spawn_local(async move {
                    let _ = count.await;
                });
            }
        });
        // The form lives as long as the page, and so do its listeners.
        for kind in ["input", "change"] {
            let _ = form.add_event_listener_with_callback(kind, listener.as_ref().unchecked_ref());
        }
        listener.forget();
        if is_edited(&form)
            && let Ok(input) = Event::new("input")
        {
            let _ = form.dispatch_event(&input);
        }
    }

    /// Was something typed or ticked before anybody listened?
    fn is_edited(form: &HtmlFormElement) -> bool {
        let differs = |field: &JsValue, now: &str, first: &str| {
            let of = |name: &str| Reflect::get(field, &name.into()).unwrap_or(JsValue::UNDEFINED);
            // A button and a list have no first value of their own.
            !of(first).is_undefined() && of(now) != of(first)
        };
        let fields = Reflect::get(form, &"elements".into()).map(|fields| Array::from(&fields)).unwrap_or_default();
        fields
            .iter()
            .any(|field| differs(&field, "value", "defaultValue") || differs(&field, "checked", "defaultChecked"))
    }

    /// Another attribute or operator has other operands: the server draws the form anew.
    fn is_redrawing(event: &Event) -> bool {
        let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        element.is_some_and(|element| element.has_attribute("data-redraw"))
    }

    fn update(form: &HtmlFormElement) {
        let button = form.query_selector("[data-update]").ok().flatten();
        if let Some(button) = button.and_then(|b| b.dyn_into::<HtmlElement>().ok()) {
            button.click();
        }
    }

    fn encoded(form: &HtmlFormElement) -> Option<String> {
        let data = FormData::new_with_form(form).ok()?;
        // `new URLSearchParams(data)`: the browser's own form encoding.
        let class = Reflect::get(&js_sys::global(), &"URLSearchParams".into()).ok()?.dyn_into::<Function>().ok()?;
        let encoded = Reflect::construct(&class, &Array::of1(data.as_ref())).ok()?;
        Some(encoded.unchecked_into::<Object>().to_string().into())
    }
}
