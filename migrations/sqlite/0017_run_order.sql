-- The place of each run among those of its export, in the order in which they were queued. The clock does not say it: set
-- back by a day, it gives a later run an earlier time.
alter table runs add column number integer not null default 0;

update runs
set number = ranked.number
from (select id, row_number() over (partition by export_id order by queued_at, id) as number from runs) ranked
where ranked.id = runs.id;

drop index runs_of_export;
create index runs_of_export on runs (export_id, number);
