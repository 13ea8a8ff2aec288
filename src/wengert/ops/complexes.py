"""Complex numbers: parts, conjugate, modulus and phase.

Forward mode carries ``dz`` itself, so the derivative of a holomorphic function is its complex derivative. In
reverse, the cotangent of ``z = x + i y`` is ``dL/dx + i dL/dy``, the direction of steepest ascent of the
real-valued ``L``; a holomorphic step with derivative ``c`` hence multiplies it by ``conj(c)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE
from wengert.ir.node import OPERATORS, Expr, intern, make
from wengert.ir.op import (
    Argument,
    Domain,
    Edge,
    Laws,
    Linear,
    Op,
    Rule,
    Sample,
    Spelling,
    register,
)
from wengert.ir.types import DType, Type, is_complex, is_inexact, promote
from wengert.ops import plane
from wengert.ops.algebra import broadcast_together, lift, times, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.choice import absolute, ne
from wengert.ops.einstein import EIN, ein
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.shapes import same_shape
from wengert.ops.sums import LIN, lin, scale

__all__ = [
    "angle",
    "complex_dtype",
    "conj",
    "from_parts",
    "imag",
    "part_type",
    "phase",
    "real",
    "real_dtype",
]

_REAL: dict[str, DType] = {"complex64": "float32", "complex128": "float64"}
_COMPLEX: dict[str, DType] = {"float32": "complex64", "complex64": "complex64"}
_Z = Argument((3,), dtype="complex128")


def real_dtype(dtype: DType) -> DType:
    """The dtype of the real part."""
    return _REAL.get(dtype, dtype)


def complex_dtype(dtype: DType) -> DType:
    """The complex dtype of the same precision."""
    return _COMPLEX.get(dtype, "complex128")


def part_type(type_: Type) -> Type:
    """The type of the real part."""
    return Type(real_dtype(type_.dtype), type_.shape, type_.weak)


def _varies(node: Expr) -> bool:
    return is_complex(node.value_type)


# --- conjugate -------------------------------------------------------------------------------------------
def conj(value: Any) -> Expr:
    """The complex conjugate; a real value is its own.

    A product or sum with a conjugate among its factors is conjugated factor by factor, so that conjugates in
    chains of reverse steps cancel.
    """
    node = lift(value)
    if not _varies(node):
        return node
    if node.op is CONJ:
        return node.args[0]
    if node.op is CONSTANT:
        return const(
            np.conj(node.attr) if isinstance(node.attr, np.ndarray) else node.attr.conjugate()
        )
    if node.op in (EIN, LIN) and any(a.op is CONJ for a in node.args):
        turned = [_flipped(a) for a in node.args]
        if node.op is LIN:
            return lin(list(zip(node.attr, turned, strict=True)))
        spec = node.attr
        return ein(list(zip(turned, spec.factors, strict=True)), spec.out, dict(spec.new))
    return _flipped(node)


def _flipped(node: Expr) -> Expr:
    """One step only: no looking into the node, which may stand on a long chain."""
    if not _varies(node):
        return node
    return node.args[0] if node.op is CONJ else intern(CONJ, None, (node,), node.type)


CONJ = register(
    Op(
        name="conj",
        doc="Complex conjugate.",
        result=lambda z: z,
        parts=plane.conj,
        evaluate=np.conjugate,
        diff=Linear(
            lambda ct, slot, z: conj(ct), joint=lambda ts, args: conj(ts[0]), elementwise=True
        ),
        spell=Spelling(latex=r"\overline{{{0}}}", python="np.conj({0})"),
        laws=Laws(facts=lambda z: z),
        build=conj,
        elementwise=True,
        arity=1,
        aliases=("conjugate",),
        samples=(Sample((_Z,)),),
    )
)


# --- parts -----------------------------------------------------------------------------------------------
def real(value: Any) -> Expr:
    """The real part; a real value itself."""
    node = lift(value)
    if not _varies(node):
        return node
    if node.op is CONJ:
        return real(node.args[0])
    if node.op is FROM_PARTS:
        return node.args[0]
    return make(REAL, (node,))


def imag(value: Any) -> Expr:
    """The imaginary part; zero of a real value."""
    node = lift(value)
    if not _varies(node):
        return zeros(node.shape)
    if node.op is CONJ:
        return scale(-1, imag(node.args[0]))
    if node.op is FROM_PARTS:
        return node.args[1]
    return make(IMAG, (node,))


def from_parts(x: Any, y: Any) -> Expr:
    """``x + i y`` from its real parts."""
    return make(FROM_PARTS, broadcast_together(lift(x), lift(y)))


REAL = register(
    Op(
        name="real",
        doc="Real part.",
        result=part_type,
        parts=plane.real,
        evaluate=np.real,
        diff=Linear(lambda ct, slot, z: ct, joint=lambda ts, args: real(ts[0]), elementwise=True),
        spell=Spelling(latex=r"\operatorname{{Re}}\left({0}\right)", python="np.real({0})"),
        build=real,
        elementwise=True,
        arity=1,
        aliases=("re",),
        samples=(Sample((_Z,)),),
    )
)

IMAG = register(
    Op(
        name="imag",
        doc="Imaginary part.",
        result=part_type,
        parts=plane.imag,
        evaluate=np.imag,
        diff=Linear(
            lambda ct, slot, z: from_parts(zeros(ct.shape), ct),
            joint=lambda ts, args: imag(ts[0]),
            elementwise=True,
        ),
        spell=Spelling(latex=r"\operatorname{{Im}}\left({0}\right)", python="np.imag({0})"),
        build=imag,
        elementwise=True,
        arity=1,
        aliases=("im",),
        samples=(Sample((_Z,)),),
    )
)


def _from_parts_type(x: Type, y: Type) -> Type:
    common = same_shape(x, y)
    return Type(complex_dtype(common.dtype), common.shape, common.weak)


def _from_parts_value(x: Any, y: Any) -> Any:
    x, y = np.asarray(x), np.asarray(y)
    single = np.result_type(x, y) == np.float32
    value = np.empty(x.shape, np.complex64 if single else np.complex128)
    value.real, value.imag = x, y
    return value[()]


def _from_parts_tangent(tangents: Sequence[Expr | None], args: Sequence[Expr]) -> Expr:
    return from_parts(
        *(zeros(a.shape) if t is None else t for t, a in zip(tangents, args, strict=True))
    )


FROM_PARTS = register(
    Op(
        name="complex",
        doc="The complex number with the given real and imaginary parts.",
        result=_from_parts_type,
        parts=plane.from_parts,
        evaluate=_from_parts_value,
        # Stated for the complex-linear pairing, as every transpose: reverse mode conjugates around it.
        diff=Linear(
            lambda ct, slot, x, y: real(ct) if slot == 0 else scale(-1, imag(ct)),
            joint=_from_parts_tangent,
            elementwise=True,
        ),
        spell=Spelling(latex="{0} + i\\,{1}", python="({0} + 1j*{1})"),
        build=from_parts,
        elementwise=True,
        arity=2,
        samples=(Sample((Argument((3,)), Argument((3,)))),),
    )
)


# --- modulus and phase -----------------------------------------------------------------------------------
def _polar_op(name: str, doc: str, jvp: Callable[..., Expr | None], **more: Any) -> Op:
    # Any: the other fields of the record.
    return register(
        Op(
            name=name,
            doc=doc,
            diff=Rule(jvp),
            elementwise=True,
            arity=1,
            samples=(Sample((_Z,)),),
            **more,
        )
    )


def _modulus_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    assert tangents[0] is not None
    return real(times(conj(phase(args[0])), tangents[0]))


MODULUS = _polar_op(
    "modulus",
    "Absolute value of a complex number.",
    _modulus_tangent,
    result=part_type,
    parts=plane.modulus,
    evaluate=np.abs,
    domain=Domain(
        smooth=lambda z: (ne(z, const(0)),),
        edges=(Edge((0.0,), 0.0, (0.0,), "a minimum"),),
        kinks="z = 0",
    ),
    spell=Spelling(text="abs({0})", latex=r"\left|{0}\right|", python="np.abs({0})"),
    laws=Laws(even=True, facts=lambda z: NONNEGATIVE | z & (FINITE | INTEGER)),
    build=absolute,
)


def _phase_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    assert tangents[0] is not None
    turning = divide(imag(times(conj(out), tangents[0])), absolute(args[0]))
    return times(times(const(1j), out), turning)


PHASE = _polar_op(
    "phase",
    "z/abs(z), and 0 at 0: the sign of a complex number.",
    _phase_tangent,
    result=lambda z: z,
    parts=plane.phase,
    evaluate=np.sign,
    domain=Domain(poles="z = 0"),
    spell=Spelling(text="sign({0})", latex=r"\operatorname{{sign}}\left({0}\right)"),
    laws=Laws(odd=True),
)


def phase(value: Any) -> Expr:
    """``z/abs(z)``, and 0 at 0."""
    return make(PHASE, (lift(value),))


def _angle_type(z: Type) -> Type:
    z = part_type(z)
    return z if is_inexact(z) else promote(z, Type("float64", weak=True)).with_shape(z.shape)


def _angle_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr | None:
    if not _varies(args[0]) or tangents[0] is None:
        return None
    return imag(divide(tangents[0], args[0]))


ANGLE = _polar_op(
    "angle",
    "The angle of a complex number from the positive real axis, from -pi to pi.",
    _angle_tangent,
    result=_angle_type,
    parts=plane.angle,
    evaluate=np.angle,
    domain=Domain(poles="z = 0", kinks="jumps by 2 pi across the negative real axis"),
    spell=Spelling(latex=r"\arg\left({0}\right)", python="np.angle({0})"),
    aliases=("arg",),
)


def angle(value: Any) -> Expr:
    """The angle of a complex number from the positive real axis, from -pi to pi."""
    return make(ANGLE, (lift(value),))


OPERATORS.absolute = absolute
