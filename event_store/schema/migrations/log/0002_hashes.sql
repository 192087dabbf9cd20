-- Two chains of sha256, computed here so that no client can choose them; event_store/hashing.py says the same in Python.
-- Every part has its length before it (4 bytes, big endian; -1 for null), so no two different events read the same.

-- An event: algorithm version 1, the hash before it in its stream (empty for the first), and its columns but
-- position and recorded_at. (Stable, not immutable, or it would not be inlined: convert_to is stable.)
create function event_body(
    stream_id uuid, version bigint, event_id uuid, topic text, state bytea,
    account_id uuid, command_id uuid, correlation_id uuid, causation_id uuid
) returns bytea language sql stable parallel safe as $$
    select '\x00000010'::bytea || uuid_send(stream_id)
        || '\x00000008'::bytea || int8send(version)
        || '\x00000010'::bytea || uuid_send(event_id)
        || int4send(octet_length(convert_to(topic, 'UTF8'))) || convert_to(topic, 'UTF8')
        || int4send(octet_length(state)) || state
        || '\x00000010'::bytea || uuid_send(account_id)
        || '\x00000010'::bytea || uuid_send(command_id)
        || '\x00000010'::bytea || uuid_send(correlation_id)
        || coalesce('\x00000010'::bytea || uuid_send(causation_id), '\xffffffff'::bytea)
$$;

create function next_event_hash(hash bytea, stored bytea, body bytea)
returns bytea language plpgsql immutable parallel safe as $$
begin
    return sha256(
        '\x0000000101'::bytea || int4send(octet_length(coalesce(hash, stored))) || coalesce(hash, stored) || body);
end $$;

-- Over the new events of a stream in their order; stored is the hash of the stream's last stored event.
create aggregate event_chain(stored bytea, body bytea) (sfunc = next_event_hash, stype = bytea, parallel = safe);

-- The log: algorithm version 1, the running hash before it, and what the event's own hash leaves out.
create function next_log_hash(hash bytea, stored bytea, "position" bigint, recorded_at timestamptz, event_hash bytea)
returns bytea language plpgsql immutable parallel safe as $$
begin
    return sha256(
        '\x0000000101'::bytea || int4send(octet_length(coalesce(hash, stored))) || coalesce(hash, stored)
        || '\x00000008'::bytea || int8send("position")
        || '\x00000008'::bytea || timestamptz_send(recorded_at)
        || '\x00000020'::bytea || event_hash);
end $$;

create aggregate log_chain(stored bytea, "position" bigint, recorded_at timestamptz, event_hash bytea) (
    sfunc = next_log_hash, stype = bytea, parallel = safe
);
