-- Signatures of devices, and the session that outlives a change of password.

-- Checking one costs far more than anything else about an entry, so it is done once and the verdict
-- is kept; messages that no device signed have no row here.
CREATE TABLE signatures (
    entry_pk INTEGER PRIMARY KEY REFERENCES entries,
    room_pk  INTEGER NOT NULL REFERENCES rooms,
    device   BLOB    NOT NULL,
    author   BLOB    NOT NULL,
    valid    INTEGER NOT NULL                       -- by the key that the ledger names for this person's device
) STRICT;
-- When the ledger says more of a device.
CREATE INDEX signatures_by_device ON signatures (device, author);

-- BLAKE3 of the password verifier that the session itself has set: its coming into force does not end it.
ALTER TABLE sessions ADD COLUMN outlives BLOB;
