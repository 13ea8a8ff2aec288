#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Log-likelihood of a Gaussian mixture with a Wishart prior, as in ADBench, and its gradient.
   icf[k] holds the logarithms of the diagonal of a lower triangular matrix, then its lower part column by
   column: columns are axpys on consecutive numbers both ways. */

double gmm(long n, long d, long k, const double *restrict alphas, const double *restrict means, const double *restrict icf, const double *restrict x, double gamma, long m, double *restrict ga, double *restrict gm, double *restrict gi) {
    long p = d * (d + 1) / 2;
    double *q = malloc(sizeof(double) * (k * d + 2 * k + 2 * k * d + d));
    double *sums = q + k * d, *terms = sums + k, *centred = terms + k, *scaled = centred + k * d;
    double *back = scaled + k * d;
    memset(ga, 0, sizeof(double) * k);
    memset(gm, 0, sizeof(double) * k * d);
    memset(gi, 0, sizeof(double) * k * p);
    for (long c = 0; c < k; c++) {
        sums[c] = 0;
        for (long j = 0; j < d; j++) {
            q[c * d + j] = exp(icf[c * p + j]);
            sums[c] += icf[c * p + j];
        }
    }
    double value = 0;
    for (long i = 0; i < n; i++) {
        double most = -DBL_MAX;
        for (long c = 0; c < k; c++) {
            const double *restrict L = icf + c * p + d, *restrict qc = q + c * d;
            double *restrict xc = centred + c * d, *restrict sc = scaled + c * d;
            for (long j = 0; j < d; j++) {
                xc[j] = x[i * d + j] - means[c * d + j];
                sc[j] = qc[j] * xc[j];
            }
            for (long j = 0; j < d; j++) {
                double xj = xc[j];
                for (long r = j + 1; r < d; r++) sc[r] += *L++ * xj;
            }
            double norm = 0;
            for (long j = 0; j < d; j++) norm += sc[j] * sc[j];
            terms[c] = alphas[c] + sums[c] - 0.5 * norm;
            if (terms[c] > most) most = terms[c];
        }
        double total = 0;
        for (long c = 0; c < k; c++) total += terms[c] = exp(terms[c] - most);
        value += most + log(total);
        for (long c = 0; c < k; c++) {
            double w = terms[c] / total;
            const double *restrict L = icf + c * p + d, *restrict qc = q + c * d;
            const double *restrict xc = centred + c * d;
            double *restrict sc = scaled + c * d, *restrict gic = gi + c * p, *restrict gL = gic + d;
            ga[c] += w;
            for (long j = 0; j < d; j++) {
                sc[j] *= -w;
                gic[j] += w + sc[j] * xc[j] * qc[j];
                back[j] = qc[j] * sc[j];
            }
            for (long j = 0; j < d; j++) {
                double xj = xc[j], sum = 0;
                long length = d - j - 1;
                const double *restrict below = sc + j + 1;
                for (long r = 0; r < length; r++) {
                    gL[r] += below[r] * xj;
                    sum += L[r] * below[r];
                }
                L += length;
                gL += length;
                back[j] += sum;
            }
            for (long j = 0; j < d; j++) gm[c * d + j] -= back[j];
        }
    }
    double most = -DBL_MAX, total = 0;
    for (long c = 0; c < k; c++) most = alphas[c] > most ? alphas[c] : most;
    for (long c = 0; c < k; c++) total += exp(alphas[c] - most);
    value -= n * (most + log(total));
    for (long c = 0; c < k; c++) ga[c] -= n * exp(alphas[c] - most) / total;
    double prior = 0;
    for (long c = 0; c < k; c++) {
        double squares = 0;
        for (long j = 0; j < d; j++) {
            squares += q[c * d + j] * q[c * d + j];
            gi[c * p + j] += gamma * gamma * q[c * d + j] * q[c * d + j] - m;
        }
        for (long j = d; j < p; j++) {
            squares += icf[c * p + j] * icf[c * p + j];
            gi[c * p + j] += gamma * gamma * icf[c * p + j];
        }
        prior += 0.5 * gamma * gamma * squares - m * sums[c];
    }
    free(q);
    return value + prior;
}
