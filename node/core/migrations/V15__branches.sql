-- Histories of logs that fork: each branch is a row of `logs` of its own. The table is made anew, because its key grows.
CREATE TABLE logs_with_branches (
    log_pk       INTEGER PRIMARY KEY,
    room_pk      INTEGER NOT NULL REFERENCES rooms,
    node_pk      INTEGER NOT NULL REFERENCES nodes, -- the writer
    epoch        INTEGER NOT NULL,
    lane         INTEGER NOT NULL,
    branch_first INTEGER NOT NULL DEFAULT 0,        -- the first entry of the branch; 0: the trunk
    branch_hash  BLOB    NOT NULL DEFAULT x'',      -- h(branch_first); empty: the trunk
    base         BLOB,                              -- h(branch_first - 1); NULL: the trunk
    aside        INTEGER NOT NULL DEFAULT 0,        -- 1: of a log that forks, and joins nothing that is held; no line
    length       INTEGER NOT NULL,
    hash         BLOB    NOT NULL,                  -- h(length)
    above        BLOB    NOT NULL DEFAULT x'',      -- runs above the contiguous part: first, last, h(first - 1), h(last)
    change       INTEGER NOT NULL DEFAULT 0,
    kept         INTEGER NOT NULL DEFAULT 0,        -- the newest checkpoint that stays for good
    kept_bytes   INTEGER NOT NULL DEFAULT 0,        -- bytes of entries from there to the head's checkpoint
    UNIQUE (room_pk, node_pk, epoch, lane, branch_first, branch_hash)
) STRICT;
INSERT INTO logs_with_branches (log_pk, room_pk, node_pk, epoch, lane, length, hash, above, change, kept, kept_bytes)
    SELECT log_pk, room_pk, node_pk, epoch, lane, length, hash, above, change, kept, kept_bytes FROM logs;
DROP TABLE logs;
ALTER TABLE logs_with_branches RENAME TO logs;
CREATE INDEX logs_by_change ON logs (room_pk, change);
