select request, outcome, "position", stream_id, current, processor
from append(
    %b::int[], %b::uuid[], %b::bigint[], %b::uuid[], %b::text[], %b::bytea[],
    %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[],
    %b::int[], %b::uuid[], %b::bigint[],
    %b::int[], %b::text[], %b::bigint[]
)
