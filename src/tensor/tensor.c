/* What can be said of a tensor without computing: dtypes, shapes, broadcasting, single elements. */
#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

static const char *const dtype_names[TW_N_DTYPES] = {"f64", "f32", "i64", "bool"};
static const uint8_t dtype_sizes[TW_N_DTYPES] = {8, 4, 8, 1};

const char *tw_dtype_name(tw_dtype d) { return dtype_names[d]; }
size_t tw_dtype_size(tw_dtype d) { return dtype_sizes[d]; }

bool tw_dtype_parse(const char *name, tw_dtype *out) {
  for (int i = 0; i < TW_N_DTYPES; i++) {
    if (strcmp(name, dtype_names[i]) == 0) {
      *out = (tw_dtype)i;
      return true;
    }
  }
  return false;
}

tw_status tw_tensor_new_scalar(tw_ctx *ctx, tw_dtype dtype, double value, tw_tensor **out) {
  tw_shape scalar = {0};
  tw_status s = tw_tensor_new(ctx, dtype, &scalar, out);
  if (s == TW_OK) tw_tensor_set(*out, 0, value);
  return s;
}

/* Beyond what can be counted: INT64_MAX, which no tensor has. */
int64_t tw_shape_size(const tw_shape *s) {
  int64_t size = 1;
  bool over = false;
  for (int i = 0; i < s->n; i++) {
    if (s->d[i] == 0) return 0;
    over = over || __builtin_mul_overflow(size, s->d[i], &size);
  }
  return over ? INT64_MAX : size;
}

bool tw_shape_equal(const tw_shape *a, const tw_shape *b) {
  return a->n == b->n && memcmp(a->d, b->d, sizeof(int64_t) * (size_t)a->n) == 0;
}

bool tw_tensor_is_contiguous(const tw_tensor *t) {
  int64_t expected = 1;
  for (int i = t->ndim - 1; i >= 0; i--) {
    if (t->shape[i] != 1 && t->stride[i] != expected) return t->size == 0;
    expected *= t->shape[i];
  }
  return true;
}

bool tw_shape_broadcast(const tw_shape *a, const tw_shape *b, tw_shape *out) {
  int n = a->n > b->n ? a->n : b->n;
  out->n = n;
  for (int i = 0; i < n; i++) {
    int64_t x = i < n - a->n ? 1 : a->d[i - (n - a->n)];
    int64_t y = i < n - b->n ? 1 : b->d[i - (n - b->n)];
    if (x != y && x != 1 && y != 1) return false;
    out->d[i] = x == 1 ? y : x;
  }
  return true;
}

char *tw_tensor_describe(const tw_tensor *t, char *buffer, size_t bytes) {
  size_t used = (size_t)snprintf(buffer, bytes, "%s[", tw_dtype_name((tw_dtype)t->dtype));
  for (int i = 0; i < t->ndim && used < bytes; i++) {
    used += (size_t)snprintf(buffer + used, bytes - used, "%s%lld", i ? " " : "", (long long)t->shape[i]);
  }
  if (used < bytes) snprintf(buffer + used, bytes - used, "]");
  return buffer;
}

static char *element(const tw_tensor *t, int64_t flat) {
  int64_t at = 0;
  for (int i = t->ndim - 1; i >= 0; i--) {
    at += flat % t->shape[i] * t->stride[i];
    flat /= t->shape[i];
  }
  return t->data + at * (int64_t)dtype_sizes[t->dtype];
}

double tw_tensor_get(const tw_tensor *t, int64_t flat) {
  const char *p = element(t, flat);
  switch ((tw_dtype)t->dtype) {
    case TW_F64: return *(const double *)(const void *)p;
    case TW_F32: return (double)*(const float *)(const void *)p;
    case TW_I64: return (double)*(const int64_t *)(const void *)p;
    case TW_BOOL: return *p ? 1 : 0;
  }
  return 0;
}

int64_t tw_tensor_get_i64(const tw_tensor *t, int64_t flat) {
  const char *p = element(t, flat);
  return t->dtype == TW_I64 ? *(const int64_t *)(const void *)p : t->dtype == TW_BOOL ? *p != 0 : (int64_t)tw_tensor_get(t, flat);
}

void tw_tensor_set(tw_tensor *t, int64_t flat, double value) {
  char *p = element(t, flat);
  switch ((tw_dtype)t->dtype) {
    case TW_F64: *(double *)(void *)p = value; break;
    case TW_F32: *(float *)(void *)p = (float)value; break;
    case TW_I64: *(int64_t *)(void *)p = value >= -9.2e18 && value <= 9.2e18 ? (int64_t)value : 0; break;
    case TW_BOOL: *p = value != 0; break;
  }
}
