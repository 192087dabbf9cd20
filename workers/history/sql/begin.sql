insert into wallet_history as h (account_id, begun) values (%(account)s, 1)
on conflict (account_id) do update set begun = h.begun + 1
returning begun, "position", marks
