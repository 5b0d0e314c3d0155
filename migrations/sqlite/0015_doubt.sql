-- When a request for a batch was last without an answer: a copy of the batch, under an id that nobody knows, may be worked
-- through after it. Of what is under way nobody knows the time any more; the next request was not to go before it.
alter table batches add column doubted_at integer;
update batches set doubted_at = due_at where state = 'unknown';
