-- The place of each system refresh among all, in the order in which they were recorded: like that of runs, it is none of
-- the clock's business.
alter table refresh_jobs add column number integer not null default 0;

update refresh_jobs
set number = ranked.number
from (
    select id, row_number() over (order by coalesce(slot_at, queued_at), id) as number from refresh_jobs) ranked
where ranked.id = refresh_jobs.id;

drop index refresh_jobs_by_time;
create index refresh_jobs_by_number on refresh_jobs (number);
