"""The functions that rules speak of, by name; importing this module makes sure that they are registered."""

from __future__ import annotations

import wengert.ops.errorfunctions
import wengert.ops.exponential
import wengert.ops.gamma
import wengert.ops.layout
import wengert.ops.linalg
import wengert.ops.logistic
import wengert.ops.matrices
import wengert.ops.norms
import wengert.ops.reductions
import wengert.ops.removable
import wengert.ops.scans
import wengert.ops.systems
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
ABS, HEAVISIDE, WHERE = lookup("abs"), lookup("heaviside"), lookup("where")
MAXIMUM, MINIMUM = lookup("maximum"), lookup("minimum")
EQ, LE, LT, NE, NOT = (lookup(n) for n in ("eq", "le", "lt", "ne", "logical_not"))
OR, FLOOR = lookup("logical_or"), lookup("floor")
DET, INV, LOGDET, NORM = lookup("det"), lookup("inv"), lookup("logdet"), lookup("norm")
ERFC, ERFCX, LOG_NDTR = lookup("erfc"), lookup("erfcx"), lookup("log_ndtr")
EXPM1, LOG1P, XLOGY, HYPOT = lookup("expm1"), lookup("log1p"), lookup("xlogy"), lookup("hypot")
USINC, EXPREL, LOG1PREL = lookup("usinc"), lookup("exprel"), lookup("log1prel")
