/* Random draws. The generator is an i64 vector (key, counter), an input like any other; a draw of n elements returns it advanced by n. Element i depends on
 * (key, counter + i) alone; a method that rejects tries again under the further counter word (base/rng.h). Where elements exclude one another (permutation,
 * choice without replacement) element i depends on positions counter .. counter + i. */
#ifndef TW_OP_DRAW_H
#define TW_OP_DRAW_H

#include "op/op.h"

typedef struct { tw_shape shape; tw_dtype dtype; double a, b; } tw_draw_attrs;
typedef struct { tw_shape shape; tw_dtype dtype; double mean, std, low, high; } tw_truncated_attrs;
typedef struct { tw_shape shape; int64_t n; bool replace; } tw_choice_attrs; /* n: the range 1..n; with weights their number */

/* (generator) -> draw, advanced generator */
extern const tw_op tw_op_uniform;          /* draw attrs: real in [a, b) */
extern const tw_op tw_op_normal;           /* draw attrs: real, mean a, standard deviation b */
extern const tw_op tw_op_exponential;      /* draw attrs: real, rate a */
extern const tw_op tw_op_truncated_normal; /* truncated attrs */
extern const tw_op tw_op_randint;          /* draw attrs: i64 in a..b */
extern const tw_op tw_op_permutation;      /* draw attrs, a vector: i64 1..n in random order */
extern const tw_op tw_op_choice;           /* choice attrs: i64 in 1..n */

/* (generator, numbers) -> draw, advanced generator */
extern const tw_op tw_op_bernoulli;        /* draw attrs; probabilities that broadcast to the shape */
extern const tw_op tw_op_weighted_choice;  /* choice attrs; weights [n] */
extern const tw_op tw_op_multinomial;      /* choice attrs, n: the trials; weights [K] -> i64 counts [shape... K]; a row is one element of the draw */

/* One draw from a generator, which is advanced: out is new. Inside tw.vmap each slice draws numbers of its own. */
TW_CHECKED tw_status tw_draw(tw_ctx *, const tw_op *, const void *attrs, tw_tensor *generator, tw_tensor *numbers /* or NULL */, tw_tensor **out);

/* What the kernels share. */
typedef struct {
  uint64_t key, counter;
} tw_generator;

TW_CHECKED tw_status tw__draw_infer(tw_ctx *, const tw_call *, tw_dtype, const tw_shape *, tw_meta *out); /* checks the generator, describes both results */
tw_generator tw__draw_begin(const tw_call *);
void tw__draw_end(const tw_call *, tw_generator, int64_t n);
void tw__draw_store(tw_tensor *y, int64_t first, int64_t n, const double *values); /* elements first .. first + n - 1 */

#endif
