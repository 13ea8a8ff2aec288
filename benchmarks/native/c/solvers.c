#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Programs with plain loops, as primals: what they compute, not yet their derivatives. */

double lu(long n, const double *restrict given, double *restrict A) {
    memcpy(A, given, sizeof(double) * n * n);
    for (long k = 0; k < n; k++) {
        const double *restrict Ak = A + k * n;
        for (long i = k + 1; i < n; i++) {
            double *restrict Ai = A + i * n;
            double f = Ai[k] /= Ak[k];
            for (long j = k + 1; j < n; j++) Ai[j] -= f * Ak[j];
        }
    }
    double value = 0;
    for (long k = 0; k < n; k++) value += log(fabs(A[k * n + k]));
    return value;
}

double lu_pivoting(long n, const double *restrict given, double *restrict A) {
    memcpy(A, given, sizeof(double) * n * n);
    for (long k = 0; k < n; k++) {
        long p = k;
        for (long i = k + 1; i < n; i++)
            if (fabs(A[i * n + k]) > fabs(A[p * n + k])) p = i;
        if (p != k)
            for (long j = 0; j < n; j++) {
                double other = A[k * n + j];
                A[k * n + j] = A[p * n + j];
                A[p * n + j] = other;
            }
        const double *restrict Ak = A + k * n;
        for (long i = k + 1; i < n; i++) {
            double *restrict Ai = A + i * n;
            double f = Ai[k] /= Ak[k];
            for (long j = k + 1; j < n; j++) Ai[j] -= f * Ak[j];
        }
    }
    double value = 0;
    for (long k = 0; k < n; k++) value += log(fabs(A[k * n + k]));
    return value;
}

static void sweep(long n, const double *restrict a, double *restrict b) {
    for (long i = 1; i < n - 1; i++)
        for (long j = 1; j < n - 1; j++)
            b[i * n + j] = 0.25 * (a[(i - 1) * n + j] + a[(i + 1) * n + j] + a[i * n + j - 1] + a[i * n + j + 1]);
}

double jacobi(long n, long steps, const double *given, double *a, double *b) {
    memcpy(a, given, sizeof(double) * n * n);
    memcpy(b, given, sizeof(double) * n * n);
    for (long s = 0; s < steps; s++) {
        sweep(n, a, b);
        double *other = a;
        a = b;
        b = other;
    }
    double value = 0;
    for (long i = 0; i < n * n; i++) value += a[i] * a[i];
    return value;
}

double gauss_seidel(long n, long steps, const double *restrict given, double *restrict a) {
    memcpy(a, given, sizeof(double) * n * n);
    for (long s = 0; s < steps; s++)
        for (long i = 1; i < n - 1; i++)
            for (long j = 1; j < n - 1; j++)
                a[i * n + j] = 0.25 * (a[(i - 1) * n + j] + a[(i + 1) * n + j] + a[i * n + j - 1] + a[i * n + j + 1]);
    double value = 0;
    for (long i = 0; i < n * n; i++) value += a[i] * a[i];
    return value;
}

double thomas(long n, const double *restrict a, const double *restrict b, const double *restrict c, const double *restrict d, double *restrict cp, double *restrict x) {
    cp[0] = c[0] / b[0];
    x[0] = d[0] / b[0];
    for (long i = 1; i < n; i++) {
        double w = 1 / (b[i] - a[i] * cp[i - 1]);
        cp[i] = c[i] * w;
        x[i] = (d[i] - a[i] * x[i - 1]) * w;
    }
    double value = x[n - 1] * x[n - 1];
    for (long i = n - 2; i >= 0; i--) {
        x[i] -= cp[i] * x[i + 1];
        value += x[i] * x[i];
    }
    return value;
}
