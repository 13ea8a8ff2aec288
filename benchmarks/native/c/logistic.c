#include <math.h>

/* sum of log(1 + exp(-y_i x_i.w)) + lam/2 w.w and its gradient by w, in one pass over X: rows in blocks,
   so that the exponentials of a block are taken together. */

#define BLOCK 64

double logistic(long n, long d, const double *restrict w, const double *restrict X, const double *restrict y, double lam, double *restrict g) {
    double value = 0, z[BLOCK], c[BLOCK];
    for (long j = 0; j < d; j++) {
        g[j] = lam * w[j];
        value += 0.5 * lam * w[j] * w[j];
    }
    for (long from = 0; from < n; from += BLOCK) {
        long m = n - from < BLOCK ? n - from : BLOCK;
        const double *restrict Xb = X + from * d;
        for (long i = 0; i < m; i++) {
            double dot = 0;
            for (long j = 0; j < d; j++) dot += Xb[i * d + j] * w[j];
            z[i] = -y[from + i] * dot;
        }
        double sum = 0;
        for (long i = 0; i < m; i++) {
            double e = exp(z[i]);
            sum += log(1 + e);
            c[i] = -y[from + i] * (e / (1 + e));
        }
        value += sum;
        for (long i = 0; i < m; i++)
            for (long j = 0; j < d; j++) g[j] += c[i] * Xb[i * d + j];
    }
    return value;
}
