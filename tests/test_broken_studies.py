"""Studies that are broken, by kind: each ends with all its faults, by line, before anything is measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st
from siting.errors import SitingError
from siting.study import check_study

BASE = """\
[study]
name = "town"
title = "小镇"
standard = "jinhua"
year = 2025

[layers]
communities = { path = "town.gpkg" }
childcare = { path = "town.gpkg" }
eldercare = { path = "town.gpkg" }
candidates = { path = "town.gpkg" }
streets = { path = "town.gpkg" }

[walk]
eldercare = "3.6 km/h"

[shares]
"jinhua.childcare.circle_15min" = "90 %"

[[circle]]
service = "childcare"
metres = [300, 500]

[[goal]]
name = "most"
service = "childcare"
metres = 500
at_most = 1
"""
LINES = BASE.splitlines()
GOAL = '[[goal]]\nname = "two"\nservice = "childcare"\nmetres = 500\n'


def base(**lines: str) -> str:
    """Return the study with other lines: ``l5="year = 2030"``; ``more`` stands at the end."""
    more = lines.pop("more", "")
    changed = {int(key[1:]): text for key, text in lines.items()}
    return "\n".join(changed.get(number, line) for number, line in enumerate(LINES, start=1)) + "\n" + more


#: Kind of fault → the file, and its faults: the line and words of each.
BROKEN: dict[str, tuple[str | bytes, list[tuple[int, str]]]] = {
    # The text of the file
    "GBK": (BASE.encode("gb18030"), [(3, "not UTF-8 but, as it seems, GB18030; save the file as UTF-8")]),
    "UTF-16": (BASE.encode("utf-16"), [(1, "not UTF-8 but, as it seems, UTF-16")]),
    "no text": (b"\x00\xff\xfe\x01" * 9, [(1, "not text in UTF-8")]),
    "Chinese quotes": (base(l4="standard = “jinhua”"), [(4, '“ is a sign of a Chinese keyboard; write "')]),
    "full-width equals": (base(l5="year ＝ 2025"), [(5, "＝ is a sign of a Chinese keyboard; write =")]),
    "full-width brackets": (base(l22="metres = ［300， 500］"), [(22, "［ is a sign of a Chinese keyboard")]),
    "full-width sharp": (base(l5="year = 2025 ＃ 近期"), [(5, "＃ is a sign of a Chinese keyboard")]),
    "a Chinese key bare": (base(l8='小区 = { path = "town.gpkg" }'), [(8, "小区 needs quotation marks")]),
    "a header not closed": (base(l14="[walk"), [(14, "has no ] at its end")]),
    "a text not closed": (base(l4='standard = "jinhua'), [(4, "a text has no quotation mark at its end")]),
    "a list not closed": (base(l22="metres = [300, 500"), [(24, "no TOML")]),
    "a word bare": (base(l4="standard = jinhua"), [(4, "a text needs quotation marks")]),
    "no equals": (base(l5="year 2025"), [(5, "there is no = after a key")]),
    "two in a line": (base(l5="year = 2025 by = 3"), [(5, "a line holds one key")]),
    "a Windows path": (
        base(l8='communities = { path = "data\\town.gpkg" }'),
        [(8, "a backslash begins another sign")],
    ),
    "a Windows path of another sign": (
        base(l8='communities = { path = "data\\city.gpkg" }'),
        [(8, "write paths with /")],
    ),
    "a key twice": (base(l5="year = 2025\nyear = 2030"), [(6, "this key or table stands twice")]),
    "a table twice": (base(more="[walk]\n"), [(29, "this key or table stands twice")]),
    "empty": ("", [(0, "there is no [layers.communities]"), (0, "there is no [layers.streets]")]),
    # Keys and tables
    "an unknown table": (base(l20="[[cirle]]"), [(20, "[[cirle]]: unknown key; did you mean circle?")]),
    "an unknown key": (
        base(l22="meters = 300"),
        [
            (20, "[[circle]] childcare: has no limit"),
            (22, "[[circle]] childcare meters: unknown key; did you mean metres?"),
        ],
    ),
    "a key of a layer": (
        base(l8='communities = { paht = "town.gpkg" }'),
        [
            (8, "[layers.communities]: needs path"),
            (8, "[layers.communities] paht: unknown key; did you mean path?"),
        ],
    ),
    "a key of a rule": (
        base(l28='at_most = { n = 1, per = "district" }'),
        [(28, "[[goal]] most at_most per: unknown key")],
    ),
    "a key of a walker": (
        base(l15="eldercare = { sped = 60 }"),
        [(15, "[walk] eldercare sped: unknown key; did you mean speed")],
    ),
    "a list that is one": (base(l24="[goal]"), [(24, "[goal]: write [[goal]] in double brackets")]),
    "a table that is a number": (base(l14="[walker]"), [(14, "[walker]: unknown key; did you mean walk?")]),
    "no streets": (base(l12=""), [(7, "there is no [layers.streets]")]),
    "no communities and no streets": (
        base(l8="", l12=""),
        [
            (7, "there is no [layers.communities]"),
            (7, "there is no [layers.streets]"),
        ],
    ),
    # Values
    "a year that is text": (base(l5='year = "2025"'), [(5, '[study] year is "2025", not a whole number')]),
    "a title that is a number": (base(l3="title = 5"), [(3, "[study] title is 5, not")]),
    "a language that is none": (base(l3='lang = "cn"'), [(3, '[study] lang is "cn"; choose "zh", "en"')]),
    "a flag in words": (base(l3='strict = "yes"'), [(3, '[study] strict is "yes", not true or false')]),
    "a datum that is none": (base(l3='datum = "GJC02"'), [(3, "did you mean GCJ-02?")]),
    "a year of another age": (base(l5="year = 25"), [(5, "[study] year is 25")]),
    "people in a household": (base(l5="household_size = 250"), [(5, "[study] household_size is 250")]),
    "a scope that is none": (base(l5='scope = "some"'), [(5, 'scope is "some"')]),
    "kilometres": (base(l22="metres = [0.3, 0.5]"), [(22, "give metres from 10"), (22, "give metres from 10")]),
    "negative metres": (base(l22="metres = -300"), [(22, "metres is -300")]),
    "a walk of 50 km": (base(l22="metres = 50000"), [(22, "50,000 metres is no walk; give at most 10,000")]),
    "a walk of 300 minutes": (base(l27="minutes = 300"), [(27, "300 minutes is no walk; give at most 150")]),
    "a distance as text": (base(l27='metres = "500 m"'), [(27, '[[goal]] most metres is "500 m"')]),
    "90 meant as 90 %": (base(l28="cover = 90"), [(28, "90 % is 0.9")]),
    "a share above 1": (base(l18='"jinhua.childcare.circle_15min" = "120 %"'), [(18, "share above 0 and at most 1")]),
    "a take-up above 1": (base(more="[take_up]\nchildcare = 33\n"), [(30, "[take_up] childcare is 33")]),
    "a speed of a car": (base(l15='eldercare = "36 km/h"'), [(15, "[walk] eldercare: ")]),
    "a speed without its unit": (base(l15="eldercare = 3.6"), [(15, "[walk] eldercare: ")]),
    "a walker that is none": (base(l15='eldercare = "runner"'), [(15, '[walk] eldercare is "runner"; choose')]),
    "no sites": (base(l28="at_most = 0"), [(28, "[[goal]] most at_most")]),
    "negative sites": (base(l28="at_most = -3"), [(28, "[[goal]] most at_most")]),
    "a negative curve": (base(l28="at_most = 1\ncurve = -5"), [(29, "[[goal]] most curve is -5")]),
    "no time": (base(l28="at_most = 1\ntime_limit = 0"), [(29, "time_limit is 0; give a number above 0")]),
    "two units": (base(l27="metres = 500\nminutes = 10"), [(24, "needs metres or minutes, one of the two")]),
    "no unit": (base(l27=""), [(24, "needs metres or minutes, one of the two")]),
    "no question": (base(l28=""), [(24, "needs an objective, or cover (a share)")]),
    "an objective that is none": (base(l28='objective = "cheapest"'), [(28, 'objective is "cheapest"; choose')]),
    "a decay that is none": (
        base(l28="objective = { max_market_share = { decay = { gauss = 800 } } }"),
        [(28, "write a table such as { gaussian = 800 }")],
    ),
    "a name of a folder": (base(l25='name = "a/b"'), [(25, "letters, digits")]),
    "a name twice": (
        base(more=GOAL.replace("two", "most") + "at_most = 1\n"),
        [(30, 'the name "most" occurs twice')],
    ),
    "names that are one on a disk": (
        base(more=GOAL.replace("two", "MOST") + "at_most = 1\n"),
        [(30, "one name in files")],
    ),
    # Names of layers, standards and rules
    "a circle without its layer": (base(l21='service = "culture"'), [(21, 'the service "culture" has no layer')]),
    "a goal of a service by its Chinese name": (base(l26='service = "托育"'), [(26, "did you mean childcare?")]),
    "a Chinese bracket": (base(l24="【[goal]]"), [(24, "【 is a sign of a Chinese keyboard; write [")]),
    "a goal without its layer": (base(l26='service = "culture"'), [(26, 'the service "culture" has no layer')]),
    "a walker without its layer": (base(l15='culture = "adult"'), [(15, 'the service "culture" has no layer')]),
    "no candidates": (base(l11=""), [(24, "needs a layer [layers.candidates]")]),
    "no districts": (base(l5='by = "district"'), [(5, "needs a layer [layers.districts]")]),
    "a standard that is none": (base(l4='standard = "jinghua"'), [(4, 'there is no standard "jinghua"')]),
    "one of two standards": (base(l4='standard = ["jinhua", "hangzou"]'), [(4, 'there is no standard "hangzou"')]),
    "a standard that is no file": (base(l4='standard = "own.toml"'), [(4, "there is no such file")]),
    "a rule that is none": (
        base(l18='"jinhua.childcare.circle_15" = 0.9'),
        [(18, "did you mean jinhua.childcare.circle_15min?")],
    ),
    "a rule that prints its number": (
        base(l18='"jinhua.childcare.places_per_1000.2025" = 0.9'),
        [(18, "takes no share")],
    ),
    "a change of a clause": (
        base(l17='[changes."jinhua.childcare.circle_15min"]', l18='clause = "x"'),
        [(17, "cannot be changed")],
    ),
    "an own rule without kind": (
        base(more='[[rule]]\nid = "own.x"\nservice = "childcare"\n'),
        [(29, "[[rule]] own.x")],
    ),
    "a document without title": (base(more='[documents.own]\nnumber = "3"\n'), [(29, "[documents] own")]),
    # Files
    "a file that is not there": (base(l9='childcare = { path = "none.gpkg" }'), [(9, "[layers.childcare] path")]),
    "a file outside": (
        base(l9='childcare = { path = "../town.gpkg" }'),
        [(9, "leads out of the folder of the study")],
    ),
    "a file of another format": (base(l9='childcare = { path = "study.docx" }'), [(9, "[layers.childcare] path")]),
    "a layer that is not in the file": (
        base(l9='childcare = { path = "town.gpkg", layer = "kids" }'),
        [(9, 'has no layer "kids"')],
    ),
    "a file and a database": (
        base(l9='childcare = { path = "town.gpkg", postgis = "service=x", table = "t" }'),
        [(9, "needs path, postgis")],
    ),
    "a table of a file": (
        base(l9='childcare = { path = "town.gpkg", table = "kids" }'),
        [(9, '"table" is for a database')],
    ),
    "a layer of a database": (
        base(l9='childcare = { postgis = "service=x", table = "t", layer = "kids" }'),
        [(9, '"layer" is for files')],
    ),
    "a database without a table": (base(l9='childcare = { postgis = "service=x" }'), [(9, "needs table or query")]),
    "a streets key elsewhere": (
        base(l9='childcare = { path = "town.gpkg", walking = false }'),
        [(9, "is for [layers.streets]")],
    ),
    "an origin that is none": (base(l9='childcare = { from = "kids" }'), [(9, "there is no [layers.kids]")]),
    "a layer of itself": (
        base(l9='childcare = { from = "eldercare" }', l10='eldercare = { from = "childcare" }'),
        [(9, "is made from itself"), (10, "is made from itself")],
    ),
    "a filter of another column": (
        base(l9='childcare = { path = "town.gpkg", where = { sort = "x" } }'),
        [(9, 'childcare: there is no column "sort"; it has places')],
    ),
    "a filter that leaves nothing": (
        base(l9='childcare = { path = "town.gpkg", where = { places = ">500" } }'),
        [(9, "no row of 1 fulfils the conditions; places holds 20")],
    ),
    "a filter that is none": (
        base(l9='childcare = { path = "town.gpkg", where = { places = [] } }'),
        [(9, "where places is []")],
    ),
    # Columns, ids and values that a goal needs
    "a required column": (base(l8='communities = { path = "town.gpkg", layer = "candidates" }'), [(8, "population")]),
    "a column of the user": (
        base(l8='communities = { path = "town.gpkg", columns = { population = "人数" } }'),
        [(8, "人数")],
    ),
    "people that are not counted": (
        base(l26='people = "toddlers"\nservice = "childcare"'),
        [(26, 'communities: there is no column "toddlers"; it has population')],
    ),
    "a cost that is not there": (
        base(l28='budget = { total = 9, cost = "price" }'),
        [(28, 'there is no column "price"')],
    ),
    "a budget below the cheapest": (
        base(l28='budget = { total = 2, cost = "cost" }'),
        [(28, "below the cheapest site (s1, 3")],
    ),
    "a group that is none": (
        base(l28='supply = { total = { "东城" = 30, "西成" = 9 }, by = "district" }'),
        [(28, 'district has no "西成"; it has 东城, 西城')],
    ),
    "a group that is not named": (
        base(l28='supply = { total = { "东城" = 30 }, by = "district" }'),
        [(28, 'district has "西城", which are not named')],
    ),
    "a cost by district": (
        base(l28='budget = { total = 9, cost = { "东城" = 3, "南城" = 4 } }'),
        [(28, 'district has no "南城"; it has 东城, 西城')],
    ),
    "sites without an end": (
        base(l28='forbidden = "s1"\nobjective = "max_coverage"'),
        [(29, "would open every site")],
    ),
    "an objective of two": (
        base(l28='at_most = 1\nobjective = { max_worst_share = "name" }'),
        [(29, 'there is no column "name"')],
    ),
    "groups without a column": (base(l28='at_most = { n = 1, by = "town" }'), [(28, 'there is no column "town"')]),
    "a site that is none": (base(l28='required = ["s9"]\nat_most = 1'), [(28, 'has the id "s9"')]),
    "more sites than candidates": (
        base(l28="at_most = 40"),
        [(28, "asks for 40 sites, but there are only 2 candidates")],
    ),
    "ids that two layers share": (
        base(l11='candidates = { path = "town.gpkg", layer = "twins" }'),
        [(26, 'childcare and candidates share ids: "k1"')],
    ),
    "candidates for another service": (
        base(
            l11='candidates = { path = "town.gpkg", where = { services = "!=eldercare" } }', l26='service = "eldercare"'
        ),
        [(26, "no candidate offers eldercare")],
    ),
    "ids that stand twice": (base(l9='childcare = { path = "twice.csv", crs = "EPSG:4547" }'), [(9, "twice.csv")]),
    # Several at once
    "five faults": (
        base(
            l4='standard = "jinghua"',
            l5='year = "2025"',
            l21='service = "culture"',
            l22="metres = 50000",
            l28="at_most = -1",
        ),
        [(4, "jinghua"), (5, "whole number"), (21, "culture"), (22, "no walk"), (28, "at_most")],
    ),
    "faults of the file and of its layers": (
        base(
            l9='childcare = { path = "town.gpkg", layer = "kids" }',
            l10='eldercare = { path = "none.gpkg" }',
            l15="sport = 3",
        ),
        [(9, 'no layer "kids"'), (10, "none.gpkg"), (15, "walking speed is 3"), (15, "no layer")],
    ),
    "two goals": (
        base(l28='required = ["s9"]\nat_most = 1', more=GOAL + 'at_most = { n = 1, by = "town" }\n'),
        [(28, '"s9"'), (34, '"town"')],
    ),
}


def points(where: dict[str, tuple[float, float]], **columns: Any) -> gpd.GeoDataFrame:
    at = [shapely.Point(530_000 + x, 3_380_000 + y) for x, y in where.values()]
    return gpd.GeoDataFrame(columns, index=pd.Index(list(where), name="id"), geometry=at, crs="EPSG:4547")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    candidates = {"services": ["childcare", "childcare;eldercare"], "cost": [3.0, 5.0], "district": ["东城", "西城"]}
    street = shapely.LineString([(530_000, 3_380_000), (530_500, 3_380_000)])
    layers = {
        "communities": points({"a": (0, 0), "b": (500, 0)}, population=[1000, 2000], infants=[10, 20], elderly=[9, 9]),
        "childcare": points({"k1": (100, 0)}, places=[20]),
        "eldercare": points({"e1": (200, 0)}, beds=[20]),
        "candidates": points({"s1": (300, 0), "s2": (400, 0)}, **candidates),
        "twins": points({"k1": (300, 0), "s2": (400, 0)}, **candidates),
        "streets": gpd.GeoDataFrame(index=pd.Index(["w"], name="id"), geometry=[street], crs="EPSG:4547"),
    }
    for name, frame in layers.items():
        st.write_layer(frame, folder / "town.gpkg", layer=name)
    (folder / "twice.csv").write_text("id,places,x,y\nk1,5,530000,3380000\nk1,6,530100,3380000\n", encoding="utf-8")
    return folder


def faults_in(error: SitingError) -> Iterator[tuple[int, Any]]:
    """Yield the line and the sentence of each fault."""
    several = error.code == "error.several"
    for message in error.values["error"] if several else [error.message]:  # noqa: PD011 - of an error, no table
        yield message.values.get("line", 0), message  # noqa: PD011 - of a message


def broken(folder: Path, text: str | bytes) -> SitingError:
    file = folder / "study.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SitingError) as caught:
        check_study(file)
    return caught.value


def test_the_study_is_sound(town: Path) -> None:
    (town / "study.toml").write_text(BASE, encoding="utf-8")
    assert check_study(town / "study.toml").name == "town"
    (town / "study.toml").write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").replace(" = ", "\t=\t").encode())
    assert check_study(town / "study.toml").name == "town"


def test_there_are_many_kinds() -> None:
    assert len(BROKEN) >= 60


@pytest.mark.parametrize("kind", BROKEN)
def test_all_faults_are_told_with_their_lines_in_both_languages(town: Path, kind: str) -> None:
    text, expected = BROKEN[kind]
    error = broken(town, text)
    found = [(line, message.text("en")) for line, message in faults_in(error)]
    assert [line for line, _ in found] == [line for line, _ in expected], error.text("en")
    for (_, sentence), (_, words) in zip(found, expected, strict=True):
        assert words in sentence
    assert str(town) not in error.text("en")
    said = error.text("zh")
    lines = [int(number) for number in re.findall(r"第 (\d+) 行", said)]
    assert [line for line in lines if line in dict(expected)] == [line for line, _ in expected if line]
    assert re.search("[一-鿿]", said)
