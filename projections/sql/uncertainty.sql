-- The oldest of what isn't known of these attempts.
select attempt, reason, permanent, since, checked_at from uncertainties
where order_id = %(order)s and attempt = any(%(attempts)s)
order by since, attempt limit 1
