select not has_table_privilege('events', 'insert, update, delete, truncate')
    and not pg_has_role((select relowner from pg_class where oid = 'events'::regclass), 'member')
