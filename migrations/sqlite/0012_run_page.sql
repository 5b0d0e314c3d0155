-- What the page of a run shows and offers: its pace, and sending again the rows with one cause. Times are microseconds
-- since 1970, UTC.

-- Of the rows that a run sends again: only those that did not arrive for this reason. Null is all of them.
alter table runs add column resend_reason text;

-- Requests of an account and lane, in windows of a minute: when the last one began, how many it has, and how many the one
-- right before it had (0 where there was none).
alter table brand_budgets add column minute_at integer not null default 0;
alter table brand_budgets add column minute_used integer not null default 0;
alter table brand_budgets add column minute_before integer not null default 0;
