-- What each of the application's tables, columns and indexes is for; docs/schema.md is made from it.
comment on table accounts is 'Who orders belong to.';
comment on column accounts.id is 'The account.';
comment on column accounts.wallet is
    'The address (base58) of the one wallet it trades with; null until a worker first starts.';

comment on table leases is 'Which process does the work that only one may do at a time, for example the tracker''s.';
comment on column leases.processor is 'The name of the work.';
comment on column leases.epoch is 'Grows with each new holder: an append under an older epoch is refused.';
comment on column leases.owner is 'The process that holds it: its host and process id.';
comment on column leases.expires_at is
    'Until when it is held; its holder renews it, and anybody may take it after that.';

comment on table positions is
    'How far each reader of the log has come, written in the same transaction as what it made of the events.';
comment on column positions.processor is 'The name of the reader.';
comment on column positions.position is 'The log position of the last event it has dealt with.';

comment on table work is
    'What is to be done next for each open order. It can be derived again from the log at any time.';
comment on column work.order_id is 'The order.';
comment on column work.stage is 'What is to be done: route, build, submit, or track for the attempt on its way.';
comment on column work.version is 'The version of the order''s event that asked for it.';
comment on column work.due_at is 'From when on a worker may take it.';
comment on column work.tries is 'How often it was tried and failed in a way that may pass; the pause grows with it.';
comment on index work_by_due_at is 'Finds what is due.';

comment on table orders_v1 is 'The read model of orders, which lists and single orders are answered from.';
comment on column orders_v1.order_id is 'The order: the id of its stream.';
comment on column orders_v1.account_id is 'The account it belongs to.';
comment on column orders_v1.status is 'Its status, as clients see it.';
comment on column orders_v1.version is 'The version of its last event.';
comment on column orders_v1.position is 'The log position of its last event.';
comment on column orders_v1.submitted_at is 'When its first event was recorded.';
comment on column orders_v1.updated_at is 'When its last event was recorded.';
comment on column orders_v1.first_position is 'The log position of its first event: lists are sorted by it.';
comment on column orders_v1.state is 'The order''s whole state, as its events fold to it.';
comment on index orders_v1_newest is 'An account''s orders, newest first.';
comment on index orders_v1_newest_by_status is 'An account''s orders of one status, newest first.';
comment on index orders_v1_resting is
    'Orders that wait for a price, by account, tokens and whether it is a limit or a stop they wait for; then by that '
    'price.';

comment on table dead_letters is
    'Orders that one part of the engine can''t handle: it passes over them until an operator retries or discards them.';
comment on column dead_letters.processor is
    'The part: route, build, submit, tracker, watcher, or projector:NAME for a read model.';
comment on column dead_letters.order_id is 'The order.';
comment on column dead_letters.position is
    'The log position of the event that can''t be handled; null where it isn''t one event''s fault.';
comment on column dead_letters.error is 'What went wrong, without the data of the event.';
comment on column dead_letters.version is 'The order''s version at which it went wrong.';
comment on column dead_letters.attempts is 'How often it was tried.';
comment on column dead_letters.since is 'When it became a dead letter.';
comment on column dead_letters.discarded is
    'Whether an operator has decided that it is not tried again; it is no longer listed or counted.';
comment on index dead_letters_by_order is 'Finds the parts for which an order is a dead letter.';

comment on table uncertainties is
    'Attempts whose outcome the tracker can''t find out yet; shown with the order until it is known.';
comment on column uncertainties.order_id is 'The order.';
comment on column uncertainties.attempt is 'The number of the attempt, from 1.';
comment on column uncertainties.reason is 'Why it can''t be known, for example that no node answers.';
comment on column uncertainties.permanent is
    'Whether the chain can never tell again, so that an operator has to resolve it.';
comment on column uncertainties.since is 'Since when it isn''t known.';
comment on column uncertainties.checked_at is 'When the tracker last tried to find out.';

comment on table migrations is 'The migrations of this schema that have run.';
comment on column migrations.number is 'The number its file''s name begins with; they run in this order.';
comment on column migrations.name is 'The file''s name without its ending.';
comment on column migrations.applied_at is 'When it ran.';
