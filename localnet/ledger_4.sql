-- Wallets got more lamports when orders began to make guards: a chain made before has one row less than one made since.

CREATE TABLE wallet_topped_up (lamports INTEGER NOT NULL);
