-- Every statement that SQLiteStorage runs. A title stands above each; `statements.py` finds them by it.
-- {rows} stands for as many rows of placeholders as one call carries; {bounds} and {direction} for the shape of a scan.

-- create_log --
-- One row for each flushed batch of commits. `commits` is written by `log_format.py`.
CREATE TABLE log (
    last_ts INTEGER PRIMARY KEY,
    first_ts INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    commits BLOB NOT NULL
);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('removed_ts', 0);

-- create_data --
-- Versions of documents and of index entries, each clustered in the order in which it is read.
CREATE TABLE documents (
    table_number INTEGER NOT NULL,
    id TEXT NOT NULL,
    ts INTEGER NOT NULL,
    document BLOB,
    PRIMARY KEY (table_number, id, ts)
) WITHOUT ROWID;
CREATE TABLE entries (
    index_number INTEGER NOT NULL,
    key BLOB NOT NULL,
    ts INTEGER NOT NULL,
    document_id TEXT,
    PRIMARY KEY (index_number, key, ts)
) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('applied_ts', 0), ('trimmed_ts', 0), ('oldest_ts', 0), ('documents', 0);

-- read_meta --
SELECT value FROM meta WHERE name = ?;

-- write_meta --
UPDATE meta SET value = ?2 WHERE name = ?1;

-- append_log --
INSERT INTO log (last_ts, first_ts, checksum, commits) VALUES (?, ?, ?, ?);

-- newest_log_ts --
SELECT max(last_ts) FROM log;

-- next_log_row --
SELECT last_ts, checksum, commits FROM log WHERE last_ts > ? ORDER BY last_ts LIMIT 1;

-- oldest_log_rows --
-- The newest row always stays: it is what says how far the log goes.
SELECT last_ts FROM log WHERE last_ts <= ? AND last_ts < (SELECT max(last_ts) FROM log) ORDER BY last_ts LIMIT ?;

-- remove_log_rows --
DELETE FROM log WHERE last_ts <= ?;

-- get --
SELECT document FROM documents WHERE table_number = ?1 AND id = ?2 AND ts <= ?3 ORDER BY ts DESC LIMIT 1;

-- scan_index --
SELECT e.key, e.document_id, (
    SELECT d.document FROM documents d
    WHERE d.table_number = ?2 AND d.id = e.document_id AND d.ts <= ?3
    ORDER BY d.ts DESC LIMIT 1
)
FROM entries e
WHERE e.index_number = ?1 AND {bounds} AND e.ts <= ?3 AND e.document_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM entries newer
        WHERE newer.index_number = ?1 AND newer.key = e.key AND newer.ts > e.ts AND newer.ts <= ?3
    )
ORDER BY e.key {direction} LIMIT ?4;

-- scan_table --
SELECT e.id, e.document
FROM documents e
WHERE e.table_number = ?1 AND {bounds} AND e.ts <= ?2 AND e.document IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM documents newer
        WHERE newer.table_number = ?1 AND newer.id = e.id AND newer.ts > e.ts AND newer.ts <= ?2
    )
ORDER BY e.id {direction} LIMIT ?3;

-- create_sorted --
-- What is to be applied next, in memory, in the order of the tables that it goes to: the places of a random row are
-- then mostly beside the last one's, which costs about a third.
CREATE TEMP TABLE sorted_documents (
    table_number INTEGER NOT NULL,
    id TEXT NOT NULL,
    ts INTEGER NOT NULL,
    document BLOB,
    PRIMARY KEY (table_number, id, ts)
) WITHOUT ROWID;
CREATE TEMP TABLE sorted_entries (
    index_number INTEGER NOT NULL,
    key BLOB NOT NULL,
    ts INTEGER NOT NULL,
    document_id TEXT,
    PRIMARY KEY (index_number, key, ts)
) WITHOUT ROWID;
-- For each sorted write that nobody reads behind any more: what it replaced goes; and itself, if it is a deletion. A
-- DELETE with a list of keys would search the whole table for them; a trigger looks each of them up.
CREATE TEMP VIEW trimmed_documents AS SELECT table_number, id, ts FROM sorted_documents;
CREATE TEMP TRIGGER trim_documents INSTEAD OF DELETE ON trimmed_documents BEGIN
    DELETE FROM documents
    WHERE table_number = OLD.table_number AND id = OLD.id
        AND ts <= OLD.ts AND (ts < OLD.ts OR document IS NULL);
END;
CREATE TEMP VIEW trimmed_entries AS SELECT index_number, key, ts FROM sorted_entries;
CREATE TEMP TRIGGER trim_entries INSTEAD OF DELETE ON trimmed_entries BEGIN
    DELETE FROM entries
    WHERE index_number = OLD.index_number AND key = OLD.key
        AND ts <= OLD.ts AND (ts < OLD.ts OR document_id IS NULL);
END;

-- sort_documents --
INSERT OR REPLACE INTO sorted_documents (table_number, id, ts, document) VALUES {rows};

-- sort_entries --
INSERT OR REPLACE INTO sorted_entries (index_number, key, ts, document_id) VALUES {rows};

-- count_sorted --
-- By how much the number of documents grows: those that exist with the newest of the sorted versions, less those that
-- exist without. Beside max(ts), `document` is that of the newest version.
SELECT coalesce(sum(after - before), 0) FROM (
    SELECT max(ts), document IS NOT NULL AS after, coalesce((
        SELECT d.document IS NOT NULL FROM documents d
        WHERE d.table_number = sorted_documents.table_number AND d.id = sorted_documents.id
        ORDER BY d.ts DESC LIMIT 1
    ), 0) AS before
    FROM sorted_documents GROUP BY table_number, id
);

-- put_documents --
INSERT OR REPLACE INTO documents (table_number, id, ts, document)
SELECT table_number, id, ts, document FROM sorted_documents ORDER BY table_number, id, ts;

-- put_entries --
INSERT OR REPLACE INTO entries (index_number, key, ts, document_id)
SELECT index_number, key, ts, document_id FROM sorted_entries ORDER BY index_number, key, ts;

-- forget_sorted_documents --
DELETE FROM sorted_documents;

-- forget_sorted_entries --
DELETE FROM sorted_entries;

-- trim_documents --
DELETE FROM trimmed_documents;

-- trim_entries --
DELETE FROM trimmed_entries;
