-- What people see: rows computed from entries and registers, the same in any order of arrival. All can be rebuilt from
-- them, except the rows of `reads` that belong to this node, which is where its people's marks are kept.

-- The directory as resolved from the ledger entries that are stored. The number names that state of the ledger; it is
-- never used twice, so a resolved directory in memory can be recognised after a rollback.
CREATE TABLE directory (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;

-- A room whose creation is here, with its page as rendered from the changes that are here.
CREATE TABLE room_states (
    room_pk     INTEGER PRIMARY KEY REFERENCES rooms,
    kind        INTEGER NOT NULL,                   -- 0 group, 1 direct, 2 announcement
    created_ms  INTEGER NOT NULL,
    offices     INTEGER NOT NULL,                   -- offices of the audience that have a node
    name        TEXT    NOT NULL DEFAULT '',
    topic       TEXT    NOT NULL DEFAULT '',
    purpose     TEXT    NOT NULL DEFAULT '',
    pins        BLOB    NOT NULL DEFAULT x'',       -- entry ids, 16 bytes each
    page_ms     INTEGER NOT NULL DEFAULT 0,         -- wall clock of the newest change of the page
    kept_out    INTEGER NOT NULL DEFAULT 0          -- changes of the page that Automerge fails on
) STRICT;

CREATE TABLE members (
    room_pk   INTEGER NOT NULL REFERENCES rooms,
    user      BLOB    NOT NULL,
    role      INTEGER NOT NULL,                     -- 0 admin, 1 member
    grant_id  BLOB    NOT NULL,                     -- the entry that gives the right: auth_ref of what the member writes
    added_ms  INTEGER NOT NULL,
    added_hlc INTEGER NOT NULL,
    PRIMARY KEY (room_pk, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user, room_pk);

-- Every right that was valid at some time: what its holder wrote stays visible.
CREATE TABLE grants (
    room_pk  INTEGER NOT NULL REFERENCES rooms,
    grant_id BLOB    NOT NULL,
    user     BLOB    NOT NULL,
    role     INTEGER NOT NULL,
    PRIMARY KEY (room_pk, grant_id, user)
) STRICT, WITHOUT ROWID;

-- Offices of the audience that have a node.
CREATE TABLE room_offices (
    room_pk INTEGER NOT NULL REFERENCES rooms,
    office  BLOB    NOT NULL,
    PRIMARY KEY (room_pk, office)
) STRICT, WITHOUT ROWID;

-- People that the policy of a room names or that wrote it: it is resolved anew when the directory changes about them.
CREATE TABLE policy_people (
    user    BLOB    NOT NULL,
    room_pk INTEGER NOT NULL REFERENCES rooms,
    PRIMARY KEY (user, room_pk)
) STRICT, WITHOUT ROWID;

-- One row an entry, so a message that two offices wrote down is two rows, of which one is shown. The text is in `entries`.
CREATE TABLE messages (
    entry_pk INTEGER PRIMARY KEY REFERENCES entries,
    room_pk  INTEGER NOT NULL REFERENCES rooms,
    hlc      INTEGER NOT NULL,
    id       BLOB    NOT NULL,
    author   BLOB    NOT NULL,
    state    INTEGER NOT NULL,                      -- 0 hidden, 1 a copy of one that is shown, 2 shown
    redacted INTEGER NOT NULL DEFAULT 0,
    conflict INTEGER NOT NULL DEFAULT 0             -- the same identity is shown with other content too
) STRICT;
CREATE INDEX messages_timeline ON messages (room_pk, hlc, id, author, redacted, conflict) WHERE state = 2;
CREATE INDEX messages_by_identity ON messages (room_pk, id, author);
CREATE INDEX messages_hidden ON messages (room_pk) WHERE state = 0;

-- Edits, redactions and reactions: entries that write to a cell of a message, which may not be here.
CREATE TABLE marks (
    entry_pk      INTEGER PRIMARY KEY REFERENCES entries,
    room_pk       INTEGER NOT NULL REFERENCES rooms,
    target        BLOB    NOT NULL,
    target_author BLOB    NOT NULL,
    kind          INTEGER NOT NULL,                 -- the entry kind: 2 edit, 3 redaction, 4 reaction
    visible       INTEGER NOT NULL
) STRICT;
CREATE INDEX marks_by_target ON marks (room_pk, target, target_author) WHERE visible = 1;
CREATE INDEX marks_hidden ON marks (room_pk) WHERE visible = 0;

-- Changes of the room page.
CREATE TABLE page_changes (
    entry_pk INTEGER PRIMARY KEY REFERENCES entries,
    room_pk  INTEGER NOT NULL REFERENCES rooms,
    visible  INTEGER NOT NULL
) STRICT;
CREATE INDEX page_changes_by_room ON page_changes (room_pk, visible);

-- Read marks. Of other nodes: as their registers say. Of this node: kept here, and written into its registers from here.
CREATE TABLE reads (
    room_pk INTEGER NOT NULL REFERENCES rooms,
    user    BLOB    NOT NULL,
    node_pk INTEGER NOT NULL REFERENCES nodes,
    message BLOB    NOT NULL,
    hlc     INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    seen    BLOB,                                   -- what was held then; NULL: not known
    PRIMARY KEY (room_pk, user, node_pk)
) STRICT, WITHOUT ROWID;

-- When this node learned how far another one had come with a log.
CREATE TABLE learned (
    log_pk  INTEGER NOT NULL REFERENCES logs,
    node_pk INTEGER NOT NULL REFERENCES nodes,
    length  INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (log_pk, node_pk, length)
) STRICT, WITHOUT ROWID;
CREATE INDEX learned_by_time ON learned (at_ms);

-- Rooms whose own register is to be written.
CREATE TABLE register_due (
    room_pk INTEGER PRIMARY KEY REFERENCES rooms
) STRICT;

-- What an item in progress has to bring up to date before it ends; empty between items.
CREATE TABLE unsettled (
    what INTEGER NOT NULL,                          -- 0 a ledger entry, 1 the policy of a room, 2 the page of a room
    pk   INTEGER NOT NULL,
    PRIMARY KEY (what, pk)
) STRICT, WITHOUT ROWID;
