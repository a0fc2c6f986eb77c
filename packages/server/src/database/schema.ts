/** "SPLV": tells our files from other SQLite databases. */
export const APPLICATION_ID = 0x53504c56;

/**
 * What makes a file of version n out of one of version n - 1; the version stands in `PRAGMA user_version`. Never
 * changed once released, only continued. Every `crc` is that of the row's other values; texts are blobs of UTF-8.
 * `is_public` has none: an index holds it once more, and opening the file compares the two.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE logs (
    id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, epoch BLOB NOT NULL, seq INTEGER NOT NULL,
    first_seq INTEGER NOT NULL, bytes INTEGER NOT NULL, pinned_bytes INTEGER NOT NULL,
    snapshot_seq INTEGER NOT NULL, crc INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE entries (
    log INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, at_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL, pinned INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (log, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX entry_ids ON entries (log, id);
  CREATE INDEX pinned_entries ON entries (log, seq) WHERE pinned = 1;
  CREATE TABLE snapshots (
    log INTEGER PRIMARY KEY, seq INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL
  ) STRICT;

  CREATE TABLE queues (
    user BLOB NOT NULL UNIQUE, lost_count INTEGER NOT NULL, used_at_ms INTEGER NOT NULL, crc INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX queue_uses ON queues (used_at_ms);
  CREATE TABLE queue_entries (
    n INTEGER PRIMARY KEY, user BLOB NOT NULL, id BLOB NOT NULL, at_ms INTEGER NOT NULL,
    crc INTEGER NOT NULL, data BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX queue_entry_ids ON queue_entries (user, id);
  CREATE INDEX queue_order ON queue_entries (user, n);
  CREATE INDEX queue_ages ON queue_entries (at_ms);

  CREATE TABLE runs (
    n INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, put_at_ms INTEGER NOT NULL, started_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER, bytes INTEGER NOT NULL, crc INTEGER NOT NULL, log BLOB
  ) STRICT;
  CREATE INDEX run_ends ON runs (ended_at_ms);

  CREATE TABLE rooms (
    n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, crc INTEGER NOT NULL, record BLOB NOT NULL
  ) STRICT;
  CREATE TABLE history (
    n INTEGER PRIMARY KEY, room BLOB, user BLOB NOT NULL, bytes INTEGER NOT NULL, crc INTEGER NOT NULL,
    record BLOB NOT NULL
  ) STRICT;
  CREATE INDEX history_of_rooms ON history (room, n) WHERE room IS NOT NULL;
  CREATE INDEX history_of_users ON history (user, n);
  CREATE INDEX history_alone ON history (user, n) WHERE room IS NULL;
  `,
  `
  ALTER TABLE rooms ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0;
  UPDATE rooms SET is_public = 1
    WHERE json_valid(CAST(record AS TEXT)) AND json_extract(CAST(record AS TEXT), '$.isPublic');
  CREATE INDEX public_rooms ON rooms (n) WHERE is_public = 1;
  `,
  `
  CREATE TABLE endpoints (
    n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, user BLOB NOT NULL, room BLOB, crc INTEGER NOT NULL,
    record BLOB NOT NULL
  ) STRICT;
  CREATE INDEX endpoints_of_users ON endpoints (user, n);
  CREATE INDEX endpoints_of_rooms ON endpoints (room, n) WHERE room IS NOT NULL;
  `,
  `
  CREATE TABLE revocations (
    kind BLOB NOT NULL, id BLOB NOT NULL, revoked_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE analytics (
    day BLOB NOT NULL, endpoint BLOB NOT NULL, crc INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (day, endpoint)
  ) STRICT, WITHOUT ROWID;
  `,
];
