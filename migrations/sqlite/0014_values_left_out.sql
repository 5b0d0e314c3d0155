-- What the contacts of a run go without: phone numbers and days that cannot be read. Counted when its plan is made.
alter table runs add column values_left_out integer not null default 0;
