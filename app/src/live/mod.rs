//! The islands: all that runs in the browser, one file each, named `live_*.rs`. An island is a leaf: it takes plain
//! owned props, calls no other island, and the server has already drawn something useful in its place. Its texts come
//! as props or from its server function, in the person's language, so that no translations travel as code.

pub mod live_members;
pub mod live_progress;
pub mod live_refresh;
pub mod live_upload;

/// Waits. On the server, where no island runs, it never ends.
async fn pause(milliseconds: u32) {
    #[cfg(target_arch = "wasm32")]
    gloo_timers::future::TimeoutFuture::new(milliseconds).await;
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = milliseconds;
        std::future::pending::<()>().await;
    }
}

/// Loads the page again.
fn reload() {
    #[cfg(target_arch = "wasm32")]
    let _ = leptos::prelude::window().location().reload();
}
