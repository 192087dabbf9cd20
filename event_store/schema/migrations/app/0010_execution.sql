-- One visit executes an order, where three stages did: one kind of work, one processor for its dead letters. The
-- projector writes the rows, so their position is the read model's; rows of the events between are derived again.
delete from work a using work b
where a.order_id = b.order_id and a.stage in ('route', 'build', 'submit') and b.stage in ('route', 'build', 'submit')
    and (a.version, a.stage) < (b.version, b.stage);
update work set stage = 'execute' where stage in ('route', 'build', 'submit');
delete from dead_letters a using dead_letters b
where a.order_id = b.order_id
    and a.processor in ('route', 'build', 'submit') and b.processor in ('route', 'build', 'submit')
    and (a.since, a.processor) > (b.since, b.processor);
update dead_letters set processor = 'execution' where processor in ('route', 'build', 'submit');
comment on column work.stage is 'What is to be done: execute, or track for the attempt on its way.';
comment on column dead_letters.processor is
    'The part: execution, tracker, watcher, or projector:NAME for a read model.';
delete from leases where processor = 'relay';
delete from positions where processor = 'relay';
