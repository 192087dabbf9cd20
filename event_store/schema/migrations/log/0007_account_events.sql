-- Who there is, with which keys, is read at each start of a process that serves clients: a few events among millions.
create index events_of_accounts on events (topic, "position") where topic like 'account.%';
comment on index events_of_accounts is 'Finds what is recorded of accounts, among all that is recorded of orders.';
