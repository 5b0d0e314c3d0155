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
    /// When it is larger than the server takes.
    pub too_large: String,
    /// When the server's disk is full.
    pub no_space: String,
    /// The button that stops it.
    pub cancel: String,
}

/// Takes over the form with the id `upload` beside it. `limit` is how many bytes the server takes: a larger file is not
/// even begun.
#[island]
pub fn LiveUpload(texts: UploadTexts, limit: u64) -> impl IntoView {
    let percent = RwSignal::new(None::<u32>);
    let fault = RwSignal::new(String::new());
    let stop = RwSignal::new(0_u32);
    let UploadTexts { sending, cancel, .. } = texts.clone();
    #[cfg(target_arch = "wasm32")]
    Effect::new(move |_| browser::Upload { percent, fault, stop, texts: texts.clone(), limit }.take_over());
    #[cfg(not(target_arch = "wasm32"))]
    let _ = limit;
    view! {
        <div class="upload" role="status">
            <Show when=move || percent.get().is_some()>
                <p>{sending.clone()} " " {move || percent.get().unwrap_or(0)} "%"</p>
                <progress max="100" value=move || percent.get().unwrap_or(0)></progress>
                <button type="button" on:click=move |_| stop.update(|n| *n += 1)>{cancel.clone()}</button>
            </Show>
            <Show when=move || !fault.get().is_empty()><p class="fault">{move || fault.get()}</p></Show>
        </div>
    }
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use leptos::prelude::*;
    use leptos::wasm_bindgen::JsCast;
    use leptos::wasm_bindgen::closure::Closure;
    use web_sys::{Event, EventTarget, File, FormData, HtmlFormElement, ProgressEvent, XmlHttpRequest};

    use super::UploadTexts;

    /// What the island and the request share.
    #[derive(Clone)]
    pub(super) struct Upload {
        pub(super) percent: RwSignal<Option<u32>>,
        /// What went wrong; empty while nothing did.
        pub(super) fault: RwSignal<String>,
        pub(super) stop: RwSignal<u32>,
        pub(super) texts: UploadTexts,
        pub(super) limit: u64,
    }

    impl Upload {
        /// Sends the form by itself; the answer names the page that comes next.
        pub(super) fn take_over(self) {
            let form = document().get_element_by_id("upload").and_then(|e| e.dyn_into::<HtmlFormElement>().ok());
            let Some(form) = form else { return };
            let send = Closure::<dyn FnMut(Event)>::new({
                let form = form.clone();
                move |event: Event| {
                    event.prevent_default();
                    self.fault.set(String::new());
                    if self.start(&form).is_none() {
                        self.percent.set(None);
                        self.fault.set(self.texts.failed.clone());
                    }
                }
            });
            // The form lives as long as the page, and so does its listener.
            let _ = form.add_event_listener_with_callback("submit", send.as_ref().unchecked_ref());
            send.forget();
        }

        fn start(&self, form: &HtmlFormElement) -> Option<()> {
            let body = FormData::new_with_form(form).ok()?;
            if body.get("file").dyn_into::<File>().is_ok_and(|file| file.size() > self.limit as f64) {
                self.fault.set(self.texts.too_large.clone());
                return Some(());
            }
            let request = XmlHttpRequest::new().ok()?;
            request.open("POST", &form.action()).ok()?;
            request.set_request_header("Accept", "application/json").ok()?;
            let percent = self.percent;
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
                let (upload, request) = (self.clone(), request.clone());
                move |_: Event| {
                    upload.percent.set(None);
                    match upload.next_page(&request) {
                        Ok(page) => {
                            let _ = window().location().set_href(&page);
                        }
                        Err(fault) => upload.fault.set(fault.to_owned()),
                    }
                }
            });
            let events: &EventTarget = request.unchecked_ref();
            events.add_event_listener_with_callback("loadend", ended.as_ref().unchecked_ref()).ok()?;
            ended.forget();
            percent.set(Some(0));
            request.send_with_opt_form_data(Some(&body)).ok()?;
            let (stop, before) = (self.stop, self.stop.get_untracked());
            Effect::new(move |_| {
                if stop.get() > before {
                    let _ = request.abort();
                }
            });
            Some(())
        }

        /// The page that the answer names, `{"next": "/data/sources/preview?…"}`, or what to say of its error,
        /// `{"code": "file", "with": "too_large"}`.
        fn next_page(&self, request: &XmlHttpRequest) -> Result<String, &str> {
            let text = request.response_text().ok().flatten().unwrap_or_default();
            let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            let told = |name: &str| answer.get(name).and_then(serde_json::Value::as_str);
            match (told("next"), told("with")) {
                (Some(page), _) if page.starts_with('/') => Ok(page.to_owned()),
                (_, Some("too_large")) => Err(&self.texts.too_large),
                (_, Some("no_space")) => Err(&self.texts.no_space),
                _ => Err(&self.texts.failed),
            }
        }
    }
}
