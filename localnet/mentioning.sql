-- Transactions that name an address, newest first, up to a block, strictly between two sequences where they are given.
SELECT signature, number, error, memo
  FROM mention
  JOIN chain_transaction USING (sequence)
 WHERE address = :address
   AND sequence < coalesce(:before, 1 << 62)
   AND sequence > coalesce(:after, 0)
   AND number <= :highest
 ORDER BY sequence DESC
 LIMIT :limit
