-- The run that this one goes on with, where that one made room for smaller exports of its account.
alter table runs add column continues text;

create index runs_continued on runs (continues) where continues is not null;
