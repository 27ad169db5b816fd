-- What was erased: places of logs that hold only the hash of what stood there, and the acts that say so.
--
-- An erased place keeps its row in `entries`: its bytes are a zero (there is no version 0 of an entry) and e(n).

-- Places that acts of erasure name, held here or not. What arrives there with this hash is not stored.
CREATE TABLE erasable (
    entry_pk INTEGER NOT NULL,
    hash     BLOB    NOT NULL,                      -- e(n)
    PRIMARY KEY (entry_pk, hash)
) STRICT, WITHOUT ROWID;

-- Acts of erasure in the policies of rooms.
CREATE TABLE erasures (
    entry_pk INTEGER PRIMARY KEY REFERENCES entries,
    room_pk  INTEGER NOT NULL REFERENCES rooms,
    counted  INTEGER NOT NULL                       -- 0: the key that signed it is not known (yet)
) STRICT;
CREATE INDEX erasures_by_room ON erasures (room_pk);
CREATE INDEX erasures_waiting ON erasures (room_pk) WHERE counted = 0;

-- Messages that people find erased, with the first act that says so. Copies of them are never shown.
CREATE TABLE tombstones (
    room_pk INTEGER NOT NULL REFERENCES rooms,
    id      BLOB    NOT NULL,
    author  BLOB    NOT NULL,
    hlc     INTEGER NOT NULL,
    act_hlc INTEGER NOT NULL,
    act     BLOB    NOT NULL,                       -- the entry that erases it
    actor   BLOB    NOT NULL,
    at_ms   INTEGER NOT NULL,
    grounds INTEGER NOT NULL,                       -- 0 personal data, 1 drill, 2 retention
    reason  TEXT    NOT NULL,
    PRIMARY KEY (room_pk, id, author)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_timeline ON tombstones (room_pk, hlc, id);

-- Which document of the page a change belongs to: `page`, or a successor.
ALTER TABLE page_changes ADD COLUMN document TEXT NOT NULL DEFAULT 'page';

-- Acts that close a document and start its successor.
CREATE TABLE page_cuts (
    entry_pk  INTEGER PRIMARY KEY REFERENCES entries,
    room_pk   INTEGER NOT NULL REFERENCES rooms,
    document  TEXT    NOT NULL,                     -- that is closed
    successor TEXT    NOT NULL,
    counted   INTEGER NOT NULL                      -- 0: the key that signed it is not known (yet)
) STRICT;
CREATE INDEX page_cuts_by_document ON page_cuts (room_pk, document) WHERE counted = 1;
CREATE INDEX page_cuts_waiting ON page_cuts (room_pk) WHERE counted = 0;
