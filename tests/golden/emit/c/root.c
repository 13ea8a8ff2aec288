/* jit_root: root() in c_examples.py:13
 * The square root by Newton's method.
 */
#include "jit_root.h"

#include <math.h>

int jit_root(double a, double *result_0, int64_t *result_1)
{
    if (a < 0) {
        return 1;  /* ValueError: negative, c_examples.py:16 in root() */
    }
    /* c_examples.py:19 in root() */
    const double t1 = 1e-10*a;
    bool flag = fabs(a*a - a) > t1;
    int64_t count = 0;
    double s = a;
    while (flag) {
        if (s == 0) {
            return 2;  /* ZeroDivisionError: float division by zero, c_examples.py:20 in root() */
        }
        const double t2 = (s + a/s)/2;
        flag = fabs(t2*t2 - a) > t1 && count + 1 < 50;
        count++;
        s = t2;
    }
    *result_0 = s;
    *result_1 = count;
    return 0;
}
