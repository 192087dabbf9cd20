select "position", recorded_at
from append_straight(
    %b::uuid[], %b::bigint[], %b::uuid[], %b::text[], %b::bytea[],
    %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[],
    %b::uuid[], %b::bigint[],
    %b::text[], %b::bigint[]
)
