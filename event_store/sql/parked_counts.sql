select processor, count(*) from parked where not discarded group by processor order by processor
