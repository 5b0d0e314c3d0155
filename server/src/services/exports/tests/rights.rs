//! Who may change and run which export, and how a refusal looks.

use super::*;

#[tokio::test]
async fn an_export_is_changed_and_run_by_those_who_may_use_its_connection() {
    for stage in stages().await {
        let (segment, shared, closed) = furnish(&stage).await;
        let service = &stage.exports;
        for connection in [Some(shared), Some(closed)] {
            for actor in stage.everybody() {
                let may =
                    actor.role == Role::Administrator || actor.role == Role::Contributor && connection == Some(shared);
                let id = stage.export("News", connection, segment).await;
                let run = service.start_run(&stage.administrator, id).await.expect("queued");
                assert_eq!(service.find(actor, id).await.expect("everybody looks").may_edit, may);
                assert_eq!(service.run(actor, run).await.expect("everybody looks").may_cancel, may);

                let answers = [
                    service.edit(actor, id, 1, settings("News", connection, segment)).await.err(),
                    service.duplicate(actor, id).await.err(),
                    service.start_run(actor, id).await.err(),
                    service.cancel_run(actor, run).await.err(),
                    service.remove(actor, id).await.err(),
                ];
                // As an id that nobody has, or whatever the id is: see the last test here.
                let refusal = if actor.role == Role::Viewer { AppError::Forbidden } else { AppError::NotFound };
                let expected = (!may).then_some(refusal);
                assert!(answers.iter().all(|error| *error == expected), "{actor:?}: {answers:?}");
                if !may {
                    assert!(!service.run(actor, run).await.expect("still there").run.cancel_requested);
                    service.remove(&stage.administrator, id).await.expect("removed");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_export_without_a_connection_belongs_to_administrators() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let id = stage.export("News", Some(shared), segment).await;
        for actor in [&stage.viewer, &stage.contributor] {
            assert_eq!(stage.exports.detach(actor, id).await, Err(AppError::Forbidden));
        }
        stage.exports.detach(&stage.administrator, id).await.expect("detached");

        let edited = stage.exports.edit(&stage.contributor, id, 2, settings("News", Some(shared), segment)).await;
        assert_eq!(edited, Err(AppError::NotFound));
        assert_eq!(
            stage.exports.start_run(&stage.administrator, id).await,
            Err(AppError::NotReady(RunReason::NoConnection))
        );
        let edited = stage.exports.edit(&stage.administrator, id, 2, settings("News", Some(shared), segment)).await;
        assert_eq!(edited, Ok(()));
    }
}

#[tokio::test]
async fn unknown_exports_and_runs_are_not_found() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let (id, run) = (ExportId(uuid::Uuid::now_v7()), RunId(uuid::Uuid::now_v7()));
        let (service, page) = (&stage.exports, PageRequest::of_50(1));
        for actor in stage.everybody() {
            let looks = [
                service.find(actor, id).await.err(),
                service.runs(actor, Some(id), page).await.err(),
                service.run(actor, run).await.err(),
                service.troubled_rows(actor, run, page).await.err(),
            ];
            assert!(looks.iter().all(|error| *error == Some(AppError::NotFound)), "{looks:?}");
            let changes = [
                service.edit(actor, id, 1, settings("News", Some(shared), segment)).await.err(),
                service.remove(actor, id).await.err(),
                service.start_run(actor, id).await.err(),
                service.duplicate(actor, id).await.err(),
                service.cancel_run(actor, run).await.err(),
            ];
            let may_build = actor.role != Role::Viewer;
            let expected = if may_build { AppError::NotFound } else { AppError::Forbidden };
            assert!(changes.iter().all(|error| error.as_ref() == Some(&expected)), "{actor:?}: {changes:?}");
            let detached = service.detach(actor, id).await;
            let may_detach = actor.role == Role::Administrator;
            assert_eq!(detached, Err(if may_detach { AppError::NotFound } else { AppError::Forbidden }));
        }
    }
}
