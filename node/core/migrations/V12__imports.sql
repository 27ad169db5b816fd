-- Staff lists that were read at this node. Initial passwords are never here.
CREATE TABLE imports (
    import_pk  INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    user       BLOB    NOT NULL,                    -- who sent the list
    state      INTEGER NOT NULL,                    -- 0 draft, 1 applied, 2 undone
    content    BLOB    NOT NULL                     -- what the list says (until it is applied), does, and how to undo it
) STRICT;
CREATE INDEX imports_by_state ON imports (state, created_ms);
