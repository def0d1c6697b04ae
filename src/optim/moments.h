/* What Adam and its relatives share: how averages are corrected for their start at zero, and where eps stands in the denominator.
 *
 *   outside:  lr m / (sqrt(v/bc2 + eps_root) + eps)      hat:  lr sqrt(bc2) m / (sqrt(v + eps_root) + eps)      inside:  lr m / sqrt(v/bc2 + eps_root + eps) */
#ifndef TW_OPTIM_MOMENTS_H
#define TW_OPTIM_MOMENTS_H

#include <math.h>

#include "optim/parts.h"

enum { TW_EPS_OUTSIDE, TW_EPS_HAT, TW_EPS_INSIDE };
enum { TW_CORRECT_POWER, TW_CORRECT_NONE, TW_CORRECT_CONSTANT };

#define TW_OPTION_EPS_AT(how) \
  {"eps_at", TW_OPTION_CHOICE, how, 0, 2, "outside hat inside", "beside the corrected root, beside the uncorrected one, under it"}
#define TW_OPTION_EPS_ROOT(value) {"eps_root", TW_OPTION_NUMBER, value, 0, 1e300, NULL, "added under the root"}
#define TW_OPTION_CORRECTION(how) \
  {"bias_correction", TW_OPTION_CHOICE, how, 0, 2, "power none constant", "divide the averages by 1 - beta^t, by 1, or by 1 - beta"}

static inline double tw_bias(int how, double beta, int64_t t) {
  double power[1] = {beta};
  if (how == TW_CORRECT_POWER) tw_powers(1, &beta, &t, power);
  return how == TW_CORRECT_NONE ? 1 : 1 - power[0];
}

/* lr m / (sqrt(root v + inside) + eps) */
typedef struct {
  double lr, root, eps, inside;
} tw_denominator;

static inline tw_denominator tw_denominator_of(int eps_at, double lr, double eps, double eps_root, double bc2) {
  bool hat = eps_at == TW_EPS_HAT, inside = eps_at == TW_EPS_INSIDE;
  return (tw_denominator){.lr = hat ? lr * sqrt(bc2) : lr, .root = hat ? 1 : 1 / bc2, .eps = inside ? 0 : eps, .inside = inside ? eps + eps_root : eps_root};
}

#endif
