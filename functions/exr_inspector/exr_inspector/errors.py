"""What can go wrong, said once: a stable code, whether a retry can cure it, and what to do next.

DataEngine acknowledges a normal return for ever and delivers again after an exception, so `retry`
decides the fate of an event: a fault that a retry can cure is raised out of the handler, any other
is recorded in the document's `errors` and in the file's row.

docs/ERRORS.md is generated from `FAULTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "incomplete", "corrupt", "unsupported", "missing"]


@dataclass(frozen=True)
class Fault:
    """One kind of failure.

    `retry`: the same event may succeed later. `status`: what the file's row says, or None where the
    fault is not about a file. `meaning` and `remedy` are sentences for people.
    """

    code: str
    retry: bool
    status: Status | None
    meaning: str
    remedy: str


class InspectorError(Exception):
    """Everything that exr-inspector raises on purpose.

    `where` names the place: a path, an attribute, a setting, a table.
    """

    def __init__(self, fault: Fault, message: str, where: str = "") -> None:
        super().__init__(f"{fault.code}: {message}" + (f" ({where})" if where else ""))
        self.fault = fault
        self.message = message
        self.where = where

    @property
    def code(self) -> str:
        return self.fault.code

    @property
    def retry(self) -> bool:
        return self.fault.retry

    def entry(self) -> dict[str, str]:
        """The form that stands in a document's `errors`."""
        return {"code": self.code, "message": self.message, "where": self.where}


FAULTS: dict[str, Fault] = {}


def _fault(code: str, status: Status | None, meaning: str, remedy: str, *, retry: bool = False) -> Fault:
    FAULTS[code] = Fault(code, retry, status, meaning, remedy)
    return FAULTS[code]


# --- the file: permanent, recorded in its row -----------------------------------------------------

FILE_NOT_FOUND = _fault(
    "FILE_NOT_FOUND",
    "missing",
    "No file or object lies at the path.",
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
    "Name a file, or use `exr-inspector inspect --recursive` for a folder.",
)
EMPTY_FILE = _fault(
    "EMPTY_FILE",
    "incomplete",
    "The file has no bytes: often a placeholder, or a writer that died before its first write.",
    "Render the frame again.",
)
NOT_AN_EXR = _fault(
    "NOT_AN_EXR",
    "unsupported",
    "The file does not begin with the OpenEXR magic number.",
    "Look at what the file really is; a renamed JPEG or a text file is common.",
)
UNSUPPORTED_VERSION = _fault(
    "UNSUPPORTED_VERSION",
    "unsupported",
    "The version field names a format version or flags that OpenEXR has not defined.",
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
    "The header's structure is not valid, so what follows cannot be located.",
    "Restore the file from its source.",
)
LIMIT_EXCEEDED = _fault(
    "LIMIT_EXCEEDED",
    "unsupported",
    "The header is larger than a cap allows.",
    "If the file is genuine, raise the EXR_INSPECTOR_MAX_* setting that the message names.",
)
REQUIRED_ATTRIBUTE = _fault(
    "REQUIRED_ATTRIBUTE",
    "corrupt",
    "An attribute that the format requires is absent, of another type, broken, or says what no image can be.",
    "Write the file again; most readers refuse it as it is.",
)
BAD_ATTRIBUTE = _fault(
    "BAD_ATTRIBUTE",
    None,
    "One attribute's value does not fit its type; its bytes are kept, the rest of the file is unharmed.",
    "Tell the author of the software that wrote it.",
)
UNKNOWN_CODE = _fault(
    "UNKNOWN_CODE",
    "unsupported",
    "A compression, line order, pixel type, part type or tile mode is one that OpenEXR has not defined.",
    "Update exr-inspector if the number is new in OpenEXR; otherwise the file is damaged.",
)
CHUNKS_MISSING = _fault(
    "CHUNKS_MISSING",
    "incomplete",
    "The offset table promises chunks that the file does not hold.",
    "Render or copy the frame again: it was cut short, though its header opens everywhere.",
)

# --- the request: permanent, no file is known ------------------------------------------------------

BAD_EVENT = _fault(
    "BAD_EVENT",
    None,
    "The event names no file, or is not of a form that exr-inspector knows.",
    "See docs/SERVERLESS_INTEGRATION.md for the forms; send `elementpath`, S3 `Records` or `path`.",
)
BAD_CONFIG = _fault(
    "BAD_CONFIG",
    None,
    "A configuration value in the event is not one of those allowed.",
    "Send true or false (or 1, yes, y, on and their opposites), and schema_version 1.",
)
BAD_SETTING = _fault(
    "BAD_SETTING",
    None,
    "A setting is not valid, or settings that belong together are not all there.",
    "Correct the option, environment variable or secret that the message names; see docs/CONFIGURATION.md.",
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
TABLE_MISMATCH = _fault(
    "TABLE_MISMATCH",
    None,
    "A table in the database has a column of another type than exr-inspector writes.",
    "Move the table away or choose another schema; the message names the column.",
    retry=True,
)
NOT_LOSSLESS = _fault(
    "NOT_LOSSLESS",
    None,
    "The document does not hold a whole header, so its bytes cannot be given back.",
    "Use a document of a file whose header was read completely, not one with elided values.",
)
NOT_INSTALLED = _fault(
    "NOT_INSTALLED",
    None,
    "A library that this feature needs is not installed.",
    "Install the extra that the message names.",
)

# --- the world: transient, raised so that the event comes again -------------------------------------

STORAGE_UNAVAILABLE = _fault(
    "STORAGE_UNAVAILABLE",
    None,
    "The file or object store did not answer, answered with an error, or broke off.",
    "It may pass. If it does not, check the endpoint, the network and the store's health.",
    retry=True,
)
STORAGE_DENIED = _fault(
    "STORAGE_DENIED",
    None,
    "The file or object may not be read with these credentials.",
    "Grant read access or correct the credentials; the event is delivered again meanwhile.",
    retry=True,
)
STORAGE_REFUSED = _fault(
    "STORAGE_REFUSED",
    None,
    "The object store calls the request malformed (400, 413), whatever object it asks for.",
    "Check S3_ENDPOINT (its port, http or https), S3_REGION and what stands before the store.",
    retry=True,
)
OBJECT_CHANGED = _fault(
    "OBJECT_CHANGED",
    None,
    "The file was replaced again and again while it was being read.",
    "Nothing: a later delivery reads the final version.",
    retry=True,
)
DATABASE_UNAVAILABLE = _fault(
    "DATABASE_UNAVAILABLE",
    None,
    "The database did not answer, answered with an error, or broke off.",
    "It may pass. If it does not, check the DuckDB file and who has it open; or the endpoint, the network and"
    " the database's health.",
    retry=True,
)
DATABASE_DENIED = _fault(
    "DATABASE_DENIED",
    None,
    "The database refuses these credentials or this operation.",
    "Correct the keys or the view's policy; the event is delivered again meanwhile.",
    retry=True,
)
DATABASE_REFUSED = _fault(
    "DATABASE_REFUSED",
    None,
    "The database does not take these rows or this request: too large, too wide, or nothing that it knows.",
    "Report it with the message. No try helps, but the event is delivered again, so that a dead-letter topic"
    " keeps it.",
    retry=True,
)
DATABASE_CONFLICT = _fault(
    "DATABASE_CONFLICT",
    None,
    "Other writers kept changing the same rows through every retry.",
    "Nothing if rare; otherwise lower the function's concurrency.",
    retry=True,
)
