-- What a rebuild sets aside is no letter before its table is the live one.
select processor, count(*) from dead_letters
where not discarded and right(processor, 8) <> '_rebuilt'
group by processor
order by processor
