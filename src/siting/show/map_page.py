"""The page round a map: folium renders the shell, everything else is put in as it is.

Elements of branca may be evaluated again as Jinja templates, in the analyst's Python. So no data go there: the elements
below return their text unevaluated, data are JSON in a script that no browser runs, and ``assets/map.js`` writes text
nodes only. The page contains Leaflet with its style and pictures, and forbids all requests.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, PackagePath
from importlib.metadata import files as files_of
from importlib.resources import files
from pathlib import Path
from typing import Any

import folium
from branca.element import Element, Figure

from siting.data import atomic_path
from siting.errors import SitingError
from siting.labels import Language
from siting.messages import Message

__all__ = ["as_json", "make_page"]

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
# Characters that end a script, start markup or break a line of JavaScript, and a brace that would
# open a template should somebody put the finished page through one. In JSON all of these stand
# inside strings only.
UNSAFE = re.compile(r"[<>&\u2028\u2029]|\{(?=[{%#])")


def as_json(data: object) -> str:
    r"""Write *data*, without NaN, as JSON that can stand inside ``<script>`` and inside a template.

    Examples
    --------
    >>> print(as_json({"name": "</script>{{ 7*7 }}"}))
    {"name":"\u003c/script\u003e\u007b{ 7*7 }}"}
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
    # Half a surrogate pair cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


class Raw(Element):
    """An element whose text is not evaluated as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Raw"
        self.text = text

    def render(self, **kwargs: Any) -> str:  # noqa: ARG002 - the signature of branca
        return self.text


class Contents(Element):
    """A child of the map that adds our parts to the figure of the map."""

    def __init__(self, head: str, body: str, call: str) -> None:
        super().__init__()
        self._name = "Contents"
        self._parts = (Raw(head), Raw(body), Raw(call))

    def render(self, **kwargs: Any) -> str:  # noqa: ARG002
        """Add head, data and the call that draws them; the map has added its own before."""
        figure = self.get_root()
        if not isinstance(figure, Figure):
            raise SitingError(Message("show.out_of_figure"))
        head, body, call = self._parts
        # After the declaration of the character set, before everything else.
        figure.header.add_child(head, name="siting_head", index=1)
        figure.html.add_child(body, name="siting_data")
        figure.script.add_child(call, name="siting_call")
        return ""


class Map(folium.Map):
    """A map whose page is saved completely or not at all."""

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:
        """Save the page; SitingError when the file cannot be written."""
        if not isinstance(outfile, str | Path):
            super().save(outfile, close_file, **kwargs)
            return
        with atomic_path(outfile) as draft:
            draft.write_bytes(self.get_root().render(**kwargs).encode())


class Page(Figure):
    """A figure whose page declares its language."""

    def __init__(self, lang: Language) -> None:
        super().__init__(ratio="70%")
        self._tag = "zh-CN" if lang == "zh" else lang

    def render(self, **kwargs: Any) -> str:
        return str(super().render(**kwargs)).replace("<html>", f'<html lang="{self._tag}">', 1)


def make_page(data: dict[str, Any], *, title: str, lang: Language) -> folium.Map:
    """Return a map whose page shows *data* with ``assets/map.js``; the same data give the same page to the byte."""
    south, west, north, east = data["bounds"]
    text = as_json(data)
    shell = Map(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=12,
        tiles=None,
        zoom_control=False,
        prefer_canvas=True,
        zoom_snap=0.25,
        zoom_delta=1,
        attribution_control=False,
        position="absolute",
    )
    # Set on this map, because the lists of the class are shared by all maps.
    shell.default_js = []
    shell.default_css = []
    shell._id = hashlib.sha256(text.encode()).hexdigest()[:32]
    name = shell.get_name()
    body = f'<script type="application/json" id="siting-{name}">{text}</script>'
    call = f'sitingMap({name}, JSON.parse(document.getElementById("siting-{name}").textContent));'
    shell.add_child(Contents(_head(title), body, call))
    Page(lang).add_child(shell)
    return shell


def _head(title: str) -> str:
    script, style = _leaflet()
    lines = (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<link rel="icon" href="data:,">',
        f"<title>{html.escape(title)}</title>",
        *(f"<style>{text}</style>" for text in (style, _asset("map.css"))),
        *(f"<script>{text}</script>" for text in (script, _asset("map.js"))),
    )
    return "\n".join(lines)


@cache
def _asset(name: str) -> str:
    return files("siting.show").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _leaflet() -> tuple[str, str]:
    try:
        found = {path.name: path for path in files_of("xstatic-leaflet") or ()}
        script, style = (_text(found[name]) for name in ("leaflet.js", "leaflet.css"))
    except (PackageNotFoundError, KeyError, OSError) as fault:
        raise SitingError(Message("show.no_leaflet", why=str(fault))) from fault

    def embedded(match: re.Match[str]) -> str:
        picture = found.get(match.group(1).rsplit("/", 1)[-1])
        if picture is None:
            return "none"
        return f"url(data:image/png;base64,{base64.b64encode(picture.read_binary()).decode('ascii')})"

    script = re.sub(r"//# sourceMappingURL=\S+", "", script)
    return script.strip(), re.sub(r"url\((images/[^)]+)\)", embedded, style).strip()


def _text(path: PackagePath) -> str:
    return path.read_binary().decode("utf-8").replace("\r\n", "\n")
