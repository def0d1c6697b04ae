/* tw.linalg: linear algebra as Lua functions. Every one works on the last two axes, the axes before them are a batch. */
#include "op/linalg.h"

#include <math.h>
#include <string.h>

#include "bind/handle.h"

/* Functions of one matrix with n results. */
typedef tw_status (*of_one)(tw_ctx *, tw_tensor *, tw_tensor **);
enum { MOST = 4 };

static int call_one(lua_State *L, of_one f, int n) {
  tw_tensor *a = tw_handle_check(L, 1), *out[MOST] = {NULL};
  tw_handle *h[MOST];
  for (int i = 0; i < n; i++) h[i] = tw_handle_new(L);
  tw_bind_status(L, f(tw_bind_ctx(L), a, out));
  for (int i = 0; i < n; i++) tw_handle_fill(L, h[i], out[i]);
  return n;
}
static int cholesky(lua_State *L) { return call_one(L, tw_cholesky, 1); }
static int inverse(lua_State *L) { return call_one(L, tw_inverse, 1); }
static int det(lua_State *L) { return call_one(L, tw_det, 1); }
static int slogdet(lua_State *L) { return call_one(L, tw_slogdet, 2); }
static int eigh(lua_State *L) { return call_one(L, tw_eigh, 2); }
static int eigvalsh(lua_State *L) { return call_one(L, tw_eigvalsh, 1); }
static int svd(lua_State *L) { return call_one(L, tw_svd, 3); }
static int svdvals(lua_State *L) { return call_one(L, tw_svdvals, 1); }
static int qr(lua_State *L) { return call_one(L, tw_qr, 2); }

static int solve(lua_State *L) {
  tw_tensor *a = tw_handle_check(L, 1), *b = tw_handle_check(L, 2), *out = NULL;
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_solve(tw_bind_ctx(L), a, b, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int triangular_solve(lua_State *L) {
  static const char *const options[] = {"upper", "transpose", "unit", NULL};
  tw_tensor *a = tw_handle_check(L, 1), *b = tw_handle_check(L, 2), *out = NULL;
  tw_arg_options(L, 3, "triangular_solve", options);
  tw_triangular_attrs how = {.upper = tw_arg_flag(L, 3, "upper"), .transpose = tw_arg_flag(L, 3, "transpose"), .unit = tw_arg_flag(L, 3, "unit")};
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_triangular_solve(tw_bind_ctx(L), a, b, &how, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

/* rcond of the option table at idx; -1 stands for the default. */
static double rcond_option(lua_State *L, int idx, const char *owner) {
  static const char *const options[] = {"rcond", NULL};
  double rcond = -1;
  tw_arg_options(L, idx, owner, options);
  if (!lua_istable(L, idx)) return rcond;
  if (lua_getfield(L, idx, "rcond") != LUA_TNIL) {
    int isnum;
    rcond = lua_tonumberx(L, -1, &isnum);
    if (!isnum || !(rcond >= 0)) tw_raise(L, "%s: rcond must be a number >= 0, got %s", owner, luaL_tolstring(L, -1, NULL));
  }
  lua_pop(L, 1);
  return rcond;
}

static int pinv(lua_State *L) {
  tw_tensor *a = tw_handle_check(L, 1), *out = NULL;
  double rcond = rcond_option(L, 2, "pinv");
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_pinv(tw_bind_ctx(L), a, rcond, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int lstsq(lua_State *L) {
  tw_tensor *a = tw_handle_check(L, 1), *b = tw_handle_check(L, 2), *out[MOST] = {NULL};
  double rcond = rcond_option(L, 3, "lstsq");
  tw_handle *h[MOST];
  for (int i = 0; i < MOST; i++) h[i] = tw_handle_new(L);
  tw_bind_status(L, tw_lstsq(tw_bind_ctx(L), a, b, rcond, out));
  for (int i = 0; i < MOST; i++) tw_handle_fill(L, h[i], out[i]);
  return MOST;
}

static int matrix_power(lua_State *L) {
  tw_tensor *a = tw_handle_check(L, 1), *out = NULL;
  lua_Integer n = luaL_checkinteger(L, 2);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_matrix_power(tw_bind_ctx(L), a, n, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

/* The order of a norm: a number, "fro" or "nuc"; nothing: the default. */
static void order_argument(lua_State *L, int idx, bool matrices, tw_norm_kind otherwise, tw_norm_kind *kind, double *p) {
  *kind = matrices ? otherwise : TW_NORM_P;
  *p = 2;
  if (lua_isnoneornil(L, idx)) return;
  if (lua_type(L, idx) == LUA_TNUMBER) {
    *kind = TW_NORM_P;
    *p = lua_tonumber(L, idx);
    return;
  }
  const char *name = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  if (strcmp(name, "fro") != 0 && strcmp(name, "nuc") != 0) luaL_argerror(L, idx, "the order must be a number, \"fro\" or \"nuc\"");
  *kind = strcmp(name, "fro") == 0 ? TW_NORM_FRO : TW_NORM_NUC;
}

/* The axes in the option table: a number (vectors), two numbers (matrices); by default the last two, or the only one. */
static void axes_option(lua_State *L, int idx, const tw_tensor *x, tw_norm_spec *how) {
  how->n = x->ndim < 2 ? 1 : 2;
  how->axis[0] = x->ndim - how->n;
  how->axis[1] = x->ndim - 1;
  if (!lua_istable(L, idx)) return;
  if (lua_getfield(L, idx, "axis") != LUA_TNIL) {
    bool pair = lua_istable(L, -1);
    how->n = pair ? (int)lua_rawlen(L, -1) : 1;
    if (how->n != 1 && how->n != 2) tw_raise(L, "norm: axis must be one axis (of vectors) or two (of matrices)");
    for (int i = 0; i < how->n; i++) {
      int isnum;
      if (pair) lua_rawgeti(L, -1, i + 1);
      else lua_pushvalue(L, -1);
      lua_Integer axis = lua_tointegerx(L, -1, &isnum);
      if (axis < 0) axis += x->ndim + 1;
      if (!isnum || axis < 1 || axis > x->ndim) tw_raise(L, "norm: axis %s is outside 1..%d", luaL_tolstring(L, -1, NULL), x->ndim);
      how->axis[i] = (int)axis - 1;
      lua_pop(L, 1);
    }
    if (how->n == 2 && how->axis[0] == how->axis[1]) tw_raise(L, "norm: the two axes must differ");
  }
  lua_pop(L, 1);
}

static int norm(lua_State *L) {
  static const char *const options[] = {"axis", "keepdim", NULL};
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  int idx = lua_istable(L, 2) ? 2 : 3;
  tw_norm_spec how = {.keepdim = false};
  tw_arg_options(L, idx, "norm", options);
  if (x->ndim == 0) return tw_raise(L, "norm: needs a vector or a matrix, got a 0-d tensor; x:abs() is its size");
  axes_option(L, idx, x, &how);
  how.keepdim = tw_arg_flag(L, idx, "keepdim");
  if (idx == 2) lua_pushnil(L);
  else lua_pushvalue(L, 2);
  order_argument(L, lua_gettop(L), how.n == 2, TW_NORM_FRO, &how.kind, &how.p);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_linalg_norm(tw_bind_ctx(L), x, &how, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int cond(lua_State *L) {
  tw_tensor *a = tw_handle_check(L, 1), *out = NULL;
  tw_norm_kind kind;
  double p;
  order_argument(L, 2, true, TW_NORM_P, &kind, &p);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_cond(tw_bind_ctx(L), a, kind, p, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

/* blas() -> the library and the core whose kernels it runs; raises where it is missing. */
static int blas(lua_State *L) {
  const char *name = NULL;
  tw_bind_status(L, tw_blas_name(tw_bind_ctx(L), &name));
  lua_pushstring(L, name);
  return 1;
}

static const tw_function functions[] = {
  {"solve", solve, false,
   "solve(a, b) -> x\n"
   "The solution of a x = b for square a[.. N N] and b[N] or b[.. N K], f64 or f32, by LU factorisation with partial pivoting. Leading axes broadcast; a "
   "matrix "
   "used for several right-hand sides is factored once. A vector is only what has one axis: a batch of vectors is b:unsqueeze(-1). A singular matrix is "
   "an error.\n"
   "formula: x = a^-1 b; db = a^-T dx, da = -db x^T\n"
   "source: LAPACK getrf, getrs; Giles (2008), An extended collection of matrix derivative results, 2.3.1\n"
   "example:\n"
   "local a = tw.tensor{ {2, 1}, {1, 3} }\n"
   "tw.linalg.solve(a, tw.tensor{3, 5})                                                --> f64[2] [0.8 1.4]"},
  {"triangular_solve", triangular_solve, false,
   "triangular_solve(a, b [, {upper = false, transpose = false, unit = false}]) -> x\n"
   "The solution of a x = b, or of a^T x = b, where only one triangle of a[.. N N] is read; unit: its diagonal counts as ones. b[N] or b[.. N K]; "
   "leading axes "
   "broadcast. A zero on the diagonal is an error. The gradient by a is zero outside the triangle.\n"
   "formula: x = a^-1 b; db = a^-T dx, da = -tri(db x^T)\n"
   "source: LAPACK trtrs; Giles (2008), 2.3.1\n"
   "example:\n"
   "local l = tw.tensor{ {2, 0}, {1, 4} }\n"
   "tw.linalg.triangular_solve(l, tw.tensor{2, 9})                                     --> f64[2] [1 2]"},
  {"cholesky", cholesky, false,
   "cholesky(a) -> l\n"
   "Lower triangular l with a = l l^T for symmetric positive definite a[.. N N]. Only the lower triangle of a is read, and the gradient is symmetric, "
   "that of "
   "a -> cholesky((a + a^T) / 2). A matrix that is not positive definite is an error.\n"
   "formula: da = sym(l^-T P(l^T dl) l^-1), P: the lower triangle with its diagonal halved\n"
   "source: LAPACK potrf; Murray (2016), Differentiation of the Cholesky decomposition\n"
   "example:\n"
   "tw.linalg.cholesky(tw.tensor{ {4, 2}, {2, 10} }):reshape(-1)                       --> f64[4] [2 0 1 3]"},
  {"eigh", eigh, false,
   "eigh(a) -> w, v\n"
   "Eigenvalues w[.. N], ascending, and orthonormal eigenvectors in the columns of v[.. N N] of a symmetric matrix: a = v diag(w) v^T. Only the lower "
   "triangle is "
   "read, and the gradient is symmetric. Signs: in each column the first entry whose magnitude comes within a factor 1 - 2^-10 of the column's largest "
   "is positive. "
   "Vectors have no derivative where eigenvalues repeat, and asking for it is an error; eigvalsh has one. NaN and infinities are an error.\n"
   "formula: da = v (diag(dw) + F * (v^T dv)) v^T, F[i j] = 1 / (w[j] - w[i]) off the diagonal\n"
   "source: LAPACK syevd; Giles (2008), 3.1\n"
   "example:\n"
   "local w, v = tw.linalg.eigh(tw.tensor{ {2, 1}, {1, 2} })\n"
   "w                                                                                  --> f64[2] [1 3]\n"
   "v:reshape(-1)                                                                      --> f64[4] [ 0.707107  0.707107 -0.707107  0.707107]"},
  {"eigvalsh", eigvalsh, false,
   "eigvalsh(a) -> w\n"
   "The eigenvalues alone, with the same bits as eigh's; differentiable also where they repeat (each then has one of its possible derivatives; symmetric "
   "functions "
   "of them have the right one).\n"
   "formula: da = v diag(dw) v^T\n"
   "source: LAPACK syevd; Giles (2008), 3.1\n"
   "example:\n"
   "tw.linalg.eigvalsh(tw.tensor{ {2, 1}, {1, 2} })                                    --> f64[2] [1 3]"},
  {"svd", svd, false,
   "svd(a) -> u, s, vt\n"
   "The reduced singular value decomposition a = u diag(s) vt of a[.. M N]: u[.. M P], s[.. P] descending, vt[.. P N], P = min(M, N). Signs: each column "
   "of u as "
   "in eigh. Vectors have no derivative where singular values repeat, nor where one is 0 and a is not square; asking for it is an error; svdvals has "
   "one. NaN and "
   "infinities are an error.\n"
   "formula: da = u (diag(ds) + (F * skew(u^T du)) diag(s) + diag(s) (F * skew(v^T dv))) vt + (1 - u u^T) du diag(1/s) vt + u diag(1/s) dvt (1 - v v^T), "
   "F[i j] = 1 / (s[j]^2 - s[i]^2) off the diagonal\n"
   "source: LAPACK gesdd; Townsend (2016), Differentiating the singular value decomposition\n"
   "example:\n"
   "local u, s, vt = tw.linalg.svd(tw.tensor{ {3, 0}, {0, 4} })\n"
   "s                                                                                  --> f64[2] [4 3]\n"
   "u:reshape(-1)                                                                      --> f64[4] [0 1 1 0]"},
  {"svdvals", svdvals, false,
   "svdvals(a) -> s\n"
   "The singular values alone, with the same bits as svd's; differentiable also where they repeat (as eigvalsh).\n"
   "formula: da = u diag(ds) vt\n"
   "source: LAPACK gesdd; Giles (2008), 3.2\n"
   "example:\n"
   "tw.linalg.svdvals(tw.tensor{ {3, 0}, {0, 4} })                                     --> f64[2] [4 3]"},
  {"qr", qr, false,
   "qr(a) -> q, r\n"
   "The reduced QR factorisation a = q r of a[.. M N]: q[.. M P] with orthonormal columns, r[.. P N] upper triangular with a diagonal >= 0, P = min(M, "
   "N). No "
   "derivative where the first P columns depend on each other: asking for it is an error.\n"
   "formula: da = (dq + q copyltu(r dr^T - dq^T q)) r^-T, copyltu: the lower triangle mirrored upwards\n"
   "source: LAPACK geqrf, orgqr; Seeger et al. (2017), Auto-differentiating linear algebra; Roberts and Roberts (2020) for wide matrices\n"
   "example:\n"
   "local q, r = tw.linalg.qr(tw.tensor{ {3, 1}, {4, 2} })\n"
   "r:reshape(-1)                                                                      --> f64[4] [  5 2.2   0 0.4]"},
  {"inverse", inverse, false,
   "inverse(a) -> x\n"
   "The inverse of a[.. N N]; to solve a system, solve is quicker and more accurate. A singular matrix is an error.\n"
   "formula: da = -x^T dx x^T\n"
   "source: LAPACK getrf, getrs; Giles (2008), 2.2.3\n"
   "example:\n"
   "tw.linalg.inverse(tw.tensor{ {2, 0}, {0, 4} }):reshape(-1)                         --> f64[4] [ 0.5    0    0 0.25]"},
  {"pinv", pinv, false,
   "pinv(a [, {rcond = eps max(M, N)}]) -> p\n"
   "The Moore-Penrose pseudo-inverse p[.. N M] of a[.. M N]; singular values up to rcond times the largest count as 0. No derivative below full rank: "
   "asking for it "
   "is an error.\n"
   "formula: dp = -p da p + p p^T da^T (1 - a p) + (1 - p a) da^T p^T p\n"
   "source: LAPACK gesdd; Golub and Pereyra (1973), The differentiation of pseudo-inverses\n"
   "example:\n"
   "tw.linalg.pinv(tw.tensor{ {1}, {1} }):reshape(-1)                                  --> f64[2] [0.5 0.5]"},
  {"det", det, false,
   "det(a) -> determinant\n"
   "The determinant of a[.. N N], a tensor of the leading axes. At a singular matrix it is 0, and asking for its derivative is an error.\n"
   "formula: da = ddet det a^-T\n"
   "source: LAPACK getrf; Giles (2008), 2.2.4\n"
   "example:\n"
   "tw.linalg.det(tw.tensor{ {2, 1}, {1, 3} })                                         --> f64[] 5"},
  {"slogdet", slogdet, false,
   "slogdet(a) -> sign, logabs\n"
   "The determinant of a[.. N N] as its sign and the logarithm of its magnitude, which neither overflow: 0 and -inf at a singular matrix, where there is "
   "no derivative.\n"
   "formula: da = dlogabs a^-T\n"
   "source: LAPACK getrf; Giles (2008), 2.2.4\n"
   "example:\n"
   "local sign, logabs = tw.linalg.slogdet(tw.tensor{ {0, 1}, {1, 0} })\n"
   "sign                                                                               --> f64[] -1\n"
   "logabs                                                                             --> f64[] 0"},
  {"lstsq", lstsq, false,
   "lstsq(a, b [, {rcond = eps max(M, N)}]) -> x, residuals, rank, s\n"
   "The shortest x that makes |b - a x| least, for a[.. M N] and b[M] or b[.. M K]; leading axes broadcast. residuals: the sums of squares of b - a x by "
   "columns; rank: "
   "i64, of the leading axes; s: the singular values, of which those up to rcond times the largest count as 0. No derivative by a below full rank: "
   "asking for it is "
   "an error.\n"
   "formula: x = pinv(a) b; db = pinv(a)^T dx\n"
   "source: LAPACK gesdd; Golub and Pereyra (1973)\n"
   "example:\n"
   "local x, residuals, rank = tw.linalg.lstsq(tw.tensor{ {1, 0}, {1, 1}, {1, 2} }, tw.tensor{1, 2, 4})\n"
   "x                                                                                  --> f64[2] [0.833333      1.5]\n"
   "rank                                                                               --> i64[] 2"},
  {"norm", norm, false,
   "norm(x [, order] [, {axis = axis | {axis, axis}, keepdim = false}]) -> tensor\n"
   "The norm of a vector, or of the matrices in the last two axes (or in those named). order of a vector: a number, default 2; math.huge is the largest "
   "magnitude, 0 "
   "counts what is not 0. order of a matrix: \"fro\" (default), \"nuc\" (the sum of the singular values), 1 and math.huge (largest column and row sum of "
   "magnitudes), "
   "2 (largest singular value), and the negatives of these three for the smallest. At 0 the derivative is 0.\n"
   "formula: (sum |x|^order)^(1/order)\n"
   "source: Golub and Van Loan, Matrix Computations, 2.2 and 2.3\n"
   "example:\n"
   "tw.linalg.norm(tw.tensor{3, 4})                                                    --> f64[] 5\n"
   "tw.linalg.norm(tw.tensor{ {1, -2}, {3, 4} }, 1)                                    --> f64[] 6"},
  {"cond", cond, false,
   "cond(a [, order = 2]) -> tensor\n"
   "The condition number of a[.. M N]: the quotient of the largest and the smallest singular value, infinite for a matrix without full rank; in another "
   "norm (see "
   "norm) that of a square matrix times that of its inverse.\n"
   "formula: |a| |a^-1|\n"
   "source: Golub and Van Loan, Matrix Computations, 2.6\n"
   "example:\n"
   "tw.linalg.cond(tw.tensor{ {10, 0}, {0, 1} })                                       --> f64[] 10"},
  {"matrix_power", matrix_power, false,
   "matrix_power(a, n) -> tensor\n"
   "The n-th power of a[.. N N], n a whole number; a negative one is a power of the inverse, the 0-th is the identity.\n"
   "formula: a a ... a, by repeated squaring\n"
   "source: Knuth, The Art of Computer Programming, 4.6.3\n"
   "example:\n"
   "tw.linalg.matrix_power(tw.tensor{ {1, 1}, {0, 1} }, 5):reshape(-1)                 --> f64[4] [1 5 0 1]"},
  {NULL, NULL, false, NULL},
};

void tw_register_linalg(lua_State *L) {
  lua_newtable(L);
  tw_add_functions(L, functions);
  lua_setfield(L, -2, "linalg");
  lua_pushcfunction(L, blas);
  lua_setfield(L, -2, "blas");
  lua_pushstring(L, tw_blas_core());
  lua_setfield(L, -2, "blas_core");
}
