-- A fork drops blocks: what was a height before counts every block made, and what a block did can be undone.

ALTER TABLE block_range RENAME COLUMN height TO number;
ALTER TABLE chain_transaction RENAME COLUMN height TO number;
DROP INDEX chain_transaction_by_height;
CREATE INDEX chain_transaction_by_number ON chain_transaction (number);

-- The accounts a block touched as they were before it; `lamports` is null where there was none. Kept until the block is
-- finalized: what is older is never asked for and never dropped.
CREATE TABLE undo (
    number     INTEGER NOT NULL,
    address    BLOB NOT NULL,
    lamports   INTEGER,
    owner      BLOB,
    executable INTEGER,
    data       BLOB,
    PRIMARY KEY (number, address)
) STRICT, WITHOUT ROWID;

-- Blocks that are no longer on the chain.
CREATE TABLE dropped (
    number INTEGER PRIMARY KEY
) STRICT;

-- What was confirmed and finalized when blocks were last dropped: a shorter chain doesn't take that back. One row.
CREATE TABLE settled (
    confirmed INTEGER NOT NULL,
    finalized INTEGER NOT NULL
) STRICT;

INSERT INTO settled VALUES (0, 0);
