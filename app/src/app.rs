//! The router: which page answers which address. Every page is rendered whole on the server before it is sent, so
//! that its status, its title and its redirects are right.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::request::lang;
use crate::screens::connections::{
    ConnectionPage, ConnectionsPage, NewConnectionPage, RemoveConnectionPage, SetUpConnectionPage,
};
use crate::screens::exports::{DryRunPage, ExportPage, ExportsPage, NewExportPage, RemoveExportPage};
use crate::screens::not_found::{HomePage, NotFoundPage};
use crate::screens::profiles::ProfilesPage;
use crate::screens::runs::{RunPage, RunsPage};
use crate::screens::segments::{NewSegmentPage, SegmentPage, SegmentsPage};
use crate::screens::sign_in::{InvitationPage, SetUpPage, SignInPage};
use crate::screens::sources::{NewSourcePage, SourcePage, SourcePreviewPage, SourcesPage};
use crate::screens::system::{SystemSchedulePage, SystemStatusPage};
use crate::screens::users::UsersPage;

/// How every page is rendered.
const WHOLE: SsrMode = SsrMode::Async;

/// All of Ferry's pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(lang());
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=HomePage ssr=WHOLE />
                <Route path=path!("/sign-in") view=SignInPage ssr=WHOLE />
                <Route path=path!("/set-up/:token") view=SetUpPage ssr=WHOLE />
                <Route path=path!("/invitation/:token") view=InvitationPage ssr=WHOLE />
                <Route path=path!("/data/exports") view=ExportsPage ssr=WHOLE />
                <Route path=path!("/data/exports/new") view=NewExportPage ssr=WHOLE />
                <Route path=path!("/data/exports/:id") view=ExportPage ssr=WHOLE />
                <Route path=path!("/data/exports/:id/dry-run") view=DryRunPage ssr=WHOLE />
                <Route path=path!("/data/exports/:id/remove") view=RemoveExportPage ssr=WHOLE />
                <Route path=path!("/data/exports/:id/runs") view=RunsPage ssr=WHOLE />
                <Route path=path!("/runs/:id") view=RunPage ssr=WHOLE />
                <Route path=path!("/admin/connections") view=ConnectionsPage ssr=WHOLE />
                <Route path=path!("/admin/connections/new") view=NewConnectionPage ssr=WHOLE />
                <Route path=path!("/admin/connections/set-up/:id") view=SetUpConnectionPage ssr=WHOLE />
                <Route path=path!("/admin/connections/:id") view=ConnectionPage ssr=WHOLE />
                <Route path=path!("/admin/connections/:id/remove") view=RemoveConnectionPage ssr=WHOLE />
                <Route path=path!("/admin/users") view=UsersPage ssr=WHOLE />
                <Route path=path!("/admin/system") view=SystemStatusPage ssr=WHOLE />
                <Route path=path!("/admin/system/schedule") view=SystemSchedulePage ssr=WHOLE />
                <Route path=path!("/data/sources") view=SourcesPage ssr=WHOLE />
                <Route path=path!("/data/sources/new") view=NewSourcePage ssr=WHOLE />
                <Route path=path!("/data/sources/preview") view=SourcePreviewPage ssr=WHOLE />
                <Route path=path!("/data/sources/:id") view=SourcePage ssr=WHOLE />
                <Route path=path!("/data/profiles") view=ProfilesPage ssr=WHOLE />
                <Route path=path!("/segments") view=SegmentsPage ssr=WHOLE />
                <Route path=path!("/segments/new") view=NewSegmentPage ssr=WHOLE />
                <Route path=path!("/segments/:id") view=SegmentPage ssr=WHOLE />
            </Routes>
        </Router>
    }
}
