//! The editor of an export: adding, changing, duplicating, and looking at it without the right to change it.

use domain::access::{Actor, may_add_export, may_choose_status, may_manage_connections};
use domain::attribute::Attribute;
use domain::connection::ConnectionName;
use domain::destination::DestinationCard;
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId};
use domain::marking::Marking;
use domain::safety::Safety;
use domain::schedule::Schedule;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

use super::marking::marking_fields;
use super::matching::matching_fields;
use super::safety::{safety_fields, status_fields};
use super::schedule::schedule_fields;
use super::segments::segment_fields;
use super::{ExportForm, MatchRow, RunExport, SaveExport};
use crate::error::AppError;
use crate::request::{fault, lang, query, services};
use crate::routes::{self, EXPORTS, MenuItem, NEW_CONNECTION, NEW_EXPORT};
use crate::services::{Answer, SegmentLine, Services};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    Choice, FaultSummary, Faults, Icon, Notice, PostButton, Screen, SelectField, TextField, icon, kind_name, schedule,
    signed_in,
};

/// What the address of the editor carries.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EditorQuery {
    /// The form as it was; none when the editor is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) form: Option<ExportForm>,
    /// The export to duplicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<ExportId>,
    /// *Add attribute* was pressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) add: Option<u8>,
    /// The field to add; empty is a custom property.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    /// *Show the next runs* was pressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) look: Option<u8>,
    /// The row to take out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remove: Option<u32>,
}

/// Adds an export.
#[component]
pub fn NewExportPage() -> impl IntoView {
    signed_in(MenuItem::Exports, add)
}

/// Changes an export, or shows it.
#[component]
pub fn ExportPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Exports, move |actor| change(actor, id))
}

async fn add(actor: Actor) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    if !may_add_export(actor.role) {
        return Err(AppError::Forbidden);
    }
    let mut asked: EditorQuery = query();
    let is_changed = asked.form.is_some();
    let usable = services.connections.usable(&actor).await?;
    let form = match (asked.form.take(), asked.from) {
        (Some(form), _) => form,
        (None, Some(from)) => {
            let copy = services.exports.duplicate(&actor, from).await?;
            ExportForm::of(&copy.settings, 0)
        }
        (None, None) => fresh(&services, &actor, &usable).await?,
    };
    let editor = Editor { language, id: None, path: NEW_EXPORT.to_owned(), is_locked: false, is_changed };
    let body = editor.draw(&services, &actor, form, &asked, usable).await?;
    Ok(Screen::new(td_string!(language, exports.set_up), body))
}

/// A new form: the only connection chosen, the data matching proposed.
async fn fresh(services: &Services, actor: &Actor, usable: &[ConnectionName]) -> Answer<ExportForm> {
    let mapping = match card_for(services, usable, "") {
        Some(card) => services.exports.suggest(actor, &card.kind).await?,
        None => domain::mapping::Mapping::default(),
    };
    let connection = if let [only] = usable { Some(only.id) } else { None };
    let (segments, schedule, safety, marking) = (Vec::new(), Schedule::System, Safety::default(), Marking::Tags);
    let settings = ExportSettings { name: String::new(), connection, mapping, segments, schedule, safety, marking };
    Ok(ExportForm::of(&settings, 0))
}

async fn change(actor: Actor, id: Option<ExportId>) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let line = services.exports.find(&actor, id.ok_or(AppError::NotFound)?).await?;
    let id = line.export.id;
    let mut asked: EditorQuery = query();
    let is_changed = asked.form.is_some();
    let saved = ExportForm::of(&line.export.settings, line.export.version);
    let mut form = if line.may_edit { asked.form.take().unwrap_or(saved) } else { saved };
    if fault() == Some(AppError::Stale) {
        // The page says so: whoever saves now knows that it replaces what somebody else saved.
        form.version = line.export.version;
    }
    let mut usable = services.connections.usable(&actor).await?;
    // The connection of an export that one may only look at is no choice of one's own, but is shown: without its id, and
    // one that is not shared, without its name.
    if let (Some(connection), Some(kind)) = (line.export.settings.connection, line.kind)
        && !usable.iter().any(|one| one.id == connection)
    {
        let hidden = || td_string!(language, exports.connection_hidden).to_owned();
        let name = line.connection_name.unwrap_or_else(hidden);
        let id = ConnectionId(uuid::Uuid::nil());
        form.connection = id.to_string();
        usable.push(ConnectionName { id, name, kind });
    }
    let editor = Editor { language, id: Some(id), path: routes::export(id), is_locked: !line.may_edit, is_changed };
    let body = editor.draw(&services, &actor, form, &asked, usable).await?;
    let run = line.may_edit.then(|| {
        let fields = vec![("id", id.to_string())];
        view! { <PostButton action=RunExport::PATH fields symbol=Icon::Play text=td_string!(language, exports.run) /> }
    });
    let more = line.may_edit.then(|| {
        view! {
            <a class="button" href=routes::duplicate_export(id)>{td_string!(language, exports.duplicate)}</a>
            <a class="button danger" href=routes::remove_export(id)>{icon(Icon::Trash)} {td_string!(language, common.remove)}</a>
        }
    });
    let dry_run = line.may_edit.then(|| {
        view! { <a class="button" href=routes::dry_run(id)>{td_string!(language, safety.dry_run)}</a> }
    });
    let commands = view! {
        {run}
        {dry_run}
        <a class="button" href=routes::runs(id)>{td_string!(language, runs.history)}</a>
        {more}
    };
    Ok(Screen::new(line.export.settings.name, body).with_commands(commands))
}

/// The card of the chosen connection's destination, else of the first that may be used, else of the first there is.
fn card_for(services: &Services, usable: &[ConnectionName], connection: &str) -> Option<DestinationCard> {
    let chosen = usable.iter().find(|one| one.id.to_string() == connection).or_else(|| usable.first());
    match chosen {
        Some(one) => services.connections.card(&one.kind),
        None => services.connections.cards().into_iter().next(),
    }
}

/// The form with its surroundings.
struct Editor {
    language: Locale,
    id: Option<ExportId>,
    /// The page itself.
    path: String,
    /// Look, do not touch.
    is_locked: bool,
    /// The form came from the address: it holds what was not saved.
    is_changed: bool,
}

impl Editor {
    async fn draw(
        &self,
        services: &Services,
        actor: &Actor,
        mut form: ExportForm,
        asked: &EditorQuery,
        usable: Vec<ConnectionName>,
    ) -> Answer<AnyView> {
        let card = card_for(services, &usable, &form.connection).ok_or(AppError::NotFound)?;
        let attributes = services.sources.attributes(actor).await?;
        complete_rows(&mut form, &card);
        if asked.add.is_some() {
            form.add_row(asked.field.as_deref().unwrap_or_default(), &card, &attributes);
        }
        if let Some(index) = asked.remove {
            form.remove_row(usize::try_from(index).unwrap_or(usize::MAX));
        }
        let segments = services.segments.list(actor).await?;
        let error = fault();
        Ok(self.form(services, actor, &form, &card, &attributes, segments, usable, error))
    }

    #[expect(clippy::too_many_arguments, reason = "the loaded parts of one page, used once")]
    fn form(
        &self,
        services: &Services,
        actor: &Actor,
        form: &ExportForm,
        card: &DestinationCard,
        attributes: &[Attribute],
        segments: Vec<SegmentLine>,
        usable: Vec<ConnectionName>,
        error: Option<AppError>,
    ) -> AnyView {
        let language = self.language;
        let faults = Faults::of(error.as_ref());
        let locked = self.is_locked.then(|| {
            view! { <Notice><p>{td_string!(language, exports.view_only_text)}</p></Notice> }
        });
        let marking = (card.takes_custom_properties || form.marking == Marking::Properties.as_str())
            .then(|| marking_fields(language, form, &segments, &faults, self.is_locked));
        let segments = segment_fields(language, form, segments, &faults, self.is_locked);
        view! {
            {locked}
            <FaultSummary error labels=labels(language) />
            <form class="form" method="post" action=SaveExport::PATH data-guard=if self.is_changed { "changed" } else { "" }>
                <input type="hidden" name="id" value=self.id.map(|id| id.to_string()).unwrap_or_default() />
                <input type="hidden" name="form[version]" value=form.version.to_string() />
                // The first button is what Enter presses: it must be Save, not one that adds or removes a row.
                <button class="visually-hidden" tabindex="-1" aria-hidden="true" disabled=self.is_locked></button>
                <fieldset class="bare" disabled=self.is_locked>
                    {self.connection(services, actor, form, usable, &faults)}
                    <TextField
                        name="name"
                        send_as="form[name]"
                        label=td_string!(language, common.display_name)
                        value=form.name.clone()
                        faults=faults.clone()
                    />
                </fieldset>
                    {matching_fields(language, form, card, attributes, &self.path, self.is_locked)}
                    {segments}
                    {marking}
                    {schedule_fields(language, form, &faults, &self.path, self.is_locked)}
                    {safety_fields(language, form, &faults, self.is_locked)}
                    {status_fields(language, form, attributes, &faults, may_choose_status(actor.role) && !self.is_locked)}
                {self.buttons(&card.name)}
            </form>
        }
        .into_any()
    }

    /// The connections that this person may use, grouped by destination.
    fn connection(
        &self,
        services: &Services,
        actor: &Actor,
        form: &ExportForm,
        usable: Vec<ConnectionName>,
        faults: &Faults,
    ) -> AnyView {
        let language = self.language;
        let is_empty = usable.is_empty();
        let mut groups: Vec<(String, Vec<Choice>)> =
            vec![(String::new(), vec![Choice::new("", td_string!(language, exports.no_connection))])];
        for one in usable {
            let title = kind_name(services, &one.kind);
            let choice = Choice::new(one.id.to_string(), one.name);
            match groups.iter_mut().find(|(name, _)| *name == title) {
                Some((_, choices)) => choices.push(choice),
                None => groups.push((title, vec![choice])),
            }
        }
        let help = if !is_empty {
            ""
        } else if may_manage_connections(actor.role) {
            td_string!(language, exports.no_connection_admin)
        } else {
            td_string!(language, exports.no_connection_contributor)
        };
        let add = (may_manage_connections(actor.role) && !self.is_locked).then(|| {
            view! { <p class="help"><a href=NEW_CONNECTION>{td_string!(language, connections.add)}</a></p> }
        });
        view! {
            <SelectField
                name="connection"
                send_as="form[connection]"
                label=td_string!(language, exports.connection_for_export)
                help
                groups
                value=form.connection.clone()
                required=false
                mark_optional=false
                faults=faults.clone()
            />
            {add}
        }
        .into_any()
    }

    fn buttons(&self, destination: &str) -> AnyView {
        let language = self.language;
        if self.is_locked {
            return view! { <div class="buttons"><a class="button" href=EXPORTS>{td_string!(language, common.close)}</a></div> }
                .into_any();
        }
        // Said before the first run, and not at every change after it.
        let billing = self.id.is_none().then(|| {
            let text = text!(language, exports.billing_help, name = destination.to_owned());
            view! { <p class="help">{text}</p> }
        });
        view! {
            {billing}
            <p class="help">{td_string!(language, exports.save_help)}</p>
            <div class="buttons">
                <button class="primary">{td_string!(language, common.save)}</button>
                <button name="then" value="run">{td_string!(language, exports.save_and_run)}</button>
                <a class="button" href=EXPORTS>{td_string!(language, common.cancel)}</a>
            </div>
        }
        .into_any()
    }
}

/// Every required field has its row, first.
fn complete_rows(form: &mut ExportForm, card: &DestinationCard) {
    let missing = card.targets.iter().filter(|t| t.required && !form.rows.iter().any(|row| row.target == t.name));
    let missing: Vec<MatchRow> = missing.map(|target| MatchRow::for_target(&target.name)).collect();
    form.rows.splice(0..0, missing);
}

/// What people call the fields.
fn labels(language: Locale) -> Vec<(&'static str, String)> {
    let mut labels = vec![
        ("name", td_string!(language, common.display_name).to_owned()),
        ("connection", td_string!(language, exports.connection_for_export).to_owned()),
        ("matching", td_string!(language, exports.data_matching).to_owned()),
        ("segments", td_string!(language, exports.select_segments).to_owned()),
        ("marking", td_string!(language, exports.marking).to_owned()),
        ("leave_percent", td_string!(language, safety.leave_percent).to_owned()),
        ("opt_in", td_string!(language, safety.opt_in).to_owned()),
        ("join_percent", td_string!(language, safety.join_percent).to_owned()),
    ];
    labels.extend(schedule::labels(language));
    labels
}
