"""Every size that a message or a mapping file may have, each with its reason. Sizes are bytes unless a name says so."""

from typing import Final

from adapters.strict.bounds import KIB, MAX_DOCUMENT, MAX_LICENCE_TEXT, MIB

# Messages.
MAX_MESSAGE: Final = 4 * MIB  # 1,000 records of 4 kB; a page of Guangdong's interface holds at most 150
MAX_DOCUMENT_MESSAGE: Final = MAX_DOCUMENT // 3 * 4 + MIB  # a document in base64 comes along, and the record around it
MAX_TEXT: Final = MAX_LICENCE_TEXT  # characters of one field
MAX_RECORDS: Final = 10_000  # of one message; ten times the largest page of any interface met
MAX_ROWS: Final = 500  # holders of one licence, or rows of one table in it
MAX_COLUMNS: Final = 500  # names in one form or one delimited line; a record has a few dozen
MAX_NESTED_DEPTH: Final = 3  # messages inside texts of messages; two have been met: SOAP, then XML, then JSON

# Mapping files.
MAX_FILE: Final = 256 * KIB  # the largest of ours has 12 kB; tomllib reads 3 MB a second
MAX_LINE_DOTS: Final = 64  # tomllib needs quadratic time for long dotted keys
MAX_FIELDS: Final = 500  # rules of one file; GB/T 36903 has 25 elements, a printed form a few dozen
MAX_CODES: Final = 5_000  # entries of one code table; all areas of one province down to the county are 200
MAX_CODECS: Final = 8  # of one field; the longest chain met has three
MAX_STEPS: Final = 16  # of one path
MAX_WORD: Final = 512  # characters of one key or text of a mapping file
MAX_FAULTS: Final = 200  # of one report; nobody reads more before mending the first
MAX_DEPTH: Final = 8  # tables and lists inside each other; a transport recipe needs four
