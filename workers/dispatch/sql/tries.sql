-- How often each order's execution was tried: its rows carry it on from one attempt to the next.
select order_id, max(tries) from work where order_id = any(%(orders)b::uuid[]) group by order_id
