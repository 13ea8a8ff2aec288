#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* sum over points of the squared distance to the nearest centre; gradient and diagonal of the Hessian by
   the centres. */

void kmeans(long n, long k, long d, const double *restrict x, const double *restrict c, double *restrict g, double *restrict h) {
    long *counts = calloc(k, sizeof(long));
    memset(g, 0, sizeof(double) * k * d);
    for (long i = 0; i < n; i++) {
        const double *restrict xi = x + i * d;
        double least = DBL_MAX;
        long nearest = 0;
        for (long j = 0; j < k; j++) {
            const double *restrict cj = c + j * d;
            double sum = 0;
            for (long l = 0; l < d; l++) sum += (xi[l] - cj[l]) * (xi[l] - cj[l]);
            if (sum < least) least = sum, nearest = j;
        }
        counts[nearest]++;
        for (long l = 0; l < d; l++) g[nearest * d + l] += 2 * (c[nearest * d + l] - xi[l]);
    }
    for (long j = 0; j < k; j++)
        for (long l = 0; l < d; l++) h[j * d + l] = 2.0 * counts[j];
    free(counts);
}
