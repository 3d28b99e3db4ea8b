"""Data from files: what is read, and the place of every fault."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symgd import ValueGivenError, descend, formula
from symgd.descent.data import read_data
from symgd.descent.tensors import write_tensors

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


def test_safetensors_by_name(tmp_path):
    path = tmp_path / "hours.safetensors"
    write_tensors(path, {"x": torch.tensor([1.0, 2.0]), "y": torch.tensor([2, 4]), "z": torch.zeros(3)}, {})
    assert set(read_data(path, ["x", "y"])) == {"x", "y"}
    assert descend(LOSS, start={"w": 1.0}, data=path).parameters["w"] == pytest.approx(2.0)
    with pytest.raises(ValueGivenError) as error:
        descend("mean((w*x - v)^2)", start={"w": 1.0}, data=path)
    assert str(error.value) == f"{path} has no array v.\nIts arrays are x, y, z."


class Column:
    """What symgd takes of a column of a frame."""

    def __init__(self, values):
        self.values = np.array(values)
        self.dtype = self.values.dtype

    def to_numpy(self):
        return self.values


class Frame:
    """The part of pandas' and polars' frames that symgd uses."""

    def __init__(self, **columns):
        self.content = {name: Column(values) for name, values in columns.items()}
        self.columns = list(columns)

    def __getitem__(self, name):
        return self.content[name]


def test_frames():
    frame = Frame(x=[1.0, 2.0, np.nan, 3.0], y=[2, 4, 5, 6], note=["a", "b", "c", "d"])
    assert descend(LOSS, start={"w": 1.0}, data=frame, missing="drop").parameters["w"] == pytest.approx(2.0)
    for options, text in (
        ({"data": frame}, "the value given for x is nan at [3].\nEvery value has to be a finite number."),
        ({"data": Frame(x=[1.0])}, "the frame has no column y.\nIts columns are x."),
        ({"data": Frame(x=[1.0], y=["a"])}, "row 1, column y: the entry is 'a', not a number.\nConvert the column to numbers."),
        ({"data": frame, "missing": "guess"}, 'missing is \'guess\'.\nWrite missing="error", or missing="drop".'),
    ):
        with pytest.raises(ValueGivenError) as error:
            descend(LOSS, start={"w": 1.0}, **options)
        assert str(error.value) == text


def test_lines_with_missing_entries_are_dropped_where_asked(tmp_path):
    path = tmp_path / "hours.csv"
    path.write_text("x,y,z\n1,2,\n2,,1\nnan,4,1\n3,6,1\n", encoding="utf-8")
    assert read_data(path, ["x", "y"], missing="drop") == {"x": [1, 3], "y": [2, 6]}


FAULTS = {
    "x,y\n1,2\n3\n": "line 3: 1 entry, and the heading has 2.",
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
    for missing, said in (("error", ""), ("drop", " that is whole")):
        with pytest.raises(ValueGivenError) as error:
            descend(LOSS, start={"w": 1.0}, data=path, missing=missing)
        assert str(error.value) == f"{path} has no line of data{said}.\nEvery line below the heading is one sample."


def test_columns_separated_otherwise_are_told(tmp_path):
    path = tmp_path / "hours.csv"
    path.write_text("x;y\n1;2\n", encoding="utf-8")
    with pytest.raises(ValueGivenError) as error:
        descend(LOSS, start={"w": 1.0}, data=path)
    assert str(error.value) == f"{path} has no column x.\nIts first line is 'x;y': separate the columns by commas."


@pytest.mark.parametrize("name", ["none.csv", "hours.txt", "hours", "none.npz"])
def test_files_that_cannot_be_read(tmp_path, name):
    with pytest.raises(ValueGivenError):
        descend(LOSS, start={"w": 1.0}, data=tmp_path / name)


def test_pickled_objects_are_not_loaded(tmp_path):
    path = tmp_path / "hours.npz"
    np.savez(path, x=np.array([object()], dtype=object), y=np.zeros(1))
    with pytest.raises(ValueGivenError):
        descend(LOSS, start={"w": 1.0}, data=path)
