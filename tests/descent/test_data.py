"""Data from files: what is read, and the place of every fault."""

from __future__ import annotations

import numpy as np
import pytest

from symgd import ShapeError, ValueGivenError, descend, formula
from symgd.descent.data import read_data

LOSS = formula("mean((w*x - y)^2)", given="x[n], y[n]")


def test_columns_by_name(tmp_path):
    path = tmp_path / "hours.csv"
    path.write_text("x, y, note\n1,2,7\n2,4,8\n\n3,6,9\n", encoding="utf-8")
    assert read_data(path, ["x", "y"]) == {"x": [1, 2, 3], "y": [2, 4, 6]}
    assert descend(LOSS, start={"w": 1.0}, data=str(path)).parameters["w"] == pytest.approx(2.0)


def test_arrays_by_name(tmp_path):
    path = tmp_path / "hours.npz"
    np.savez(path, x=np.array([1.0, 2.0]), y=np.array([2, 4]), z=np.zeros(3))
    found = read_data(path, ["x", "y"])
    assert set(found) == {"x", "y"}
    assert descend(LOSS, start={"w": 1.0}, data=path).parameters["w"] == pytest.approx(2.0)


FAULTS = {
    "x,y\n1,2\n3\n": "line 3: 1 entries, and the heading has 2.",
    "x,y\n1,2\n3,three\n": "line 3, column y: the entry is 'three', not a finite number.",
    "x,y\n1,nan\n": "line 2, column y: the entry is 'nan', not a finite number.",
    "x,y\n1,inf\n": "line 2, column y: the entry is 'inf', not a finite number.",
    "x,y\n1,\n": "line 2, column y: the entry is empty.",
    "x,z\n1,2\n": " has no column y.",
    "x,x\n1,2\n": "line 1: two columns are named 'x'.",
    "1,2\n3,4\n": "line 1: expected a heading, the names of the columns separated by commas.",
    "": "line 1: expected a heading, the names of the columns separated by commas.",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults_in_csv_files_have_a_place(tmp_path, text):
    path = tmp_path / "hours.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueGivenError) as error:
        descend(LOSS, start={"w": 1.0}, data=path)
    assert FAULTS[text] in error.value.reason
    assert str(path) in error.value.reason


def test_a_heading_alone_has_no_data(tmp_path):
    path = tmp_path / "hours.csv"
    path.write_text("x,y\n", encoding="utf-8")
    with pytest.raises(ShapeError) as error:
        descend(LOSS, start={"w": 1.0}, data=path)
    assert str(error.value) == "the value given for x has no entries.\nGive at least one."


@pytest.mark.parametrize("name", ["none.csv", "hours.txt", "hours", "none.npz"])
def test_files_that_cannot_be_read(tmp_path, name):
    with pytest.raises(ValueGivenError):
        descend(LOSS, start={"w": 1.0}, data=tmp_path / name)


def test_pickled_objects_are_not_loaded(tmp_path):
    path = tmp_path / "hours.npz"
    np.savez(path, x=np.array([object()], dtype=object), y=np.zeros(1))
    with pytest.raises(ValueGivenError):
        descend(LOSS, start={"w": 1.0}, data=path)
