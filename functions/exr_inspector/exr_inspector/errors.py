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
    """A failure with a stable code. exr-inspector raises no other exception on purpose.

    `where` is the path, attribute, setting or table at fault.
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
    "The path contains symbolic links that point to each other.",
    "Correct the links.",
)
NOT_A_FILE = _fault(
    "NOT_A_FILE",
    None,
    "The path names a folder, a named pipe, a socket or a device. It is not opened and gets no row.",
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
    "Find out the real format, often JPEG or text, and rename or replace the file.",
)
UNSUPPORTED_VERSION = _fault(
    "UNSUPPORTED_VERSION",
    "unsupported",
    "The version field has a format version or flags that OpenEXR does not define.",
    "Write the file with OpenEXR 1.7 or later. If a newer format exists, report it.",
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
    "The header's structure is invalid, so the rest of the file cannot be located.",
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
    "OpenEXR does not define this compression, line order, pixel type, part type or tile mode.",
    "If the code is new in OpenEXR, update exr-inspector. Otherwise the file is damaged.",
)
CHUNK_COUNT_MISMATCH = _fault(
    "CHUNK_COUNT_MISMATCH",
    None,
    "The attribute chunkCount contradicts the data window, compression and tiles. Most readers, like"
    " exr-inspector, ignore it; few reject the file.",
    "Report it to the author of the software that wrote the file.",
)
CHUNKS_MISSING = _fault(
    "CHUNKS_MISSING",
    "incomplete",
    "Chunks are missing: the file was cut short, or its end was never written.",
    "Copy or render the frame again. Its header is intact, so every application opens it.",
)
OFFSET_TABLE_MISSING = _fault(
    "OFFSET_TABLE_MISSING",
    "incomplete",
    "The chunk offset table has only zeros: the writer did not finish. Not all chunks were found.",
    "If the message counts the chunks, render the frame again. Otherwise inspect a local copy, or set"
    " EXR_INSPECTOR_COMPLETENESS to `always`, to count them.",
)
OFFSET_TABLE_REBUILT = _fault(
    "OFFSET_TABLE_REBUILT",
    None,
    "The chunk offset table has only zeros, but every chunk is in the file. Most readers rebuild it.",
    "The pixels are safe. `oiiotool in.exr -o out.exr` writes a copy with an offset table.",
)
COMPLETENESS_UNKNOWN = _fault(
    "COMPLETENESS_UNKNOWN",
    None,
    "The chunk offset table is too large to read, so a truncated file may go unnoticed.",
    "None, unless the file may be truncated; then decode it, for example with `exrcheck`.",
)

WORKER_LOST = _fault(
    "WORKER_LOST",
    "unsupported",
    "The worker process died each time it inspected this file alone.",
    "Report it: exr-inspector or OpenImageIO has a bug. `--no-oiio` may avoid it.",
)

# --- the pixels: permanent, recorded in the `failures` of pixel statistics ----------------------------

CHUNK_CORRUPT = _fault(
    "CHUNK_CORRUPT",
    None,
    "A chunk of pixels cannot be decoded, or contradicts the header. Other chunks are unaffected.",
    "Restore the file from its source, or render the frame again.",
)
DECODER_LOST = _fault(
    "DECODER_LOST",
    None,
    "The process that decoded a chunk crashed, or exceeded its time or memory limit.",
    "Restore the file from its source. If the file is genuine, report it: the decoder has a bug.",
)
PIXELS_LIMIT = _fault(
    "PIXELS_LIMIT",
    None,
    "A chunk, or the number of channels, exceeds a limit of pixel statistics. The limit of a decoded chunk"
    " depends on the instance's memory: about 32 MiB with 512 MiB, and at most 128 MiB.",
    "Select fewer channels or parts, or measure the file with more memory.",
)
PIXELS_TIMEOUT = _fault(
    "PIXELS_TIMEOUT",
    None,
    "The time for the pixels of a file ran out; waiting for memory that other files use counts too. The"
    " chunks read by then were measured.",
    "Allow more time, or request a sample.",
)

# --- the request: permanent, no file is known ------------------------------------------------------

BAD_EVENT = _fault(
    "BAD_EVENT",
    None,
    "The event names no file, or has an unknown form.",
    "Send `elementpath`, S3 `Records` or `path`; docs/SERVERLESS_INTEGRATION.md describes the forms.",
)
BAD_CONFIG = _fault(
    "BAD_CONFIG",
    None,
    "A configuration value in the event is invalid.",
    "Correct what the message names. A switch is true or false, or 1, yes, y, on and their opposites.",
)
BAD_SETTING = _fault(
    "BAD_SETTING",
    None,
    "A setting is invalid, or another setting that it needs is absent.",
    "Correct the option, environment variable or secret that the message names; see docs/CONFIGURATION.md.",
)
BAD_POLICY = _fault(
    "BAD_POLICY",
    None,
    "A policy does not exist, cannot be read, or has an invalid rule. Its rules were not applied.",
    "Correct the place that the message names; see docs/POLICIES.md.",
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
    "The SQL is invalid for this database.",
    "Correct the statement; docs/DATABASE_SCHEMA.md lists tables and columns.",
)
QUERY_LIMIT = _fault(
    "QUERY_LIMIT",
    None,
    "A query exceeded its time or memory limit.",
    "Narrow the query, or run it without the limit.",
)
DATABASE_NOT_FOUND = _fault(
    "DATABASE_NOT_FOUND",
    None,
    "The database file or its folder does not exist.",
    "Create the folder or correct the path in `--db` or EXR_INSPECTOR_DB.",
)
NOT_A_DATABASE = _fault(
    "NOT_A_DATABASE",
    None,
    "The database path does not name a DuckDB file.",
    "Correct the path in `--db` or EXR_INSPECTOR_DB; the file was not changed.",
)
TABLE_MISMATCH = _fault(
    "TABLE_MISMATCH",
    None,
    "A column of a table in the database is missing, or has a different type than exr-inspector writes.",
    "Run `exr-inspector index` if an older release wrote the database; otherwise rename the table.",
    retry=True,
)
NOT_LOSSLESS = _fault(
    "NOT_LOSSLESS",
    None,
    "The document lacks part of the header, so the header's bytes cannot be restored.",
    "Use a document with a completely read header and without elided values.",
)
NOT_INSTALLED = _fault(
    "NOT_INSTALLED",
    None,
    "A library that this feature needs is not installed, or its version is not supported.",
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
    "The file system or object store did not answer, returned an error, or closed the connection.",
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
    "The object store rejects requests for any object as malformed (400, 413).",
    "Check S3_ENDPOINT (port, http or https), S3_REGION, and any proxy in front of the store.",
    retry=True,
)
OBJECT_CHANGED = _fault(
    "OBJECT_CHANGED",
    None,
    "The file was replaced repeatedly while it was being read.",
    "None: a later delivery reads the final version.",
    retry=True,
)
SECRET_UNAVAILABLE = _fault(
    "SECRET_UNAVAILABLE",
    None,
    "The runtime could not return a secret that may exist.",
    "None if temporary: the event is delivered again. If it persists, check the secret and its permissions.",
    retry=True,
)
NO_WORKERS = _fault(
    "NO_WORKERS",
    None,
    "Workers do not start, or the Dask cluster does not answer or has other package versions or mounts.",
    "Read the message and the workers' logs, then run the command again; it continues with the files that are"
    " not stored.",
    retry=True,
)
DATABASE_IN_USE = _fault(
    "DATABASE_IN_USE",
    None,
    "Another process has the DuckDB file open. Only one process can open it, unless all of them only read.",
    "Wait until that process ends, or read a snapshot written by `exr-inspector index --publish`.",
    retry=True,
)
DATABASE_UNAVAILABLE = _fault(
    "DATABASE_UNAVAILABLE",
    None,
    "The database did not answer, returned an error, or closed the connection.",
    "Retry. If it persists, check the DuckDB file and which process has it open; or the endpoint, the network"
    " and the database's health.",
    retry=True,
)
DATABASE_DENIED = _fault(
    "DATABASE_DENIED",
    None,
    "The database rejects these credentials or this operation.",
    "Correct the keys, the view's policy or the file's permissions; the event is redelivered until then.",
    retry=True,
)
DATABASE_REFUSED = _fault(
    "DATABASE_REFUSED",
    None,
    "The database rejects these rows or this request: too large, too wide, or unsupported.",
    "Report the message. A retry does not help; redelivery moves the event to the dead-letter topic.",
    retry=True,
)
DATABASE_CONFLICT = _fault(
    "DATABASE_CONFLICT",
    None,
    "Other writers changed the same rows during every attempt.",
    "None if it is rare; otherwise lower the function's concurrency.",
    retry=True,
)
DATABASE_FULL = _fault(
    "DATABASE_FULL",
    None,
    "The database file cannot grow: the disk is full, or a quota or file size limit is reached.",
    "Free space or raise the quota, then inspect the files again; this batch was not stored.",
    retry=True,
)
