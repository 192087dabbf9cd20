-- How many orders' outcomes the chain doesn't tell, and what is said of the one that has been so for longest.
select count(*) over (), order_id, reason from uncertainties order by since limit 1
