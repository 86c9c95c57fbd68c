"""The questions of `ask`, as pages with a form and an answer."""

from __future__ import annotations

from starlette.responses import Response

from exr_inspector.apps.questions.contents import SECTIONS
from exr_inspector.apps.questions.load import names, question
from exr_inspector.apps.questions.question import Question
from exr_inspector.apps.web.queries.questions import NEEDS_ALL_VECTORS, answer
from exr_inspector.apps.web.templating import url
from exr_inspector.apps.web.view import View, not_found
from exr_inspector.errors import BAD_QUERY, QUERY_LIMIT, InspectorError

MAX_ROWS = 500
"""Maximum number of rows of an answer on a page."""
MAX_CSV_ROWS = 100_000
TOO_LARGE = "This question exceeds the time or memory limit of a page. Narrow the path, or ask in a terminal."


def index(view: View) -> Response:
    """Return the list of the questions."""
    sections = [(section, [question(name) for name in section.names]) for section in SECTIONS]
    return view.render("questions.html", sections=sections)


def page(view: View) -> Response:
    """Return a question with its form, and the answer if all required values are given."""
    asked, given = _asked(view)
    missing = [each.name for each in asked.parameters if each.default is None and each.name not in given]
    found, fault = None, ""
    if not missing and asked.name not in NEEDS_ALL_VECTORS:
        try:
            found = answer(view.reader, asked, given, MAX_ROWS)
        except InspectorError as error:
            if error.fault not in (BAD_QUERY, QUERY_LIMIT):
                raise
            fault = error.message if error.fault is BAD_QUERY else TOO_LARGE
    csv_url = url(f"/questions/{asked.name}.csv", **given)
    return view.render(
        "question.html", asked=asked, given=given, found=found, fault=fault, note=_note(asked),
        csv_url=csv_url, view=view,
    )  # fmt: skip


def table(view: View) -> Response:
    """Return the answer to a question as CSV."""
    asked, given = _asked(view)
    return view.csv(asked.name, [answer(view.reader, asked, given, MAX_CSV_ROWS).rows])


def _asked(view: View) -> tuple[Question, dict[str, str]]:
    """Return the question of a request, and the given values."""
    name = view.request.path_params["name"]
    if name not in names():
        raise not_found("There is no question with this name.")
    asked = question(name)
    given = {each.name: view.parameter(each.name).strip() for each in asked.parameters}
    return asked, {name: value for name, value in given.items() if value}


def _note(asked: Question) -> str:
    if asked.name in NEEDS_ALL_VECTORS:
        return "This question compares every frame, but a snapshot has only the vectors of first frames."
    if "embedding" in asked.sql or "fingerprint" in asked.sql:
        return "A snapshot has only the vectors of first frames: name the first frame, or the sequence."
    return ""
