-- What happened at the offices whose audit rooms are here: where to find it, and nothing else. What it says stands in the
-- entries, whose chain is verified when somebody looks.
CREATE TABLE audit_rooms (
    room_pk INTEGER PRIMARY KEY REFERENCES rooms,
    office  BLOB    NOT NULL
) STRICT;

CREATE TABLE audit (
    entry_pk INTEGER PRIMARY KEY,
    room_pk  INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    id       BLOB    NOT NULL,                      -- of the entry
    kind     INTEGER NOT NULL,                      -- of the event; 0: it cannot be read
    actor    BLOB    NOT NULL,
    subject  BLOB                                   -- the person it is about
) STRICT;
-- Of equal times the order is that of the rows.
CREATE INDEX audit_by_time ON audit (at_ms);
CREATE INDEX audit_by_kind ON audit (kind, at_ms);
CREATE INDEX audit_by_room ON audit (room_pk, at_ms);
CREATE INDEX audit_by_actor ON audit (actor, at_ms);
CREATE INDEX audit_by_subject ON audit (subject, at_ms) WHERE subject IS NOT NULL;

-- Whether a register of this node was written by this database, and not by a copy of the node, or before it was put back.
ALTER TABLE registers ADD COLUMN ours INTEGER NOT NULL DEFAULT 0;
