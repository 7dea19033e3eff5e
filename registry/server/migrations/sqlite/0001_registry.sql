-- The tables of a registry. Times are seconds since 1970, digests and keys are text as they are shown.

-- One row: the head of the log. Whoever appends updates it first, which makes appending one at a time.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    size BIGINT NOT NULL,
    checkpoint TEXT NOT NULL,
    root_version BIGINT NOT NULL,
    takedown_sequence BIGINT NOT NULL
);
CREATE TABLE leaves (
    log_index INTEGER PRIMARY KEY,
    entry BLOB NOT NULL
);
CREATE TABLE tiles (
    level BIGINT NOT NULL,
    tile BIGINT NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, tile)
);
CREATE TABLE roots (
    version INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    log_index BIGINT NOT NULL UNIQUE
);

CREATE TABLE publishers (
    name TEXT PRIMARY KEY,
    collision_key TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    history TEXT NOT NULL
);
CREATE TABLE events (
    publisher TEXT NOT NULL REFERENCES publishers (name),
    sequence BIGINT NOT NULL,
    log_index BIGINT NOT NULL UNIQUE,
    PRIMARY KEY (publisher, sequence)
);
CREATE TABLE skills (
    id INTEGER PRIMARY KEY,
    publisher TEXT NOT NULL REFERENCES publishers (name),
    name TEXT NOT NULL,
    collision_key TEXT NOT NULL UNIQUE,
    visibility TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    latest TEXT,
    category TEXT,
    UNIQUE (publisher, name)
);
CREATE INDEX skills_by_category ON skills (category, updated);
CREATE INDEX skills_by_update ON skills (updated);
CREATE TABLE indexes (
    skill INTEGER PRIMARY KEY REFERENCES skills (id),
    etag TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE releases (
    skill BIGINT NOT NULL REFERENCES skills (id),
    version TEXT NOT NULL,
    archive TEXT NOT NULL,
    archive_size BIGINT NOT NULL,
    signature TEXT NOT NULL,
    signature_size BIGINT NOT NULL,
    log_index BIGINT NOT NULL UNIQUE,
    published BIGINT NOT NULL,
    category TEXT,
    yanked TEXT,
    taken_down TEXT,
    kinds TEXT NOT NULL,
    description TEXT NOT NULL,
    page TEXT NOT NULL,
    PRIMARY KEY (skill, version)
);
CREATE INDEX releases_by_archive ON releases (archive);
CREATE INDEX releases_by_signature ON releases (signature);
CREATE TABLE takedowns (
    sequence INTEGER PRIMARY KEY,
    log_index BIGINT NOT NULL UNIQUE
);
CREATE TABLE takedown_lists (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL,
    issued BIGINT NOT NULL,
    root_version BIGINT NOT NULL,
    envelope TEXT NOT NULL
);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    publisher TEXT NOT NULL REFERENCES publishers (name),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    pattern TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT,
    last_used BIGINT
);
-- Blobs that are being put and that no release names yet: what a crash leaves is found by these.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    archive TEXT NOT NULL,
    signature TEXT NOT NULL,
    started BIGINT NOT NULL
);
CREATE TABLE upload_counts (
    publisher TEXT NOT NULL,
    hour BIGINT NOT NULL,
    uploads BIGINT NOT NULL,
    PRIMARY KEY (publisher, hour)
);

-- Of each skill that can be found: what is searched, by the skill's id.
CREATE VIRTUAL TABLE search USING fts5 (
    name, description, category, tools,
    tokenize = 'unicode61 remove_diacritics 2',
    prefix = '2 3 4 5'
);
