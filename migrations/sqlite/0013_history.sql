-- What the history is looked through by: when runs ended.
create index runs_by_end on runs (finished_at) where finished_at is not null;
create index runs_resent on runs (resend_of) where resend_of is not null;
create index runs_rechecked on runs (recheck_of) where recheck_of is not null;
