/* What generated programs are made of: functions of one double each, accurate to 1-2 ulp and without branches, so that loops
   over them are vectorised, and products of matrices. nan and infinities are those of the torch functions of the same name.

   exp, expm1: Cody & Waite, Software Manual for the Elementary Functions (1980), reduction by log 2 in two parts.
   log, log1p: Sun's fdlibm, e_log.c, s_log1p.c (1993). Scalar functions without a kernel here are the C library's. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline, unused))
#define OWN static __attribute__((noinline, unused))

/* Products and sums are rounded one by one, as torch does it: x*x - y*y is 0 where x is y. Here they are joined by hand. */
#ifdef __FMA__
#define JOINED(a, b, c) __builtin_fma(a, b, c)
#else
#define JOINED(a, b, c) ((a) * (b) + (c))
#endif

INLINE int64_t bits_of(double x) { int64_t k; memcpy(&k, &x, 8); return k; }
INLINE double of_bits(int64_t k) { double x; memcpy(&x, &k, 8); return x; }

static const double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10, LOG2_E = 1.4426950408889634074;

/* x = k log 2 + r: r, and k + 2^52 + 2^51 in *shifted. */
INLINE double reduced(double x, double *shifted) {
    *shifted = JOINED(x, LOG2_E, 0x1.8p52);
    double k = *shifted - 0x1.8p52;
    return JOINED(-k, LN2_LOW, JOINED(-k, LN2_HIGH, x));
}

/* (exp(r) - 1 - r)/r^2 for |r| <= log(2)/2: Taylor's polynomial, remainder below 1e-17. */
INLINE double exp_tail(double r) {
    double r2 = r * r, r4 = r2 * r2;
    double a = JOINED(r, 1.0 / 6, 0.5), b = JOINED(r, 1.0 / 120, 1.0 / 24), c = JOINED(r, 1.0 / 5040, 1.0 / 720);
    double d = JOINED(r, 1.0 / 362880, 1.0 / 40320), e = JOINED(r, 1.0 / 39916800, 1.0 / 3628800);
    double g = JOINED(r, 1.0 / 6227020800.0, 1.0 / 479001600);
    return JOINED(r4, JOINED(r4, JOINED(r2, g, e), JOINED(r2, d, c)), JOINED(r2, b, a));
}

INLINE double s_exp(double x) {
    double y = x > 709.79 ? 709.79 : x, shifted;
    y = y < -746.0 ? -746.0 : y;
    double r = reduced(y, &shifted);
    double p = 1.0 + JOINED(r * r, exp_tail(r), r);
    int64_t k = bits_of(shifted) - bits_of(0x1.8p52) + 2048, half = (int64_t)((uint64_t)k >> 1);
    return p * of_bits((half - 1) << 52) * of_bits((k - half - 1) << 52);
}

INLINE double s_expm1(double x) {
    double y = x > 709.79 ? 709.79 : x, shifted;
    y = y < -50.0 ? -50.0 : y;
    double r = reduced(y, &shifted), k = shifted - 0x1.8p52;
    double lost = JOINED(-k, LN2_LOW, JOINED(-k, LN2_HIGH, y) - r); /* of r, by rounding */
    double s = of_bits((bits_of(shifted) - bits_of(0x1.8p52) + 1022) << 52); /* half of 2^k, which may be 2^1024 */
    double out = JOINED(s, JOINED(r * r, exp_tail(r), lost * (1.0 + r)), JOINED(s, r, s - 0.5)) * 2.0;
    return fabs(x) < 0x1p-54 ? x : out;
}

/* log(u) + c for u = 2^k m; `f` is m - 1, or the caller's own where k is 0. */
INLINE double log_of(double k, double f, double c) {
    double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double r = JOINED(z, 1.479819860511658591e-01, 1.531383769920937332e-01);
    r = JOINED(z, r, 1.818357216161805012e-01);
    r = JOINED(z, r, 2.222219843214978396e-01);
    r = JOINED(z, r, 2.857142874366239149e-01);
    r = JOINED(z, r, 3.999999999940941908e-01);
    r = z * JOINED(z, r, 6.666666666666735130e-01);
    return JOINED(k, LN2_HIGH, -((half - JOINED(s, half + r, JOINED(k, LN2_LOW, c))) - f));
}

/* u = 2^k m with m in [sqrt(1/2), sqrt(2)): m - 1, and k in *k. */
INLINE double split(double u, double *k) {
    int64_t bits = bits_of(u), above = bits - 0x3fe6a09e667f3bcd;
    int64_t exponent = (int64_t)(((uint64_t)above >> 52) ^ 0x800);
    *k = of_bits(exponent | 0x4330000000000000) - (0x1p52 + 2048.0);
    return of_bits(bits - (above & (int64_t)0xfff0000000000000)) - 1.0;
}

INLINE double s_log(double x) {
    double k, less = x < 0x1p-1022 ? 54.0 : 0.0;
    double f = split(x < 0x1p-1022 ? x * 0x1p54 : x, &k);
    double out = log_of(k - less, f, 0.0);
    out = x == 0.0 ? -INFINITY : out;
    out = x < 0.0 ? NAN : out;
    return x < INFINITY ? out : x; /* also nan */
}

INLINE double s_log1p(double x) {
    double u = 1.0 + x, k, m = split(u, &k);
    double lost = u >= 2.0 ? 1.0 - (u - x) : x - (u - 1.0);
    double out = log_of(k, k == 0.0 ? x : m, k == 0.0 ? 0.0 : lost / u);
    out = x == -1.0 ? -INFINITY : out;
    out = x < -1.0 ? NAN : out;
    out = x == 0.0 ? x : out;
    return x < INFINITY ? out : x;
}

INLINE double s_abs(double x) { return fabs(x); }
INLINE double s_sqrt(double x) { return sqrt(x); }
INLINE double s_relu(double x) { return x <= 0.0 ? 0.0 : x; }
INLINE double s_sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0; } /* of nan too, as in torch */
INLINE double s_maximum(double x, double y) { return x > y || x != x ? x : y; }
INLINE double s_minimum(double x, double y) { return x < y || x != x ? x : y; }
INLINE double s_clamp(double x, double low, double high) { return s_minimum(s_maximum(x, low), high); }
INLINE double s_where(double condition, double yes, double no) { return condition != 0.0 ? yes : no; }
INLINE double s_floor(double x) { return floor(x); }
INLINE double s_sigmoid(double x) { double t = s_exp(-fabs(x)); return (x >= 0.0 ? 1.0 : t) / (1.0 + t); }
/* log(1 + t) for 0 <= t <= 1: the argument is reduced without rounding. */
INLINE double log1p_of_share(double t) { return log_of(t > 0.4142135623730950 ? 1.0 : 0.0, t > 0.4142135623730950 ? 0.5 * (t - 1.0) : t, 0.0); }
INLINE double s_softplus(double x) { return s_relu(x) + log1p_of_share(s_exp(-fabs(x))); }
INLINE double s_sech2(double x) { double t = s_exp(-2.0 * fabs(x)), above = 1.0 + t; return 4.0 * t / (above * above); }
INLINE double s_tanh(double x) {
    double size = fabs(x), t = s_expm1(2.0 * size), q = (size < 1.0 ? t : 2.0) / (t + 2.0);
    return copysign(size < 1.0 ? q : 1.0 - q, x);
}
INLINE double s_hypotm1(double x) { return x * (x / (1.0 + hypot(x, 1.0))); }
INLINE double s_logcosh(double x) {
    double size = fabs(x), near = sinh(0.5 * s_minimum(size, 1.0));
    return size < 1.0 ? s_log1p(2.0 * near * near) : size + (s_log1p(s_exp(-2.0 * size)) - 0.6931471805599453);
}
INLINE double s_log10(double x) { return log10(x); }
INLINE double s_log2(double x) { return log2(x); }
INLINE double s_sin(double x) { return sin(x); }
INLINE double s_cos(double x) { return cos(x); }
INLINE double s_tan(double x) { return tan(x); }
INLINE double s_asin(double x) { return asin(x); }
INLINE double s_acos(double x) { return acos(x); }
INLINE double s_atan(double x) { return atan(x); }
INLINE double s_atan2(double x, double y) { return atan2(x, y); }
INLINE double s_sinh(double x) { return sinh(x); }
INLINE double s_cosh(double x) { return cosh(x); }
INLINE double s_asinh(double x) { return asinh(x); }
INLINE double s_acosh(double x) { return acosh(x); }
INLINE double s_atanh(double x) { return atanh(x); }
INLINE double s_erf(double x) { return erf(x); }
INLINE double s_erfc(double x) { return erfc(x); }
INLINE double s_lgamma(double x) { return lgamma(x); }
INLINE double s_hypot(double x, double y) { return hypot(x, y); }
INLINE double s_pow(double x, double y) { return pow(x, y); }
INLINE double s_power(double x, double exponent, double lost) {
    double rough = pow(x, exponent);
    return isfinite(rough) && rough != 0.0 ? rough + rough * (lost * s_log(x)) : rough;
}

/* ---- functions along an axis: entry k of `x` at x[k*step], and of what they make at y[k*jump] ---- */
INLINE double top_of(long n, const double *x, const long step) {
    double top = n > 0 ? x[0] : -INFINITY;
    for (long k = 1; k < n; k++) top = s_maximum(top, x[k * step]);
    return top;
}

/* log1p of the sum of exp(x - top) over all entries but one that is the largest: it keeps what 1 + tiny would lose. */
INLINE double others_of(long n, const double *x, const long step, double top) {
    double sum = 0.0;
    long place = 0;
    while (place < n && x[place * step] != top) place++;
#pragma omp simd reduction(+ : sum)
    for (long k = 0; k < place; k++) sum += s_exp(x[k * step] - top);
#pragma omp simd reduction(+ : sum)
    for (long k = place + 1; k < n; k++) sum += s_exp(x[k * step] - top);
    return s_log1p(sum);
}

OWN double along_lse(long n, const double *x, long step) {
    double top = top_of(n, x, step);
    return top + (step == 1 ? others_of(n, x, 1, top) : others_of(n, x, step, top));
}

OWN void along_logsoftmax(long n, const double *x, long step, double *y, long jump) {
    double top = top_of(n, x, step), rest = step == 1 ? others_of(n, x, 1, top) : others_of(n, x, step, top);
    for (long k = 0; k < n; k++) y[k * jump] = (x[k * step] - top) - rest;
}

OWN void along_softmax(long n, const double *restrict x, long step, double *restrict y, long jump) {
    double top = top_of(n, x, step), sum = 0.0;
    if (step == 1 && jump == 1) {
#pragma omp simd
        for (long k = 0; k < n; k++) y[k] = s_exp(x[k] - top);
    } else for (long k = 0; k < n; k++) y[k * jump] = s_exp(x[k * step] - top);
    for (long k = 0; k < n; k++) sum += y[k * jump];
    for (long k = 0; k < n; k++) y[k * jump] /= sum;
}

OWN double along_norm1(long n, const double *x, long step) {
    double sum = 0.0;
    for (long k = 0; k < n; k++) sum += fabs(x[k * step]);
    return sum;
}

/* Squares that overflow, or whose sum has lost digits below the least normal number, are taken of shares of the largest entry. */
OWN double along_norm2(long n, const double *x, long step) {
    double sum = 0.0, top = 0.0, shares = 0.0;
    for (long k = 0; k < n; k++) sum += x[k * step] * x[k * step];
    if (sum > 0x1p-900 && sum < 0x1p1000) return sqrt(sum);
    for (long k = 0; k < n; k++) top = s_maximum(top, fabs(x[k * step]));
    top = top == 0.0 ? 1.0 : top;
    for (long k = 0; k < n; k++) shares += x[k * step] / top * (x[k * step] / top);
    return sqrt(shares) * top;
}

OWN double along_prod(long n, const double *x, long step) {
    double product = 1.0;
    for (long k = 0; k < n; k++) product *= x[k * step];
    return product;
}

OWN double along_amax(long n, const double *x, long step) { return top_of(n, x, step); }
OWN double along_amin(long n, const double *x, long step) {
    double least = n > 0 ? x[0] : INFINITY;
    for (long k = 1; k < n; k++) least = s_minimum(least, x[k * step]);
    return least;
}

/* 1 / the number of ties at each entry that is `top`. */
INLINE void share_of(long n, const double *x, long step, double *y, long jump, double top) {
    double ties = 0.0;
    for (long k = 0; k < n; k++) ties += x[k * step] == top ? 1.0 : 0.0;
    for (long k = 0; k < n; k++) y[k * jump] = (x[k * step] == top ? 1.0 : 0.0) / ties;
}
OWN void along_amax_share(long n, const double *x, long step, double *y, long jump) { share_of(n, x, step, y, jump, along_amax(n, x, step)); }
OWN void along_amin_share(long n, const double *x, long step, double *y, long jump) { share_of(n, x, step, y, jump, along_amin(n, x, step)); }

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=fast")
#endif
/* ---- products: `a` has element (i, k) at a[i*am + k*ak], `b` element (k, j) at b[k*bk + j], `c` element (i, j) at c[i*cm + j] ---- */
typedef double lanes __attribute__((vector_size(32), aligned(8)));

/* A register that is used several times is not read from memory each time. */
#if defined(__AVX__)
#define HELD(v) __asm__("" : "+x"(v))
#else
#define HELD(v) (void)(v)
#endif

INLINE void tile(const long rows, const long wide, long inner, const double *a, long am, long ak, const double *b, long bk,
                 double *c, long cm, int add) {
    lanes sum[4][3];
    for (long i = 0; i < rows; i++) for (long j = 0; j < wide; j++) sum[i][j] = (lanes){0, 0, 0, 0};
    for (long k = 0; k < inner; k++) {
        lanes y[3];
        for (long j = 0; j < wide; j++) { y[j] = *(const lanes *)(b + k * bk + 4 * j); HELD(y[j]); }
        for (long i = 0; i < rows; i++) {
            double x = a[i * am + k * ak];
            for (long j = 0; j < wide; j++) sum[i][j] += x * y[j];
        }
    }
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < wide; j++) {
            lanes *to = (lanes *)(c + i * cm + 4 * j);
            *to = add ? *to + sum[i][j] : sum[i][j];
        }
}

INLINE void strip(const long wide, long m, long inner, const double *a, long am, long ak, const double *b, long bk, double *c, long cm, int add) {
    long i = 0;
    for (; i + 4 <= m; i += 4) tile(4, wide, inner, a + i * am, am, ak, b, bk, c + i * cm, cm, add);
    for (; i < m; i++) tile(1, wide, inner, a + i * am, am, ak, b, bk, c + i * cm, cm, add);
}

/* Columns that do not fill a register. */
INLINE void corner(const long rows, const long wide, long inner, const double *a, long am, long ak, const double *b, long bk,
                   double *c, long cm, int add) {
    double sum[4][3];
    for (long i = 0; i < rows; i++) for (long j = 0; j < wide; j++) sum[i][j] = 0.0;
    for (long k = 0; k < inner; k++)
        for (long i = 0; i < rows; i++)
            for (long j = 0; j < wide; j++) sum[i][j] += a[i * am + k * ak] * b[k * bk + j];
    for (long i = 0; i < rows; i++) for (long j = 0; j < wide; j++) c[i * cm + j] = add ? c[i * cm + j] + sum[i][j] : sum[i][j];
}

INLINE void edge(const long wide, long m, long inner, const double *a, long am, long ak, const double *b, long bk, double *c, long cm, int add) {
    long i = 0;
    for (; i + 4 <= m; i += 4) corner(4, wide, inner, a + i * am, am, ak, b, bk, c + i * cm, cm, add);
    for (; i < m; i++) corner(1, wide, inner, a + i * am, am, ak, b, bk, c + i * cm, cm, add);
}

OWN void product(long m, long n, long inner, const double *a, long am, long ak, const double *b, long bk, double *c, long cm, int add) {
    long j = 0;
    for (; j + 12 <= n; j += 12) strip(3, m, inner, a, am, ak, b + j, bk, c + j, cm, add);
    for (; j + 4 <= n; j += 4) strip(1, m, inner, a, am, ak, b + j, bk, c + j, cm, add);
    switch (n - j) {
        case 3: edge(3, m, inner, a, am, ak, b + j, bk, c + j, cm, add); break;
        case 2: edge(2, m, inner, a, am, ak, b + j, bk, c + j, cm, add); break;
        case 1: edge(1, m, inner, a, am, ak, b + j, bk, c + j, cm, add); break;
    }
}

/* c[i] = sum over k of a[i*am + k] x[k]: four rows at a time. */
OWN void rows_times(long m, long inner, const double *restrict a, long am, const double *restrict x, double *restrict c) {
    long i = 0;
    for (; i + 4 <= m; i += 4) {
        const double *p = a + i * am, *q = p + am, *r = q + am, *s = r + am;
        double e = 0.0, f = 0.0, g = 0.0, h = 0.0;
#pragma omp simd reduction(+ : e, f, g, h)
        for (long k = 0; k < inner; k++) { e += p[k] * x[k]; f += q[k] * x[k]; g += r[k] * x[k]; h += s[k] * x[k]; }
        c[i] = e; c[i + 1] = f; c[i + 2] = g; c[i + 3] = h;
    }
    for (; i < m; i++) {
        double e = 0.0;
#pragma omp simd reduction(+ : e)
        for (long k = 0; k < inner; k++) e += a[i * am + k] * x[k];
        c[i] = e;
    }
}

/* c[j] += sum over k of x[k*xk] a[k*ak + j], for 4*wide neighbours j. */
INLINE void columns(const long wide, long inner, const double *a, long ak, const double *x, long xk, double *c) {
    lanes s[6], t[6];
    for (long q = 0; q < wide; q++) s[q] = t[q] = (lanes){0, 0, 0, 0};
    long k = 0;
    for (; k + 2 <= inner; k += 2, a += 2 * ak)
        for (long q = 0; q < wide; q++) {
            s[q] += x[k * xk] * *(const lanes *)(a + 4 * q);
            t[q] += x[(k + 1) * xk] * *(const lanes *)(a + ak + 4 * q);
        }
    if (k < inner) for (long q = 0; q < wide; q++) s[q] += x[k * xk] * *(const lanes *)(a + 4 * q);
    for (long q = 0; q < wide; q++) *(lanes *)(c + 4 * q) += s[q] + t[q];
}

/* The same for n neighbours. */
OWN void times_rows(long n, long inner, const double *a, long ak, const double *x, long xk, double *c) {
    long j = 0;
    for (; j + 24 <= n; j += 24) columns(6, inner, a + j, ak, x, xk, c + j);
    switch ((n - j) / 4) {
        case 5: columns(5, inner, a + j, ak, x, xk, c + j); j += 20; break;
        case 4: columns(4, inner, a + j, ak, x, xk, c + j); j += 16; break;
        case 3: columns(3, inner, a + j, ak, x, xk, c + j); j += 12; break;
        case 2: columns(2, inner, a + j, ak, x, xk, c + j); j += 8; break;
        case 1: columns(1, inner, a + j, ak, x, xk, c + j); j += 4; break;
    }
    for (; j < n; j++) {
        double s = 0.0;
        for (long k = 0; k < inner; k++) s += x[k * xk] * a[k * ak + j];
        c[j] += s;
    }
}

/* c[i*n + j] += sum over k of a[k*ak + i] a[k*ak + j]: tiles of the upper triangle, and whole rows where they do not fit. The other
   half is `mirrored` when all is added up. */
OWN void gram(long n, long inner, const double *a, long ak, double *c) {
    long i = 0;
    for (; i + 4 <= n; i += 4) {
        long j = i;
        for (; j + 12 <= n; j += 12) tile(4, 3, inner, a + i, 1, ak, a + j, ak, c + i * n + j, n, 1);
        if (j + 8 <= n) { tile(4, 2, inner, a + i, 1, ak, a + j, ak, c + i * n + j, n, 1); j += 8; }
        if (j + 4 <= n) tile(4, 1, inner, a + i, 1, ak, a + j, ak, c + i * n + j, n, 1);
    }
    for (; i < n; i++) times_rows(i + 1, inner, a, ak, a + i, ak, c + i * n);
}

OWN void mirrored(long n, double *c) {
    for (long i = 0; i < n; i++)
        for (long j = 0; j < i; j++)
            if (i < n / 4 * 4) c[i * n + j] = c[j * n + i];
            else c[j * n + i] = c[i * n + j];
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif

/* ---- the parts of a long pass over rows, on threads; sums are added up in the order of the parts, however many threads there are ---- */
enum { PARTS = 8 };
struct share { int (*part)(const void *, long); const void *given; long first, threads; int failed; };

static __attribute__((unused)) void *take_share(void *taken) {
    struct share *mine = taken;
    for (long k = mine->first; k < PARTS; k += mine->threads) mine->failed |= mine->part(mine->given, k);
    return NULL;
}

/* t holds the sums of part 0, then of part 1, …, `room` of each. */
OWN int in_parts(int (*part)(const void *, long), const void *given, long threads, double *t, long room) {
    struct share shares[PARTS];
    pthread_t made[PARTS];
    int begun[PARTS], failed = 0;
    threads = threads < 1 ? 1 : threads > PARTS ? PARTS : threads;
    for (long k = threads - 1; k >= 0; k--) {
        shares[k] = (struct share){part, given, k, threads, 0};
        begun[k] = k > 0 && !pthread_create(&made[k], NULL, take_share, &shares[k]);
        if (!begun[k]) take_share(&shares[k]);
    }
    for (long k = 0; k < threads; k++) {
        if (begun[k]) pthread_join(made[k], NULL);
        failed |= shares[k].failed;
    }
    for (long k = 1; k < PARTS; k++)
        for (long j = 0; j < room; j++) t[j] += t[k * room + j];
    return failed;
}
