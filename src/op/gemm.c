/* The product kernel in its widths. Every width computes the same chain, so the choice at run time cannot be seen in the bits. */
#include "op/gemm.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* SLICE: rows of b in one packed panel (it stays in the first-level cache); SMALL: a b of so many elements stays in the second-level cache unpacked. */
enum { SLICE = 256, SMALL = 16384 };

int64_t tw_gemm_scratch(int64_t K) { return (K < SLICE ? K + 1 : SLICE) * 128; /* a packed panel is at most 128 bytes wide */ }

#if defined(__x86_64__) && defined(__FMA__)
#include <immintrin.h>

typedef double v4d __attribute__((vector_size(32)));
typedef float v8s __attribute__((vector_size(32)));
typedef double v8d __attribute__((vector_size(64)));
typedef float v16s __attribute__((vector_size(64)));

#define T double
#define V v4d
#define W 4
#define MR 6
#define N(name) name##_d256
#define FMA(a, b, c) ((V)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#include "op/gemm_kernels.inc"
#undef T
#undef V
#undef W
#undef N
#undef FMA
#define T float
#define V v8s
#define W 8
#define N(name) name##_s256
#define FMA(a, b, c) ((V)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#include "op/gemm_kernels.inc"
#undef T
#undef V
#undef W
#undef MR
#undef N
#undef FMA

#pragma GCC push_options
#pragma GCC target("avx512f")
#define MR 12
#define T double
#define V v8d
#define W 8
#define N(name) name##_d512
#define FMA(a, b, c) ((V)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#include "op/gemm_kernels.inc"
#undef T
#undef V
#undef W
#undef N
#undef FMA
#define T float
#define V v16s
#define W 16
#define N(name) name##_s512
#define FMA(a, b, c) ((V)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#include "op/gemm_kernels.inc"
#undef T
#undef V
#undef W
#undef MR
#undef N
#undef FMA
#pragma GCC pop_options

static bool wide(void) {
  static int known;
  if (!known) known = __builtin_cpu_supports("avx512f") ? 2 : 1;
  return known == 2;
}

void tw_gemm_f64(int64_t M, int64_t N, int64_t K, const double *a, int64_t a_row, int64_t a_col, const double *b, int64_t b_row, int64_t b_col, double *c,
                 int64_t ldc, void *scratch) {
  (wide() ? product_d512 : product_d256)(M, N, K, a, a_row, a_col, b, b_row, b_col, c, ldc, scratch);
}

void tw_gemm_f32(int64_t M, int64_t N, int64_t K, const float *a, int64_t a_row, int64_t a_col, const float *b, int64_t b_row, int64_t b_col, float *c,
                 int64_t ldc, void *scratch) {
  (wide() ? product_s512 : product_s256)(M, N, K, a, a_row, a_col, b, b_row, b_col, c, ldc, scratch);
}

#else /* anywhere else: the chain as it is written */

void tw_gemm_f64(int64_t M, int64_t N, int64_t K, const double *a, int64_t a_row, int64_t a_col, const double *b, int64_t b_row, int64_t b_col, double *c,
                 int64_t ldc, void *scratch) {
  (void)scratch;
  for (int64_t i = 0; i < M; i++) {
    for (int64_t j = 0; j < N; j++) {
      double sum = 0;
      for (int64_t k = 0; k < K; k++) sum = fma(a[i * a_row + k * a_col], b[k * b_row + j * b_col], sum);
      c[i * ldc + j] = sum;
    }
  }
}

void tw_gemm_f32(int64_t M, int64_t N, int64_t K, const float *a, int64_t a_row, int64_t a_col, const float *b, int64_t b_row, int64_t b_col, float *c,
                 int64_t ldc, void *scratch) {
  (void)scratch;
  for (int64_t i = 0; i < M; i++) {
    for (int64_t j = 0; j < N; j++) {
      float sum = 0;
      for (int64_t k = 0; k < K; k++) sum = fmaf(a[i * a_row + k * a_col], b[k * b_row + j * b_col], sum);
      c[i * ldc + j] = sum;
    }
  }
}

#endif
