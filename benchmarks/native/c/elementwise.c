#include <tgmath.h> /* sin of a float is sinf */

/* sum of tanh(sin(x) exp(-x^2) + log(1 + x^2)) and its gradient.
   In blocks: sine and cosine in one loop would become one call of sincos each, which is not vectorised. */

#define BLOCK 256

double maps(long n, const REAL *restrict x, REAL *restrict g) {
    double value = 0;
    REAL s[BLOCK];
    for (long from = 0; from < n; from += BLOCK) {
        long m = n - from < BLOCK ? n - from : BLOCK;
        const REAL *restrict xb = x + from;
        REAL *restrict gb = g + from;
        REAL sum = 0;
        for (long i = 0; i < m; i++) s[i] = sin(xb[i]);
        for (long i = 0; i < m; i++) {
            REAL v = xb[i], q = 1 + v * v;
            REAL e = exp(-v * v);
            REAL t = tanh(s[i] * e + log(q));
            sum += t;
            gb[i] = (1 - t * t) * (e * (cos(v) - 2 * v * s[i]) + 2 * v / q);
        }
        value += sum;
    }
    return value;
}
