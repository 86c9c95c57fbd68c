"""All faults: a stable code, whether a retry can help, and what to do next.

DataEngine never redelivers an event whose handler returned, and redelivers one whose handler raised. So
transient faults (`retry`) are raised, and permanent ones are recorded in the document's `errors` and in the
file's row.

docs/TROUBLESHOOTING.md is generated from `FAULTS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "incomplete", "corrupt", "unsupported", "missing"]


@dataclass(frozen=True)
class Fault:
    """One kind of failure.

    `retry`: the same event may succeed later. `status`: the status of a file that has the fault, or None if
    the fault does not decide it. `meaning` and `remedy` are sentences for people.
    """

    code: str
    retry: bool
    status: Status | None
    meaning: str
    remedy: str


class InspectorError(Exception):
    """A failure with a stable code; the only exception that exr-inspector raises on purpose.

    `where` names the place: a path, an attribute, a setting or a table.
    """

    def __init__(self, fault: Fault, message: str, where: str = "") -> None:
        super().__init__(f"{fault.code}: {message}" + (f" ({where})" if where else ""))
        self.fault = fault
        self.message = message
        self.where = where

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by code, so that a fault keeps its identity in another process."""
        return _restored, (self.code, self.message, self.where)

    @property
    def code(self) -> str:
        return self.fault.code

    @property
    def retry(self) -> bool:
        return self.fault.retry

    def entry(self) -> dict[str, str]:
        """Return the fault as an entry of a document's `errors`."""
        return {"code": self.code, "message": self.message, "where": self.where}


FAULTS: dict[str, Fault] = {}


def _restored(code: str, message: str, where: str) -> InspectorError:
    return InspectorError(FAULTS[code], message, where)


def _fault(code: str, status: Status | None, meaning: str, remedy: str, *, retry: bool = False) -> Fault:
    FAULTS[code] = Fault(code, retry, status, meaning, remedy)
    return FAULTS[code]


# --- the file: permanent, recorded in its row -----------------------------------------------------

FILE_NOT_FOUND = _fault(
    "FILE_NOT_FOUND",
    "missing",
    "The path names no file or object.",
    "Check the path; the file may have been moved or deleted since it was named.",
)
DANGLING_LINK = _fault(
    "DANGLING_LINK",
    "missing",
    "The path is a symbolic link to a file that does not exist.",
    "Restore the file that the message names, or correct the link.",
)
LINK_LOOP = _fault(
    "LINK_LOOP",
    "missing",
    "The path leads through symbolic links that point to each other.",
    "Correct the links.",
)
NOT_A_FILE = _fault(
    "NOT_A_FILE",
    None,
    "The path names a folder, a named pipe, a socket or a device. It is not opened, and has no row.",
    "Name a file, or use `exr-inspector inspect` for a folder.",
)
EMPTY_FILE = _fault(
    "EMPTY_FILE",
    "incomplete",
    "The file has no bytes. Often it is a placeholder, or the writer died before its first write.",
    "Render the frame again.",
)
NOT_AN_EXR = _fault(
    "NOT_AN_EXR",
    "unsupported",
    "The file does not begin with the OpenEXR magic number.",
    "Check what the file really is; a renamed JPEG or a text file is common.",
)
UNSUPPORTED_VERSION = _fault(
    "UNSUPPORTED_VERSION",
    "unsupported",
    "The version field has a format version or flags that OpenEXR has not defined.",
    "Write the file with OpenEXR 1.7 or later, or report it if a newer format exists.",
)
HEADER_TRUNCATED = _fault(
    "HEADER_TRUNCATED",
    "incomplete",
    "The file ends inside its header.",
    "Copy or render the file again; the transfer or the writer stopped early.",
)
HEADER_CORRUPT = _fault(
    "HEADER_CORRUPT",
    "corrupt",
    "The header's structure is not valid, so the rest of the file cannot be located.",
    "Restore the file from its source.",
)
LIMIT_EXCEEDED = _fault(
    "LIMIT_EXCEEDED",
    "unsupported",
    "The header is larger than a limit allows.",
    "If the file is genuine, raise the EXR_INSPECTOR_MAX_* setting that the message names.",
)
REQUIRED_ATTRIBUTE = _fault(
    "REQUIRED_ATTRIBUTE",
    "corrupt",
    "A required attribute is absent, has the wrong type, cannot be decoded, or has an impossible value.",
    "Write the file again; most readers refuse it.",
)
BAD_ATTRIBUTE = _fault(
    "BAD_ATTRIBUTE",
    None,
    "The value of one attribute does not fit its type. Its bytes are kept, and the rest is unaffected.",
    "Report it to the author of the software that wrote the file.",
)
UNKNOWN_CODE = _fault(
    "UNKNOWN_CODE",
    "unsupported",
    "OpenEXR has not defined this compression, line order, pixel type, part type or tile mode.",
    "Update exr-inspector if the code is new in OpenEXR; otherwise the file is damaged.",
)
CHUNK_COUNT_MISMATCH = _fault(
    "CHUNK_COUNT_MISMATCH",
    None,
    "The attribute chunkCount disagrees with the data window, compression and tiles. Readers derive the"
    " number of chunks from those, as exr-inspector does; few refuse the file.",
    "Report it to the author of the software that wrote the file.",
)
CHUNKS_MISSING = _fault(
    "CHUNKS_MISSING",
    "incomplete",
    "The file does not hold all of its chunks: it was cut short, or its end was never written.",
    "Copy or render the frame again. Its header is intact, so it opens everywhere.",
)
OFFSET_TABLE_MISSING = _fault(
    "OFFSET_TABLE_MISSING",
    "incomplete",
    "The chunk offset table holds only zeros: its writer did not finish. The chunks may be intact, but not"
    " all of them were found.",
    "Look at the message: if it counts the chunks, render the frame again. Otherwise inspect a local copy, or"
    " set EXR_INSPECTOR_COMPLETENESS to `always`, to count them.",
)
OFFSET_TABLE_REBUILT = _fault(
    "OFFSET_TABLE_REBUILT",
    None,
    "The chunk offset table holds only zeros, but every chunk is in the file. Most readers rebuild it.",
    "The pixels are safe. `oiiotool in.exr -o out.exr` writes a copy with an offset table.",
)
COMPLETENESS_UNKNOWN = _fault(
    "COMPLETENESS_UNKNOWN",
    None,
    "The chunk offset table is too large to read, so a truncated file may go unnoticed.",
    "Nothing, unless the file may be truncated: then decode it, for example with `exrcheck`.",
)

WORKER_LOST = _fault(
    "WORKER_LOST",
    "unsupported",
    "A process died each time that it inspected this file, and of no other file with it.",
    "Report it: exr-inspector or OpenImageIO has a bug. `--no-oiio` may avoid it.",
)

# --- the pixels: permanent, recorded in the `failures` of pixel statistics ----------------------------

CHUNK_CORRUPT = _fault(
    "CHUNK_CORRUPT",
    None,
    "A chunk of pixels cannot be decoded, or its head contradicts the header. Other chunks are unaffected.",
    "Restore the file from its source, or render the frame again.",
)
DECODER_LOST = _fault(
    "DECODER_LOST",
    None,
    "The process that decoded a chunk crashed, or reached its limit of time or memory.",
    "Restore the file from its source. If the file is genuine, report it: the decoder has a bug.",
)
PIXELS_LIMIT = _fault(
    "PIXELS_LIMIT",
    None,
    "A chunk, or the number of channels, is larger than pixel statistics allow. The memory of the instance"
    " limits a chunk: to about 32 MiB decoded if it has 512 MiB, and to 128 MiB at most.",
    "Choose fewer channels or parts, or measure the file with more memory.",
)
PIXELS_TIMEOUT = _fault(
    "PIXELS_TIMEOUT",
    None,
    "The time for the pixels of a file ran out, also if it was spent on waiting for memory that other files"
    " held. What was read until then was measured.",
    "Ask again with more time, or for a sample.",
)

# --- the request: permanent, no file is known ------------------------------------------------------

BAD_EVENT = _fault(
    "BAD_EVENT",
    None,
    "The event names no file, or does not have a form that exr-inspector knows.",
    "See docs/SERVERLESS_INTEGRATION.md for the forms; send `elementpath`, S3 `Records` or `path`.",
)
BAD_CONFIG = _fault(
    "BAD_CONFIG",
    None,
    "A configuration value in the event is not one of those allowed.",
    "Correct what the message names: a switch is true or false (or 1, yes, y, on and their opposites).",
)
BAD_SETTING = _fault(
    "BAD_SETTING",
    None,
    "A setting is not valid, or one of several settings that belong together is absent.",
    "Correct the option, environment variable or secret that the message names; see docs/CONFIGURATION.md.",
)
BAD_POLICY = _fault(
    "BAD_POLICY",
    None,
    "A policy does not exist, cannot be read, or has a rule that is not valid. Its rules were not applied.",
    "Correct what the message names; see docs/POLICIES.md.",
)
PATH_NOT_ALLOWED = _fault(
    "PATH_NOT_ALLOWED",
    None,
    "The event names a local path that EXR_INSPECTOR_LOCAL_ROOTS does not allow, or a file of /proc or /sys.",
    "Add its folder to EXR_INSPECTOR_LOCAL_ROOTS if events may name local files there.",
)
BAD_QUERY = _fault(
    "BAD_QUERY",
    None,
    "The SQL is not valid for this database.",
    "Correct the statement; docs/DATABASE_SCHEMA.md lists tables and columns.",
)
QUERY_LIMIT = _fault(
    "QUERY_LIMIT",
    None,
    "A query ran over its limit of time or memory.",
    "Narrow the query, or run it without the limit.",
)
DATABASE_NOT_FOUND = _fault(
    "DATABASE_NOT_FOUND",
    None,
    "The database file does not exist, or the folder that is to contain it does not.",
    "Create the folder or correct the path in `--db` or EXR_INSPECTOR_DB.",
)
NOT_A_DATABASE = _fault(
    "NOT_A_DATABASE",
    None,
    "The path of the database names something other than a DuckDB file.",
    "Correct the path in `--db` or EXR_INSPECTOR_DB; the file was not changed.",
)
TABLE_MISMATCH = _fault(
    "TABLE_MISMATCH",
    None,
    "A column of a table in the database is missing, or has another type than exr-inspector writes.",
    "Run `exr-inspector index` on a database of an older release; otherwise move the table away or choose"
    " another schema. The message names the column.",
    retry=True,
)
NOT_LOSSLESS = _fault(
    "NOT_LOSSLESS",
    None,
    "The document does not hold a whole header, so the header's bytes cannot be restored.",
    "Use a document of a file whose header was read completely, without elided values.",
)
NOT_INSTALLED = _fault(
    "NOT_INSTALLED",
    None,
    "A library that this feature needs is not installed, or not in a version that exr-inspector supports.",
    "Run the `pip install` command in the message.",
)


@contextmanager
def requires_extra(extra: str) -> Iterator[None]:
    """Raise InspectorError(NOT_INSTALLED) that names `extra` if a library imported in the block is absent."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed: pip install 'exr-inspector[{extra}]'"
        raise InspectorError(NOT_INSTALLED, message) from error


# --- the environment: transient, raised so that the event is redelivered ----------------------------

STORAGE_UNAVAILABLE = _fault(
    "STORAGE_UNAVAILABLE",
    None,
    "The file or object store did not answer, answered with an error, or broke off.",
    "Retry. If it persists, check the endpoint, the network and the store's health.",
    retry=True,
)
STORAGE_DENIED = _fault(
    "STORAGE_DENIED",
    None,
    "These credentials may not read the file or object.",
    "Grant read access or correct the credentials; the event is redelivered until then.",
    retry=True,
)
STORAGE_REFUSED = _fault(
    "STORAGE_REFUSED",
    None,
    "The object store rejects the request as malformed (400, 413), whatever object it asks for.",
    "Check S3_ENDPOINT (its port, http or https), S3_REGION, and any proxy in front of the store.",
    retry=True,
)
OBJECT_CHANGED = _fault(
    "OBJECT_CHANGED",
    None,
    "The file was replaced repeatedly while it was being read.",
    "Nothing: a later delivery reads the final version.",
    retry=True,
)
SECRET_UNAVAILABLE = _fault(
    "SECRET_UNAVAILABLE",
    None,
    "The runtime did not give a secret, for another reason than that it does not exist.",
    "It may pass; the event is delivered again. If it does not, check the secret and who may read it.",
    retry=True,
)
NO_WORKERS = _fault(
    "NO_WORKERS",
    None,
    "Worker processes do not start, or a Dask cluster does not answer or is not set up as this process is.",
    "Look at the message and their logs, and run the command again: it continues with what is not stored.",
    retry=True,
)
DATABASE_IN_USE = _fault(
    "DATABASE_IN_USE",
    None,
    "Another process has the DuckDB file open. One process at a time can, unless all of them only read.",
    "Wait until that process has ended, or read the snapshot that `exr-inspector index --publish` writes.",
    retry=True,
)
DATABASE_UNAVAILABLE = _fault(
    "DATABASE_UNAVAILABLE",
    None,
    "The database did not answer, answered with an error, or broke off.",
    "Retry. If it persists, check the DuckDB file and which process has it open; or the endpoint, the network"
    " and the database's health.",
    retry=True,
)
DATABASE_DENIED = _fault(
    "DATABASE_DENIED",
    None,
    "The database refuses these credentials or this operation.",
    "Correct the keys or the view's policy, or the permissions of the DuckDB file and its folder. The event"
    " is redelivered until then.",
    retry=True,
)
DATABASE_REFUSED = _fault(
    "DATABASE_REFUSED",
    None,
    "The database rejects these rows or this request: too large, too wide, or unknown to it.",
    "Report it with the message. A retry does not help, but the event is redelivered so that a dead-letter"
    " topic keeps it.",
    retry=True,
)
DATABASE_CONFLICT = _fault(
    "DATABASE_CONFLICT",
    None,
    "Other writers changed the same rows during every retry.",
    "Nothing if it is rare; otherwise lower the function's concurrency.",
    retry=True,
)
DATABASE_FULL = _fault(
    "DATABASE_FULL",
    None,
    "The database file cannot grow: its disk is full, or a quota or a limit of the file size is reached.",
    "Free space or raise the quota, then inspect the files again; nothing of this batch was stored.",
    retry=True,
)
