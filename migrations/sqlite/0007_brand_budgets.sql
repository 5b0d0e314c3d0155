-- The request budget of each account at a destination: one for all its connections, and for all processes of Ferry.
-- Times are microseconds since 1970, UTC.

create table brand_budgets (
    brand_id text not null,
    -- 'all' counts every request; 'add_tag' and 'remove_tag' count those with a limit of their own as well.
    lane text not null check (lane in ('all', 'add_tag', 'remove_tag')),
    -- The next request may go at this instant: requests are spaced evenly.
    next_at integer not null,
    -- Nobody sends before: the destination has said that it is too much.
    paused_until integer not null,
    -- When it last said so, and how many times in a row.
    refused_at integer not null,
    refusals integer not null,
    primary key (brand_id, lane)
) strict;
