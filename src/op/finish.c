/* The elementwise row and the sums of the columns, one after the other; and relu, by far the most frequent, in the widest vectors and in one go with the sums.
 * The bits are the same. */
#include "op/finish.h"

#include "op/width.h"

#ifdef __AVX2__
#include <immintrin.h>

/* The longest columns whose sum is one block of the summation tree (op/reduce.c), and its partial sums. */
enum { BLOCK = 128, PARTS = 8 };

#pragma GCC push_options
#pragma GCC target("avx512f")

/* max(c, 0), NaN kept; and c where the result was positive, else 0, with the columns' sums. `some`: a vector's elements; the last one may have fewer. */
#define RELU(T, V, W, MASK, name, ps, dtype)                                                                                                \
  static inline __attribute__((always_inline)) MASK some_##name(int64_t n) { return (MASK)(n >= W ? -1 : (1 << n) - 1); }                   \
  static inline __attribute__((always_inline)) V load_##name(const T *p, MASK some, const bool whole) {                                     \
    return whole ? _mm512_loadu_##ps(p) : _mm512_maskz_loadu_##ps(some, p);                                                                 \
  }                                                                                                                                         \
  static inline __attribute__((always_inline)) V store_##name(T *p, V x, MASK some, const bool whole) {                                     \
    if (whole) _mm512_storeu_##ps(p, x);                                                                                                    \
    else _mm512_mask_storeu_##ps(p, some, x);                                                                                               \
    return x;                                                                                                                               \
  }                                                                                                                                         \
  static inline __attribute__((always_inline)) V relu_vector_##name(T *c, MASK some, const bool whole) {                                    \
    V x = load_##name(c, some, whole);                                                                                                      \
    return store_##name(c, _mm512_maskz_mov_##ps(_mm512_cmp_##ps##_mask(x, _mm512_setzero_##ps(), _CMP_NLE_UQ), x), some, whole);           \
  }                                                                                                                                         \
  static void relu_##name(T *c, int64_t n) {                                                                                                \
    int64_t i = 0;                                                                                                                          \
    for (; i + W <= n; i += W) (void)relu_vector_##name(c + i, 0, true);                                                                    \
    if (i < n) (void)relu_vector_##name(c + i, some_##name(n - i), false);                                                                  \
  }                                                                                                                                         \
  static inline __attribute__((always_inline)) V times_vector_##name(T *c, const T *with, MASK some, const bool whole) {                    \
    MASK positive = _mm512_cmp_##ps##_mask(load_##name(with, some, whole), _mm512_setzero_##ps(), _CMP_GT_OQ);                              \
    return store_##name(c, _mm512_maskz_mov_##ps(positive, load_##name(c, some, whole)), some, whole);                                      \
  }                                                                                                                                         \
  static inline __attribute__((always_inline)) bool times_columns_##name(T *c, const T *with, T *sums, int64_t rows, int64_t columns,       \
                                                                         MASK some, const bool whole) {                                     \
    V p[PARTS];                                                                                                                             \
    _Pragma("GCC unroll 8") for (int l = 0; l < PARTS; l++) p[l] = _mm512_setzero_##ps();                                                   \
    for (; rows >= PARTS; rows -= PARTS) {                                                                                                  \
      _Pragma("GCC unroll 8") for (int l = 0; l < PARTS; l++, c += columns, with += columns) p[l] += times_vector_##name(c, with, some, whole); \
    }                                                                                                                                       \
    _Pragma("GCC unroll 8") for (int l = 0; l < PARTS - 1; l++, c += columns, with += columns) {                                            \
      if (l < rows) p[l] += times_vector_##name(c, with, some, whole);                                                                      \
    }                                                                                                                                       \
    V sum = store_##name(sums, ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7])), some, whole);                             \
    return _mm512_cmp_##ps##_mask(sum, sum, _CMP_UNORD_Q) != 0;                                                                             \
  }                                                                                                                                         \
  static void times_relu_##name(T *c, const T *with, T *sums, int64_t rows, int64_t columns) {                                              \
    int64_t i = 0, n = rows * columns;                                                                                                      \
    bool chance = sums && rows > BLOCK; /* sums are still to be made, or are NaN: of several it is up to who adds which is left */           \
    if (sums && rows <= BLOCK) {                                                                                                            \
      for (; i + W <= columns; i += W) chance |= times_columns_##name(c + i, with + i, sums + i, rows, columns, 0, true);                   \
      if (i < columns) chance |= times_columns_##name(c + i, with + i, sums + i, rows, columns, some_##name(columns - i), false);           \
      i = n;                                                                                                                                \
    }                                                                                                                                       \
    for (; i + W <= n; i += W) (void)times_vector_##name(c + i, with + i, 0, true);                                                         \
    if (i < n) (void)times_vector_##name(c + i, with + i, some_##name(n - i), false);                                                       \
    if (chance) tw_sum_columns(dtype, sums, c, rows, columns);                                                                              \
  }
RELU(double, __m512d, 8, __mmask8, f64, pd, TW_F64)
RELU(float, __m512, 16, __mmask16, f32, ps, TW_F32)
#pragma GCC pop_options

static bool finish_relu(tw_dtype d, const tw_op *then, void *c, const void *with, void *sums, int64_t rows, int64_t columns) {
  if (!tw_vectors_are_wide() || (d != TW_F64 && d != TW_F32)) return false;
  if (then == &tw_op_relu && !with) {
    if (d == TW_F64) relu_f64(c, rows * columns);
    else relu_f32(c, rows * columns);
    if (sums) tw_sum_columns(d, sums, c, rows, columns);
  } else if (then == tw_op_relu.row->derivative[0] && with) {
    if (d == TW_F64) times_relu_f64(c, with, sums, rows, columns);
    else times_relu_f32(c, with, sums, rows, columns);
  } else {
    return false;
  }
  return true;
}
#else
static bool finish_relu(tw_dtype d, const tw_op *then, void *c, const void *with, void *sums, int64_t rows, int64_t columns) {
  (void)d, (void)then, (void)c, (void)with, (void)sums, (void)rows, (void)columns;
  return false;
}
#endif

void tw_finish_matrix(tw_dtype d, const tw_op *then, void *c, void *with, void *sums, int64_t rows, int64_t columns) {
  int64_t item = (int64_t)tw_dtype_size(d), stride[4] = {item, item, item, item};
  char *p[4] = {c, c, with, with};
  if (then && finish_relu(d, then, c, with, sums, rows, columns)) return;
  if (then) tw__row_loop(then, d)(rows * columns, p, stride);
  if (sums) tw_sum_columns(d, sums, c, rows, columns);
}
