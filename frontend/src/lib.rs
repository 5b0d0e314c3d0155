//! The browser's entry: wakes the islands that the server has drawn. Nothing else.

// Naming the crate links it: without this line no island is exported.
use app as _;

/// Called by the page's module script once the WASM file is there.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
