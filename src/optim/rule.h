/* Elementwise update rules, fused: one pass over the parameter, its gradient and its slots. A rule is written once, for both dtypes:
 *
 *   TW_RULE(adam, 2, N_SCALARS, 1, {
 *     x[M] = x[M] + h[TAKE1] * (g - x[M]);
 *     ...
 *     p = p - h[LR] * x[M] / (vsqrt(x[V]) + h[EPS]);
 *   })
 *
 * name, slots, scalars, variants, body. The body sees p and g (change p), x[slot], h[scalar], the constant `variant`, V (a vector of elements),
 * E (one element) for constants, ((E)0.5), and the functions v...() below. Before it the kernel does  g <- scale g + l2 p,  p <- keep p,  after it
 * p <- p held in [lo, hi];  where go is 0 nothing changes. The old p goes to `before`, or the sum of squares of
 * the moves to one number in its place: a third less memory is gone through. */
#ifndef TW_OPTIM_RULE_H
#define TW_OPTIM_RULE_H

#include "op/op.h"
#include "op/vec.h"
#include "optim/parts.h"

/* variant: from flags and choices; uniform: bit per scalar that is the same in all lanes. */
typedef struct {
  int variant;
  uint32_t uniform;
  bool norm; /* the third operand is one number per lane: the sum of squares of the moves */
  int rows;  /* with norm, where lanes lie side by side: the elements, at most TW_RULE_ROWS; 0: where they do not */
} tw_rule_attrs;

enum { TW_RULE_ROWS = 3 };

/* What a kernel gets as its last operand: it goes through `count` lines of elements, operand k of each `stride[k]` bytes behind that of the one before. */
typedef struct {
  const tw_rule_attrs *attrs;
  int64_t count;
  const int64_t *stride;
} tw_rule_lines;

/* Scalars of every rule, in front of its own. */
enum { TW_RULE_SCALE, TW_RULE_L2, TW_RULE_KEEP, TW_RULE_LO, TW_RULE_HI, TW_RULE_GO, TW_RULE_OWN };

/* Inside a body: the limits of the parameters' box. */
#define TW_H_LO (TW_RULE_LO - TW_RULE_OWN)
#define TW_H_HI (TW_RULE_HI - TW_RULE_OWN)

TW_INLINE vf64 select_f64(mf64 m, vf64 a, vf64 b) { return (vf64)((m & (mf64)a) | (~m & (mf64)b)); }
TW_INLINE vf32 select_f32(mf32 m, vf32 a, vf32 b) { return (vf32)((m & (mf32)a) | (~m & (mf32)b)); }

#define vselect(m, a, b) _Generic((a), vf64: select_f64, vf32: select_f32)(m, a, b) /* a where the comparison m holds, else b */
#define vsqrt(x) _Generic((x), vf64: sqrt_f64, vf32: sqrt_f32)(x)
#define vabs(x) _Generic((x), vf64: abs_f64, vf32: abs_f32)(x)
#define vexp(x) _Generic((x), vf64: exp_f64, vf32: exp_f32)(x)
#define vlog(x) _Generic((x), vf64: log_f64, vf32: log_f32)(x)
#define vtanh(x) _Generic((x), vf64: tanh_f64, vf32: tanh_f32)(x)
#define vpow(x, y) _Generic((x), vf64: pow_f64, vf32: pow_f32)(x, y)
#define vmax(a, b) vselect((a) > (b), a, b) /* NaN in a gives b */
#define vmin(a, b) vselect((a) < (b), a, b)
#define vsign(a) (vselect((a) > 0, (V){0} + 1, (V){0}) - vselect((a) < 0, (V){0} + 1, (V){0}))

/* ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)) of eight partial sums; those of f32 are one vector. */
#ifdef __AVX2__
TW_INLINE double rule_join_f64(vf64 low, vf64 high) {
  __m256d pairs = _mm256_hadd_pd((__m256d)low, (__m256d)high);
  __m128d halves = _mm_add_pd(_mm256_castpd256_pd128(pairs), _mm256_extractf128_pd(pairs, 1));
  return halves[0] + halves[1];
}
TW_INLINE float rule_join_f32(vf32 all, vf32 same) {
  (void)same;
  __m256 pairs = _mm256_hadd_ps((__m256)all, (__m256)all), fours = _mm256_hadd_ps(pairs, pairs);
  return fours[0] + fours[4];
}
#else
TW_INLINE double rule_join_f64(vf64 low, vf64 high) { return ((low[0] + low[1]) + (low[2] + low[3])) + ((high[0] + high[1]) + (high[2] + high[3])); }
TW_INLINE float rule_join_f32(vf32 p, vf32 same) {
  (void)same;
  return ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
}
#endif

#define T double
#define V vf64
#define W 4
#define N(name) name##_f64
#include "optim/rule_kernels.inc"
#define T float
#define V vf32
#define W 8
#define N(name) name##_f32
#include "optim/rule_kernels.inc"

tw_status tw__rule_infer(tw_ctx *, const tw_call *, tw_meta *out);
tw_status tw__rule_run(tw_ctx *, const tw_call *, const tw_loop *loops, int n_slots, int n_scalars);

#define TW_RULE__LOOP(rule_, S, K, NV, tag)                                                            \
  static void rule_##_loop_##tag(int64_t n, char *const *a, const int64_t *s) {                        \
    const tw_rule_lines *lines = (const void *)a[3 + (S) + TW_RULE_OWN + (K)];                         \
    const int variant = lines->attrs->variant;                                                         \
    if ((NV) > 3 && variant == 3) tw__rule_##tag(n, a, s, S, K, 3, rule_##_formula_##tag, lines);      \
    else if ((NV) > 2 && variant == 2) tw__rule_##tag(n, a, s, S, K, 2, rule_##_formula_##tag, lines); \
    else if ((NV) > 1 && variant == 1) tw__rule_##tag(n, a, s, S, K, 1, rule_##_formula_##tag, lines); \
    else tw__rule_##tag(n, a, s, S, K, 0, rule_##_formula_##tag, lines);                               \
  }

#define TW_RULE(rule_, S, K, NV, ...)                                                                                                   \
  TW_INLINE void rule_##_formula_f64(vf64 *p_, vf64 g, vf64 *x, const vf64 *h, const int variant) {                                     \
    typedef vf64 V;                                                                                                                    \
    typedef double E __attribute__((unused));                                                                                          \
    V p = *p_;                                                                                                                         \
    (void)g, (void)x, (void)h, (void)variant;                                                                                                 \
    __VA_ARGS__                                                                                                                        \
    *p_ = p;                                                                                                                           \
  }                                                                                                                                    \
  TW_INLINE void rule_##_formula_f32(vf32 *p_, vf32 g, vf32 *x, const vf32 *h, const int variant) {                                     \
    typedef vf32 V;                                                                                                                    \
    typedef float E __attribute__((unused));                                                                                           \
    V p = *p_;                                                                                                                         \
    (void)g, (void)x, (void)h, (void)variant;                                                                                                 \
    __VA_ARGS__                                                                                                                        \
    *p_ = p;                                                                                                                           \
  }                                                                                                                                    \
  TW_RULE__LOOP(rule_, S, K, NV, f64)                                                                                                   \
  TW_RULE__LOOP(rule_, S, K, NV, f32)                                                                                                   \
  static tw_status rule_##_run(tw_ctx *ctx, const tw_call *c) {                                                                         \
    static const tw_loop loops[2] = {rule_##_loop_f64, rule_##_loop_f32};                                                                \
    return tw__rule_run(ctx, c, loops, S, K);                                                                                          \
  }                                                                                                                                    \
  static const tw_op rule_##_op = {.name = #rule_, .about = "one step of an optimizer", .n_in = 4 + (S), .n_out = 2 + (S),               \
                                  .flags = TW_OP_ALIAS | TW_OP_NO_GRAD | TW_OP_STRIDED, .attrs_bytes = sizeof(tw_rule_attrs),                     \
                                   .infer = tw__rule_infer, .run = rule_##_run};

#endif
