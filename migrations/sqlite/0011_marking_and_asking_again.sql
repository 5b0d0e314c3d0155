-- Asking a destination again about rows that nobody knows the outcome of, and custom properties in the place of tags.

-- The run whose unconfirmed rows it asks about; null for a run that delivers.
alter table runs add column recheck_of text;

-- How the members of an export's segments are marked at the destination.
alter table exports add column marking text not null default 'tags' check (marking in ('tags', 'properties'));
