"""What the log says to PostgreSQL: its tables, and the statements that are longer than a line."""

from typing import Final

from gateway.audit.store.group import GROUP_WIDTH
from gateway.audit.store.postgres_check import make_check_table
from gateway.audit.store.postgres_owners import OWNERS_TABLE
from gateway.audit.tlog.merkle import EMPTY_ROOT

SCHEMA_VERSION: Final = 2
KEY_CHECK: Final = "audit_key_check"
HAS_TABLES: Final = "SELECT to_regclass('audit_version') IS NOT NULL"
ERASABLE: Final = (
    "audit_entries",
    "audit_open",
    "audit_words",
    "audit_owners",
)  # tables of which something may be erased
# A row of `audit_entries` holds a whole group of 16. The entries behind the last one, 15 at most, are each in a row of
# `audit_open`, whose rows are there for good: a row that is only changed, and no index of it, leaves nothing behind
# that VACUUM would have to come for, as rows that come and go would, above all in the index of words.
# Words stand beside their batch in an array, under a GIN index: a row for each would take twice the space.
# EXTERNAL: these bytes are compressed or random already. fastupdate off: nobody pays for the words of others.
# STATISTICS 0: a plan must not depend on how often a word was seen.
SCHEMA: Final = (
    """
CREATE TABLE audit_version (version int NOT NULL);
$key-check$
CREATE TABLE audit_head (
    id int PRIMARY KEY CHECK (id = 0), size bigint NOT NULL, root bytea NOT NULL, t bigint NOT NULL,
    checkpoint bytea NOT NULL);
CREATE TABLE audit_entries (
    first bigint PRIMARY KEY, t bigint NOT NULL, hashes bytea NOT NULL, leaves bytea NOT NULL, privates bytea NOT NULL);
CREATE TABLE audit_open (
    place int PRIMARY KEY, first bigint, t bigint, hashes bytea, leaves bytea, privates bytea, words bigint[]);
CREATE VIEW audit_groups AS SELECT first, t, hashes, leaves, privates FROM audit_entries
    UNION ALL SELECT first, t, hashes, leaves, privates FROM audit_open WHERE first IS NOT NULL;
CREATE TABLE audit_words (first bigint PRIMARY KEY, words bigint[] NOT NULL, places bytea NOT NULL);
$owners$CREATE TABLE audit_seqs (caller text PRIMARY KEY, seq bigint NOT NULL, checked bytea NOT NULL);
CREATE TABLE audit_tiles (place bigint PRIMARY KEY, hashes bytea NOT NULL);
CREATE INDEX audit_entries_by_time ON audit_entries (t);
CREATE INDEX audit_words_by_word ON audit_words USING gin (words) WITH (fastupdate = off);
ALTER TABLE audit_entries ALTER hashes SET STORAGE EXTERNAL, ALTER leaves SET STORAGE EXTERNAL,
    ALTER privates SET STORAGE EXTERNAL;
ALTER TABLE audit_words ALTER words SET STORAGE EXTERNAL, ALTER words SET STATISTICS 0,
    ALTER places SET STORAGE EXTERNAL;
ALTER TABLE audit_tiles ALTER hashes SET STORAGE EXTERNAL;
INSERT INTO audit_open (place) SELECT generate_series(0, $width$ - 1);
INSERT INTO audit_head VALUES (0, 0, $root$, 0, '');
INSERT INTO audit_version VALUES ($version$);
""".replace("$root$", f"'\\x{EMPTY_ROOT.hex()}'")
    .replace("$version$", str(SCHEMA_VERSION))
    .replace("$width$", str(GROUP_WIDTH))
    .replace("$owners$", OWNERS_TABLE.lstrip())
    .replace("$key-check$", make_check_table(KEY_CHECK))
)
READ_ANY: Final = """
SELECT first, hashes, leaves, privates FROM audit_entries WHERE first = ANY ($1)
UNION ALL SELECT first, hashes, leaves, privates FROM audit_open WHERE first = ANY ($2)
"""  # whole groups, and entries that lie by themselves
READ_OPEN: Final = """
SELECT first, hashes, leaves, privates, t, words FROM audit_open WHERE first IS NOT NULL ORDER BY first
"""
# The last row that begins before a time, the first one that does not, and all that are behind whole groups.
AROUND: Final = """
(SELECT first, hashes, leaves, t FROM audit_entries WHERE t < $1 ORDER BY t DESC, first DESC LIMIT 1)
UNION ALL (SELECT first, hashes, leaves, t FROM audit_entries WHERE t >= $1 ORDER BY t, first LIMIT 1)
UNION ALL SELECT first, hashes, leaves, t FROM audit_open WHERE first IS NOT NULL ORDER BY first
"""
# Everything is taken from the fence: where the head is another one, nothing is written and nothing returned.
COMMIT: Final = """
WITH fence AS (
    SELECT id FROM audit_head WHERE size = $1 AND root = $2 AND t = $3 AND checkpoint = $4 FOR UPDATE
), entries AS (
    INSERT INTO audit_entries SELECT e.* FROM fence,
        unnest($6::bigint[], $7::bigint[], $8::bytea[], $9::bytea[], $10::bytea[])
        AS e (first, t, hashes, leaves, privates)
), words AS (
    INSERT INTO audit_words SELECT $11, $12::bigint[], $13 FROM fence WHERE cardinality($6::bigint[]) > 0
), opened AS (
    UPDATE audit_open AS o SET first = n.first, t = $5, hashes = n.hashes, leaves = n.leaves, privates = n.privates,
        words = ($32::bigint[])[n.low + 1 : n.high]
    FROM fence, unnest($27::int[], $28::bigint[], $29::bytea[], $30::bytea[], $31::bytea[], $33::int[], $34::int[])
        AS n (place, first, hashes, leaves, privates, low, high) WHERE o.place = n.place
), disowned AS (
    DELETE FROM audit_owners AS o USING fence, unnest($16::bigint[], $17::int[]) AS n (owner, more)
    WHERE o.owner = n.owner AND o.more = n.more
), owners AS (
    INSERT INTO audit_owners SELECT n.owner, n.number, $14, $15, n.more
    FROM fence, unnest($16::bigint[], $17::int[], $18::bigint[]) AS n (owner, more, number)
), seqs AS (
    INSERT INTO audit_seqs SELECT s.* FROM fence, unnest($19::text[], $20::bigint[], $21::bytea[])
        AS s (caller, seq, checked) ON CONFLICT (caller) DO UPDATE SET seq = excluded.seq, checked = excluded.checked
), tiles AS (
    INSERT INTO audit_tiles SELECT t.* FROM fence, unnest($22::bigint[], $23::bytea[]) AS t (place, hashes)
        ON CONFLICT (place) DO UPDATE SET hashes = excluded.hashes
)
UPDATE audit_head SET size = $24, root = $25, t = $5, checkpoint = $26 FROM fence WHERE audit_head.id = fence.id
RETURNING audit_head.size
"""
ROWS: Final = """
SELECT w.word, b.first + get_byte(b.places, w.at::int - 1) AS entry
FROM unnest($1::bigint[], $2::bigint[]) AS s (low, high)
JOIN audit_words AS b ON b.first > s.low - $3::int AND b.first < s.high
CROSS JOIN LATERAL unnest(b.words) WITH ORDINALITY AS w (word, at)
WHERE b.first + get_byte(b.places, w.at::int - 1) >= s.low AND b.first + get_byte(b.places, w.at::int - 1) < s.high
UNION ALL SELECT unnest(o.words), o.first FROM unnest($1::bigint[], $2::bigint[]) AS s (low, high)
JOIN audit_open AS o ON o.first >= s.low AND o.first < s.high
ORDER BY word, entry
"""
ROWS_OF: Final = """
SELECT first, words, places FROM audit_words
WHERE first IN (SELECT (SELECT max(first) FROM audit_words WHERE first <= entry) FROM unnest($1::bigint[]) AS entry)
UNION ALL SELECT first, words, decode(repeat('00', cardinality(words)), 'hex') FROM audit_open WHERE first = ANY ($1)
"""  # of the batches that hold any of these entries
# "+ 0": by the index of words, never through the batches. One of them may hold only later entries.
FIND: Final = """
SELECT b.first + get_byte(b.places, at - 1) AS entry
FROM (SELECT first, words, places FROM audit_words
    WHERE words @> ARRAY[$1::bigint] AND first + 0 < $2 AND first + 0 > $4 - $5::int
    ORDER BY first + 0 DESC LIMIT $3 + 1) AS b, unnest(array_positions(b.words, $1)) AS at
WHERE b.first + get_byte(b.places, at - 1) < $2 AND b.first + get_byte(b.places, at - 1) >= $4
UNION ALL SELECT first FROM audit_open WHERE $1 = ANY (words) AND first < $2 AND first >= $4
ORDER BY entry DESC LIMIT $3
"""
ERASE_WORDS: Final = """
WITH touched AS (
    SELECT b.first, array_agg(b.words[at] ORDER BY at) FILTER (WHERE b.words[at] <> ALL ($1)) AS words,
        string_agg(substring(b.places FROM at FOR 1), '' ORDER BY at)
            FILTER (WHERE b.words[at] <> ALL ($1)) AS places,
        count(*) FILTER (WHERE b.words[at] = ANY ($1)) AS erased
    FROM audit_words AS b, generate_subscripts(b.words, 1) AS at WHERE b.words && $1 GROUP BY b.first
), written AS (
    UPDATE audit_words AS b SET words = coalesce(t.words, '{}'), places = coalesce(t.places, '')
    FROM touched AS t WHERE b.first = t.first
), open AS (
    UPDATE audit_open AS o SET words = l.words
    FROM (SELECT place, (SELECT coalesce(array_agg(w), '{}') FROM unnest(words) AS w WHERE w <> ALL ($1)) AS words,
            cardinality(words) AS before FROM audit_open WHERE words && $1) AS l
    WHERE o.place = l.place RETURNING l.before - cardinality(l.words) AS erased
) SELECT coalesce(sum(erased), 0)::bigint FROM (SELECT erased FROM touched UNION ALL SELECT erased FROM open) AS every
"""
ERASE_ENTRY_WORDS: Final = """
WITH doomed AS (
    SELECT b.first, array_agg(e.entry - b.first) AS gone FROM unnest($1::bigint[]) AS e (entry)
    CROSS JOIN LATERAL (
        SELECT first FROM audit_words WHERE first <= e.entry ORDER BY first DESC LIMIT 1) AS b
    GROUP BY b.first
), touched AS (
    SELECT b.first, array_agg(w.word ORDER BY at) FILTER (WHERE w.place <> ALL (d.gone)) AS words,
        string_agg(set_byte('\\x00', 0, w.place), '' ORDER BY at)
            FILTER (WHERE w.place <> ALL (d.gone)) AS places,
        count(*) FILTER (WHERE w.place = ANY (d.gone)) AS erased
    FROM audit_words AS b JOIN doomed AS d ON d.first = b.first CROSS JOIN LATERAL (
        SELECT word, at, get_byte(b.places, at::int - 1) AS place
        FROM unnest(b.words) WITH ORDINALITY AS u (word, at)) AS w
    GROUP BY b.first
), written AS (
    UPDATE audit_words AS b SET words = coalesce(t.words, '{}'), places = coalesce(t.places, '')
    FROM touched AS t WHERE b.first = t.first
), open AS (
    UPDATE audit_open AS o SET words = '{}' FROM (SELECT place, cardinality(words) AS erased FROM audit_open) AS l
    WHERE o.first = ANY ($1) AND o.place = l.place RETURNING l.erased
) SELECT coalesce(sum(erased), 0)::bigint FROM (SELECT erased FROM touched UNION ALL SELECT erased FROM open) AS every
"""
