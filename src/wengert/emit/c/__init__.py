"""Programs as portable C11, with a header: no allocation, no library but that of C.

>>> import wengert as wg
>>> from wengert.ir.function import Function
>>> x, y = wg.symbols("x y")
>>> made = c_source(Function((x, y), (x*y + wg.sin(x),)), Names("g", ("x", "y"), ("value",)))
>>> print(made.code[made.code.index("int g"):])
int g(double x, double y, double *value)
{
    *value = x*y + sin(x);
    return 0;
}
<BLANKLINE>
"""

from __future__ import annotations

from wengert.emit.c.program import CSource, Names, c_source, written

__all__ = ["CSource", "Names", "c_source", "written"]
