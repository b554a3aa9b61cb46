"""Configuration of the documentation.

What the code or the data know is not typed again: pages of reference, roles and rules are written by `generated.py`
before each build. The tag `zh` builds the Chinese site: the same pages with the words of `locale` (`chinese.py`), and
the outputs of notebooks that the English build has kept in `_build/notebooks`. The built sites ask for no file from
elsewhere: no fonts, no scripts, formulas as MathML.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import chinese  # noqa: E402 - these lie beside this file
import generated  # noqa: E402

import siting  # noqa: E402

IN_CHINESE = "zh" in tags  # type: ignore[name-defined]  # noqa: F821 - Sphinx gives the tags
generated.write_all(HERE, lang="zh" if IN_CHINESE else "en")

project = "siting"
author = "The siting developers"
copyright = "The siting developers"
version = release = siting.__version__
language = "zh_CN" if IN_CHINESE else "en"
locale_dirs = ["locale"]
gettext_compact = False
gettext_location = False
html_search_language = "en"  # of both sites: it knows Chinese, too

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
templates_path = ["_templates"]
exclude_patterns = [
    "_build",
    "**/_*.md",  # parts of other pages
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}

myst_enable_extensions = ["amsmath", "deflist", "dollarmath", "substitution"]
myst_substitutions = {"version": version, "install_wheel": f"`pip install siting-{version}-py3-none-any.whl`"}
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "notebooks")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_ipywidgets_js: dict[str, Any] = {}

default_role = "py:obj"
add_module_names = False
autosummary_generate = True
autosummary_filename_map = generated.file_names()
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
python_maximum_signature_line_length = 88

html_theme = "pydata_sphinx_theme"
html_title = "siting"
html_static_path = ["_static"]
html_css_files = ["formulas.css", "pages.css"]
html_context = {"default_mode": "light"}
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"
html_theme_options = {
    "navigation_with_keys": False,
    "header_dropdown_text": "更多" if IN_CHINESE else "More",
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_end": ["language", "theme-switcher", "navbar-icon-links"],
    # A tutorial has tables and a map: it gets the whole width.
    "secondary_sidebar_items": {"[!t]*": ["page-toc"], "tutorials/*": []},
}
html_sidebars = {"index": [], "tutorials/*": []}


def setup(app: Any) -> dict[str, bool]:
    """Draw formulas as MathML, which browsers show without a script, and leave out what nobody calls."""
    chinese.setup(app, chinese=IN_CHINESE)
    app.connect("autodoc-process-signature", generated.signature)
    app.connect("autodoc-skip-member", generated.is_inner)
    app.add_html_math_renderer("mathml", (generated.inline_formula, None), (generated.displayed_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
