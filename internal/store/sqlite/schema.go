package sqlite

import (
	"fmt"

	"github.com/inkwire/inkwire/internal/store"
)

// applicationID marks the file as Inkwire's: "Inkw".
const applicationID = 0x496e6b77

// schemaVersion is the version that this program writes.
const schemaVersion = len(migrations)

// migrations bring a file from each version to the next, beginning with 0, that
// of an empty file. What has once been released never changes.
//
// In documents, epoch and seq are the revision of the last row, edited_… tell of
// the last update, facts_… where title and preview are from, and pruned_… the
// last row that was removed for its age: none after it is missing. deleted is a
// time, 0 for a document that isn't; purged is one of the constants below, as is
// valid. A checkpoint's pieces are counted from 0 and hold its state, then its
// authors. listed, title_key and created are what lists are sorted by: listed is
// edited_time, or a little less, or created. folded is what is searched. marked_…
// is the revision at which it was last asked which files a document refers to,
// and unreferred when that was first found not to be one of them, 0 if it is, or
// wasn't asked. A file's id is never another's, for it may be read while it goes;
// its chunks are counted from 0. A secret is its SHA-256. A link's id is never another's: browsers hold
// it. Its expires is 0 for never. people are in a document; edited is 0 for never.
var migrations = [...]string{`
CREATE TABLE documents (
	id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT;
CREATE TABLE names (
	name TEXT PRIMARY KEY, doc INTEGER NOT NULL REFERENCES documents
) STRICT, WITHOUT ROWID;
CREATE TABLE rows (
	doc INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
	session INTEGER NOT NULL, time INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL,
	PRIMARY KEY (doc, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
	id INTEGER PRIMARY KEY, doc INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
	time INTEGER NOT NULL, size INTEGER NOT NULL, checksum INTEGER NOT NULL, valid INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoints_doc ON checkpoints (doc);
CREATE TABLE pieces (
	id INTEGER PRIMARY KEY, checkpoint INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX pieces_checkpoint ON pieces (checkpoint, n);
`, `
ALTER TABLE documents ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN edited_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN edited_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN edited_session INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN edited_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN facts_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN facts_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN preview TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN pruned_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN pruned_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rows ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rows ADD COLUMN client INTEGER NOT NULL DEFAULT 0;
ALTER TABLE checkpoints ADD COLUMN authors INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sessions (
	doc INTEGER NOT NULL, id INTEGER NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, start INTEGER NOT NULL,
	PRIMARY KEY (doc, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE damaged (
	doc INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL,
	session INTEGER NOT NULL, client INTEGER NOT NULL, time INTEGER NOT NULL, checksum INTEGER NOT NULL,
	data BLOB NOT NULL, moved INTEGER NOT NULL
) STRICT;
CREATE INDEX damaged_doc ON damaged (doc);
UPDATE documents SET name = names.name FROM names WHERE names.doc = id;
UPDATE documents SET edited_epoch = r.epoch, edited_seq = r.seq, edited_session = r.session, edited_time = r.time
	FROM rows AS r WHERE r.doc = documents.id AND r.epoch = documents.epoch AND r.seq = documents.seq;
`, `
CREATE TABLE links (
	id INTEGER PRIMARY KEY AUTOINCREMENT, doc INTEGER NOT NULL, secret BLOB NOT NULL UNIQUE, role TEXT NOT NULL,
	note TEXT NOT NULL, maker TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT;
CREATE INDEX links_doc ON links (doc);
CREATE TABLE browsers (
	secret BLOB PRIMARY KEY, holds BLOB NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX browsers_expires ON browsers (expires);
CREATE TABLE cuts (
	subject TEXT PRIMARY KEY, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`, `
CREATE TABLE people (
	doc INTEGER NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, color TEXT NOT NULL, edited INTEGER NOT NULL,
	PRIMARY KEY (doc, person)
) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE documents ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN title_key TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN folded TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN marked_epoch INTEGER NOT NULL DEFAULT -1;
ALTER TABLE documents ADD COLUMN marked_seq INTEGER NOT NULL DEFAULT 0;
UPDATE documents SET listed = max(created, edited_time), title_key = substr(fold(CASE title WHEN '' THEN name ELSE title END), 1, 100),
	folded = fold(name || char(10) || title || char(10) || preview);
CREATE INDEX documents_edited ON documents (listed, id) WHERE deleted = 0;
CREATE INDEX documents_title ON documents (title_key, id) WHERE deleted = 0;
CREATE INDEX documents_created ON documents (created, id) WHERE deleted = 0;
CREATE INDEX rows_activity ON rows (doc, epoch, seq) WHERE kind = 1;
CREATE TABLE files (
	id INTEGER PRIMARY KEY AUTOINCREMENT, doc INTEGER NOT NULL, hash BLOB NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
	size INTEGER NOT NULL, added INTEGER NOT NULL, unreferred INTEGER NOT NULL, state INTEGER NOT NULL
) STRICT;
CREATE INDEX files_doc ON files (doc);
CREATE UNIQUE INDEX files_hash ON files (doc, hash) WHERE state = 1;
CREATE INDEX files_going ON files (id) WHERE state = 2;
CREATE TABLE chunks (
	id INTEGER PRIMARY KEY, file INTEGER NOT NULL, n INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunks_file ON chunks (file, n);
ALTER TABLE links RENAME TO shares;
DROP INDEX links_doc;
CREATE INDEX shares_doc ON shares (doc);
`}

// What is left of a document, in documents.purged.
const (
	purging = 1 // being removed
	purged  = 2 // only its header is left
)

// The states of a checkpoint, in checkpoints.valid.
const (
	unfinished = 0 // being written, or not needed any more
	valid      = 1
	setAside   = 2 // by Repair
)

// The states of a file, in files.state.
const (
	arriving = 0 // being written; its hash isn't known yet
	whole    = 1
	going    = 2 // not needed any more
)

// migrate brings the file to schemaVersion, removes checkpoints that a crash left
// unfinished, and lets go of files that it did.
func (w *writer) migrate() error {
	v, err := w.version()
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if v > schemaVersion {
		return fmt.Errorf("schema version %d, this program knows %d: %w", v, schemaVersion, store.ErrNewer)
	}
	sql := `BEGIN IMMEDIATE;`
	for _, m := range migrations[v:] {
		sql += m
	}
	if v < schemaVersion {
		sql += fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d;`, applicationID, schemaVersion)
	}
	if err := w.Exec(sql + fmt.Sprintf(`
		DELETE FROM pieces WHERE checkpoint IN (SELECT id FROM checkpoints WHERE valid = %d);
		DELETE FROM checkpoints WHERE valid = %[1]d;
		UPDATE files SET state = %d WHERE state = %d; COMMIT`, unfinished, going, arriving)); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return nil
}

// version is that of the file's schema. A file of another program is an error.
func (c *conn) version() (int, error) {
	v, err := c.number(`PRAGMA user_version`)
	if err != nil {
		return 0, err
	}
	id, err := c.number(`PRAGMA application_id`)
	if err != nil {
		return 0, err
	}
	if v < 0 || v > 0 && id != applicationID {
		return 0, fmt.Errorf("the file isn't Inkwire's")
	}
	return int(v), nil
}
