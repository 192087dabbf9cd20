-- One word for one thing: what is set aside is a dead letter, what the tracker can't tell is an uncertainty.
alter table parked rename to dead_letters;
alter table dead_letters rename constraint parked_pkey to dead_letters_pkey;
alter index parked_by_order rename to dead_letters_by_order;
alter table doubts rename to uncertainties;
alter table uncertainties rename constraint doubts_pkey to uncertainties_pkey;
alter table uncertainties rename column forever to permanent;
