-- What replication keeps: logs, registers, audiences, and how far each peer has come.
-- Ids are 16 or 32 bytes; inside the store every row is named by a small integer (…_pk).

-- One row about the store itself.
CREATE TABLE store (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    storage         BLOB    NOT NULL,               -- StorageId
    latest_change   INTEGER NOT NULL,
    register_start  INTEGER NOT NULL                -- HLC of the latest process start
) STRICT;

CREATE TABLE nodes (
    node_pk INTEGER PRIMARY KEY,
    id      BLOB    NOT NULL UNIQUE,                -- NodeId
    writer  INTEGER NOT NULL DEFAULT 0              -- 1: enrolled, its logs are taken
) STRICT;

-- A distinct set of nodes that may hold the same rooms, and the running sums of those rooms' digests.
CREATE TABLE audiences (
    audience_pk INTEGER PRIMARY KEY,
    name        BLOB    NOT NULL UNIQUE,            -- hash of the set
    everyone    INTEGER NOT NULL,                   -- 1: every certified node, listed or not
    rooms       BLOB    NOT NULL,                   -- digest of the ordinary rooms
    ledgers     BLOB    NOT NULL                    -- digest of the ledger rooms
) STRICT;
CREATE INDEX audiences_of_everyone ON audiences (audience_pk) WHERE everyone;

CREATE TABLE audience_nodes (
    node_pk     INTEGER NOT NULL REFERENCES nodes,
    audience_pk INTEGER NOT NULL REFERENCES audiences ON DELETE CASCADE,
    PRIMARY KEY (node_pk, audience_pk)
) STRICT, WITHOUT ROWID;
CREATE INDEX audience_nodes_by_audience ON audience_nodes (audience_pk);

CREATE TABLE rooms (
    room_pk     INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,            -- RoomId
    ledger      INTEGER NOT NULL DEFAULT 0,         -- 0 ordinary, 1 ledger, 2 public ledger
    audience_pk INTEGER REFERENCES audiences,
    digest      BLOB    NOT NULL,
    change      INTEGER NOT NULL DEFAULT 0,         -- of its newest line
    hlc         INTEGER NOT NULL DEFAULT 0          -- the highest stamp seen or given in the room
) STRICT;
CREATE INDEX rooms_by_change ON rooms (change);
CREATE INDEX rooms_by_audience ON rooms (audience_pk);

-- A log with length 0 and nothing above is only known of (a register names it); it is no line of the frontier.
CREATE TABLE logs (
    log_pk     INTEGER PRIMARY KEY,
    room_pk    INTEGER NOT NULL REFERENCES rooms,
    node_pk    INTEGER NOT NULL REFERENCES nodes,   -- the writer
    epoch      INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    length     INTEGER NOT NULL,
    hash       BLOB    NOT NULL,                    -- h(length)
    above      BLOB    NOT NULL DEFAULT x'',        -- runs above the contiguous part: first, last, h(first - 1), h(last)
    change     INTEGER NOT NULL DEFAULT 0,
    kept       INTEGER NOT NULL DEFAULT 0,          -- the newest checkpoint that stays for good
    kept_bytes INTEGER NOT NULL DEFAULT 0,          -- bytes of entries from there to the head's checkpoint
    UNIQUE (room_pk, node_pk, epoch, lane)
) STRICT;
CREATE INDEX logs_by_change ON logs (room_pk, change);

-- entry_pk = log_pk * 2^32 + seq, so that a log lies together and its entries in order.
CREATE TABLE entries (
    entry_pk    INTEGER PRIMARY KEY,
    received_ms INTEGER NOT NULL,                   -- when it was stored here
    bytes       BLOB    NOT NULL                    -- byte for byte as its writer made it
) STRICT;

CREATE TABLE checkpoints (
    entry_pk  INTEGER PRIMARY KEY,
    hash      BLOB NOT NULL,                        -- h(seq)
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE registers (
    register_pk INTEGER PRIMARY KEY,
    room_pk     INTEGER NOT NULL REFERENCES rooms,
    node_pk     INTEGER NOT NULL REFERENCES nodes,
    start       INTEGER NOT NULL,                   -- version: HLC at process start …
    counter     INTEGER NOT NULL,                   -- … and counter
    change      INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    signature   BLOB    NOT NULL,
    UNIQUE (room_pk, node_pk)
) STRICT;
CREATE INDEX registers_by_change ON registers (room_pk, change);

-- What other nodes say they hold, from their registers: entries 1 to length …
CREATE TABLE held (
    log_pk  INTEGER NOT NULL REFERENCES logs,
    node_pk INTEGER NOT NULL REFERENCES nodes,      -- the holder
    length  INTEGER NOT NULL,
    PRIMARY KEY (log_pk, node_pk)
) STRICT, WITHOUT ROWID;
-- … and runs above a gap, both ends included.
CREATE TABLE held_above (
    log_pk  INTEGER NOT NULL REFERENCES logs,
    node_pk INTEGER NOT NULL REFERENCES nodes,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (log_pk, node_pk, first)
) STRICT, WITHOUT ROWID;

-- How much of each peer's changes is applied here.
CREATE TABLE cursors (
    node_pk INTEGER PRIMARY KEY REFERENCES nodes,
    storage BLOB    NOT NULL,
    change  INTEGER NOT NULL
) STRICT;

-- Small things a node remembers about itself, such as which lines are cut.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Log-ins of this node. The token itself is not stored.
CREATE TABLE sessions (
    token_hash BLOB    PRIMARY KEY,
    user       BLOB    NOT NULL,
    device     BLOB    NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

-- What happened, for browsers that resume from a cursor; the oldest rows are dropped.
CREATE TABLE events (
    cursor INTEGER PRIMARY KEY,
    event  BLOB NOT NULL
) STRICT;
