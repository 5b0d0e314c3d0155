//! Sends the file of the upload form with a bar that shows how far it is, and a button that stops it. An island
//! because a plain form shows nothing while ten gigabytes are on their way.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The texts, in the person's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadTexts {
    /// While it is sent.
    pub sending: String,
    /// When it failed.
    pub failed: String,
    /// The button that stops it.
    pub cancel: String,
}

/// Takes over the form with the id `upload` beside it.
#[island]
pub fn LiveUpload(texts: UploadTexts) -> impl IntoView {
    let percent = RwSignal::new(None::<u32>);
    let failed = RwSignal::new(false);
    let stop = RwSignal::new(0_u32);
    #[cfg(target_arch = "wasm32")]
    Effect::new(move |_| browser::take_over(percent, failed, stop));
    let UploadTexts { sending, failed: failed_text, cancel } = texts;
    view! {
        <div class="upload" role="status">
            <Show when=move || percent.get().is_some()>
                <p>{sending.clone()} " " {move || percent.get().unwrap_or(0)} "%"</p>
                <progress max="100" value=move || percent.get().unwrap_or(0)></progress>
                <button type="button" on:click=move |_| stop.update(|n| *n += 1)>{cancel.clone()}</button>
            </Show>
            <Show when=move || failed.get()><p class="fault">{failed_text.clone()}</p></Show>
        </div>
    }
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use leptos::prelude::*;
    use leptos::wasm_bindgen::JsCast;
    use leptos::wasm_bindgen::closure::Closure;
    use web_sys::{Event, EventTarget, FormData, HtmlFormElement, ProgressEvent, XmlHttpRequest};

    /// Sends the form by itself; the answer names the page that comes next.
    pub(super) fn take_over(percent: RwSignal<Option<u32>>, failed: RwSignal<bool>, stop: RwSignal<u32>) {
        let form = document().get_element_by_id("upload").and_then(|e| e.dyn_into::<HtmlFormElement>().ok());
        let Some(form) = form else { return };
        let send = Closure::<dyn FnMut(Event)>::new({
            let form = form.clone();
            move |event: Event| {
                event.prevent_default();
                failed.set(false);
                if start(&form, percent, failed, stop).is_none() {
                    percent.set(None);
                    failed.set(true);
                }
            }
        });
        // The form lives as long as the page, and so does its listener.
        let _ = form.add_event_listener_with_callback("submit", send.as_ref().unchecked_ref());
        send.forget();
    }

    fn start(
        form: &HtmlFormElement,
        percent: RwSignal<Option<u32>>,
        failed: RwSignal<bool>,
        stop: RwSignal<u32>,
    ) -> Option<()> {
        let body = FormData::new_with_form(form).ok()?;
        let request = XmlHttpRequest::new().ok()?;
        request.open("POST", &form.action()).ok()?;
        request.set_request_header("Accept", "application/json").ok()?;
        let moved = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
            if event.total() > 0.0 {
                percent.set(Some((event.loaded() * 100.0 / event.total()) as u32));
            }
        });
        let upload = request.upload().ok()?;
        let events: &EventTarget = upload.unchecked_ref();
        events.add_event_listener_with_callback("progress", moved.as_ref().unchecked_ref()).ok()?;
        moved.forget();
        let ended = Closure::<dyn FnMut(Event)>::new({
            let request = request.clone();
            move |_: Event| {
                let next = next_page(&request);
                percent.set(None);
                match next {
                    Some(page) => {
                        let _ = window().location().set_href(&page);
                    }
                    None => failed.set(true),
                }
            }
        });
        let events: &EventTarget = request.unchecked_ref();
        events.add_event_listener_with_callback("loadend", ended.as_ref().unchecked_ref()).ok()?;
        ended.forget();
        percent.set(Some(0));
        request.send_with_opt_form_data(Some(&body)).ok()?;
        let before = stop.get_untracked();
        Effect::new(move |_| {
            if stop.get() > before {
                let _ = request.abort();
            }
        });
        Some(())
    }

    /// The page that the answer names: `{"next": "/data/sources/preview?…"}`.
    fn next_page(request: &XmlHttpRequest) -> Option<String> {
        let text = request.response_text().ok()??;
        let answer: serde_json::Value = serde_json::from_str(&text).ok()?;
        let page = answer.get("next")?.as_str()?;
        page.starts_with('/').then(|| page.to_owned())
    }
}
