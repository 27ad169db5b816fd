-- Attachments: what messages show, what of it is here, and who wants it. The files lie in a folder beside the database.

CREATE TABLE blobs (
    blob_pk   INTEGER PRIMARY KEY,
    hash      BLOB    NOT NULL,                     -- BLAKE3 of the content
    size      INTEGER NOT NULL,                     -- as the messages say that show it
    here      INTEGER NOT NULL DEFAULT 0,           -- 1: whole, on the disk of this node
    held      INTEGER NOT NULL DEFAULT 0,           -- bytes, as people were told last
    asked     INTEGER NOT NULL DEFAULT 0,           -- 1: somebody wants it here
    opened_ms INTEGER NOT NULL DEFAULT 0,           -- when somebody looked at it last
    UNIQUE (hash, size)
) STRICT;
CREATE INDEX blobs_missing ON blobs (asked, blob_pk) WHERE here = 0;
CREATE INDEX blobs_here ON blobs (opened_ms) WHERE here = 1;

-- Which message shows what, hidden and redacted ones included. Goes with the message.
CREATE TABLE blob_refs (
    entry_pk INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
    place    INTEGER NOT NULL,                      -- in the message, from 0
    blob_pk  INTEGER NOT NULL REFERENCES blobs,
    room_pk  INTEGER NOT NULL REFERENCES rooms,
    PRIMARY KEY (entry_pk, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_refs_by_blob ON blob_refs (blob_pk, room_pk);

-- Files that people have sent here; forgotten a day later, when a message shows them or nobody wants them.
CREATE TABLE uploads (
    blob_pk INTEGER NOT NULL REFERENCES blobs,
    user    BLOB    NOT NULL,
    content BLOB    NOT NULL,                       -- in the form of the service
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (user, blob_pk)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_blob ON uploads (blob_pk);
CREATE INDEX uploads_by_time ON uploads (at_ms);

-- Nodes that said they hold it whole, on disk.
CREATE TABLE blob_holders (
    blob_pk INTEGER NOT NULL REFERENCES blobs ON DELETE CASCADE,
    node_pk INTEGER NOT NULL REFERENCES nodes,
    PRIMARY KEY (blob_pk, node_pk)
) STRICT, WITHOUT ROWID;
