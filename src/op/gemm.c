/* The product kernel in its widths. Every width computes the same chain, so the choice at run time cannot be seen in the bits. */
#include "op/gemm.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "op/width.h"

/* SLICE: rows of b in one packed panel (it stays in the first-level cache); SMALL: a b of so many elements stays in the second-level cache unpacked; FEW: so
 * many rows of a are not worth packing for. */
enum { SLICE = 256, SMALL = 16384, FEW = 4 };

int64_t tw_gemm_scratch(int64_t K) { return (K < SLICE ? K + 1 : SLICE) * 128; /* a packed panel is at most 128 bytes wide */ }
_Static_assert(SLICE * 128 == TW_GEMM_SCRATCH, "the longest panel");

#if defined(__x86_64__) && defined(__FMA__)
#include <immintrin.h>

typedef double v4d __attribute__((vector_size(32)));
typedef float v8s __attribute__((vector_size(32)));
typedef double v8d __attribute__((vector_size(64)));
typedef float v16s __attribute__((vector_size(64)));

/* AVX2 masks are vectors whose sign bits count: the first n lanes of a sliding window. */
static const int32_t window32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
static const int64_t window64[8] = {-1, -1, -1, -1};

/* Squares of four numbers a side, turned: to[i][k] = from[k][i], rows so many elements apart. */
enum { SQUARE = 4 };
#define TURN(T, V, name)                                                                                                                   \
  static inline void turn_##name(T *to, int64_t to_row, const T *from, int64_t from_row) {                                                 \
    V a, b, c, d;                                                                                                                          \
    memcpy(&a, from, sizeof a);                                                                                                            \
    memcpy(&b, from + from_row, sizeof b);                                                                                                 \
    memcpy(&c, from + 2 * from_row, sizeof c);                                                                                             \
    memcpy(&d, from + 3 * from_row, sizeof d);                                                                                             \
    V ab = __builtin_shuffle(a, b, (V##i){0, 4, 1, 5}), AB = __builtin_shuffle(a, b, (V##i){2, 6, 3, 7});                                   \
    V cd = __builtin_shuffle(c, d, (V##i){0, 4, 1, 5}), CD = __builtin_shuffle(c, d, (V##i){2, 6, 3, 7});                                   \
    V r0 = __builtin_shuffle(ab, cd, (V##i){0, 1, 4, 5}), r1 = __builtin_shuffle(ab, cd, (V##i){2, 3, 6, 7});                               \
    V r2 = __builtin_shuffle(AB, CD, (V##i){0, 1, 4, 5}), r3 = __builtin_shuffle(AB, CD, (V##i){2, 3, 6, 7});                               \
    memcpy(to, &r0, sizeof r0);                                                                                                            \
    memcpy(to + to_row, &r1, sizeof r1);                                                                                                   \
    memcpy(to + 2 * to_row, &r2, sizeof r2);                                                                                               \
    memcpy(to + 3 * to_row, &r3, sizeof r3);                                                                                               \
  }
typedef float v4s __attribute__((vector_size(16)));
typedef int32_t v4si __attribute__((vector_size(16)));
typedef int64_t v4di __attribute__((vector_size(32)));
TURN(double, v4d, f64)
TURN(float, v4s, f32)

#define MR 6
#define MR1 12
#define T double
#define V v4d
#define W 4
#define N(name) name##_d256
#define turn_square_d256 turn_f64
#define FMA(a, b, c) ((V)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define MASK __m256i
#define FIRST(n) _mm256_loadu_si256((const __m256i *)(const void *)(window64 + 4 - (n)))
#define LOADM(p, mask) ((V)_mm256_maskload_pd(p, mask))
#define STOREM(p, mask, v) _mm256_maskstore_pd(p, mask, (__m256d)(v))
#include "op/gemm_kernels.inc"
#define T float
#define V v8s
#define W 8
#define N(name) name##_s256
#define turn_square_s256 turn_f32
#define FMA(a, b, c) ((V)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define MASK __m256i
#define FIRST(n) _mm256_loadu_si256((const __m256i *)(const void *)(window32 + 8 - (n)))
#define LOADM(p, mask) ((V)_mm256_maskload_ps(p, mask))
#define STOREM(p, mask, v) _mm256_maskstore_ps(p, mask, (__m256)(v))
#include "op/gemm_kernels.inc"
#undef MR
#undef MR1

#pragma GCC push_options
#pragma GCC target("avx512f")

/* Four squares at once, one in each quarter of a vector: r[k] holds rows k, turned in place. */
static inline __attribute__((always_inline)) void turn_quarters(__m512 *r) {
  __m512 ab = _mm512_unpacklo_ps(r[0], r[1]), AB = _mm512_unpackhi_ps(r[0], r[1]), cd = _mm512_unpacklo_ps(r[2], r[3]), CD = _mm512_unpackhi_ps(r[2], r[3]);
  r[0] = _mm512_shuffle_ps(ab, cd, 0x44);
  r[1] = _mm512_shuffle_ps(ab, cd, 0xee);
  r[2] = _mm512_shuffle_ps(AB, CD, 0x44);
  r[3] = _mm512_shuffle_ps(AB, CD, 0xee);
}

/* 16 rows of four. */
static inline void turn_high(float *to, int64_t to_row, const float *from, int64_t from_row) {
  __m512 r[SQUARE];
#pragma GCC unroll 4
  for (int k = 0; k < SQUARE; k++) {
    const float *row = from + k * from_row;
    r[k] = _mm512_castps128_ps512(_mm_loadu_ps(row));
    r[k] = _mm512_insertf32x4(r[k], _mm_loadu_ps(row + 4 * from_row), 1);
    r[k] = _mm512_insertf32x4(r[k], _mm_loadu_ps(row + 8 * from_row), 2);
    r[k] = _mm512_insertf32x4(r[k], _mm_loadu_ps(row + 12 * from_row), 3);
  }
  turn_quarters(r);
#pragma GCC unroll 4
  for (int k = 0; k < SQUARE; k++) _mm512_storeu_ps(to + k * to_row, r[k]);
}

/* Four rows of 16. */
static inline void turn_wide(float *to, int64_t to_row, const float *from, int64_t from_row) {
  __m512 r[SQUARE];
#pragma GCC unroll 4
  for (int k = 0; k < SQUARE; k++) r[k] = _mm512_loadu_ps(from + k * from_row);
  turn_quarters(r);
#pragma GCC unroll 4
  for (int k = 0; k < SQUARE; k++) {
    float *row = to + k * to_row;
    _mm_storeu_ps(row, _mm512_castps512_ps128(r[k]));
    _mm_storeu_ps(row + 4 * to_row, _mm512_extractf32x4_ps(r[k], 1));
    _mm_storeu_ps(row + 8 * to_row, _mm512_extractf32x4_ps(r[k], 2));
    _mm_storeu_ps(row + 12 * to_row, _mm512_extractf32x4_ps(r[k], 3));
  }
}

#define MR 14
#define MR1 16
#define T double
#define V v8d
#define W 8
#define N(name) name##_d512
#define turn_square_d512 turn_f64
#define FMA(a, b, c) ((V)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define MASK __mmask8
#define FIRST(n) ((__mmask8)((1u << (n)) - 1))
#define LOADM(p, mask) ((V)_mm512_maskz_loadu_pd(mask, p))
#define STOREM(p, mask, v) _mm512_mask_storeu_pd(p, mask, (__m512d)(v))
#include "op/gemm_kernels.inc"
#define T float
#define V v16s
#define W 16
#define N(name) name##_s512
#define turn_square_s512 turn_f32
#define turn_high_s512 turn_high
#define turn_wide_s512 turn_wide
#define BLOCK 16
#define FMA(a, b, c) ((V)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define MASK __mmask16
#define FIRST(n) ((__mmask16)((1u << (n)) - 1))
#define LOADM(p, mask) ((V)_mm512_maskz_loadu_ps(mask, p))
#define STOREM(p, mask, v) _mm512_mask_storeu_ps(p, mask, (__m512)(v))
#include "op/gemm_kernels.inc"
#undef BLOCK
#undef MR
#undef MR1
#pragma GCC pop_options

void tw_gemm(tw_dtype d, const tw_products *p) {
  bool wide = tw_vectors_are_wide();
  if (d == TW_F64) (wide ? products_d512 : products_d256)(p);
  else (wide ? products_s512 : products_s256)(p);
}

#else /* anywhere else: the chain as it is written */

#define PRODUCTS(T, name, FMA)                                                                                                     \
  static void products_##name(const tw_products *p) {                                                                             \
    for (int64_t at = 0; at < p->count; at++) {                                                                                   \
      const T *a = (const T *)p->a + at * p->a_step, *b = (const T *)p->b + at * p->b_step;                                       \
      const T *bias = p->bias ? (const T *)p->bias + at * p->bias_step : NULL;                                                    \
      T *c = (T *)p->c + at * p->c_step;                                                                                          \
      for (int64_t i = 0; i < p->M; i++) {                                                                                        \
        for (int64_t j = 0; j < p->N; j++) {                                                                                      \
          T sum = 0;                                                                                                              \
          for (int64_t k = 0; k < p->K; k++) sum = FMA(a[i * p->a_row + k * p->a_col], b[k * p->b_row + j * p->b_col], sum);      \
          c[i * p->c_row + j] = bias ? sum + bias[j * p->bias_col] : sum;                                                         \
        }                                                                                                                         \
      }                                                                                                                           \
      if (p->then) p->then(p->user, at, c);                                                                                         \
    }                                                                                                                             \
  }
PRODUCTS(double, f64, fma)
PRODUCTS(float, f32, fmaf)

void tw_gemm(tw_dtype d, const tw_products *p) { (d == TW_F64 ? products_f64 : products_f32)(p); }

#endif
