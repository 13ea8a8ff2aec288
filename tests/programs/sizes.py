"""Capture with every size and whole number left open: much more than is usual, to try what then holds."""

from __future__ import annotations

from typing import Any  # Any: signatures are of whatever is passed

import numpy as np
import pytest

from wengert.frontend.varying import Varying
from wengert.programs.signatures import Family, Signature

__all__ = ["leave_open"]


def _everything(self: Family[Any], signature: Signature) -> Varying:
    numbers: dict[int, int] = {}
    extents = {
        (place, numbers.setdefault(extent, len(numbers)))
        for place, extent in signature.extents.items()
        if extent >= 2 and place[0] not in signature.wholes
    }
    wholes = {p for p, v in signature.wholes.items() if not isinstance(v, np.ndarray)}
    return Varying(frozenset(extents), frozenset(wholes), least=2)


def leave_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave open all extents from two on, and all integers."""
    monkeypatch.setattr(Family, "varying", _everything)
