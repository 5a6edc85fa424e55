// What the sources of this folder share: the instructions of a function, and the chains of a sum.
#pragma once

#include "CProducts.h"
#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")))
// What a register block is only where its loops are gone.
#define UNROLLED _Pragma("clang loop unroll(full)")
#endif
// Of the order of summation that the public header states.
enum { lanes = 16 };
