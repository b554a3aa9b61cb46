"""The documentation in Chinese: no paragraph of its pages is left in English, and its search finds Chinese words."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="NOT CHECKED, the documentation in Chinese: sphinx is not there")
pytest.importorskip("myst_nb", reason="NOT CHECKED, the documentation in Chinese: myst-nb is not there")

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
#: Pages for planners that have no Chinese words yet.
STILL_ENGLISH: set[str] = set()
#: What reads badly, or is said with another word.
OTHER_WORDS = ("够不到", "配方", "沿街道", "远离街道", "着落", "n/a", "60岁以上老人", "已证明的界")


@pytest.fixture(scope="module")
def chinese() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chinese", DOCS / "chinese.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def catalogues(chinese: ModuleType) -> dict[str, Any]:
    return {page: chinese.read(chinese.catalogue_of(page)) for page in chinese.pages()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The Chinese site without methods and reference, its notebooks not run; and what the build said."""
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, root / "docs", ignore=shutil.ignore_patterns("_build", "generated", "*.mo"))
    for beside in ("notebooks", "data"):
        (root / beside).symlink_to(ROOT / beside)
    options = ["-q", "-b", "html", "-t", "zh", "-D", "nb_execution_mode=off", "-D", "autosummary_generate=0"]
    options += ["-D", "exclude_patterns=_build,**/_*.md,reference,methods,decisions"]
    build = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, root / "docs", root / "html"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1"},
    )
    return root / "html", build.stderr


def test_each_page_for_planners_has_chinese_words_or_is_named(catalogues: dict[str, Any]) -> None:
    paths = [DOCS / "index.md", DOCS / "glossary.md", DOCS / "tutorials/index.md", *DOCS.glob("how-to/**/*.md")]
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in paths if not path.name.startswith("_")}
    assert pages - set(catalogues) == STILL_ENGLISH
    assert set(catalogues) <= pages


@pytest.mark.slow
def test_no_paragraph_is_left_in_english(site: tuple[Path, str]) -> None:
    assert [line for line in site[1].splitlines() if "not in Chinese" in line] == []


def test_words_are_there_and_keep_code_and_links(chinese: ModuleType, catalogues: dict[str, Any]) -> None:
    wrong = []
    for page, catalogue in catalogues.items():
        for message in catalogue:
            if not message.id or (page in chinese.BEHIND and (not message.string or message.fuzzy)):
                continue
            for pattern in (r"(`+)(.+?)\1(?!`)", r"\]\(([^)]*)\)", r"\[\^\w+\]", r"\$[^$]+\$"):
                there, here = (sorted(set(re.findall(pattern, text))) for text in (message.id, message.string))
                if there != here or message.fuzzy or not message.string:
                    wrong.append((page, message.id[:50], there, here))
    assert wrong == []


def test_no_other_words_for_the_same(catalogues: dict[str, Any]) -> None:
    texts = ((page, message.string) for page, catalogue in catalogues.items() for message in catalogue)
    assert [(page, word) for page, text in texts for word in OTHER_WORDS if word in text] == []


def test_notebooks_say_everything_in_both_languages() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            paragraphs = "".join(cell["source"]).split("\n\n") if cell["cell_type"] == "markdown" else []
            bare = [text.lstrip("> \n") for text in paragraphs if not re.search("[\u4e00-\u9fff]", text)]
            english = [text for text in bare if re.search("[a-z]{2}", re.sub("`[^`]*`", "", text))]
            assert all(text.startswith("*") and text.rstrip().endswith("*") for text in english), (path.name, english)


def test_texts_are_split_into_words_and_pairs_of_signs(chinese: ModuleType) -> None:
    split = chinese.SearchBoth({}).split
    assert split("15分钟服务圈 and GCJ-02坐标") == [
        "15", "分钟", "钟服", "服务", "务圈", "and", "GCJ", "02", "坐标"]  # fmt: skip
    assert split("圈") == ["圈"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("覆盖", "tutorials/first_coverage"),
        ("养老", "how-to/own_data"),
        ("小区", "tutorials/audit_against_a_standard"),
        ("坐标基准 高德", "how-to/datums"),
    ],
)
def test_the_search_finds_chinese_words(site: tuple[Path, str], browser: Any, query: str, page: str) -> None:
    opened = browser.new_page()
    opened.goto(f"{(site[0] / 'search.html').as_uri()}?q={query}")
    opened.wait_for_selector("ul.search li a", timeout=15_000)
    opened.wait_for_function("document.querySelector('#search-progress') === null || Search._pulse_status < 0")
    found = opened.eval_on_selector_all("ul.search li a", "links => links.map(a => a.getAttribute('href'))")
    opened.close()
    assert f"{page}.html" in {link.split("#")[0].split("?")[0] for link in found}


@pytest.mark.slow
def test_each_page_leads_to_the_other_language(site: tuple[Path, str]) -> None:
    page = (site[0] / "how-to/questions/q01.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN"' in page
    assert 'href="../../../how-to/questions/q01.html"' in page
    assert "哪些小区 300 米内没有任何托育设施" in page
