/* The kinds, one file each. */
#ifndef TW_OPTIM_KINDS_H
#define TW_OPTIM_KINDS_H

#include "optim/optim.h"

#define OPTIMIZER(name) extern const tw_optim_kind tw_optim_##name;
#include "optim/optims.def"
#undef OPTIMIZER

#endif
