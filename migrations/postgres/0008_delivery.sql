-- What a run may become, kept by the database itself; what is learned about an account's limit; and what is known about
-- a destination that does not answer. Times are microseconds since 1970, UTC.

-- Which tag changes are in batches is read from the batches: they go out as their contacts arrive, not in order.
alter table runs drop column next_tag;
alter table runs drop column next_tag_row;

-- Every change of a run's state that is legal. A run begins as 'queued', or as 'skipped' for a slot that does not run.
create table run_transitions (
    from_state text not null,
    to_state text not null,
    primary key (from_state, to_state)
);

insert into run_transitions (from_state, to_state) values
    ('queued', 'preparing'), ('queued', 'canceled'),
    ('preparing', 'sending'), ('preparing', 'waiting'), ('preparing', 'skipped'), ('preparing', 'failed'),
    ('preparing', 'canceled'),
    ('sending', 'settling'), ('sending', 'waiting'), ('sending', 'failed'), ('sending', 'canceled'),
    ('settling', 'tagging'), ('settling', 'waiting'), ('settling', 'failed'), ('settling', 'canceled'),
    ('tagging', 'successful'), ('tagging', 'completed_with_errors'), ('tagging', 'waiting'), ('tagging', 'failed'),
    ('tagging', 'canceled'),
    ('waiting', 'preparing'), ('waiting', 'sending'), ('waiting', 'settling'), ('waiting', 'tagging'),
    ('waiting', 'failed'), ('waiting', 'canceled');

create function runs_begin_in_a_first_state() returns trigger language plpgsql as $$
begin
    if new.state not in ('queued', 'skipped') then
        raise exception 'a run begins queued or skipped';
    end if;
    return new;
end
$$;
create trigger runs_begin_in_a_first_state before insert on runs for each row execute function runs_begin_in_a_first_state();

create function runs_change_legally() returns trigger language plpgsql as $$
begin
    if (old.state <> new.state)
            and (not exists (select 1 from run_transitions where from_state = old.state and to_state = new.state)
            -- It goes on where it stopped.
            or old.state = 'waiting' and new.finished_at is null and new.state <> old.goes_on_with) then
        raise exception 'a run may not change its state like this';
    end if;
    return new;
end
$$;
create trigger runs_change_legally before update of state on runs for each row execute function runs_change_legally();

-- Checkpoints and counters of a run that goes on only grow, and so does the fence.
create function runs_only_get_on() returns trigger language plpgsql as $$
begin
    if old.finished_at is null and (
        new.fence < old.fence or new.next_row < old.next_row or new.requests < old.requests or new.retries < old.retries
        or new.finished_at is null and (new.sent < old.sent or new.accepted < old.accepted
            or new.tags_changed < old.tags_changed or new.tags_added < old.tags_added
            or new.tags_removed < old.tags_removed)) then
        raise exception 'a run may not go back';
    end if;
    return new;
end
$$;
create trigger runs_only_get_on before update on runs for each row execute function runs_only_get_on();

-- What an ended run came to stays.
create function runs_stay_ended() returns trigger language plpgsql as $$
begin
    if old.finished_at is not null and (
        new.finished_at is distinct from old.finished_at or new.reason is distinct from old.reason or new.members <> old.members
        or new.accepted <> old.accepted or new.unchanged <> old.unchanged or new.rejected <> old.rejected
        or new.held <> old.held or new.unconfirmed <> old.unconfirmed or new.tags_added <> old.tags_added
        or new.tags_removed <> old.tags_removed or new.requests <> old.requests or new.fence <> old.fence) then
        raise exception 'an ended run may not change';
    end if;
    return new;
end
$$;
create trigger runs_stay_ended before update on runs for each row execute function runs_stay_ended();

-- Outcomes stay as well: a row is not sent again once it is accounted for.
create function batches_stay_settled() returns trigger language plpgsql as $$
begin
    if old.state in ('settled', 'split', 'refused') and new.state <> old.state then
        raise exception 'a batch may not change its outcome';
    end if;
    return new;
end
$$;
create trigger batches_stay_settled before update of state on batches for each row execute function batches_stay_settled();

-- How much of its limit an account may use at the moment, in thousandths, and since when: less after the destination has
-- said that it is too much, because others use it as well; it grows again by itself.
alter table brand_budgets add column share bigint not null default 1000;
alter table brand_budgets add column share_at bigint not null default 0;

-- Per cent of the account's limit that is left to its other programs.
alter table connections add column reserve_percent bigint not null default 10
    check (reserve_percent between 0 and 90);

-- Connections whose destination does not answer: how many rounds of requests have failed, since when, and when the next
-- one may try. Gone with the first success.
create table circuits (
    connection_id text not null primary key references connections (id) on delete cascade,
    rounds bigint not null,
    opened_at bigint not null,
    probe_at bigint not null
);
