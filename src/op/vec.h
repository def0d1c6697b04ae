/* Vectors of lanes, the language ops.def is written in. Elementary functions are SLEEF's deterministic ones (finz: the same bits at every width);
 * where there is no AVX2 their scalar twins serve lane by lane. */
#ifndef TW_OP_VEC_H
#define TW_OP_VEC_H

#include <math.h>
#include <sleef.h>
#include <stdint.h>
#include <string.h>

#define TW_INLINE static inline __attribute__((always_inline, unused))

typedef double vf64 __attribute__((vector_size(32)));
typedef int64_t mf64 __attribute__((vector_size(32)));
typedef float vf32 __attribute__((vector_size(32)));
typedef int32_t mf32 __attribute__((vector_size(32)));

#ifdef __AVX2__
#define TW_SLEEF1(f, name, tag)                                                                  \
  TW_INLINE vf64 f##_f64(vf64 x) { return (vf64)Sleef_finz_##name##d4_##tag##avx2((__m256d)x); } \
  TW_INLINE vf32 f##_f32(vf32 x) { return (vf32)Sleef_finz_##name##f8_##tag##avx2((__m256)x); }
#define TW_SLEEF2(f, name, tag)                                                                                             \
  TW_INLINE vf64 f##_f64(vf64 a, vf64 b) { return (vf64)Sleef_finz_##name##d4_##tag##avx2((__m256d)a, (__m256d)b); } \
  TW_INLINE vf32 f##_f32(vf32 a, vf32 b) { return (vf32)Sleef_finz_##name##f8_##tag##avx2((__m256)a, (__m256)b); }
TW_INLINE vf64 sqrt_f64(vf64 x) { return (vf64)_mm256_sqrt_pd((__m256d)x); }
TW_INLINE vf32 sqrt_f32(vf32 x) { return (vf32)_mm256_sqrt_ps((__m256)x); }
TW_INLINE vf64 floor_f64(vf64 x) { return (vf64)_mm256_floor_pd((__m256d)x); }
TW_INLINE vf32 floor_f32(vf32 x) { return (vf32)_mm256_floor_ps((__m256)x); }
TW_INLINE vf64 ceil_f64(vf64 x) { return (vf64)_mm256_ceil_pd((__m256d)x); }
TW_INLINE vf32 ceil_f32(vf32 x) { return (vf32)_mm256_ceil_ps((__m256)x); }
TW_INLINE vf64 rint_f64(vf64 x) { return (vf64)_mm256_round_pd((__m256d)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
TW_INLINE vf32 rint_f32(vf32 x) { return (vf32)_mm256_round_ps((__m256)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
TW_INLINE vf64 trunc_f64(vf64 x) { return (vf64)_mm256_round_pd((__m256d)x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
TW_INLINE vf32 trunc_f32(vf32 x) { return (vf32)_mm256_round_ps((__m256)x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
#else
#define TW_EACH(V, n, expression)          \
  V r;                                     \
  for (int i = 0; i < n; i++) r[i] = expression; \
  return r;
#define TW_SLEEF1(f, name, tag)                                                               \
  TW_INLINE vf64 f##_f64(vf64 x) { TW_EACH(vf64, 4, Sleef_finz_##name##d1_##tag##purecfma(x[i])) } \
  TW_INLINE vf32 f##_f32(vf32 x) { TW_EACH(vf32, 8, Sleef_finz_##name##f1_##tag##purecfma(x[i])) }
#define TW_SLEEF2(f, name, tag)                                                                             \
  TW_INLINE vf64 f##_f64(vf64 a, vf64 b) { TW_EACH(vf64, 4, Sleef_finz_##name##d1_##tag##purecfma(a[i], b[i])) } \
  TW_INLINE vf32 f##_f32(vf32 a, vf32 b) { TW_EACH(vf32, 8, Sleef_finz_##name##f1_##tag##purecfma(a[i], b[i])) }
TW_INLINE vf64 sqrt_f64(vf64 x) { TW_EACH(vf64, 4, sqrt(x[i])) }
TW_INLINE vf32 sqrt_f32(vf32 x) { TW_EACH(vf32, 8, sqrtf(x[i])) }
TW_INLINE vf64 floor_f64(vf64 x) { TW_EACH(vf64, 4, floor(x[i])) }
TW_INLINE vf32 floor_f32(vf32 x) { TW_EACH(vf32, 8, floorf(x[i])) }
TW_INLINE vf64 ceil_f64(vf64 x) { TW_EACH(vf64, 4, ceil(x[i])) }
TW_INLINE vf32 ceil_f32(vf32 x) { TW_EACH(vf32, 8, ceilf(x[i])) }
TW_INLINE vf64 rint_f64(vf64 x) { TW_EACH(vf64, 4, rint(x[i])) }
TW_INLINE vf32 rint_f32(vf32 x) { TW_EACH(vf32, 8, rintf(x[i])) }
TW_INLINE vf64 trunc_f64(vf64 x) { TW_EACH(vf64, 4, trunc(x[i])) }
TW_INLINE vf32 trunc_f32(vf32 x) { TW_EACH(vf32, 8, truncf(x[i])) }
#endif

TW_SLEEF1(exp, exp, u10)
TW_SLEEF1(expm1, expm1, u10)
TW_SLEEF1(log, log, u10)
TW_SLEEF1(log1p, log1p, u10)
TW_SLEEF1(sin, sin, u10)
TW_SLEEF1(cos, cos, u10)
TW_SLEEF1(tan, tan, u10)
TW_SLEEF1(asin, asin, u10)
TW_SLEEF1(acos, acos, u10)
TW_SLEEF1(atan, atan, u10)
TW_SLEEF1(sinh, sinh, u10)
TW_SLEEF1(cosh, cosh, u10)
TW_SLEEF1(tanh, tanh, u10)
TW_SLEEF1(erf, erf, u10)
TW_SLEEF1(cospi, cospi, u05)
TW_SLEEF1(exp2, exp2, u10)
TW_SLEEF1(log2, log2, u10)
TW_SLEEF1(log10, log10, u10)
TW_SLEEF1(cbrt, cbrt, u10)
TW_SLEEF1(asinh, asinh, u10)
TW_SLEEF1(acosh, acosh, u10)
TW_SLEEF1(atanh, atanh, u10)
TW_SLEEF1(erfc, erfc, u15)
TW_SLEEF2(pow, pow, u10)
TW_SLEEF2(atan2, atan2, u10)
TW_SLEEF2(hypot, hypot, u05)
TW_SLEEF2(copysign, copysign, )

TW_INLINE vf64 abs_f64(vf64 x) { return (vf64)((mf64)x & (mf64){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}); }
TW_INLINE vf32 abs_f32(vf32 x) {
  return (vf32)((mf32)x & (mf32){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX});
}

/* The remainder is exact by definition, so the C library's bits are the only ones there are; SLEEF's gives up on large quotients. */
TW_INLINE vf64 fmod_f64(vf64 a, vf64 b) {
  vf64 r;
  for (int i = 0; i < 4; i++) r[i] = fmod(a[i], b[i]);
  return r;
}
TW_INLINE vf32 fmod_f32(vf32 a, vf32 b) {
  vf32 r;
  for (int i = 0; i < 8; i++) r[i] = fmodf(a[i], b[i]);
  return r;
}

#endif
