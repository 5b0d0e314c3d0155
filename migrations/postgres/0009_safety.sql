-- What keeps an export from doing harm, and the runs that it held. Times are microseconds since 1970, UTC.

-- JSON of domain::safety::Safety; null is the default.
alter table exports add column safety text;

-- What the plan was about to do: the history that later runs are compared with. Null before the plan is made; joiners
-- also in the first run for an account, where everybody is new.
alter table runs add column joiners bigint;
alter table runs add column leavers bigint;
-- JSON of domain::brake::Alarm: why the run is held until a person has looked at it.
alter table runs add column alarm text;
alter table runs add column approved_at bigint;
alter table runs add column approved_by text;
-- The run whose rejected, held and unconfirmed rows it sends again; null for a run that works on everybody.
alter table runs add column resend_of text;
-- People whose subscription status the plan sends. Null before the plan is made.
alter table runs add column statuses bigint;
