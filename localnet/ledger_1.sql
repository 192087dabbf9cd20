-- What the local chain must never forget. Everything of a block goes down in one commit, before anyone can see it.

CREATE TABLE genesis (
    seed   BLOB NOT NULL,  -- secret: blockhashes are made of it
    wallet TEXT NOT NULL,
    market TEXT NOT NULL
) STRICT;

-- Heights below `until` exist: they are promised here before the first of them is shown, so that a chain that was
-- killed goes on above everything it ever showed. `unix_time` (s) is when the range was begun: its blocks' time.
CREATE TABLE block_range (
    height    INTEGER PRIMARY KEY,
    until     INTEGER NOT NULL,
    unix_time INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    address    BLOB PRIMARY KEY,
    lamports   INTEGER NOT NULL,
    owner      BLOB NOT NULL,
    executable INTEGER NOT NULL,
    data       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE chain_transaction (
    sequence  INTEGER PRIMARY KEY,  -- the order of execution over the whole chain
    signature BLOB NOT NULL UNIQUE,
    height    INTEGER NOT NULL,
    error     TEXT,                 -- JSON as the RPC shows it
    memo      TEXT,
    wire      BLOB NOT NULL,        -- the transaction as it was sent
    meta      BLOB NOT NULL         -- JSON as getTransaction shows it
) STRICT;

CREATE INDEX chain_transaction_by_height ON chain_transaction (height);

CREATE TABLE mention (
    address  BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (address, sequence)
) STRICT, WITHOUT ROWID;
