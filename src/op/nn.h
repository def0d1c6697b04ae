/* Operations of neural networks: convolution and pooling, losses, normalisation, dropout, embedding. Images are [N C H W], signals [N C L]. */
#ifndef TW_OP_NN_H
#define TW_OP_NN_H

#include "op/op.h"

/* Windows over the last two axes of [N C H W]; [0] counts rows, [1] columns. height and width are the image's, where the adjoint needs them. */
typedef struct {
  int64_t kernel[2], stride[2], padding[2];
  int64_t height, width;
} tw_window_attrs;

typedef struct { tw_shape shape; tw_dtype dtype; double p, factor; } tw_dropout_attrs;
typedef struct { uint32_t axes; double eps; } tw_normalize_attrs;

extern const tw_op tw_op_unfold;       /* x [N C H W] -> windows [N C kh kw OH OW], zeros outside the image */
extern const tw_op tw_op_fold;         /* adjoint of unfold: windows added back into [N C height width] */
extern const tw_op tw_op_conv;         /* (x [N C H W], w [O C kh kw]) -> [N O OH OW] */
extern const tw_op tw_op_conv_back;    /* (t [N O OH OW], w): adjoint of conv in x; height and width of the window attrs */
extern const tw_op tw_op_max_pool;     /* x [N C H W] -> the largest of each window [N C OH OW], its place in the plane (i64, 1-based, row-major) */
extern const tw_op tw_op_plane_take;   /* (x [N C H W], places [N C OH OW]) -> the elements there */
extern const tw_op tw_op_plane_add;    /* (g, places): adjoint of plane_take; height and width of the window attrs */
extern const tw_op tw_op_cross_entropy;  /* (logits [... K], classes i64 [...]) -> a loss for each row, softmax(logits) */
extern const tw_op tw_op_normalize;      /* x -> (x - mean) / sqrt(var + eps) over axes, mean, var (biased; axes kept as 1); normalize attrs */
extern const tw_op tw_op_dropout_factor; /* (generator) -> factor with probability 1 - p, else 0; the advanced generator */

/* Shape rule of windows, shared: OH = floor((H + 2 padding - kernel) / stride) + 1. */
TW_CHECKED tw_status tw__window_sizes(tw_ctx *, const char *op, const tw_window_attrs *, int64_t height, int64_t width, int64_t out[2]);

/* The windows of one image of x, dense [C kh kw rows cols], and the adjoint: windows x [N C kh kw OH OW] of one image added into a dense [C height width]. */
void tw__unfold_image(char *to, const tw_tensor *x, int64_t image, const tw_window_attrs *, int64_t rows, int64_t cols);
void tw__fold_image(char *to, const tw_tensor *x, int64_t image, const tw_window_attrs *);

/* The target of a classification: i64, x's shape without its last axis, every class in 1..K. */
TW_CHECKED tw_status tw__check_classes(tw_ctx *, const char *op, const tw_tensor *x, const tw_tensor *target);

/* What a loss does with the losses of the elements (or rows). */
typedef enum { TW_LOSS_MEAN, TW_LOSS_SUM, TW_LOSS_NONE } tw_reduction;

/* Losses: a is the model's side, b the target; each a composition, differentiable in both. Formulas stand at the definitions. */
TW_CHECKED tw_status tw_mse(tw_ctx *, tw_tensor *a, tw_tensor *b, tw_reduction, tw_tensor **out);
TW_CHECKED tw_status tw_l1(tw_ctx *, tw_tensor *a, tw_tensor *b, tw_reduction, tw_tensor **out);
TW_CHECKED tw_status tw_huber(tw_ctx *, tw_tensor *a, tw_tensor *b, double delta, tw_reduction, tw_tensor **out);
TW_CHECKED tw_status tw_bce(tw_ctx *, tw_tensor *p, tw_tensor *target, tw_reduction, tw_tensor **out);
TW_CHECKED tw_status tw_bce_with_logits(tw_ctx *, tw_tensor *x, tw_tensor *target, tw_reduction, tw_tensor **out);
TW_CHECKED tw_status tw_hinge(tw_ctx *, tw_tensor *score, tw_tensor *target, tw_reduction, tw_tensor **out);
TW_CHECKED tw_status tw_kl(tw_ctx *, tw_tensor *log_q, tw_tensor *p, tw_reduction, tw_tensor **out);
TW_CHECKED tw_status tw_nll(tw_ctx *, tw_tensor *log_p, tw_tensor *target, tw_reduction, tw_tensor **out);
/* target: classes 1..K (i64) or probabilities (the logits' shape and dtype). */
TW_CHECKED tw_status tw_cross_entropy(tw_ctx *, tw_tensor *logits, tw_tensor *target, tw_reduction, tw_tensor **out);

/* Layers. Optional tensors may be NULL. */
TW_CHECKED tw_status tw_conv2d(tw_ctx *, tw_tensor *x, tw_tensor *w, tw_tensor *b, const tw_window_attrs *, tw_tensor **out);
TW_CHECKED tw_status tw_conv1d(tw_ctx *, tw_tensor *x, tw_tensor *w, tw_tensor *b, const tw_window_attrs *, tw_tensor **out); /* [1]: stride, padding */
TW_CHECKED tw_status tw_max_pool(tw_ctx *, tw_tensor *x, const tw_window_attrs *, tw_tensor **out);  /* x [N C H W], or [N C L] with [0] = 1, 1, 0 */
TW_CHECKED tw_status tw_avg_pool(tw_ctx *, tw_tensor *x, const tw_window_attrs *, tw_tensor **out);
TW_CHECKED tw_status tw_layer_norm(tw_ctx *, tw_tensor *x, tw_tensor *w, tw_tensor *b, double eps, tw_tensor **out);
typedef struct {
  bool train;
  double momentum, eps;
} tw_batch_norm_options;
TW_CHECKED tw_status tw_batch_norm(tw_ctx *, tw_tensor *x, tw_tensor *mean, tw_tensor *var, tw_tensor *w, tw_tensor *b, const tw_batch_norm_options *,
                                   tw_tensor **out); /* train: mean and var are written */
TW_CHECKED tw_status tw_dropout(tw_ctx *, tw_tensor *x, double p, tw_tensor *generator, tw_tensor **out);
TW_CHECKED tw_status tw_embedding(tw_ctx *, tw_tensor *index, tw_tensor *w, tw_tensor **out);

#endif
