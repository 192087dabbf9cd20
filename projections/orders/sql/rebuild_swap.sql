-- The rebuilt table takes the live one's place and all its names; the one that was there is then orders_v1_replaced.
drop table if exists orders_v1_replaced;
do $$
declare
    pair record;
begin
    if exists (
        select from (
            select attname, atttypid, attnotnull from pg_attribute
            where attrelid = 'orders_v1'::regclass and attnum > 0 and not attisdropped
        ) as live
        full join (
            select attname, atttypid, attnotnull from pg_attribute
            where attrelid = 'orders_v1_rebuilt'::regclass and attnum > 0 and not attisdropped
        ) as rebuilt using (attname, atttypid, attnotnull)
        where live is null or rebuilt is null
    ) then
        raise 'orders_v1 got other columns during its rebuild' using errcode = 'object_not_in_prerequisite_state';
    end if;
    if exists (
        select from pg_depend
        left join pg_constraint as own on classid = 'pg_constraint'::regclass and objid = own.oid
        where refclassid = 'pg_class'::regclass and refobjid = 'orders_v1'::regclass and deptype = 'n'
            and own.conrelid is distinct from refobjid
    ) then
        raise 'a view or a foreign key depends on orders_v1 and would stay with the old one; drop it for the rebuild'
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    for pair in
        with index as (
            select
                indrelid,
                relname as name,
                row(
                    indisunique, indisprimary, indkey, indclass, indcollation, indoption,
                    pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid)
                )::text as definition
            from pg_index
            join pg_class on pg_class.oid = indexrelid
        ),
        numbered as (
            select *, row_number() over (partition by indrelid, definition order by name) as number from index
        )
        select live.name as live, rebuilt.name as rebuilt
        from (select * from numbered where indrelid = 'orders_v1'::regclass) as live
        full join (select * from numbered where indrelid = 'orders_v1_rebuilt'::regclass) as rebuilt
            using (definition, number)
    loop
        if pair.live is null or pair.rebuilt is null then
            raise 'orders_v1 got other indexes during its rebuild' using errcode = 'object_not_in_prerequisite_state';
        end if;
        execute format('alter index %I rename to %I', pair.live, pair.live || '_replaced');
        execute format('alter index %I rename to %I', pair.rebuilt, pair.live);
    end loop;
end $$;
alter table orders_v1 rename to orders_v1_replaced;
alter table orders_v1_rebuilt rename to orders_v1;
delete from dead_letters where processor = 'projector:orders_v1';
update dead_letters set processor = 'projector:orders_v1' where processor = 'projector:orders_v1_rebuilt';
delete from positions where processor = 'rebuild:orders_v1'
