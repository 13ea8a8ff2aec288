#include <math.h>
#include <stdlib.h>
#include <string.h>

/* x <- x + h (sin(x) * w - x) a number of times; value and gradient of the sum of squares at the end by
   the start x and by w. What is kept are the states. */

double iterate(long n, long steps, const double *restrict start, const double *restrict w, double *restrict states, double *restrict gx, double *restrict gw) {
    const double h = 0.01;
    memcpy(states, start, sizeof(double) * n);
    for (long s = 0; s < steps; s++) {
        const double *restrict x = states + s * n;
        double *restrict y = states + (s + 1) * n;
        for (long i = 0; i < n; i++) y[i] = x[i] + h * (sin(x[i]) * w[i] - x[i]);
    }
    double value = 0;
    for (long i = 0; i < n; i++) {
        double y = states[steps * n + i];
        value += y * y;
        gx[i] = 2 * y;
        gw[i] = 0;
    }
    double sine[n];
    for (long s = steps - 1; s >= 0; s--) {
        const double *restrict x = states + s * n;
        for (long i = 0; i < n; i++) sine[i] = sin(x[i]);
        for (long i = 0; i < n; i++) {
            gw[i] += h * sine[i] * gx[i];
            gx[i] *= 1 + h * (cos(x[i]) * w[i] - 1);
        }
    }
    return value;
}
