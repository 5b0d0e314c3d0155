//! Every address, what is sent to it, and the least that somebody must be.

use crate::stage::World;

/// The least that somebody must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Least {
    Anyone,
    Viewer,
    Contributor,
    Administrator,
}
use Least::{Administrator, Anyone, Contributor, Viewer};

/// Pages, and files to download. `{…}` stands for something of the [`World`].
pub const READS: &[(&str, &str, Least)] = &[
    ("/healthz", "/healthz", Anyone),
    ("/readyz", "/readyz", Anyone),
    ("/sign-in", "/sign-in", Anyone),
    ("/set-up/{token}", "/set-up/unknown", Anyone),
    ("/invitation/{token}", "/invitation/unknown", Anyone),
    ("/", "/", Anyone),
    ("/data/exports", "/data/exports", Viewer),
    ("/data/exports/new", "/data/exports/new", Contributor),
    ("/data/exports/new", "/data/exports/new?from={shared_export}", Contributor),
    ("/data/exports/new", "/data/exports/new?from={closed_export}", Administrator),
    ("/data/exports/{id}", "/data/exports/{shared_export}", Viewer),
    ("/data/exports/{id}", "/data/exports/{closed_export}", Viewer),
    ("/data/exports/{id}/dry-run", "/data/exports/{shared_export}/dry-run", Contributor),
    ("/data/exports/{id}/dry-run", "/data/exports/{closed_export}/dry-run", Administrator),
    ("/data/exports/{id}/remove", "/data/exports/{shared_export}/remove", Contributor),
    ("/data/exports/{id}/remove", "/data/exports/{closed_export}/remove", Administrator),
    ("/data/exports/{id}/runs", "/data/exports/{shared_export}/runs", Viewer),
    ("/data/exports/{id}/runs", "/data/exports/{closed_export}/runs", Viewer),
    ("/runs/{id}", "/runs/{shared_run}", Viewer),
    ("/runs/{id}", "/runs/{closed_run}", Viewer),
    ("/runs/{id}/rows.csv", "/runs/{shared_run}/rows.csv", Viewer),
    ("/runs/{id}/rows.csv", "/runs/{closed_run}/rows.csv", Viewer),
    ("/api/runs/progress", "/api/runs/progress?id={shared_run}", Viewer),
    ("/api/runs/progress", "/api/runs/progress?id={closed_run}", Viewer),
    ("/api/sources/progress", "/api/sources/progress?source={source}", Contributor),
    ("/admin/connections", "/admin/connections", Administrator),
    ("/admin/connections/new", "/admin/connections/new", Administrator),
    ("/admin/connections/set-up/{id}", "/admin/connections/set-up/{shared_connection}", Administrator),
    ("/admin/connections/{id}", "/admin/connections/{shared_connection}", Administrator),
    ("/admin/connections/{id}/remove", "/admin/connections/{shared_connection}/remove", Administrator),
    ("/admin/users", "/admin/users", Administrator),
    ("/admin/system", "/admin/system", Viewer),
    ("/admin/system/schedule", "/admin/system/schedule", Administrator),
    ("/data/sources", "/data/sources", Contributor),
    ("/data/sources/new", "/data/sources/new", Contributor),
    ("/data/sources/preview", "/data/sources/preview?path=/etc/passwd", Administrator),
    ("/data/sources/{id}", "/data/sources/{source}", Contributor),
    ("/data/sources/{id}/rejected.csv", "/data/sources/{source}/rejected.csv", Contributor),
    ("/data/profiles", "/data/profiles", Viewer),
    ("/segments", "/segments", Viewer),
    ("/segments/new", "/segments/new", Contributor),
    ("/segments/{id}", "/segments/{segment}", Viewer),
];

const RULE_FORM: &str = "form[name]=Mine&form[join]=all&form[time_zone]=UTC&form[conditions][0][attribute]=id\
    &form[conditions][0][operator]=is_not_empty";
const EXPORT_FORM: &str = "form[name]=Mine {n}&form[rows][0][target]=email&form[rows][0][attribute]=email\
    &form[segments][0]={segment}&form[schedule][kind]=off&form[version]=0";
const SOURCE_FORM: &str = "form[name]=Mine&form[path]=/etc/passwd&form[format]=csv&form[encoding]=utf8\
    &form[delimiter]=comma&form[header]=yes&form[time_zone]=UTC&form[key]=%23&form[columns][0]=a&form[types][0]=text";

/// Changes, in an order in which a later one still finds what it needs. The ids that nobody has show that the right is
/// asked for before the thing.
pub const CHANGES: &[(&str, &str, Least)] = &[
    ("/api/session/set-language", "language=sv&back=/", Anyone),
    ("/api/session/set-theme", "theme=dark&back=/", Anyone),
    ("/api/session/sign-in", "email=nobody@example.com&password=wrong", Anyone),
    ("/api/session/set-up", "token=unknown&email=a@example.com&password=blue harbour tide", Anyone),
    ("/api/session/accept-invitation", "token=unknown&password=blue harbour tide", Anyone),
    ("/uploads", "", Contributor),
    ("/api/segments/try", "form={rule}", Contributor),
    ("/api/segments/save", "{rule_form}", Contributor),
    ("/api/segments/refresh", "id={unknown}", Contributor),
    ("/api/segments/set-active", "id={unknown}&active=false", Contributor),
    ("/api/segments/set-static", "id={unknown}&frozen=true", Contributor),
    ("/api/segments/remove", "id={unknown}", Contributor),
    ("/api/sources/save", "{source_form}", Administrator),
    ("/api/sources/refresh", "id={unknown}", Contributor),
    ("/api/sources/remove", "id={unknown}", Contributor),
    ("/api/users/add", "email=new-{n}@example.com&role=viewer", Administrator),
    ("/api/users/invite-again", "user={unknown}", Administrator),
    ("/api/users/set-role", "user={unknown}&role=administrator", Administrator),
    ("/api/users/set-enabled", "user={unknown}&enabled=true", Administrator),
    ("/api/connections/connect", "kind=omnisend&name=X&audience=administrators&key=&language=en", Administrator),
    ("/api/connections/connect", "kind=omnisend&name=Shared&audience=administrators&{key}&language=en", Administrator),
    (
        "/api/connections/connect",
        "id={unknown}&kind=omnisend&name=X&audience=administrators&{key}&agreed=true&language=en",
        Administrator,
    ),
    ("/api/connections/add-export-user", "id={unknown}&password=wrong", Administrator),
    ("/api/connections/save", "id={unknown}", Administrator),
    ("/api/connections/edit", "id={unknown}&name=X&audience=administrators", Administrator),
    ("/api/connections/share", "id={unknown}&audience=administrators", Administrator),
    ("/api/connections/set-reserve", "id={unknown}&reserve=10", Administrator),
    ("/api/connections/replace-key", "id={unknown}&key=x", Administrator),
    ("/api/connections/replace-key", "id={shared_connection}&{key}", Administrator),
    ("/api/connections/remove", "id={unknown}", Administrator),
    ("/api/exports/save", "form[connection]={shared_connection}&{export_form}", Contributor),
    ("/api/exports/save", "form[connection]={closed_connection}&{export_form}", Administrator),
    ("/api/exports/save", "id={closed_export}&form[connection]={shared_connection}&{export_form}", Administrator),
    ("/api/runs/cancel", "id={closed_run}", Administrator),
    ("/api/runs/resend", "id={closed_run}", Administrator),
    ("/api/runs/resend", "id={closed_run}&reason=email_invalid", Administrator),
    ("/api/runs/recheck", "id={closed_run}", Administrator),
    ("/api/runs/approve", "id={closed_run}", Administrator),
    ("/api/runs/cancel", "id={shared_run}", Contributor),
    ("/api/runs/resend", "id={shared_run}", Contributor),
    ("/api/runs/resend", "id={shared_run}&reason=email_invalid", Contributor),
    ("/api/runs/recheck", "id={shared_run}", Contributor),
    ("/api/runs/approve", "id={shared_run}", Contributor),
    ("/api/system/save", "form[schedule][kind]=off&form[catch_up_hours]=24&form[version]=99", Administrator),
    ("/api/system/refresh", "", Administrator),
    ("/api/system/cancel", "id={unknown}", Administrator),
    ("/api/sources/make-customer-table", "id={source}", Administrator),
    ("/api/exports/run-all", "", Contributor),
    ("/api/exports/run", "id={closed_export}", Administrator),
    ("/api/exports/run", "id={shared_export}", Contributor),
    ("/api/exports/detach", "id={closed_export}", Administrator),
    ("/api/exports/remove", "id={closed_export}", Administrator),
    ("/api/exports/remove", "id={shared_export}", Contributor),
    ("/api/session/sign-out", "", Anyone),
];

impl World {
    pub fn fill(&self, text: &str, n: usize) -> String {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let text = text.replace("{rule}", &encode(RULE_FORM)).replace("{rule_form}", RULE_FORM);
        let text = text.replace("{export_form}", EXPORT_FORM).replace("{source_form}", SOURCE_FORM);
        let ids = [
            ("{n}", n.to_string()),
            ("{source}", self.source.to_string()),
            ("{segment}", self.segment.to_string()),
            ("{shared_connection}", self.shared_connection.to_string()),
            ("{closed_connection}", self.closed_connection.to_string()),
            ("{shared_export}", self.shared_export.to_string()),
            ("{closed_export}", self.closed_export.to_string()),
            ("{shared_run}", self.shared_run.to_string()),
            ("{closed_run}", self.closed_run.to_string()),
            ("{key}", format!("key={}", encode(omnisend_simulator::PRACTICE_KEY))),
            ("{unknown}", "01890000-0000-7000-8000-00000000ffff".to_owned()),
        ];
        ids.iter().fold(text, |text, (name, id)| text.replace(name, id))
    }
}
