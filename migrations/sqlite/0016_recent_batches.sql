-- The rate of a run is looked at by everyone who watches it: only the batches of the last minute are read for it, however
-- many there are.
create index batches_recent on batches (run_id, sent_at) where sent_at is not null;
