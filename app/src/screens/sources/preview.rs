//! The second step of adding a data source: a look at the file, how it is read, the columns with their types, the
//! primary key. The same page changes a data source.

use domain::access::Actor;
use domain::attribute::AttributeType;
use domain::source::{DateOrder, Encoding, Format, Preview, Source};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::SaveSource;
use super::form::{DELIMITERS, NUMBERED, SourceForm, key_of, name_of};
use crate::error::AppError;
use crate::request::{fault, lang, query, services};
use crate::routes::{self, MenuItem};
use crate::services::{Answer, Sources};
use crate::texts::{Locale, td_string, text};
use crate::ui::{Choice, FaultSummary, Faults, Notice, Screen, SelectField, Table, TextField, signed_in};

/// The name of an attribute's type.
pub(crate) fn type_name(language: Locale, kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Text => td_string!(language, sources.type_text),
        AttributeType::Integer => td_string!(language, sources.type_integer),
        AttributeType::Decimal => td_string!(language, sources.type_decimal),
        AttributeType::Boolean => td_string!(language, sources.type_boolean),
        AttributeType::Date => td_string!(language, sources.type_date),
        AttributeType::Time => td_string!(language, sources.type_time),
        AttributeType::DateTime => td_string!(language, sources.type_date_time),
    }
}

fn encodings(language: Locale) -> Vec<Choice> {
    let names = [
        (Encoding::Utf8, "UTF-8"),
        (Encoding::Utf16Le, "UTF-16 LE"),
        (Encoding::Utf16Be, "UTF-16 BE"),
        (Encoding::Windows1252, td_string!(language, sources.windows)),
    ];
    names.into_iter().map(|(encoding, name)| Choice::new(name_of(&encoding), name)).collect()
}

/// A delimiter by its name in the form; one without a name is shown itself.
fn delimiter_name(language: Locale, name: &str) -> String {
    match name {
        "comma" => td_string!(language, sources.comma).to_owned(),
        "semicolon" => td_string!(language, sources.semicolon).to_owned(),
        "tab" => td_string!(language, sources.tab).to_owned(),
        "pipe" => td_string!(language, sources.pipe).to_owned(),
        other => other.escape_debug().to_string().replace(' ', "␠"),
    }
}

/// Those that are offered, and the one that somebody has set beside them.
fn delimiters(language: Locale, set: &str) -> Vec<Choice> {
    let names = DELIMITERS.map(|(name, _)| name);
    let own = (!set.is_empty() && !names.contains(&set)).then_some(set);
    names.into_iter().chain(own).map(|name| Choice::new(name, delimiter_name(language, name))).collect()
}

/// How the file is read, in one line.
fn in_short(form: &SourceForm, has_mark: bool) -> String {
    let language = lang();
    let mut parts = vec![form.format.to_uppercase()];
    if form.format == Format::Csv.as_str() {
        let encoding = encodings(language).into_iter().find(|choice| choice.value == form.encoding);
        let encoding = encoding.map(|choice| choice.text).unwrap_or_default();
        parts.push(if has_mark { text!(language, sources.with_mark, encoding) } else { encoding });
        parts.push(delimiter_name(language, &form.delimiter));
        let first_line = if form.header == "no" {
            td_string!(language, sources.header_no)
        } else {
            td_string!(language, sources.header_yes)
        };
        parts.push(format!("{}: {first_line}", td_string!(language, sources.header)));
    }
    parts.join(" · ")
}

/// Everything of the form that the other form of the page does not show.
fn hidden(pairs: Vec<(&'static str, String)>) -> AnyView {
    let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view().into_any()
}

/// How the file is read, as a form that shows the page again.
fn reading_form(form: &SourceForm, has_mark: bool) -> AnyView {
    let language = lang();
    let none = Faults::default;
    let kept = vec![
        ("source", form.source.map(|id| id.to_string()).unwrap_or_default()),
        ("upload", form.upload.clone()),
        ("file_name", form.file_name.clone()),
        ("path", form.path.clone()),
        ("name", form.name.clone()),
    ];
    let formats = [Format::Csv, Format::Parquet, Format::Ndjson];
    let formats = formats.into_iter().map(|f| Choice::new(f.as_str(), f.as_str().to_uppercase())).collect();
    let yes_no = vec![
        Choice::new("yes", td_string!(language, sources.header_yes)),
        Choice::new("no", td_string!(language, sources.header_no)),
    ];
    let orders = vec![
        Choice::new(name_of(&DateOrder::DayFirst), td_string!(language, sources.day_first)),
        Choice::new(name_of(&DateOrder::MonthFirst), td_string!(language, sources.month_first)),
    ];
    let is_csv = form.format == Format::Csv.as_str();
    let dialect = is_csv.then(|| {
        view! {
            <SelectField name="encoding" label=td_string!(language, sources.encoding) groups=vec![(String::new(), encodings(language))] value=form.encoding.clone() faults=none() />
            <SelectField name="delimiter" label=td_string!(language, sources.delimiter) groups=vec![(String::new(), delimiters(language, &form.delimiter))] value=form.delimiter.clone() faults=none() />
            <SelectField name="header" label=td_string!(language, sources.header) groups=vec![(String::new(), yes_no)] value=form.header.clone() faults=none() />
        }
    });
    view! {
        <details class="card" open=form.columns.is_empty()>
            <summary>{td_string!(language, sources.reading)} ": " <bdi>{in_short(form, has_mark)}</bdi></summary>
            <form method="get" action=routes::SOURCE_PREVIEW>
                {hidden(kept)}
                <div class="row-fields">
                    <SelectField name="format" label=td_string!(language, sources.format) groups=vec![(String::new(), formats)] value=form.format.clone() faults=none() />
                    {dialect}
                    <SelectField name="date_order" label=td_string!(language, sources.date_order) groups=vec![(String::new(), orders)] value=form.date_order.clone() faults=none() />
                    <TextField name="time_zone" label=td_string!(language, sources.time_zone) value=form.time_zone.clone() help=td_string!(language, sources.time_zone_help) max=64 faults=none() />
                </div>
                <button>{td_string!(language, sources.look_again)}</button>
            </form>
        </details>
    }
    .into_any()
}

/// A column's head: its name, and the type that people may change.
fn column_head(index: usize, name: &str, kind: &str) -> AnyView {
    let language = lang();
    let options = AttributeType::ALL.into_iter().map(|one| {
        view! { <option value=one.as_str() selected=one.as_str() == kind>{type_name(language, one)}</option> }
    });
    let label = text!(language, sources.type_of, name = name.to_owned());
    view! {
        <th scope="col">
            <bdi>{name.to_owned()}</bdi>
            <input type="hidden" name=format!("form[columns][{index}]") value=name.to_owned() />
            <select name=format!("form[types][{index}]") aria-label=label>{options.collect_view()}</select>
        </th>
    }
    .into_any()
}

fn save_form(form: &SourceForm, preview: Preview, faults: Faults) -> AnyView {
    let language = lang();
    let kept = vec![
        ("form[source]", form.source.map(|id| id.to_string()).unwrap_or_default()),
        ("form[upload]", form.upload.clone()),
        ("form[file_name]", form.file_name.clone()),
        ("form[path]", form.path.clone()),
        ("form[format]", form.format.clone()),
        ("form[encoding]", form.encoding.clone()),
        ("form[delimiter]", form.delimiter.clone()),
        ("form[header]", form.header.clone()),
        ("form[time_zone]", form.time_zone.clone()),
        ("form[date_order]", form.date_order.clone()),
    ];
    let unchosen = form.key.is_empty().then(|| Choice::new("", td_string!(language, sources.choose_key)));
    let mut keys: Vec<Choice> = unchosen.into_iter().collect();
    keys.push(Choice::new(NUMBERED, td_string!(language, sources.numbered)));
    keys.extend(form.columns.iter().map(|name| Choice::new(name.clone(), name.clone())));
    let head = form.columns.iter().zip(&form.types).enumerate();
    let head = head.map(|(index, (name, kind))| column_head(index, name, kind)).collect_view();
    let body = preview.rows.into_iter().map(|cells| {
        view! { <tr>{cells.into_iter().map(|cell| view! { <td><bdi>{cell.unwrap_or_default()}</bdi></td> }).collect_view()}</tr> }
    });
    view! {
        <form method="post" action=SaveSource::PATH data-guard="">
            {hidden(kept)}
            <div class="form">
                <NameField value=form.name.clone() faults=faults.clone() />
                <SelectField
                    name="primary_key"
                    send_as="form[key]"
                    label=td_string!(language, sources.primary_key)
                    help=td_string!(language, sources.primary_key_help)
                    groups=vec![(String::new(), keys)]
                    value=form.key.clone()
                    faults
                />
            </div>
            <h2>{td_string!(language, sources.columns)}</h2>
            <p>{td_string!(language, sources.columns_text)}</p>
            <Table label=td_string!(language, sources.columns) head=head.into_any() body=body.collect_view().into_any() />
            <div class="buttons">
                <button class="primary" name="form[refresh]" value="1">{td_string!(language, sources.save_and_refresh)}</button>
                <button>{td_string!(language, common.save)}</button>
                <a class="button quiet" href=routes::SOURCES>{td_string!(language, common.cancel)}</a>
            </div>
        </form>
    }
    .into_any()
}

/// The display name. Its errors are reported under the service's name for it.
#[component]
fn NameField(value: String, faults: Faults) -> AnyView {
    let language = lang();
    let faults = faults.renamed("name", "form[name]");
    view! { <TextField name="form[name]" label=td_string!(language, common.display_name) value max=100 faults /> }
        .into_any()
}

/// Fills in what nobody has chosen yet: what the data source has already, else the guesses of the look at the file.
fn guessed(form: SourceForm, preview: &Preview, saved: Option<&Source>) -> SourceForm {
    let mut form = form.read_as(&preview.reading);
    let names: Vec<String> = preview.attributes.iter().map(|a| a.name.clone()).collect();
    if form.columns != names {
        let known = saved.map(|source| source.attributes.as_slice()).unwrap_or_default();
        let kinds = preview.attributes.iter().map(|a| known.iter().find(|k| k.name == a.name).unwrap_or(a).kind);
        form.types = kinds.map(|kind| kind.as_str().to_owned()).collect();
        form.columns = names;
    }
    let is_there = |key: &String| key == NUMBERED || form.columns.contains(key);
    if !is_there(&form.key) {
        form.key = match saved {
            // With another key the same customers would be other profiles: nobody but a person chooses that.
            Some(source) => Some(key_of(source)).filter(is_there).unwrap_or_default(),
            None => preview.primary_key.clone().unwrap_or_else(|| NUMBERED.to_owned()),
        };
    }
    if form.name.is_empty() {
        let file = if form.upload.is_empty() { &form.path } else { &form.file_name };
        let file = file.rsplit(['/', '\\']).next().unwrap_or_default();
        form.name = file.rsplit_once('.').map_or(file, |(stem, _)| stem).chars().take(100).collect();
    }
    form
}

/// Looks at the file of a data source, which is read as it always was, unless that finds none of its columns.
async fn look(sources: &dyn Sources, actor: &Actor, form: &SourceForm, saved: &Source) -> Answer<Preview> {
    let location = form.location()?;
    let is_known =
        |preview: &Preview| preview.attributes.iter().any(|a| saved.attributes.iter().any(|s| s.name == a.name));
    match sources.preview(actor, &location, form.reading()).await {
        Ok(preview) if is_known(&preview) => Ok(preview),
        Ok(_) | Err(AppError::File(_)) => {
            let mut preview = sources.preview(actor, &location, None).await?;
            preview.reading.time_zone.clone_from(&saved.reading.time_zone);
            Ok(preview)
        }
        Err(error) => Err(error),
    }
}

/// The columns of a data source that its newer file lacks. Nothing where it has them all.
fn missing_columns(saved: &Source, shown: &SourceForm) -> Option<AnyView> {
    let language = lang();
    let missing: Vec<String> =
        saved.attributes.iter().map(|a| a.name.clone()).filter(|name| !shown.columns.contains(name)).collect();
    if missing.is_empty() {
        return None;
    }
    let is_key_missing = saved.primary_key.as_ref().is_some_and(|key| missing.contains(key));
    let key = is_key_missing.then(|| view! { <p>{td_string!(language, sources.missing_key)}</p> });
    let names = missing.into_iter().map(|name| view! { <li><bdi>{name}</bdi></li> }).collect_view();
    Some(
        view! {
            <Notice warning=true>
                <strong>{td_string!(language, sources.missing_columns)}</strong>
                <ul>{names}</ul>
                {key}
                <p>{td_string!(language, sources.missing_columns_text)}</p>
            </Notice>
        }
        .into_any(),
    )
}

/// The look at a file.
#[component]
pub fn SourcePreviewPage() -> impl IntoView {
    signed_in(MenuItem::Sources, |actor| async move {
        let language = lang();
        let sources = services()?.sources;
        let asked: SourceForm = query();
        let saved = match asked.source {
            Some(id) => Some(sources.find(&actor, id).await?.source),
            None => None,
        };
        let (form, preview) = match &saved {
            // Nobody has chosen yet how it is read.
            Some(source) if asked.format.is_empty() => {
                let form = SourceForm::of(source).with_file_of(asked);
                let preview = look(sources.as_ref(), &actor, &form, source).await?;
                (form, preview)
            }
            _ => {
                let preview = sources.preview(&actor, &asked.location()?, asked.reading()).await?;
                (asked, preview)
            }
        };
        let shown = guessed(form, &preview, saved.as_ref());
        let missing = saved.as_ref().and_then(|source| missing_columns(source, &shown));
        let error = fault();
        let faults = Faults::of(error.as_ref());
        let labels = vec![
            ("name", td_string!(language, common.display_name).to_owned()),
            ("primary_key", td_string!(language, sources.primary_key).to_owned()),
        ];
        let title =
            if shown.source.is_some() { td_string!(language, common.edit) } else { td_string!(language, sources.add) };
        let back = shown.source.map_or(routes::SOURCES.to_owned(), routes::source);
        let body = view! {
            <p class="crumbs"><a href=back>{td_string!(language, sources.title)}</a></p>
            <FaultSummary error labels />
            {missing}
            {reading_form(&shown, preview.has_mark)}
            {save_form(&shown, preview, faults)}
        };
        Ok(Screen::new(title, body))
    })
}
