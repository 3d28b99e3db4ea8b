/* Steps p <- p - rate (g + H d), d = p - a, on a quadratic: H (n by n, symmetric) in in[0], a in in[1], g in in[2]; p in in[3] and the
   gradient there in in[4] change; in[5] holds the value at a and the value at p, in[6] the shares below which the gradient, and the
   value, are too inaccurate. Returns how many steps were taken, negated where the last one ended in that. */
#include <math.h>

long symgd_quadratic(long n, double *const *in, double rate, double tolerance, double limit, long steps, long stride, long until,
                     double *values, double *path) {
    const double *restrict h = in[0], *restrict a = in[1], *restrict g = in[2];
    double *restrict p = in[3], *restrict slope = in[4], *restrict d = in[7], *here = in[5];
    double norm = 0.0, first = 0.0;
    for (long i = 0; i < n; i++) {
        double sum = 0.0;
        for (long j = 0; j < n; j++) sum += fabs(h[i * n + j]);
        norm = sum > norm ? sum : norm;
        first = fabs(g[i]) > first ? fabs(g[i]) : first;
    }
    for (long k = 0; k < steps; k++) {
        double far = 0.0, value = 0.0, linear = 0.0, size = 0.0;
        for (long i = 0; i < n; i++) {
            p[i] -= rate * slope[i];
            d[i] = p[i] - a[i];
            far = fabs(d[i]) > far ? fabs(d[i]) : far;
            slope[i] = 0.0;
        }
        for (long j = 0; j < n; j++) {
            const double x = d[j], *row = h + j * n;
#pragma omp simd
            for (long i = 0; i < n; i++) slope[i] += x * row[i];
        }
        for (long i = 0; i < n; i++) {
            value += d[i] * (g[i] + 0.5 * slope[i]);
            linear += fabs(d[i] * g[i]);
            slope[i] += g[i];
            size = fabs(slope[i]) > size || slope[i] != slope[i] ? fabs(slope[i]) : size;
        }
        value += here[0];
        here[1] = values[k] = value;
        if (--until == 0) { until = stride; for (long i = 0; i < n; i++) *path++ = p[i]; }
        if (size < in[6][0] * (first + norm * far) || fabs(value) < in[6][1] * (fabs(here[0]) + linear)) return -(k + 1);
        if (!(fabs(value) <= limit)) return k + 1;
        if (tolerance >= 0.0 && (!(size > tolerance * (1.0 + fabs(value))) || !(size < INFINITY))) return k + 1;
    }
    return steps;
}
