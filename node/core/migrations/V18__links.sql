-- «拠点とつながり»: when lines were lost, and what other nodes say of theirs.

-- Bounded by the program. Written as it happens at this node; a copy of the disk is all there is of it.
CREATE TABLE cuts (
    cut_pk   INTEGER PRIMARY KEY,
    node     BLOB    NOT NULL,
    from_ms  INTEGER NOT NULL,
    until_ms INTEGER,                               -- NULL: it is cut still
    reason   INTEGER NOT NULL                       -- 0 by the switch here, 1 by the switch there, 2 lost
) STRICT;
CREATE INDEX cuts_by_node ON cuts (node, cut_pk);
CREATE INDEX cuts_open ON cuts (node) WHERE until_ms IS NULL;

-- The newest report of each other node, from its register of the directory room.
CREATE TABLE line_reports (
    node_pk INTEGER PRIMARY KEY REFERENCES nodes,
    body    BLOB NOT NULL
) STRICT;
