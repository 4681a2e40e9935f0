"""What a file is that holds no rows, and what to export instead."""

import re

JSON = "export JSON Lines, or another format of scripts/annotations/README.md"
# A name in the first line of a table.
NAME = rb"\"?[\w#./:-][\w #./:-]{0,39}\"?"
# How such files begin, what they are, and what to do.
KINDS = [
    (rb"%PDF", "a PDF", JSON),
    (rb"SQLite format 3", "an SQLite database", f"{JSON} (Prodigy: prodigy db-out)"),
    (rb"\x80[\x02-\x05]", "a pickle, which is never loaded", JSON),
    (rb"PAR1", "Parquet", JSON),
    (rb"ARROW1|\xff\xff\xff\xff", "an Arrow file", JSON),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF", "an image or a recording", JSON),
    (rb"\xd0\xcf\x11\xe0|\{\\rtf", "an Office file", JSON),
    (rb"BZh|\xfd7zXZ|7z\xbc\xaf|Rar!", "an archive", "unpack it, or pack it as zip"),
    (rb"(?s:.{257}ustar)", "a tar archive", "unpack it, and give the folder"),
    (rb"#FORMAT=WebAnno", "WebAnno TSV", "export CoNLL 2002 from WebAnno or INCEpTION"),
    (rb"\s*<(?i:!doctype html|html)", "HTML", JSON),
    (rb"\s*<", "XML", JSON),
    (rb"[^\n]*\0", "a binary file, or text in UTF-16", f"save it as UTF-8, or {JSON}"),
    (
        rb"\s*(\w+ *= *[\[({]|\[?\s*\(\s*['\"]|\{\s*')",
        "Python",
        "write it with json.dump",
    ),
    (rb"(%s)?(,%s)+\s*\n" % (NAME, NAME), "CSV", JSON),
    (rb"(%s)?(;%s)+\s*\n" % (NAME, NAME), "CSV with semicolons", JSON),
    (rb"(%s)?(\t%s)+\s*\n" % (NAME, NAME), "a table with tabs", JSON),
]


def name_kind(head: bytes, suffix: str, why: str) -> str:
    """Name what a file is by its first bytes or its suffix, and say what to do.

    If it is nothing that is known, `why` says what is wrong with its first line.
    """
    known = ((what, cure) for start, what, cure in KINDS if re.match(start, head))
    other = "CSV" if suffix == ".csv" else f"not JSON Lines: line 1 is {why}"
    what, cure = next(known, (other, f"{JSON}, or name its format with --format"))
    return f"{what}: {cure}."
