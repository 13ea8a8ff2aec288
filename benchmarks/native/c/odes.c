#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A chain of masses on springs with a cubic term, fixed at both ends: n states, Runge-Kutta 4. */

static void slopes(long n, const double *restrict y, double *restrict f) {
    f[0] = y[1] - 2 * y[0] - 0.1 * y[0] * y[0] * y[0];
    for (long i = 1; i < n - 1; i++)
        f[i] = y[i - 1] - 2 * y[i] + y[i + 1] - 0.1 * y[i] * y[i] * y[i];
    f[n - 1] = y[n - 2] - 2 * y[n - 1] - 0.1 * y[n - 1] * y[n - 1] * y[n - 1];
}

double chain(long n, long steps, double h, const double *restrict start, double *restrict work) {
    double *restrict y = work, *restrict k = work + n, *restrict at = work + 2 * n, *restrict sum = work + 3 * n;
    memcpy(y, start, sizeof(double) * n);
    for (long s = 0; s < steps; s++) {
        slopes(n, y, k);
        for (long i = 0; i < n; i++) sum[i] = k[i], at[i] = y[i] + 0.5 * h * k[i];
        slopes(n, at, k);
        for (long i = 0; i < n; i++) sum[i] += 2 * k[i], at[i] = y[i] + 0.5 * h * k[i];
        slopes(n, at, k);
        for (long i = 0; i < n; i++) sum[i] += 2 * k[i], at[i] = y[i] + h * k[i];
        slopes(n, at, k);
        for (long i = 0; i < n; i++) y[i] += h / 6 * (sum[i] + k[i]);
    }
    double value = 0;
    for (long i = 0; i < n; i++) value += y[i] * y[i];
    return value;
}

/* Van der Pol's oscillator by Heun's method with Euler's inside, the step adapted to the error. */

double adaptive(double mu, double x, double v, double end, double tolerance) {
    double t = 0, h = 0.01;
    while (t < end) {
        if (t + h > end) h = end - t;
        double ax = v, av = mu * (1 - x * x) * v - x;
        double bx = x + h * ax, bv = v + h * av;
        double cx = bv, cv = mu * (1 - bx * bx) * bv - bx;
        double ex = 0.5 * h * (cx - ax), ev = 0.5 * h * (cv - av);
        double error = sqrt(ex * ex + ev * ev);
        if (error <= tolerance) {
            t += h;
            x += 0.5 * h * (ax + cx);
            v += 0.5 * h * (av + cv);
        }
        double factor = 0.9 * sqrt(tolerance / (error + 1e-300));
        factor = factor > 5 ? 5 : factor < 0.2 ? 0.2 : factor;
        h *= factor;
    }
    return x * x + v * v;
}
