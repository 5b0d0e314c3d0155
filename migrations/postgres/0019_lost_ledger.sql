-- Was the ledger gone that says what was delivered before? Then the run sends everybody again.
alter table runs add column lost_ledger boolean not null default false;
