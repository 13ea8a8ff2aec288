#include <math.h>

/* log of the sum of exponentials, and its gradient. */

double logsumexp(long n, const double *restrict x, double *restrict g) {
    double most = x[0], total = 0;
    for (long i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (long i = 0; i < n; i++) total += g[i] = exp(x[i] - most);
    double scale = 1 / total;
    for (long i = 0; i < n; i++) g[i] *= scale;
    return most + log(total);
}

/* Sum of squared residuals of the polynomial with coefficients c (the highest last), and its gradient by
   them. Horner's rule; powers of t on the way back. */

#define BLOCK 64

double polynomial(long n, long m, const double *restrict c, const double *restrict t, const double *restrict y, double *restrict g) {
    double value = 0, r[BLOCK];
    for (long j = 0; j < m; j++) g[j] = 0;
    for (long from = 0; from < n; from += BLOCK) {
        long b = n - from < BLOCK ? n - from : BLOCK;
        const double *restrict tb = t + from, *restrict yb = y + from;
        for (long i = 0; i < b; i++) r[i] = c[m - 1];
        for (long j = m - 2; j >= 0; j--)
            for (long i = 0; i < b; i++) r[i] = r[i] * tb[i] + c[j];
        double sum = 0;
        for (long i = 0; i < b; i++) {
            r[i] -= yb[i];
            sum += r[i] * r[i];
            r[i] *= 2;
        }
        value += sum;
        for (long j = 0; j < m; j++) {
            double part = 0;
            for (long i = 0; i < b; i++) {
                part += r[i];
                r[i] *= tb[i];
            }
            g[j] += part;
        }
    }
    return value;
}
