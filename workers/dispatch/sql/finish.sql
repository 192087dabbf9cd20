delete from work where order_id = %(order)s and stage = 'execute' and version <= %(version)s
