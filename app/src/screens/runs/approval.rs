//! A run that is held because it is unlike the ones before it: why, and the two buttons that decide.

use domain::brake::{Alarm, Surprise};
use domain::run::Run;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::{ApproveRun, CancelRun};
use crate::services::RunView;
use crate::texts::{Locale, td_string, text};
use crate::ui::{Notice, PostButton, number};

/// The question to the people who may run the export, while nobody has answered it.
pub(super) fn question(language: Locale, view: &RunView) -> AnyView {
    let run = &view.run;
    let Some(alarm) = run.alarm.as_ref().filter(|_| run.awaits_approval()) else { return ().into_any() };
    let decide = if view.may_approve {
        let fields = || vec![("id", run.id.to_string())];
        view! {
            <p>{td_string!(language, safety.decide_help)}</p>
            <div class="buttons">
                <PostButton action=ApproveRun::PATH fields=fields() class="primary" text=td_string!(language, safety.approve) />
                <PostButton action=CancelRun::PATH fields=fields() class="danger" text=td_string!(language, safety.reject) />
            </div>
        }
        .into_any()
    } else {
        view! { <p>{td_string!(language, safety.not_yours)}</p> }.into_any()
    };
    let why = reasons(language, alarm);
    view! {
        <Notice warning=true>
            <p><strong>{td_string!(language, safety.held_title)}</strong></p>
            {why}
            {decide}
        </Notice>
    }
    .into_any()
}

/// What had been unusual about a run that went on or was rejected.
pub(super) fn record(language: Locale, run: &Run) -> AnyView {
    let Some(alarm) = run.alarm.as_ref().filter(|_| !run.awaits_approval()) else { return ().into_any() };
    let why = reasons(language, alarm);
    view! {
        <Notice>
            <p><strong>{td_string!(language, safety.was_held)}</strong></p>
            {why}
        </Notice>
    }
    .into_any()
}

fn reasons(language: Locale, alarm: &Alarm) -> AnyView {
    let why = surprises(language, &alarm.surprises);
    let runs = number(language, alarm.runs);
    let days = alarm.age_days;
    let compared = if days == 0 {
        text!(language, safety.compared_today, runs = runs)
    } else {
        let ago = text!(language, common.days_ago, count = move || days);
        text!(language, safety.compared, runs = runs, ago = ago)
    };
    view! { {why} <p>{compared}</p> }.into_any()
}

/// What is unusual, as a list.
pub fn surprises(language: Locale, surprises: &[Surprise]) -> AnyView {
    let lines = surprises.iter().map(|surprise| view! { <li>{sentence(language, surprise)}</li> });
    view! { <ul>{lines.collect_view()}</ul> }.into_any()
}

fn sentence(language: Locale, surprise: &Surprise) -> String {
    let figure = |value: u64| number(language, value);
    match *surprise {
        Surprise::NoMembers { usual } => text!(language, safety.no_members, usual = figure(usual)),
        Surprise::FewerMembers { percent, members, usual } => text!(
            language,
            safety.fewer_members,
            percent = figure(percent),
            members = figure(members),
            usual = figure(usual)
        ),
        Surprise::ManyLeave { leavers, percent } => {
            text!(language, safety.many_leave, leavers = figure(leavers), percent = figure(percent))
        }
        Surprise::FirstStatus { people } => text!(language, safety.first_status, people = figure(people)),
        Surprise::ManyJoin { joiners, percent } => {
            text!(language, safety.many_join, joiners = figure(joiners), percent = figure(percent))
        }
    }
}
