#include <math.h>

/* For each observation the 2 x 15 Jacobian of w (project(camera, X) - feature) by
   rotation 3, centre 3, focal length, principal point 2, distortion 2, point 3, weight. */

void bundle(long n, const double *restrict parameters, const double *restrict features, double *restrict J) {
    for (long o = 0; o < n; o++) {
        const double *restrict p = parameters + 15 * o, *restrict feature = features + 2 * o;
        double *restrict rows = J + 30 * o;
        double theta = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]), inverse = 1 / theta;
        double a0 = p[0] * inverse, a1 = p[1] * inverse, a2 = p[2] * inverse;
        double c = cos(theta), s = sin(theta), d = 1 - c;
        double x0 = p[11] - p[3], x1 = p[12] - p[4], x2 = p[13] - p[5];
        double k0 = a1 * x2 - a2 * x1, k1 = a2 * x0 - a0 * x2, k2 = a0 * x1 - a1 * x0;
        double ax = a0 * x0 + a1 * x1 + a2 * x2;
        double y0 = c * x0 + s * k0 + d * ax * a0, y1 = c * x1 + s * k1 + d * ax * a1;
        double y2 = c * x2 + s * k2 + d * ax * a2;
        double z = 1 / y2, u = y0 * z, v = y1 * z, r = u * u + v * v;
        double f = p[6], w = p[14], L = 1 + r * (p[9] + r * p[10]), dL = 2 * (p[9] + 2 * r * p[10]);
        double error[2] = {f * L * u + p[7] - feature[0], f * L * v + p[8] - feature[1]};
        double t0 = s * (ax * a0 - x0) + c * k0, t1 = s * (ax * a1 - x1) + c * k1;
        double t2 = s * (ax * a2 - x2) + c * k2;
        for (int i = 0; i < 2; i++) {
            double at = i ? v : u, *restrict g = rows + 15 * i;
            double mu = w * f * (dL * u * at + (i ? 0 : L)), mv = w * f * (dL * v * at + (i ? L : 0));
            double m0 = mu * z, m1 = mv * z, m2 = -(mu * u + mv * v) * z;
            double am = a0 * m0 + a1 * m1 + a2 * m2;
            double tm = t0 * m0 + t1 * m1 + t2 * m2;
            double g0 = s * (x1 * m2 - x2 * m1) + d * (ax * m0 + am * x0);
            double g1 = s * (x2 * m0 - x0 * m2) + d * (ax * m1 + am * x1);
            double g2 = s * (x0 * m1 - x1 * m0) + d * (ax * m2 + am * x2);
            double along = tm - (a0 * g0 + a1 * g1 + a2 * g2) * inverse;
            g[0] = a0 * along + g0 * inverse;
            g[1] = a1 * along + g1 * inverse;
            g[2] = a2 * along + g2 * inverse;
            /* Transposed rotation: the sign of the cross product turns. */
            double b0 = c * m0 - s * (a1 * m2 - a2 * m1) + d * am * a0;
            double b1 = c * m1 - s * (a2 * m0 - a0 * m2) + d * am * a1;
            double b2 = c * m2 - s * (a0 * m1 - a1 * m0) + d * am * a2;
            g[3] = -b0, g[4] = -b1, g[5] = -b2;
            g[6] = w * L * at;
            g[7] = i ? 0 : w;
            g[8] = i ? w : 0;
            g[9] = w * f * at * r;
            g[10] = w * f * at * r * r;
            g[11] = b0, g[12] = b1, g[13] = b2;
            g[14] = error[i];
        }
    }
}
