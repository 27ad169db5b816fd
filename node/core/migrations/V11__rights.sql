-- Who may do what: the moment up to which planned changes are in force, witnesses of revoked nodes, and what a node keeps
-- of devices: codes that are not redeemed yet, passcodes, and how long a session goes on.

-- Changes planned for a day up to this moment are in force; milliseconds since 1970.
ALTER TABLE directory ADD COLUMN moment_ms INTEGER NOT NULL DEFAULT 0;

-- How far the logs of revoked nodes are known to be older than the revocation. Computed from the policies of rooms.
CREATE TABLE witnesses (
    room_pk INTEGER NOT NULL REFERENCES rooms,
    node    BLOB    NOT NULL,                       -- the revoked node
    epoch   INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    length  INTEGER NOT NULL,
    PRIMARY KEY (room_pk, node, epoch, lane)
) STRICT, WITHOUT ROWID;

-- Of this node alone: codes that were handed out. The code itself is not stored.
CREATE TABLE device_codes (
    code_hash   BLOB    PRIMARY KEY,
    user        BLOB    NOT NULL,
    request     BLOB    NOT NULL,                   -- the request it answers; sixteen zeros for none
    issued_by   BLOB    NOT NULL,
    expires_ms  INTEGER NOT NULL,
    redeemed_ms INTEGER                             -- NULL: not yet
) STRICT, WITHOUT ROWID;
CREATE INDEX device_codes_by_user ON device_codes (user);

-- Of this node alone: passcodes of devices, and how often they were wrong since they were right.
CREATE TABLE passcodes (
    device   BLOB    NOT NULL,
    user     BLOB    NOT NULL,
    verifier TEXT    NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device, user)
) STRICT, WITHOUT ROWID;

ALTER TABLE sessions ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
-- When the lease was last given or confirmed in sight of headquarters; milliseconds since 1970.
ALTER TABLE sessions ADD COLUMN leased_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_by_device ON sessions (device, user);
