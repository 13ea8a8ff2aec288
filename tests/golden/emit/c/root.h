#ifndef JIT_ROOT_H
#define JIT_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* jit_root: root() in c_examples.py:13
 * The square root by Newton's method.
 *
 *   a         in: number
 *   result_0  out: number
 *   result_1  out: number
 *
 * Returns 0, or where it stops:
 *   1  ValueError: negative, c_examples.py:16 in root()
 *   2  ZeroDivisionError: float division by zero, c_examples.py:20 in root()
 */
int jit_root(double a, double *result_0, int64_t *result_1);

#ifdef __cplusplus
}
#endif

#endif
