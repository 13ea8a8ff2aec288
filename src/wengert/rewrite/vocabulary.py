"""The functions that rules speak of, by name; importing this module makes sure that they are registered."""

from __future__ import annotations

import wengert.ops.errorfunctions
import wengert.ops.exponential
import wengert.ops.gamma
import wengert.ops.layout
import wengert.ops.linalg
import wengert.ops.logistic
import wengert.ops.reductions
import wengert.ops.removable
import wengert.ops.scans
import wengert.ops.trig  # noqa: F401
from wengert.ir.op import lookup

__all__ = ["Function"]

from wengert.ir.op import Op as Function

COS, SIN, TAN = lookup("cos"), lookup("sin"), lookup("tan")
COSH, SINH, TANH = lookup("cosh"), lookup("sinh"), lookup("tanh")
EXP, LOG, SQRT = lookup("exp"), lookup("log"), lookup("sqrt")
SIGN = lookup("sign")
SIGMOID, SOFTPLUS, LOGADDEXP = lookup("sigmoid"), lookup("softplus"), lookup("logaddexp")
SOFTMAX, LOGSUMEXP = lookup("softmax"), lookup("logsumexp")
