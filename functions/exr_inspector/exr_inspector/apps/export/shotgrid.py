"""Records as entities of ShotGrid, in the fields of its public schema. The ids are the tracker's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def entities(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a PublishedFile and a Version for a record; fields whose value is not known are left out.

    Linked entities are named, such as `{"type": "Shot", "code": "sh010"}`; the importer looks up their ids.
    """
    name, version = record["name"], record["version_number"]
    project = _link("Project", "name", record["project"])
    shot = _link("Shot", "code", record["shot"])
    code = name if version is None else f"{name}_v{version:03}"
    description = f"{record['frame_count']} files, {record['ok_count']} ok"
    if record["missing_frames"]:
        description += f"; missing {record['missing_frames']}"
    yield _known(
        {
            "type": "PublishedFile",
            "code": code,
            "name": name,
            "version_number": version,
            "path": {"local_path": record["path_printf"]},
            "path_cache": record["path_printf"].lstrip("/"),
            "published_file_type": _link("PublishedFileType", "code", "Rendered Image"),
            "project": project,
            "entity": shot,
            "description": description,
        }
    )
    first, last = record["first_frame"], record["last_frame"]
    yield _known(
        {
            "type": "Version",
            "code": code,
            "project": project,
            "entity": shot,
            "sg_path_to_frames": record["path_printf"],
            "sg_first_frame": first,
            "sg_last_frame": last,
            "frame_count": record["frame_count"],
            "frame_range": None if first is None else f"{first}-{last}",
            "description": description,
        }
    )


def _link(kind: str, field: str, value: str | None) -> dict[str, str] | None:
    return None if value is None else {"type": kind, field: value}


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
