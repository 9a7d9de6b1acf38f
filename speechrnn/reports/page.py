"""One self-contained HTML page of an evaluation: no network, no remote script, and what others wrote stays text."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from speechrnn.reports import view
from speechrnn.reports.provenance import Provenance
from speechrnn.reports.scores import scores_record
from speechrnn.scoring.bootstrap import RESAMPLES, SEED
from speechrnn.scoring.results import Evaluation

_TEMPLATES = Path(__file__).parent / "templates"


def render(evaluation: Evaluation, provenance: Provenance) -> str:
    """The page as text.

    Everything inserted is escaped (Jinja's autoescape), embedded JSON cannot end its element, and a Content-Security-Policy lets
    only the page's own style and script run, by their checksums.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    systems = evaluation.systems
    html = environment.get_template("page.html").render(
        policy=content_security_policy(style, script),
        style=_raw(style),
        script=_raw(script),
        scores=_raw(embedded_json(scores_record(evaluation, provenance))),
        evaluation=evaluation,
        provenance=provenance,
        n_utterances=len(systems[0].items),
        n_speakers=len({item.speaker for item in systems[0].items} - {""}),
        minutes=systems[0].audio_seconds / 60,
        rates=view.rate_rows(evaluation),
        pairs=view.pair_rows(evaluation),
        kaldi=view.kaldi_lines(evaluation),
        worst=view.worst(evaluation),
        n_with_errors=len(view.worst(evaluation, limit=len(systems[0].items))),
        frequent=view.frequent(evaluation),
        worth=[(system.name, what, found) for system in systems for what, found in system.reliability.items()],
        failed=[(system.name, item) for system in systems for item in system.failed],
        limit=view.FREQUENT,
        resamples=RESAMPLES,
        seed=SEED,
    )
    # A file name that is no UTF-8 arrives as lone surrogates, which no encoding can hold.
    return html.encode("utf-8", "backslashreplace").decode("utf-8")


def content_security_policy(style: str, script: str) -> str:
    """A policy that allows this style and this script and nothing else; images only from inside the page."""
    return (
        f"default-src 'none'; style-src '{_checksum(style)}'; script-src '{_checksum(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def embedded_json(value: Any) -> str:
    """JSON for a ``<script type="application/json">``: it holds no ``<``, so nothing in it can end the element.

    >>> embedded_json({"id": "</script>"})
    '{"id": "\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _checksum(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _raw(content: str) -> Any:
    """Marked as ours: not escaped."""
    from markupsafe import Markup

    return Markup(content)
